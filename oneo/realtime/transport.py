"""Between the socket library and the network: bounds on what a client may send, patience with what he takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import socketio
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT, Packet

from oneo import strict_json
from oneo.errors import MalformedJson

MAX_MESSAGE_BYTES = 65_536
MAX_MESSAGE_DEPTH = 16
MAX_UNREAD = 64
SOCKET_SECONDS = 60.0
"""More than a ping and its answer take: a connection on which nothing moves for so long is dead."""
_SOCKETS = ("werkzeug.socket", "gunicorn.socket")
_FRAMES = frozenset("0123456")
_TAKEN = frozenset({CONNECT, DISCONNECT, EVENT, ACK})
_HANDLERS = frozenset({"connect", "disconnect", "*"})


class StrictCodec:
    """The library's JSON: strict when reading, and a malformed text is the ValueError that it expects."""

    @staticmethod
    def dumps(value: object, **_options: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> Any:
        try:
            return strict_json.loads(text.encode(), max_depth=MAX_MESSAGE_DEPTH)
        except MalformedJson as error:
            raise ValueError(error.detail) from None


class TextPacket(Packet):
    """No binary events: their attachments would be gathered without bound. No events named like the library's own."""

    uses_binary_events = False

    def decode(self, encoded_packet: object) -> None:
        if not isinstance(encoded_packet, str) or super().decode(encoded_packet) or self.packet_type not in _TAKEN:
            raise ValueError("such packets are not taken")
        if self.packet_type == EVENT:
            if not isinstance(self.data, list) or not self.data or not isinstance(self.data[0], str):
                raise ValueError("an event is a list that begins with its name")
            if self.data[0] in _HANDLERS:
                self.data[0] = "unknown"


class PatientSocket:
    """Sends all or fails, one at a time, where `socket.send` may send a part; reads no faster than is worked off."""

    def __init__(self, sock: Any, crowded: Callable[[], bool], closed: Callable[[], None]) -> None:
        sock.settimeout(SOCKET_SECONDS)
        self._sock = sock
        self._crowded = crowded
        self._closed = closed
        self._sending = threading.Lock()

    def recv(self, size: int) -> bytes:
        while self._crowded():
            time.sleep(0.01)
        received: bytes = self._sock.recv(size)
        return received

    def send(self, data: bytes) -> int:
        with self._sending:
            self._sock.sendall(data)
        return len(data)

    def close(self) -> None:
        self.end()
        self._sock.close()
        self._closed()

    def end(self) -> None:
        """Nothing that still comes is read, least of all as another HTTP request."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


class BoundedWebSocket(SimpleWebSocketWSGI):
    """The library's WebSocket, with messages of bounded size; frames that it would stumble over are passed over."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server, max_message_size=MAX_MESSAGE_BYTES)
        self.ws: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        patient = {
            name: PatientSocket(environ[name], self._crowded, self._wake) for name in _SOCKETS if name in environ
        }
        try:
            return super().__call__({**environ, **patient}, start_response)
        finally:
            for found in patient.values():
                found.end()

    def wait(self) -> str | None:
        while True:
            frame = super().wait()
            if frame is None or (isinstance(frame, str) and frame[:1] in _FRAMES):
                return frame

    def _wake(self) -> None:
        """The library wakes its reader before it notes that the connection has ended, and he may sleep on for ever."""
        if self.ws is not None:
            self.ws.event.set()

    def _crowded(self) -> bool:
        return self.ws is not None and self.ws.connected and len(self.ws.input_buffer) >= MAX_UNREAD


def bind(server: socketio.Server) -> None:
    """Gives the server this transport. `sleep` is looked up when it is called: the server may patch it later."""
    eio = server.eio
    own = {"websocket": BoundedWebSocket, "sleep": lambda seconds: time.sleep(seconds)}
    eio._async = {**eio._async, **own}  # noqa: SLF001 - the library has no other place for them

    def disconnect(sid: str) -> None:
        """The library's own waits until the client has taken everything, which a hostile one never does."""
        found = eio.sockets.pop(sid, None)
        if found is not None:
            found.close(wait=False)

    eio.disconnect = disconnect
