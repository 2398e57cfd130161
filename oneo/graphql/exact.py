"""JSON that PostgreSQL made, and the keys that are asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import current_app, g

from oneo.config import Settings
from oneo.errors import PageTooLarge

_LONG = 16


def named(keys: Iterable[str]) -> str:
    """Keys as REST's `fields` takes them, with the id at least."""
    return ",".join(sorted({"id", *keys}))


def read_exactly(text: str) -> Any:
    """With every digit of its numbers.

    Raises PageTooLarge when the fields before have filled the answer: a document may ask for many lists.
    """
    settings: Settings = current_app.extensions["oneo.settings"]
    used: int = g.get("graphql_characters", 0)
    if used > settings.max_page_bytes:
        raise PageTooLarge("The lists of this document are too large for one answer: ask for fewer rows or fields.")
    g.graphql_characters = used + len(text)
    return json.loads(text, parse_float=Decimal, parse_int=lambda digits: _whole(digits))


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _LONG else Decimal(digits)
