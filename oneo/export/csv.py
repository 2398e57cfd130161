"""CSV (RFC 4180): texts that a spreadsheet could take for a formula are disarmed, in a way that can be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

import orjson

from oneo.export.columns import Column
from oneo.export.writers import Row
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.terms import Family
from oneo.pacing import paced

MARK = "'"
STARTERS = "=+-@＝＋－＠﹢﹣﹦﹫⁺⁼₊₌﬩⩵⩶"  # noqa: RUF001 - characters that programs may take for the first four
_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
"""White space, control and format characters: a program may pass over them."""
_RISKY = re.compile(f"[{MARK}\t\r\n]|[{_UNSEEN}]*[{re.escape(STARTERS)}]")
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)
"""Possessive, so that a text of digits that is no number is read once."""
_HARMLESS = re.compile(r'\w[^",\r\n]*')
"""Texts that are cells as they are."""
_SPECIAL = re.compile(r'[",\r\n]')
_PLAIN = frozenset({Family.NUMBER, Family.MOMENT, Family.FLAG})
"""Families whose texts cannot begin a formula: numbers, times, true and false."""
_KNOWN_SETS = 1_000

Shown = Callable[[Sequence[str | None]], list[str]]
"""From the texts of a column to its cells, as they stand in the file."""


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
        self._headers = [_texts([column.header]) for column in columns]
        self._shown = [_shown_as(column.kind) for column in columns]

    def head(self) -> bytes:
        return _lines(self._headers)

    def rows(self, rows: Sequence[Row], *, first: bool) -> bytes:  # noqa: ARG002 - each line stands by itself
        columns = paced(zip(self._shown, zip(*rows, strict=True), strict=True))
        return _lines([shown(column) for shown, column in columns])

    def tail(self) -> bytes:
        return b""


def _shown_as(kind: Kind) -> Shown:
    if kind.family in _PLAIN:
        return lambda column: [cell or "" for cell in column]
    if kind.family is Family.SET:
        text_of = set_text(kind)
        return lambda column: ["" if cell is None else _quoted(disarmed(text_of(cell))) for cell in column]
    return _texts


def _texts(column: Sequence[str | None]) -> list[str]:
    """Most texts are harmless, and one look tells it."""
    harmless = _HARMLESS.fullmatch
    return ["" if cell is None else cell if harmless(cell) else _quoted(disarmed(cell)) for cell in column]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell


def set_text(kind: Kind) -> Callable[[str], str]:
    """There are few different sets, and each is written many times."""

    @lru_cache(_KNOWN_SETS)
    def shown(text: str) -> str:
        return kind.as_text(orjson.loads(text))

    return shown


def _lines(columns: Sequence[Sequence[str]]) -> bytes:
    """By hand: the library's writer takes three times as long, and would look at every cell again."""
    if len(columns) == 1:
        # An empty line would be no row.
        columns = [[cell or '""' for cell in columns[0]]]
    return "".join([f"{','.join(row)}\r\n" for row in zip(*columns, strict=True)]).encode()
