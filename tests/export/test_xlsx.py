"""XLSX: texts are texts, numbers are exact or texts, dates are dates (threat 60)."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneo.export.columns import Column
from oneo.export.xlsx import MAX_CELL, XlsxFile, as_cell_number, fitted
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import kind_named
from tests.export.formulas import FORMULAS
from tests.export.sheets import Cell, parts, sheets, values

TEXT = kind_named("text", {})


def column(kind: Kind, header: str = "column") -> Column:
    return Column("data__column", header, kind)


def cells(folder: Path, kind: Kind, *texts: str | None) -> list[Cell | None]:
    """What a column of such values becomes."""
    book = XlsxFile(folder, [column(kind), column(TEXT)])
    book.add([(text, "x") for text in texts])
    [rows] = sheets(book.finish().read_bytes()).values()
    return [row.get("A") for row in rows[1:]]


def test_formulas_are_texts_as_value_and_as_header(tmp_path: Path) -> None:
    book = XlsxFile(tmp_path, [column(TEXT, text) for text in FORMULAS])
    book.add([FORMULAS])
    data = book.finish().read_bytes()
    [rows] = sheets(data).values()
    assert {cell.kind for row in rows for cell in row.values()} == {"inlineStr"}
    assert [[cell.value for cell in row.values()] for row in rows] == [list(FORMULAS)] * 2
    assert not [part for part in parts(data) if "rels/sheet" in part], "there are links"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20))
def test_a_text_reads_back(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = cells(Path(folder), TEXT, *texts)
    assert [(cell.kind, cell.value) for cell in found if cell] == [("inlineStr", text) for text in texts]


@pytest.mark.parametrize(
    "text", ["_x0041_", "a\rb", "\ufffe", "<r>a</r>", "<r>&lt;</r>", " a ", "\x01", "{=1}", "a\nb"]
)
def test_what_the_file_format_could_read_otherwise_is_kept(tmp_path: Path, text: str) -> None:
    assert cells(tmp_path, TEXT, text) == [Cell("inlineStr", text)]


@pytest.mark.parametrize("text", ["-5", "0", "12.5", "123456789012345", "0.000000000000001", "100000000000000000000"])
def test_numbers_are_numbers(tmp_path: Path, text: str) -> None:
    [cell] = cells(tmp_path, kind_named("decimal", {}), text)
    assert cell is not None
    assert (cell.kind, Decimal(cell.value)) == ("n", Decimal(text))


@pytest.mark.parametrize("text", ["1234567890123456", "-0.1234567890123456", "1" + "0" * 308, "0." + "0" * 320 + "1"])
def test_numbers_that_a_cell_would_round_are_texts(tmp_path: Path, text: str) -> None:
    assert cells(tmp_path, kind_named("decimal", {}), text) == [Cell("inlineStr", text)]


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_is_kept_to_the_last_digit_or_not_made(number: Decimal) -> None:
    text = format(number, "f")
    found = as_cell_number(text)
    assert found is None or Decimal(f"{found:.15g}") == number


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("date", "1900-01-01", "1"), ("date", "1900-03-01", "61"), ("date", "2026-01-31", "46053"),
        ("date", "9999-12-31", "2958465"), ("datetime", "2026-01-31T12:00:00.000000Z", "46053.5"),
    ],
)  # fmt: skip
def test_dates_are_dates(tmp_path: Path, kind: str, text: str, value: str) -> None:
    [cell] = cells(tmp_path, kind_named(kind, {}), text)
    assert cell is not None
    assert (cell.kind, cell.value) == ("n", value)
    assert cell.style is not None


@pytest.mark.parametrize(("kind", "text"), [("date", "1899-12-31"), ("datetime", "0001-01-01T00:00:00.000000Z")])
def test_dates_before_the_calendar_of_spreadsheets_are_texts(tmp_path: Path, kind: str, text: str) -> None:
    assert cells(tmp_path, kind_named(kind, {}), text) == [Cell("inlineStr", text)]


def test_flags_sets_and_documents(tmp_path: Path) -> None:
    assert cells(tmp_path, kind_named("boolean", {}), "true", "false") == [Cell("b", "1"), Cell("b", "0")]
    tags = kind_named("multiselect", {"choices": ["a,b", "c"]})
    assert cells(tmp_path, tags, '["a,b", "c"]') == [Cell("inlineStr", '"a,b",c')]
    assert cells(tmp_path, kind_named("json", {}), '{"a": [1]}') == [Cell("inlineStr", '{"a": [1]}')]


def test_no_value_is_no_cell_and_an_empty_text_is_one(tmp_path: Path) -> None:
    assert cells(tmp_path, TEXT, None, "") == [None, Cell("inlineStr", "")]


@pytest.mark.parametrize("character", ["a", "\U0001f600"])
def test_a_text_that_no_cell_holds_says_that_it_was_cut(character: str) -> None:
    most = MAX_CELL // (len(character.encode("utf-16-le")) // 2)
    assert fitted(character * most) == character * most
    cut = fitted(character * (most + 1))
    assert cut.endswith(f" [cut: {most + 1:,} characters]")
    assert cut[:1000] == character * 1000
    assert MAX_CELL - 1 <= len(cut.encode("utf-16-le")) // 2 <= MAX_CELL


def test_rows_go_on_in_a_second_sheet(tmp_path: Path) -> None:
    book = XlsxFile(tmp_path, [column(TEXT)], max_rows=3)
    book.add([(str(at),) for at in range(5)])
    found = sheets(book.finish().read_bytes())
    assert {name: [row["A"].value for row in rows] for name, rows in found.items()} == {
        "Records": ["column", "0", "1"], "Records 2": ["column", "2", "3"], "Records 3": ["column", "4"],
    }  # fmt: skip


def test_a_file_without_rows_has_its_headers(tmp_path: Path) -> None:
    assert values(XlsxFile(tmp_path, [column(TEXT, "a"), column(TEXT, "b")]).finish().read_bytes()) == [["a", "b"]]
