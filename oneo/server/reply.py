"""Answers leave in one write: for a small one, a second write costs a tenth of everything."""

from __future__ import annotations

import errno
import socket

from gunicorn import util
from gunicorn.http.wsgi import Response

from oneo.server.bodies import can_drain

STALL_SECONDS = 60.0
"""How long a client may take nothing of its answer."""
_PIECE = 65_536


class OneWrite(Response):
    """Keeps the head back until there is a body to send with it, or there will be none."""

    headers_sent: bool
    _head = b""

    def should_close(self) -> bool:
        """Also when too much of the request's body was not read: a new connection costs less than reading it."""
        return bool(super().should_close()) or not can_drain(self.req)

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self._head = util.to_bytestring("".join(lines), "latin-1")
        self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        self._send_head(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def close(self) -> None:
        self.send_headers()
        self._send_head(b"0\r\n\r\n" if self.chunked else b"")

    def _send_head(self, body: bytes = b"") -> None:
        data, self._head = self._head + body, b""
        if data:
            send(self.sock, data)


def send(client: socket.socket, data: bytes) -> None:
    """Send it all. Raises ConnectionResetError when the client takes nothing of it for STALL_SECONDS."""
    client.settimeout(STALL_SECONDS)
    try:
        for start in range(0, len(data), _PIECE):
            client.sendall(memoryview(data)[start : start + _PIECE])
    except TimeoutError:
        raise ConnectionResetError(errno.ECONNRESET, "the client does not take its answer") from None
    finally:
        client.settimeout(None)
