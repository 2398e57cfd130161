"""WebSocket clients that do not log in, or that send faster than anything can use, disturb nobody but themselves."""

from __future__ import annotations

import json
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests
import websocket
from flask import Flask

from oneo.app import create_app
from oneo.realtime import pace, pending
from oneo.realtime.transport import StrictCodec
from tests import databases
from tests.attacks.conftest import Scene
from tests.factories.tenant import TestTenant
from tests.live import serve
from tests.realtime.client import Listener
from tests.realtime.test_transport import Raw


@pytest.fixture
def url(database_address: str) -> Iterator[str]:
    """An application that believes a proxy on this machine, so that clients can come from different addresses."""
    app = create_app(databases.settings(database_address, trusted_proxies=("127.0.0.1",)))
    with serve(app) as address:
        yield address
    app.extensions["oneo.hub"].stop()


def _from(url: str, address: str, token: str | None = None) -> Raw:
    return Raw(url, token, header=[f"X-Forwarded-For: {address}"])


def _is_open(raw: Raw) -> bool:
    raw.socket.settimeout(0.3)
    return not raw.ends()


def test_an_address_displaces_its_own_oldest_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING_PER_NETWORK", 2)
    neighbour = _from(url, "192.0.2.9")
    first, second, third = (_from(url, "192.0.2.1") for _ in range(3))
    assert [_is_open(raw) for raw in (first, second, third, neighbour)] == [False, True, True, True]


def test_addresses_of_one_ipv6_network_count_as_one(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING_PER_NETWORK", 2)
    neighbour = _from(url, "2001:db8:1::1")
    raws = [_from(url, f"2001:db8::{number}") for number in range(1, 4)]
    assert [_is_open(raw) for raw in (*raws, neighbour)] == [False, True, True, True]


def test_when_all_are_too_many_the_largest_network_gives_way(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING", 3)
    lone = _from(url, "192.0.2.9")
    crowd = [_from(url, "192.0.2.1") for _ in range(2)]
    newcomer = _from(url, "192.0.2.7")
    assert [_is_open(raw) for raw in (lone, *crowd, newcomer)] == [True, False, True, True]


def test_a_login_makes_room(url: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING_PER_NETWORK", 2)
    users = [_from(url, "192.0.2.1", tenant.api.token) for _ in range(4)]
    assert all(raw.subscribes() for raw in users)


def test_a_connection_that_ended_is_not_counted(app: Flask, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING_PER_NETWORK", 2)
    keeper = _from(url, "192.0.2.1")
    for _ in range(4):
        raw = _from(url, "192.0.2.1")
        raw.socket.send("1")
        assert raw.ends()
    assert _is_open(keeper)


def test_a_refused_login_ends_the_connection(url: str) -> None:
    raw = Raw(url, None)
    raw.socket.send('40{"token":"x"}')
    assert raw.receive().startswith("44{")
    assert raw.receive() == "1"
    assert raw.ends()


def test_a_polling_client_reads_its_refusal_and_may_not_go_on(url: str) -> None:
    address = f"{url}/socket.io/?EIO=4&transport=polling"
    own = f"{address}&sid={json.loads(requests.get(address, timeout=5).text[1:])['sid']}"
    assert requests.post(own, data='40{"token":"x"}', timeout=5).status_code == 200
    assert requests.get(own, timeout=5).text.startswith("44{")
    assert requests.post(own, data='40{"token":"x"}', timeout=5).status_code == 200
    assert requests.get(own, timeout=5).status_code == 400


def test_a_closed_connection_ends_though_its_client_does_not_answer(url: str) -> None:
    raw = Raw(url, None)
    raw.socket.send("42[]")
    stream: socket.socket = raw.socket.sock
    with suppress(ConnectionResetError):
        while stream.recv(1_000):
            pass


@pytest.mark.parametrize(
    "send",
    [
        lambda raw: raw.socket.send('42["nothing"]'),
        lambda raw: raw.socket.send("x"), lambda raw: raw.socket.send("3"),
        lambda raw: raw.socket.ping(), lambda raw: raw.socket.pong(), lambda raw: raw.socket.send_binary(b"x"),
        lambda raw: raw.socket.send_frame(websocket.ABNF(0, 0, 0, 0, websocket.ABNF.OPCODE_TEXT, 1, b"")),
    ],
)  # fmt: skip
def test_a_connection_that_sends_too_fast_is_slowed_and_then_closed(
    url: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch, send: Callable[[Raw], object]
) -> None:
    monkeypatch.setattr(pace, "BURST", 10.0)
    monkeypatch.setattr(pace, "PATIENCE_SECONDS", 0.5)
    raw = Raw(url, tenant.api.token)
    parsed: list[str] = []
    real = StrictCodec.loads

    def counted(text: str) -> object:
        parsed.append(text)
        return real(text)

    monkeypatch.setattr(StrictCodec, "loads", counted)
    with suppress(OSError, websocket.WebSocketException):
        for _ in range(2_000):
            send(raw)
    assert raw.ends()
    assert len(parsed) <= 40


def test_a_polling_client_that_sends_too_fast_is_closed(
    url: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BURST", 10.0)
    monkeypatch.setattr(pace, "PATIENCE_SECONDS", 0.5)
    address = f"{url}/socket.io/?EIO=4&transport=polling"
    own = f"{address}&sid={json.loads(requests.get(address, timeout=5).text[1:])['sid']}"
    assert requests.post(own, data="40" + json.dumps({"token": tenant.api.token}), timeout=5).status_code == 200
    answers = [requests.post(own, data="\x1e".join(['42["nothing"]'] * 16), timeout=5) for _ in range(4)]
    assert answers[-1].status_code == 400


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_a_thousand_handshakes_shut_out_nobody(scene: Scene) -> None:
    with scene.undisturbed():
        crowd: list[Raw] = []
        for number in range(1_000):
            with suppress(OSError, websocket.WebSocketException):
                crowd.append(Raw(scene.url, None))
            if number % 100 == 99:
                with Listener(scene.url, scene.victim.api.token) as user:
                    assert user.call("subscribe", {"topic": "users"})["ok"]
        assert sum(_is_open(raw) for raw in crowd[-60:]) <= pending.MAX_PENDING_PER_NETWORK
    for raw in crowd:
        raw.socket.close()


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("frame", ['42["nothing",{}]', "3", "x", '40{"token":"x"}'])
def test_a_flood_of_messages_disturbs_nobody(scene: Scene, frame: str) -> None:
    """As fast as a process of its own can send, for ten seconds, on a new connection whenever one is closed."""
    attack = multiprocessing.get_context("spawn").Process(
        target=_flood, args=(scene.url, scene.attacker.api.token, frame)
    )
    with scene.undisturbed():
        attack.start()
        attack.join(60)
    assert attack.exitcode == 0


def _flood(url: str, token: str, frame: str) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(OSError, websocket.WebSocketException, AssertionError):
            raw = Raw(url, None if frame.startswith("40") else token)
            stream: socket.socket = raw.socket.sock
            block = websocket.ABNF.create_frame(frame, websocket.ABNF.OPCODE_TEXT).format() * 500
            while time.monotonic() < until:
                stream.sendall(block)
