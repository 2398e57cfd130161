"""CSV (RFC 4180): texts that a spreadsheet could take for a formula are disarmed, in a way that can be undone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

import orjson

from oneo.export.columns import Column
from oneo.export.writers import Row
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.terms import Family

MARK = "'"
STARTERS = "=+-@＝＋－＠﹢﹣﹦﹫⁺⁼₊₌﬩⩵⩶"  # noqa: RUF001 - characters that programs may take for the first four
_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
"""White space, control and format characters: a program may pass over them."""
_RISKY = re.compile(f"[{MARK}\t\r\n]|[{_UNSEEN}]*[{re.escape(STARTERS)}]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_PLAIN = frozenset({Family.NUMBER, Family.MOMENT, Family.FLAG})
"""Families whose texts cannot begin a formula: numbers, times, true and false."""
_KNOWN_SETS = 1_000


def disarmed(text: str) -> str:
    """The cell that holds a text: marked where it would be run, is marked itself, or could be taken for no value."""
    return MARK + text if not text or is_risky(text) else text


def is_risky(text: str) -> bool:
    """Whether a spreadsheet could take the text for something else."""
    return _RISKY.match(text) is not None and _NUMBER.fullmatch(text) is None


def restored(cell: str) -> str | None:
    """The text that a cell holds; None when it holds no value."""
    return cell.removeprefix(MARK) if cell else None


class CsvWriter:
    media_type: ClassVar[str] = "text/csv; charset=utf-8"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._headers = [disarmed(column.header) for column in columns]
        self._shown = [(at, shown) for at, column in enumerate(columns) if (shown := _shown_as(column.kind))]

    def head(self) -> bytes:
        return _lines([self._headers])

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:  # noqa: ARG002 - each line stands by itself
        cells: list[Iterable[str | None]] = list(zip(*rows, strict=True))
        for at, shown in self._shown:
            cells[at] = [None if text is None else shown(text) for text in cells[at]]
        return _lines(zip(*cells, strict=True))

    def tail(self) -> bytes:
        return b""


def _shown_as(kind: Kind) -> Callable[[str], str] | None:
    """How a text of the database becomes a cell; None where it is one already."""
    if kind.family in _PLAIN:
        return None
    return set_text(kind) if kind.family is Family.SET else disarmed


def set_text(kind: Kind) -> Callable[[str], str]:
    """There are few different sets, and each is written many times."""

    @lru_cache(_KNOWN_SETS)
    def shown(text: str) -> str:
        return disarmed(kind.as_text(orjson.loads(text)))

    return shown


def _lines(rows: Iterable[Iterable[str | None]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
