"""Identifiers: time-ordered UUIDs made by the application."""

from __future__ import annotations

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A UUIDv7: later ones sort after earlier ones."""
    return UUID(int=uuid_utils.uuid7().int)


def new_token() -> str:
    """The same as 32 hexadecimal digits, for what is only ever read as text."""
    return uuid_utils.uuid7().hex


def as_id(text: object) -> UUID | None:
    """The UUID that a text spells in its canonical form, else None."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
