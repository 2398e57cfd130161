"""CSV: no cell runs, and every cell can be read back exactly (threat 60)."""

from __future__ import annotations

import csv
import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneo.export.columns import Column
from oneo.export.csv import STARTERS, CsvWriter, disarmed, is_risky, restored
from oneo.fields.kinds.registry import kind_named
from tests.export.formulas import FORMULAS, begins, is_live, is_unseen

TEXT, NUMBER = kind_named("text", {}), kind_named("number", {})
TAGS = kind_named("multiselect", {"choices": ["=1+1", "a,b", 'say "x"', "plain"]})
_NASTY = st.text(st.sampled_from("=+-@'\t\r\n \u00a0\ufeff\uff1d\u200b,;\"5.eEx\u00e9"), max_size=12)


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def columns(*kinds: object) -> list[Column]:
    return [Column(f"c{at}", f"c{at}", kind) for at, kind in enumerate(kinds)]  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.one_of(st.text(), _NASTY))
def test_no_text_makes_a_live_cell_and_each_can_be_read_back(text: str) -> None:
    assert not is_live(disarmed(text))
    assert restored(disarmed(text)) == text


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.text(), st.none() | _NASTY), min_size=1))
def test_a_file_reads_back_cell_by_cell(rows: list[tuple[str | None, str | None]]) -> None:
    found = read(CsvWriter(columns(TEXT, TEXT)).rows(rows, first=True))
    assert [tuple(restored(cell) for cell in row) for row in found] == rows


@settings(deadline=None)
@given(st.lists(st.none() | _NASTY, min_size=1))
def test_a_single_column_loses_no_row(texts: list[str | None]) -> None:
    found = read(CsvWriter(columns(TEXT)).rows([(text,) for text in texts], first=True))
    assert [restored(row[0]) for row in found] == texts


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_marked_as_texts(text: str) -> None:
    assert not is_live(disarmed(text))
    assert restored(disarmed(text)) == text


def test_most_of_the_formulas_would_be_live() -> None:
    """Else the tests above would show nothing; the others begin with the mark or are meant for XLSX."""
    assert sum(map(is_live, FORMULAS)) == len(FORMULAS) - 2


@pytest.mark.parametrize("text", ["-5", "+5", "-0.25", "1e5", "-1E-7", "+491701234567", ".5", "-5."])
def test_a_number_stays_a_number(text: str) -> None:
    assert disarmed(text) == text


@pytest.mark.parametrize("text", ["plain", "a=b", "x-y", "a@b.example", "ça", '"=1+1"', "5 - 3", "(1)"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert disarmed(text) == text


@pytest.mark.parametrize(("text", "cell"), [("", "'"), ("'", "''"), ("'x", "''x"), ("-", "'-"), ("- 5", "'- 5")])
def test_what_would_be_taken_for_something_else_is_marked(text: str, cell: str) -> None:
    assert disarmed(text) == cell


def test_no_value_is_an_empty_cell() -> None:
    assert CsvWriter(columns(TEXT, NUMBER)).rows([(None, None), ("", "1")], first=True) == b",\r\n',1\r\n"
    assert restored("") is None


def test_every_character_that_can_begin_a_formula_is_known() -> None:
    characters = [chr(number) for number in range(sys.maxunicode + 1)]
    assert {character for character in characters if begins(character)} == set(STARTERS)
    assert not [character for character in characters if is_unseen(character) and not is_risky(f"{character}=1")]


def test_headers_are_cells_too() -> None:
    writer = CsvWriter([Column("data__a", text, TEXT) for text in FORMULAS])
    [cells] = read(writer.head())
    assert not [cell for cell in cells if is_live(cell)]
    assert [restored(cell) for cell in cells] == list(FORMULAS)


def test_sets_are_written_as_their_kind_reads_them() -> None:
    rows = [('["=1+1", "plain"]',), ('["a,b", "say \\"x\\""]',), ("[]",), (None,)]
    found = [restored(row[0]) for row in read(CsvWriter(columns(TAGS)).rows(rows, first=True))]
    assert [None if cell is None else TAGS.from_text(cell) for cell in found] == [
        ["=1+1", "plain"], ["a,b", 'say "x"'], [], None,
    ]  # fmt: skip
    assert found[0] is not None
    assert not is_live(disarmed(found[0]))
