"""Exports: the records of a list as a file, made while it is read, in memory that does not grow with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from oneo.access.permissions import P
from oneo.access.schema import Sight, find_pipeline, row_scope
from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter, nearest
from oneo.export import xlsx
from oneo.export.columns import Column, columns_of
from oneo.export.csv import CsvWriter
from oneo.export.json import JsonWriter
from oneo.export.ndjson import NdjsonWriter
from oneo.export.writers import Writer
from oneo.export.xlsx import XlsxFile
from oneo.native import in_thread
from oneo.operations.lists import ListQuery, asked, picked
from oneo.operations.records import shown
from oneo.store.export import Batches, cell_items, json_item, open_batches

MEDIA_TYPES = {
    "csv": CsvWriter.media_type,
    "json": JsonWriter.media_type,
    "ndjson": NdjsonWriter.media_type,
    "xlsx": xlsx.MEDIA_TYPE,
}
_PIECE = 262_144

Told = Callable[[int], None]
"""Is told how many records were written, after each batch of them."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file as its pieces come. Whoever has it closes it, also when he has read none or not all of them."""

    file_name: str
    media_type: str
    pieces: Iterator[bytes]
    held: ExitStack
    size: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Raises Unavailable where the file breaks off."""
        return self.pieces

    def close(self) -> None:
        self.held.close()


def export_records(
    actor: Actor, pipeline: str | UUID, query: ListQuery, *, form: str = "json", labels: bool = False,
    told: Told = lambda _: None,
) -> Export:  # fmt: skip
    """Paging and counting of the query are passed over. Nothing is sent before the first records are there.

    Raises PipelineNotFound, InvalidParameter, Unavailable.
    """
    _check_form(form)
    sight = find_pipeline(actor, pipeline, P.RECORDS_READ)
    resource = shown(actor, sight)
    where, keys = asked(resource, query, row_scope(actor, P.RECORDS_READ, sight.shape))
    names = picked(query.fields, resource)
    columns = columns_of(sight.fields, names, labels=labels)
    flat = form in {"csv", "xlsx"}
    items = cell_items(resource, [(c.name, c.kind) for c in columns]) if flat else json_item(resource, names)
    with ExitStack() as stack:
        batches = open_batches(actor, resource, items, where=where, keys=keys)
        stack.callback(batches.close)
        export = _whole if form == "xlsx" else _piecewise
        return export(_Plan(_file_name(sight, form), form, columns, told), batches, stack)


@dataclass(frozen=True, slots=True)
class _Plan:
    file_name: str
    form: str
    columns: Sequence[Column]
    told: Told


def _check_form(form: str) -> None:
    if form not in MEDIA_TYPES:
        fault = Fault(
            "/format", "INVALID_VALUE", "There is no such format.",
            allowed=tuple(MEDIA_TYPES), suggestion=nearest(form, MEDIA_TYPES),
        )  # fmt: skip
        raise InvalidParameter(faults=[fault])


def _file_name(sight: Sight, form: str) -> str:
    """Of letters, digits, `_`, `-` and one point: nothing in it can mean anything else to anybody."""
    return f"{sight.shape.slug}-{datetime.now(UTC):%Y-%m-%d}.{form}"


def _piecewise(plan: _Plan, batches: Batches, stack: ExitStack) -> Export:
    """The first rows are read here, so that what goes wrong at the start is still an answer of its own."""
    pieces = _pieces(plan, _writer(plan), batches)
    first = next(pieces)

    def all_pieces() -> Iterator[bytes]:
        yield first
        yield from pieces

    return Export(plan.file_name, MEDIA_TYPES[plan.form], all_pieces(), stack.pop_all())


def _writer(plan: _Plan) -> Writer:
    if plan.form == "csv":
        return CsvWriter(plan.columns)
    return JsonWriter() if plan.form == "json" else NdjsonWriter()


def _pieces(plan: _Plan, writer: Writer, batches: Batches) -> Iterator[bytes]:
    written, head = 0, writer.head()
    for rows in batches:
        piece = writer.rows(rows, first=not written)
        batches.weigh(len(rows), len(piece))
        written += len(rows)
        plan.told(written)
        yield head + piece
        head = b""
    yield head + writer.tail()


def _whole(plan: _Plan, batches: Batches, stack: ExitStack) -> Export:
    """Such a file can be sent only when it is made; it is made on disk."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oneo-export-")))
    book, written = XlsxFile(folder, plan.columns), 0
    for rows in batches:
        in_thread(book.add, rows)
        batches.weigh(len(rows), sum(len(cell) for row in rows for cell in row if cell))
        written += len(rows)
        plan.told(written)
    path: Path = in_thread(book.finish)
    file = stack.enter_context(path.open("rb"))
    pieces = iter(lambda: file.read(_PIECE), b"")
    return Export(plan.file_name, xlsx.MEDIA_TYPE, pieces, stack.pop_all(), path.stat().st_size)
