"""JSON text of values whose decimals must keep every digit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import orjson

_MAX_INTEGER = 2**63 - 1


def dumps(value: object) -> str:
    """Decimals become numbers as they are written out; integers may have any size."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:  # an integer beyond 64 bits, which is not shown to `default`
        return orjson.dumps(written_out(value), default=_plain).decode()


def written_out(value: object) -> object:
    """The same with every integer in a form that the writer takes."""
    if isinstance(value, Mapping):
        return {key: written_out(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [written_out(item) for item in value]
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return orjson.Fragment(str(value))
    return value


def _plain(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"not a JSON value: {type(value)!r}")
