"""Cursors: opaque, signed, and good only for the list they were made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

import orjson

from oneo.errors import InvalidCursor

_MAC_BYTES = 16
_MAX_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Cursor:
    """The sort keys of the row at the page's edge, and which way to go from there."""

    position: tuple[str | None, ...]
    backwards: bool


def fingerprint(*parts: object) -> str:
    """What a list is made of: tenant, filter, order. A cursor of another list does not fit."""
    return hashlib.sha256(orjson.dumps([str(part) for part in parts])).hexdigest()[:24]


def encode_cursor(cursor: Cursor, *, of: str, secret: bytes) -> str:
    body = orjson.dumps([int(cursor.backwards), *cursor.position])
    return base64.urlsafe_b64encode(_mac(body, of, secret) + body).rstrip(b"=").decode()


def decode_cursor(text: str, *, of: str, secret: bytes, keys: int) -> Cursor:
    """Raises InvalidCursor."""
    try:
        if len(text) > _MAX_LENGTH:
            raise InvalidCursor
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(body, of, secret)):
            raise InvalidCursor
        backwards, *position = orjson.loads(body)
    except (ValueError, binascii.Error):
        raise InvalidCursor from None
    if len(position) != keys:
        raise InvalidCursor
    return Cursor(tuple(position), bool(backwards))


def _mac(body: bytes, of: str, secret: bytes) -> bytes:
    return hmac.new(secret, of.encode() + b"\0" + body, hashlib.sha256).digest()[:_MAC_BYTES]
