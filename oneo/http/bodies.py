"""Read the body of a request: whole or not at all, within a limit, and unpacked.

Under our own server the stream also has a deadline (`oneo/server/bodies.py`); other WSGI servers have their own.
"""

from __future__ import annotations

import zlib
from typing import IO, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_content_length

from oneo import pacing
from oneo.errors import BodyTooLarge, DomainError, MalformedRequest, UnsupportedMediaType

PIECE = 262_144


def read_whole(environ: dict[str, Any], limit: int) -> bytes:
    """Return all bytes of the body. Raises BodyTooLarge beyond the limit, before reading where the length is known;
    MalformedRequest when the body ends early, and what the server's stream raises.
    """
    declared = get_content_length(environ)
    if declared is not None and declared > limit:
        raise too_large(limit)
    if declared is None and not environ.get("wsgi.input_terminated"):
        if environ.get("HTTP_TRANSFER_ENCODING"):
            raise MalformedRequest("This server needs a Content-Length.")
        return b""
    body = _read(environ["wsgi.input"], limit + 1 if declared is None else declared)
    if len(body) > limit:
        raise too_large(limit)
    if declared is not None and len(body) < declared:
        raise MalformedRequest(f"The body ended after {len(body)} of {declared} bytes.")
    return body


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its Content-Encoding. Raises BodyTooLarge, MalformedRequest, UnsupportedMediaType."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "deflate"}:
        raise UnsupportedMediaType(f"The content encoding {encoding[:50]!r} is not supported.")
    inflater = zlib.decompressobj(wbits=47)
    pacer = pacing.Pacer()
    out = bytearray()
    for start in range(0, len(body), PIECE):
        packed = body[start : start + PIECE]
        while packed:
            if inflater.eof:
                raise MalformedRequest("Something follows the end of the compressed body.")
            try:
                out += inflater.decompress(packed, PIECE)
            except zlib.error:
                raise MalformedRequest("The compressed body cannot be read.") from None
            if len(out) > limit:
                raise too_large(limit)
            packed = inflater.unconsumed_tail
            pacer.step()
    if not inflater.eof or inflater.unused_data:
        raise MalformedRequest("The compressed body ends early or too late.")
    return bytes(out)


def too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes, the most that is accepted here.")


def _read(stream: IO[bytes], size: int) -> bytes:
    """Return at most so many bytes; fewer only where the stream ends."""
    body = bytearray()
    try:
        while len(body) < size:
            piece = stream.read(min(PIECE, size - len(body)))
            if not piece:
                break
            body += piece
    except (DomainError, HTTPException):
        raise
    except Exception:  # noqa: BLE001 - each WSGI server has failures of its own for a body that breaks off
        raise MalformedRequest("The body cannot be read to its end.") from None
    return bytes(body)
