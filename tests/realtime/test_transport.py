"""Clients that do not keep to the protocol harm nobody, themselves least of all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import websocket
from flask import Flask

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.realtime.transport import MAX_MESSAGE_BYTES, PatientSocket
from tests.factories.tenant import TestTenant
from tests.realtime.client import Listener


class Raw:
    """Frames as they are."""

    def __init__(self, url: str, token: str | None, **options: Any) -> None:
        address = url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        self.socket = websocket.create_connection(address, timeout=5, **options)
        self.receive()
        if token is not None:
            self.socket.send("40" + json.dumps({"token": token}))
            assert self.receive().startswith('40{"sid":'), "refused"

    def receive(self) -> str:
        """The next frame that is no ping."""
        while True:
            frame = str(self.socket.recv())
            if frame != "2":
                return frame
            self.socket.send("3")

    def ends(self) -> bool:
        """Whether the server closes the connection."""
        try:
            while self.socket.recv():
                pass
        except websocket.WebSocketTimeoutException:
            return False
        except (websocket.WebSocketException, OSError):
            pass
        return True

    def subscribes(self) -> bool:
        return bool(self._asked("subscribe", {"topic": "users"})["ok"])

    def answers(self) -> bool:
        return bool(self._asked("nothing")["error"]["code"] == "UNKNOWN_MESSAGE")

    def _asked(self, *message: object) -> Any:
        self.socket.send("4277" + json.dumps(message))
        while not (frame := self.receive()).startswith("4377"):
            pass
        return json.loads(frame[4:])[0]


@pytest.fixture
def raw(url: str, tenant: TestTenant) -> Iterator[Raw]:
    connection = Raw(url, tenant.api.token)
    yield connection
    connection.socket.close()


FRAMES = [
    "", "x", "xyz", "7", "9hello", "b", "bAAAA", "4", "4x", "42", "42[", "42{}", "42[]", "42[{}]", "42[[]]", "42[5]",
    "42null", '42"subscribe"', '42["connect",{"token":"x"}]', '42["disconnect"]', '42["disconnect","x"]', '42["*",1]',
    "40", '40{"token":"x"}', "40/other,", '40/other,{"token":"x"}', '42/other,["subscribe",{"topic":"users"}]',
    "43[]", "430[]", "4399[1]", '431["x"]', "44", '44{"message":"x"}', '451-["a",{"_placeholder":true,"num":0}]',
    '459999999999-["a"]', '4599999999999999-["a"]', "46", '461-1["a"]', "5", "6", "0", '0{"sid":"x"}', "3", "3probe",
    '42["subscribe",{"topic":"users","topic":"users"}]', '42["subscribe",NaN]', '42["subscribe","\\ud800"]',
    '42["subscribe","\\u0000"]', "42" + "[" * 30_000, "4" + "[" * 60_000, '4{"a":' * 9_000, "42" + "9" * 200 + "[]",
    '421["subscribe",' + "9" * 5_000 + "]", '42["' + "x" * 60_000 + '"]',
]  # fmt: skip


def test_malformed_frames_harm_nothing(raw: Raw) -> None:
    for frame in FRAMES:
        raw.socket.send(frame)
        assert raw.answers(), frame[:100]


def test_binary_frames_are_passed_over(raw: Raw) -> None:
    for data in (b"", b"\x00", b"\xff" * 100, b"42[]", b"\x80\x04."):
        raw.socket.send_binary(data)
        assert raw.answers(), data


@pytest.mark.parametrize("frame", [frame for frame in FRAMES if not frame.startswith('40{"token":"x"}')])
def test_a_frame_before_the_login_ends_the_connection(url: str, frame: str) -> None:
    raw = Raw(url, None)
    raw.socket.send(frame)
    assert raw.ends()


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES + 1_000, 10_000_000])
def test_a_message_that_is_too_large_ends_its_connection_alone(url: str, tenant: TestTenant, size: int) -> None:
    with Listener(url, tenant.api.token) as bystander:
        raw = Raw(url, tenant.api.token)
        with suppress(websocket.WebSocketException, OSError):
            raw.socket.send('42["subscribe","' + "x" * size + '"]')
        assert raw.ends()
        started = time.monotonic()
        assert bystander.call("subscribe", {"topic": "users"})["ok"]
        assert time.monotonic() - started < 1.0


def test_a_polling_body_that_is_too_large_is_refused(url: str) -> None:
    address = f"{url}/socket.io/?EIO=4&transport=polling"
    opened = json.loads(requests.get(address, timeout=5).text[1:])
    assert opened["maxPayload"] == MAX_MESSAGE_BYTES
    answer = requests.post(f"{address}&sid={opened['sid']}", data=b"4" + b"x" * MAX_MESSAGE_BYTES, timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"4" + b"\x1e4" * 500, b"d=%", b"bAAA", b"\x1e\x1e", b"-1"])
def test_a_malformed_polling_body_makes_no_failure(url: str, body: bytes) -> None:
    address = f"{url}/socket.io/?EIO=4&transport=polling"
    sid = json.loads(requests.get(address, timeout=5).text[1:])["sid"]
    assert requests.post(f"{address}&sid={sid}", data=body, timeout=5).status_code in {200, 400}


@pytest.mark.parametrize(
    "query", ["", "EIO=3&transport=polling", "EIO=4&transport=x", "EIO=4&transport=polling&sid=x", "EIO=4&j=x",
              "EIO=4&transport=websocket", "EIO=4&transport=polling&sid=" + "x" * 5_000],
)  # fmt: skip
def test_a_malformed_address_is_refused(url: str, query: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert 400 <= requests.request(method, f"{url}/socket.io/?{query}", timeout=5).status_code < 500


def test_many_messages_at_once_are_worked_off(raw: Raw) -> None:
    """As many as a connection may send in a burst; beyond that see tests/attacks/test_sockets.py."""
    for number in range(150):
        raw.socket.send(f'42{number}["nothing",{{}}]')
    answered = 0
    while answered < 150:
        assert "UNKNOWN_MESSAGE" in raw.receive()
        answered += 1
    assert raw.subscribes()


def test_a_client_that_reads_late_gets_every_byte(url: str, app: Flask, tenant: TestTenant) -> None:
    """More than all buffers hold: what does not fit waits in the log, and no frame is cut."""
    with app.app_context(), unit(system_actor(tenant.id)) as work:
        for number in range(200):
            work.append("user.updated", new_id(), data={"number": number, "text": "x" * 40_000})
    raw = Raw(url, tenant.api.token, skip_utf8_validation=True, sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)])
    after = tenant.api.events()[-1]["seq"] - 200
    raw.socket.send('4277["subscribe",' + json.dumps({"topic": "users", "after": after}) + "]")
    assert '"ok":true' in raw.receive()
    time.sleep(1.5)
    numbers = [json.loads(raw.receive()[2:])[1]["data"]["number"] for _ in range(200)]
    assert numbers == list(range(200))
    raw.socket.close()


def test_what_a_socket_takes_in_parts_is_sent_whole() -> None:
    """Such are the sockets of an event loop, and all those with a time limit."""
    one, two = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    closed: list[None] = []
    patient, waiting = (PatientSocket(half, lambda: False, lambda: closed.append(None)) for half in (one, two))
    sender = threading.Thread(target=patient.send, args=(b"x" * 1_000_000,), daemon=True)
    sender.start()
    received = 0
    while received < 1_000_000:
        received += len(waiting.recv(65_536))
    sender.join(1)
    assert not sender.is_alive()
    patient.end()
    assert waiting.recv(1) == b""
    patient.close()
    waiting.close()
    assert len(closed) == 2
