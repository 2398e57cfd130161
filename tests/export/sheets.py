"""Reading an XLSX file as the XML it is: what kind of cell each is, and what it holds."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree as ET

_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Cell:
    """`kind` is the type that the file says: inlineStr, n, b, f for a formula."""

    kind: str
    value: str
    style: str | None = None


def sheets(data: bytes) -> dict[str, list[dict[str, Cell]]]:
    """Rows of each sheet, with cells by the letter of their column."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - made a moment ago by ourselves
        names = [sheet.attrib["name"] for sheet in book.iter(f"{_SPACE}sheet")]
        parts = [archive.read(f"xl/worksheets/sheet{at}.xml") for at in range(1, len(names) + 1)]
    return {name: _rows(part) for name, part in zip(names, parts, strict=True)}


def values(data: bytes) -> list[list[str | None]]:
    """The cells of the only sheet as texts, None where there is none."""
    [rows] = sheets(data).values()
    letters = sorted({letter for row in rows for letter in row}, key=lambda letter: (len(letter), letter))
    return [[row[letter].value if letter in row else None for letter in letters] for row in rows]


def parts(data: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.namelist()


def _rows(part: bytes) -> list[dict[str, Cell]]:
    root = ET.fromstring(part)  # noqa: S314 - as above
    return [{_letter(cell): _cell(cell) for cell in row.iter(f"{_SPACE}c")} for row in root.iter(f"{_SPACE}row")]


def _letter(cell: ET.Element) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def _cell(cell: ET.Element) -> Cell:
    style = cell.attrib.get("s")
    if cell.find(f"{_SPACE}f") is not None:
        return Cell("f", "", style)
    text = "".join(found.text or "" for found in cell.iter(f"{_SPACE}t"))
    value = cell.find(f"{_SPACE}v")
    plain = value.text or "" if value is not None else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return Cell(cell.attrib.get("t", "n"), plain, style)
