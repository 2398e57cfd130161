"""JSON that PostgreSQL made, and the keys that are asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_LONG = 16


def named(keys: Iterable[str]) -> str:
    """Keys as REST's `fields` takes them, with the id at least."""
    return ",".join(sorted({"id", *keys}))


def read_exactly(text: str) -> Any:
    """With every digit of its numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=lambda digits: _whole(digits))


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _LONG else Decimal(digits)
