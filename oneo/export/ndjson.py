"""NDJSON: a line for each record, which is its JSON as lists show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from oneo.export.writers import Row


class NdjsonWriter:
    media_type: ClassVar[str] = "application/x-ndjson"

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:  # noqa: ARG002 - each line stands by itself
        return "".join([f"{row[0]}\n" for row in rows]).encode()

    def tail(self) -> bytes:
        return b""
