"""JSON: the records as lists show them, in one array that is closed only when it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from oneo.export.writers import Row


class JsonWriter:
    media_type: ClassVar[str] = "application/json"

    def head(self) -> bytes:
        return b"["

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:
        """Each row is one text that PostgreSQL made."""
        return (("" if first else ",\n") + ",\n".join(str(row[0]) for row in rows)).encode()

    def tail(self) -> bytes:
        return b"]\n"
