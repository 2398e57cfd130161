"""What a format is to whoever exports: bytes before, between and after the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

Row = Sequence[str | None]


class Writer(Protocol):
    """Makes a file in pieces that can be sent while the rest is not made yet."""

    media_type: ClassVar[str]

    def head(self) -> bytes: ...

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:
        """Some rows that follow each other; `first` where none came before them."""

    def tail(self) -> bytes: ...
