"""What our server does with bodies that are cut, slow, tiny in parts, too long, or not wanted."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.attacks.conftest import Scene
from tests.attacks.repetition import repeat
from tests.factories.tenant import TestTenant
from tests.live import LiveServer

CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def hasty(database_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that waits two seconds for a body."""
    folder: Path = tmp_path_factory.mktemp("hasty")
    settings = {"ONEO_BODY_SECONDS": "2", "ONEO_MAX_BODY_BYTES": "200000", "ONEO_RATE_LIMITS": "false"}
    with LiveServer(folder, database_url=database_address, **settings) as server:
        yield server


class Client:
    """Raw HTTP over one connection."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self._reader = self.socket.makefile("rb")

    def send_head(self, path: str, *headers: str, token: str | None = None, method: str = "POST") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def answer(self) -> tuple[int, dict[str, str], dict[str, str]]:
        """Return status, headers and JSON of the next response."""
        status = int(self._reader.readline().split()[1])
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        length = int(headers.get("Content-Length", 0))
        return status, headers, json.loads(self._reader.read(length) or b"{}")

    def is_closed(self) -> bool:
        """Whether nothing more comes."""
        try:
            return self._reader.read(1) == b""
        except ConnectionError:
            return True


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_chunked_body_beyond_the_limit_is_refused(hasty: LiveServer, tenant: TestTenant) -> None:
    """It was cut at the limit, and the part before was taken for the whole."""
    name = json.dumps({"name": "Cut"}).encode()
    for extra, status in ((0, 200), (1, 413), (100_000, 413)):
        client = Client(hasty.url)
        client.send_head(f"/api/v1/users/{tenant.admin.id}/", CHUNKED, token=tenant.api.token, method="PATCH")
        client.socket.sendall(_chunk(name.ljust(200_000 + extra)) + b"0\r\n\r\n")
        assert client.answer()[0] == status


@pytest.mark.parametrize("path", ["/api/v1/users/", "/api/v1/auth/login/"])
def test_a_body_that_breaks_off_is_refused(hasty: LiveServer, tenant: TestTenant, path: str) -> None:
    for sent in (b"{}", b"{}" + b" " * 20_000):
        for header, packed in (("Content-Length: 40000", sent), (CHUNKED, _chunk(sent)), (CHUNKED, _chunk(sent)[:-3])):
            client = Client(hasty.url)
            client.send_head(path, header, token=tenant.api.token)
            client.socket.sendall(packed)
            client.socket.shutdown(socket.SHUT_WR)
            status, _, problem = client.answer()
            assert (status, problem["code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("header", ["Content-Length: 1000", CHUNKED])
@pytest.mark.parametrize("part", [b"", b"3e8\r\n{"])
def test_a_body_that_stalls_is_given_up(hasty: LiveServer, header: str, part: bytes) -> None:
    client = Client(hasty.url)
    client.send_head("/api/v1/auth/login/", header)
    client.socket.sendall(part)
    status, headers, problem = client.answer()
    assert (status, problem["code"], headers["Connection"]) == (408, "BODY_TIMEOUT", "close")
    assert client.is_closed()


def test_a_body_that_trickles_is_given_up(hasty: LiveServer) -> None:
    """Each byte comes in time; the whole does not."""
    client = Client(hasty.url)
    client.send_head("/api/v1/auth/login/", "Content-Length: 1000")

    def trickle() -> None:
        for _ in range(1_000):
            try:
                client.socket.sendall(b" ")
            except OSError:
                return
            time.sleep(0.05)

    sender = threading.Thread(target=trickle)
    sender.start()
    assert client.answer()[0] == 408
    client.socket.close()
    sender.join()


def test_many_tiny_chunks_are_refused(hasty: LiveServer, tenant: TestTenant) -> None:
    for chunks, status in ((4_000, 422), (5_000, 400)):
        client = Client(hasty.url)
        client.send_head("/api/v1/users/", CHUNKED, token=tenant.api.token)
        client.socket.sendall(_chunk(b"{") + _chunk(b" ") * chunks + _chunk(b"}") + b"0\r\n\r\n")
        answered, _, problem = client.answer()
        assert answered == status, problem
    assert problem["detail"] == "Send the body in larger chunks: 16 bytes each, or more."


def test_a_long_line_before_a_chunk_is_refused(hasty: LiveServer, tenant: TestTenant) -> None:
    client = Client(hasty.url)
    client.send_head("/api/v1/users/", CHUNKED, token=tenant.api.token)
    client.socket.sendall(b"2;x=" + b"a" * 9_000 + b"\r\n{}\r\n0\r\n\r\n")
    assert client.answer()[0] == 400


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/users/", 401), ("/nowhere/", 404), ("/healthz", 405), ("/api/v1/auth/login/", 413)]
)
@pytest.mark.parametrize("header", ["Content-Length: 100000000", CHUNKED])
def test_a_body_that_nobody_wants_is_not_read(hasty: LiveServer, path: str, status: int, header: str) -> None:
    """The connection is closed after the answer, long before the body has been sent."""
    client = Client(hasty.url)
    client.send_head(path, header)
    sent = 0
    part = b"10000\r\n" + b"x" * 65_536 + b"\r\n" if header == CHUNKED else b"x" * 65_536
    try:
        while sent < 100_000_000:
            client.socket.sendall(part)
            sent += len(part)
    except OSError:
        pass
    assert sent < 50_000_000
    answered, headers, _ = client.answer()
    assert (answered, headers["Connection"]) == (status, "close")
    assert client.is_closed()


def test_after_a_small_body_that_nobody_wants_the_connection_is_kept(hasty: LiveServer) -> None:
    client = Client(hasty.url)
    for _ in range(3):
        client.send_head("/api/v1/users/", "Content-Length: 60000")
        client.socket.sendall(b"GET /healthz HTTP/1.1\r\n\r\n".ljust(60_000))
        status, headers, _ = client.answer()
        assert (status, headers["Connection"]) == (401, "keep-alive")


def test_a_client_that_asks_first_is_answered_before_it_sends(hasty: LiveServer, tenant: TestTenant) -> None:
    """`Expect: 100-continue`: the body is asked for when it is read."""
    refused = Client(hasty.url)
    refused.send_head("/api/v1/users/", "Content-Length: 20", "Expect: 100-continue")
    status, headers, _ = refused.answer()
    assert (status, headers["Connection"]) == (401, "close")
    accepted = Client(hasty.url)
    path = f"/api/v1/users/{tenant.admin.id}/"
    accepted.send_head(path, "Content-Length: 17", "Expect: 100-continue", token=tenant.api.token, method="PATCH")
    assert accepted.answer()[0] == 100
    accepted.socket.sendall(b'{"name": "Asked"}')
    assert accepted.answer()[0] == 200


@pytest.mark.prove
@pytest.mark.parametrize("header", ["Content-Length: 100000000", CHUNKED])
def test_a_long_body_that_nobody_wants_does_not_hold_up_others(scene: Scene, header: str) -> None:
    part = b"100000\r\n" + b"x" * 1_048_576 + b"\r\n" if header == CHUNKED else b"x" * 1_048_576

    def attack() -> int:
        client = Client(scene.url)
        client.send_head("/api/v1/users/", header)
        try:
            for _ in range(95):
                client.socket.sendall(part)
        except OSError:
            return 0
        return 1

    with scene.undisturbed():
        assert sum(repeat(attack, attackers=4)) == 0


@pytest.mark.prove
def test_tiny_chunks_do_not_hold_up_others(scene: Scene) -> None:
    tiny = _chunk(b" ") * 200_000

    def attack() -> int:
        client = Client(scene.url)
        client.send_head("/api/v1/users/", CHUNKED, token=scene.attacker.api.token)
        with suppress(OSError):
            client.socket.sendall(tiny)
        return client.answer()[0]

    with scene.undisturbed():
        assert set(repeat(attack, attackers=4)) == {400}


@pytest.mark.prove
def test_bodies_that_stall_do_not_hold_up_others(scene: Scene) -> None:
    with scene.undisturbed():
        clients = [Client(scene.url) for _ in range(300)]
        for client in clients:
            client.send_head("/api/v1/auth/login/", "Content-Length: 60000")
            client.socket.sendall(b"{" + b" " * 30_000)
        time.sleep(4)
    for client in clients:
        client.socket.close()


@pytest.mark.prove
@pytest.mark.parametrize("shape", ["arrays", "objects", "keys", "strings", "too many"])
def test_bodies_made_of_very_many_values_do_not_hold_up_others(scene: Scene, shape: str) -> None:
    """The largest that are still parsed, and what is beyond."""
    body = {
        "arrays": b"[" + b",".join([b"[]"] * 490_000) + b"]",
        "objects": b"[" + b",".join([b'{"a":{}}'] * 249_000) + b"]",
        "keys": b"{" + b",".join(b'"k%07d":1' % at for at in range(499_000)) + b"}",
        "strings": b'{"a":"' + b'\\"' * 8_000_000 + b'"}',
        "too many": b"[" + b",".join([b"[]"] * 5_000_000) + b"]",
    }[shape]
    packed = gzip.compress(body, compresslevel=1)
    headers = {
        "Authorization": f"Bearer {scene.attacker.api.token}", "Content-Type": "application/json",
        "Content-Encoding": "gzip",
    }  # fmt: skip

    def attack() -> int:
        return requests.post(f"{scene.url}/api/v1/users/", data=packed, headers=headers, timeout=60).status_code

    with scene.undisturbed():
        assert set(repeat(attack, attackers=2)) <= {400, 422}
