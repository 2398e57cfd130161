"""How gunicorn reads the body of a request: whole, with a deadline, in turns with other requests, and no further than
the application does.

gunicorn reads from a socket for as long as the client keeps sending, takes a body that breaks off for a whole one, and
reads a body that nobody wanted to its end before the next request.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from gunicorn import util
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import NoMoreData

from oneo.errors import BodyTimeout, MalformedRequest

MIN_BYTES_PER_SECOND = 16_384
MAX_DRAIN_BYTES = 65_536
DRAIN_SECONDS = 2.0
FREE_CHUNKS = 4_096
MIN_CHUNK_BYTES = 16
MAX_CHUNK_LINE = 256


class WholeLengthReader(LengthReader):
    """A body of declared length. Raises NoMoreData when it ends early."""

    def read(self, size: int) -> bytes:
        wanted = min(self.length, size)
        data: bytes = super().read(size)
        if len(data) < wanted:
            raise NoMoreData
        return data


class BoundedChunkReader(ChunkedReader):
    """A body in chunks, each of which costs the same work however small it is. Raises MalformedRequest when they are
    many and tiny.
    """

    def __init__(self, req: Any, unreader: Any) -> None:
        super().__init__(req, unreader)
        self.limit_chunk_size_line = MAX_CHUNK_LINE
        self._chunks = 0
        self._bytes = 0

    def parse_chunk_size(self, unreader: Any, data: bytes | None = None) -> tuple[int, bytes | None]:
        size, rest = super().parse_chunk_size(unreader, data)
        self._chunks += 1
        self._bytes += size
        if self._chunks > FREE_CHUNKS and self._bytes < self._chunks * MIN_CHUNK_BYTES:
            raise MalformedRequest(f"Send the body in larger chunks: {MIN_CHUNK_BYTES} bytes each, or more.")
        return size, rest


class BodySocket:
    """The socket as the reader of one body sees it. Raises BodyTimeout when the body is too slow."""

    def __init__(self, sock: Any, seconds: float, *, awaits_continue: bool) -> None:
        self.awaits_continue = awaits_continue
        self._sock = sock
        self._seconds = seconds
        self._began: float | None = None
        self._received = 0

    def recv(self, size: int) -> bytes:
        if self.awaits_continue:
            self.awaits_continue = False
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        with gevent.Timeout(self._seconds_left(), BodyTimeout):
            data: bytes = self._sock.recv(size)
        self._received += len(data)
        # Receiving what is there already does not wait: without this, a fast sender would be served alone.
        gevent.sleep(0)
        return data

    def _seconds_left(self) -> float:
        now = time.monotonic()
        self._began = self._began or now
        left = self._began + self._seconds + self._received / MIN_BYTES_PER_SECOND - now
        if left <= 0:
            raise BodyTimeout
        return left


def guard(req: Any, sock: Any, seconds: float) -> None:
    """Let the body of a request be read through a BodySocket. A client that waits to be asked for its body is asked
    when somebody reads it, not before.
    """
    req.unreader.sock = BodySocket(sock, seconds, awaits_continue=req._expected_100_continue)  # noqa: SLF001
    req._expected_100_continue = False  # noqa: SLF001 - gunicorn would ask at once


def is_unread(req: Any) -> bool:
    """Whether a part of the body may still come."""
    return _unread_bytes(req) != 0


def can_drain(req: Any) -> bool:
    """Whether what is left of the body is known to be so little that the connection may be kept."""
    left = _unread_bytes(req)
    return left is not None and (left == 0 or (left <= MAX_DRAIN_BYTES and not req.unreader.sock.awaits_continue))


def drain(req: Any) -> bool:
    """Read and forget what is left of the body. Returns False when it does not come: the connection must be closed."""
    try:
        with gevent.Timeout(DRAIN_SECONDS, BodyTimeout):
            while is_unread(req):
                req.body.read(MAX_DRAIN_BYTES)
    except Exception:  # noqa: BLE001 - whatever happened, where the next request begins is not known
        return False
    return True


def hang_up(sock: Any) -> None:
    """Close a connection on which the client may still be sending. A plain `close` would reset it, and the client might
    not read the response.
    """
    util.close_graceful(sock, timeout=DRAIN_SECONDS, max_drain=MAX_DRAIN_BYTES)


def _unread_bytes(req: Any) -> int | None:
    """None when that is not known."""
    body = req.body
    if body.failed:
        return None
    buffered: int = body.buf.tell()
    if isinstance(body.reader, LengthReader):
        return int(body.reader.length) + buffered
    return None if body.reader.parser else buffered + int(body.reader.buf.tell())
