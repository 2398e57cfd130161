"""Between the socket library and the network: bounds on what a client may send, patience with what he takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
import simple_websocket
import socketio
from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT, Packet
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Event
from wsproto.frame_protocol import CloseReason

from oneo import strict_json
from oneo.errors import MalformedJson
from oneo.realtime.pace import Pace, TooFast
from oneo.realtime.pending import PendingConnections

MAX_MESSAGE_BYTES = 65_536
MAX_MESSAGE_DEPTH = 16
MAX_UNREAD = 64
SOCKET_SECONDS = 60.0
"""More than a ping and its answer take: a connection on which nothing moves for so long is dead."""
CLOSE_SECONDS = 2.0
RECEIVE_BYTES = 16_384
_LOGIN = "40"
"""How a frame with a CONNECT packet begins."""
_PACE = "oneo.pace"
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


class PacedConnection(WSConnection):
    """The protocol of one connection. Each read and each further frame in it takes a token, whatever the frame is."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(ConnectionType.SERVER)
        self._pace = pace

    def events(self) -> Generator[Event, None, None]:
        """Yield the frames that have arrived. Nothing more is read while a client that is too fast waits here."""
        try:
            self._wait_for_turn()
            for number, event in enumerate(super().events()):
                if number:
                    self._wait_for_turn()
                yield event
        except TooFast:
            # As if the client had closed the connection: the library sends this code and stops reading.
            yield CloseConnection(CloseReason.POLICY_VIOLATION, "Too many messages.")

    def _wait_for_turn(self) -> None:
        wait = self._pace.take()
        if wait:
            time.sleep(wait)


class PacedServer(simple_websocket.Server):
    """The server's end of a WebSocket, with messages of bounded size and at a bounded pace."""

    def __init__(self, environ: dict[str, Any], pace: Pace) -> None:
        self._pace = pace
        super().__init__(environ, receive_bytes=RECEIVE_BYTES, max_message_size=MAX_MESSAGE_BYTES)

    def handshake(self) -> None:
        """The library has made its protocol object by now and reads nothing before this returns."""
        self.ws = PacedConnection(self._pace)
        super().handshake()


class BoundedWebSocket:
    """A WebSocket as the library uses one. A frame that the library would stumble over is passed over.

    Before the client has logged in, any frame but a CONNECT ends the connection.
    """

    def __init__(self, handler: Any, server: Any, *, pending: PendingConnections) -> None:
        del server
        self._handler = handler
        self._connection = handler.__self__
        """The Engine.IO socket whose transport this is."""
        self._pending = pending
        self._ended = threading.Event()
        self.ws: Any = None

    def __call__(self, environ: dict[str, Any], _start_response: Any) -> Any:
        patient = {
            name: PatientSocket(environ[name], self._crowded, self._wake) for name in _SOCKETS if name in environ
        }
        try:
            self.ws = PacedServer({**environ, **patient}, Pace())
            self._handler(self)
            # How the two servers are told that the connection is no HTTP connection any more.
            raise StopIteration if self.ws.mode == "gunicorn" else ConnectionError
        finally:
            for found in patient.values():
                found.end()

    def send(self, message: str | bytes) -> None:
        try:
            self.ws.send(message)
        except simple_websocket.ConnectionClosed:
            raise OSError from None

    def wait(self) -> str | None:
        """The next frame, or None when the connection has ended."""
        while (frame := self._received()) is not None:
            if self._is_refused(frame):
                self._pending.close(self._connection.sid)
                return None
            if isinstance(frame, str) and frame[:1] in _FRAMES:
                return frame
        return None

    def close(self) -> None:
        """Say that the connection ends, give the client a moment to read that and to close its side, then end it."""
        if self.ws.connected:
            with suppress(simple_websocket.ConnectionClosed, OSError):
                self.ws.close()
            self._ended.wait(CLOSE_SECONDS)
            self.ws.sock.end()

    def _received(self) -> str | bytes | None:
        try:
            received: str | bytes | None = self.ws.receive()
        except simple_websocket.ConnectionClosed:
            return None
        return received

    def _is_refused(self, frame: str | bytes) -> bool:
        """A client that polled so far may change to this transport before it logs in."""
        is_login = isinstance(frame, str) and frame.startswith(_LOGIN)
        return not is_login and not self._connection.upgrading and self._pending.is_pending(self._connection.sid)

    def _wake(self) -> None:
        """The library wakes its reader before it notes that the connection has ended, and he may sleep on for ever."""
        self._ended.set()
        if self.ws is not None:
            self.ws.event.set()

    def _crowded(self) -> bool:
        return self.ws is not None and self.ws.connected and len(self.ws.input_buffer) >= MAX_UNREAD


class PolledMessages:
    """Keeps clients that poll at the pace of the others: their messages come as the bodies of HTTP requests."""

    def __init__(self, server: socketio.Server) -> None:
        self._sockets = server.eio.sockets
        self._handled = server.eio.handlers["message"]
        server.eio.on("message", self._message)

    def _message(self, eio_sid: str, data: str | bytes) -> Any:
        connection = self._sockets.get(eio_sid)
        if connection is not None and not connection.upgraded:
            if _PACE not in connection.session:
                connection.session[_PACE] = Pace()
            try:
                time.sleep(connection.session[_PACE].take())
            except TooFast:
                return connection.close(wait=False, abort=True)
        return self._handled(eio_sid, data)


def bind(server: socketio.Server, pending: PendingConnections) -> None:
    """Gives the server this transport. `sleep` is looked up when it is called: the server may patch it later."""
    eio = server.eio
    own = {
        "websocket": partial(BoundedWebSocket, pending=pending),
        "sleep": lambda seconds: time.sleep(seconds),
    }
    eio._async = {**eio._async, **own}  # noqa: SLF001 - the library has no other place for them
    PolledMessages(server)

    def disconnect(sid: str) -> None:
        """The library's own waits until the client has taken everything, which a hostile one never does."""
        found = eio.sockets.pop(sid, None)
        if found is not None:
            found.close(wait=False)

    eio.disconnect = disconnect
