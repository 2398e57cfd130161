"""XLSX: numbers and dates as what they are, every other value as a text, never as a formula or a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from oneo.export.columns import Column
from oneo.export.csv import is_risky, set_text
from oneo.export.writers import Row
from oneo.fields.kinds.terms import Family

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_576
MAX_CELL = 32_767
"""UTF-16 units that a cell holds."""
EXACT_DIGITS = 15
"""Digits of a number that spreadsheets keep."""
_LARGEST, _SMALLEST = 1e307, 1e-307
_FIRST_YEAR = "1900"
_WIDTHS = {"created_at": 24, "updated_at": 24, "title": 30}
_WIDTH = 16

Put = Callable[[Worksheet, int, int, str], object]


class XlsxFile:
    """A workbook that is written row by row to `folder`, which holds all its parts and can be removed at any time."""

    def __init__(self, folder: Path, columns: Sequence[Column], *, max_rows: int = MAX_ROWS) -> None:
        self.path = folder / "export.xlsx"
        self._book = Workbook(str(self.path), {"constant_memory": True, "tmpdir": str(folder)})
        self._book.use_zip64()
        self._columns = columns
        self._max_rows = max_rows
        self._heading = self._book.add_format({"bold": True})
        self._quoted = self._book.add_format({"quote_prefix": True})
        self._puts = [self._put(column) for column in columns]
        self._sheet = self._add_sheet()

    def add(self, rows: Sequence[Row]) -> None:
        """Rows that follow those before; what one sheet cannot hold goes to the next."""
        for row in rows:
            if self._next == self._max_rows:
                self._sheet = self._add_sheet()
            for at, text in enumerate(row):
                if text is not None:
                    self._puts[at](self._sheet, self._next, at, text)
            self._next += 1

    def finish(self) -> Path:
        self._book.close()
        return self.path

    def _add_sheet(self) -> Worksheet:
        number = len(self._book.worksheets()) + 1
        sheet = self._book.add_worksheet("Records" if number == 1 else f"Records {number}", _TextSheet)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(self._columns):
            sheet.set_column(at, at, _WIDTHS.get(column.name, _WIDTH))
            sheet.write_string(0, at, column.header, self._heading)
        self._next = 1
        return sheet

    def _put(self, column: Column) -> Put:
        """How a value's text becomes a cell of the column."""
        match column.kind.family:
            case Family.NUMBER:
                return self._put_number
            case Family.FLAG:
                return _put_flag
            case Family.MOMENT if column.kind.name == "date":
                return self._dated("yyyy-mm-dd", date.fromisoformat)
            case Family.MOMENT:
                return self._dated("yyyy-mm-dd hh:mm:ss.000", lambda text: datetime.fromisoformat(text[:-1]))
            case Family.SET:
                shown = set_text(column.kind)
                return lambda sheet, row, at, text: self._put_text(sheet, row, at, shown(text))
            case _:
                return self._put_text

    def _put_text(self, sheet: Worksheet, row: int, at: int, text: str) -> None:
        # With the prefix it stays a text when somebody edits the cell.
        sheet.write_string(row, at, fitted(text), self._quoted if is_risky(text) else None)

    def _put_number(self, sheet: Worksheet, row: int, at: int, text: str) -> None:
        number = as_cell_number(text)
        if number is None:
            sheet.write_string(row, at, text)
        else:
            sheet.write_number(row, at, number)

    def _dated(self, pattern: str, read: Callable[[str], Any]) -> Put:
        shape: Format = self._book.add_format({"num_format": pattern})

        def put(sheet: Worksheet, row: int, at: int, text: str) -> None:
            # The calendar of spreadsheets begins there.
            if text < _FIRST_YEAR:
                sheet.write_string(row, at, text)
            else:
                sheet.write_datetime(row, at, read(text), shape)

        return put


class _TextSheet(Worksheet):
    """The library takes a text from `<r>` to `</r>` for markup of its own and would copy it into the file as it is."""

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        self._xml_inline_string(string, True, attributes)


def _put_flag(sheet: Worksheet, row: int, at: int, text: str) -> None:
    sheet.write_boolean(row, at, text == "true")


def as_cell_number(text: str) -> float | None:
    """The number, when a cell can hold it to the last digit."""
    if len(text.lstrip("-").replace(".", "").strip("0")) > EXACT_DIGITS:
        return None
    number = float(text)
    return number if number == 0 or _SMALLEST <= abs(number) <= _LARGEST else None


def fitted(text: str) -> str:
    """The text as far as a cell holds it; what is cut off is said at its end."""
    if len(text) <= MAX_CELL // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_CELL:
        return text
    told = f" [cut: {len(text):,} characters]"
    return units[: 2 * (MAX_CELL - len(told))].decode("utf-16-le", "ignore") + told
