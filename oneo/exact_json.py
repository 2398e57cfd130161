"""JSON text of values whose decimals must keep every digit."""

from __future__ import annotations

from decimal import Decimal

import orjson


def dumps(value: object) -> str:
    """Decimals become numbers as they are written out."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"not a JSON value: {type(value)!r}")
