"""A real Socket.IO client that writes down what it hears."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.api import Api
from tests.factories.tenant import TestTenant, TestUser

WEBSOCKET = ("websocket",)
POLLING = ("polling",)
UPGRADE = ("polling", "websocket")


def _in_order(client: socketio.Client) -> None:
    """The library handles each message in a thread of its own; what is written down would be out of order."""
    handle = client.eio._trigger_event

    def at_once(event: str, *arguments: Any, **options: Any) -> Any:
        return handle(event, *arguments, **{**options, "run_async": False})

    client.eio._trigger_event = at_once


class Listener:
    """Connects when entered. `heard` holds (time, event name, payload) in the order of arrival."""

    def __init__(
        self, url: str, token: str | None = None, *, transports: tuple[str, ...] = WEBSOCKET, auth: Any = None,
        headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.heard: list[tuple[float, str, Any]] = []
        self.refusal: Any = None
        self.client = socketio.Client(reconnection=False, handle_sigint=False)
        _in_order(self.client)
        self.client.on("*", self._note)
        self.client.on("connect_error", self._refused)
        self._url = url
        self._options: dict[str, Any] = {
            "auth": auth if token is None else {"token": token}, "transports": list(transports),
            "headers": headers or {}, "wait_timeout": 10,
        }  # fmt: skip

    def __enter__(self) -> Self:
        self.client.connect(self._url, **self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def refused(self) -> str:
        """Tries to connect, must not succeed; the code of the refusal."""
        try:
            self.client.connect(self._url, **self._options)
        except Refused:
            self.leave()
            code: str = self.refusal["data"]["code"]
            return code
        self.leave()
        raise AssertionError("the server took the connection")

    def leave(self) -> None:
        """When it polls the library waits for its last poll, and sometimes forgets to say that it is leaving."""
        self.client.eio.disconnect(abort=True) if self.client.transport() == "polling" else self.client.disconnect()

    def call(self, event: str, *arguments: Any) -> Any:
        data = arguments if len(arguments) != 1 else arguments[0]
        return self.client.call(event, data if arguments else None, timeout=10)

    def subscribe(self, topic: str = "users", **members: Any) -> str:
        answer = self.call("subscribe", {"topic": topic, **members})
        assert answer["ok"], answer
        subscription: str = answer["subscription"]
        return subscription

    def events(self) -> list[Any]:
        return [payload for _, name, payload in list(self.heard) if name == "user_event"]

    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.events()]

    def notices(self, name: str) -> list[Any]:
        return [payload for _, heard, payload in list(self.heard) if heard == name]

    def wait_for(self, what: Callable[[], object], *, seconds: float = 5.0) -> float:
        """How long it took."""
        started = time.monotonic()
        while not what():
            assert time.monotonic() - started < seconds, self.heard[-3:]
            time.sleep(0.005)
        return time.monotonic() - started

    def wait_for_events(self, count: int, *, seconds: float = 5.0) -> list[Any]:
        self.wait_for(lambda: len(self.events()) >= count, seconds=seconds)
        return self.events()

    def wait_until_closed(self, *, seconds: float = 2.0) -> str:
        """The reason that was told before the connection ended."""
        self.wait_for(lambda: not self.client.connected, seconds=seconds)
        notices = self.notices("closing")
        assert len(notices) == 1
        code: str = notices[0]["code"]
        return code

    def _note(self, name: str, *arguments: Any) -> None:
        self.heard.append((time.time(), name, arguments[0] if arguments else None))

    def _refused(self, data: Any) -> None:
        self.refusal = data


def token_of(api: Api) -> str:
    assert api.token
    return api.token


def change(tenant: TestTenant, user: TestUser, name: str) -> int:
    """A change of the user; the number of its event."""
    assert tenant.api.patch(f"/users/{user.id}/", {"name": name}).status_code == 200
    return int(max(event["seq"] for event in tenant.api.events() if event["type"] == "user.updated"))
