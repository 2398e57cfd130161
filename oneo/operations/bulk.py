"""Many records in one call: one transaction, a fixed number of statements, one event for each record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from oneo.access.permissions import P
from oneo.access.schema import Sight, find_pipeline
from oneo.actor import Actor
from oneo.errors import (
    ArrayExpected,
    ConstraintViolation,
    Fault,
    FaultList,
    Hints,
    ValidationFailed,
    ValueTaken,
    pointer,
)
from oneo.events.unit import attempt, unit
from oneo.ids import as_id
from oneo.models.record import STATUS_LENGTH, TITLE_LENGTH
from oneo.operations.link_statuses import Lacking, keeping_statuses, lacking
from oneo.operations.records import (
    change_row,
    check_active,
    check_title,
    insert_row,
    perform_change,
    perform_insert,
    reach,
    with_title,
)
from oneo.operations.size_limits import check_cells
from oneo.operations.values import Checker, Values, repeated_keys, unique_fields
from oneo.operations.violations import fault as fault_of
from oneo.pacing import paced
from oneo.store.record_writes import UPDATE, Written
from oneo.store.records import taken_keys, versions_of

MAX_ROWS = 10_000
MAX_FAULTS = 1_000
"""Faults of one call that are told, but for the first of each entry."""
ID_TAKEN = "This id cannot be used: choose another one."
NOT_UNIQUE = "Another record has this value."
_ATTEMPTS = 3


class Mode(StrEnum):
    """What happens to the good rows when others are bad: they are written, nothing is, or nothing ever is."""

    PARTIAL = "partial"
    ATOMIC = "atomic"
    DRY_RUN = "dry_run"


@dataclass(slots=True)
class Row:
    """One entry of the call; with faults it is not written."""

    at: int
    body: Mapping[str, Any]
    faults: FaultList
    values: Values = field(default_factory=Values)
    id: UUID | None = None
    changes: bool = False
    """It is for a record that is there, or ought to be."""
    document: str | None = None
    """JSON of the record as it has been written."""

    @property
    def good(self) -> bool:
        return not self.faults.faults


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """JSON texts of the records written, and the faults of each entry that was not."""

    documents: list[str]
    failed: list[Row]
    valid: int
    created: int = 0
    """Of an upsert: how many of the documents are new records."""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """As they are answered: messages by field. Each entry is named, however many there are."""
        most = max(1, MAX_FAULTS // max(1, len(self.failed)))
        return [{"index": row.at, "errors": _by_field(row.faults, most)} for row in paced(self.failed)]


def bulk_create(actor: Actor, pipeline: str, entries: object, *, mode: Mode = Mode.PARTIAL) -> BulkOutcome:
    """Raises PipelineInactive, ArrayExpected, ValidationFailed for a bad entry when all must be good."""
    sight = find_pipeline(actor, pipeline, P.RECORDS_CREATE)
    check_active(sight)
    rows, checker = read_rows(entries, CREATE_KEYS), Checker(actor, sight, P.RECORDS_CREATE)
    for row in paced(rows):
        check_new(checker, sight, row)
    checker.check_users()
    check_repeats(sight, rows)
    return perform(actor, sight, rows, mode, lambda good: insert_rows(actor, sight, good))


def bulk_update(actor: Actor, pipeline: str, entries: object, *, mode: Mode = Mode.PARTIAL) -> BulkOutcome:
    """Entries have an `id`, what is to change, and may have the `version` that they expect."""
    sight = find_pipeline(actor, pipeline, P.RECORDS_UPDATE)
    rows, checker = read_rows(entries, UPDATE_KEYS), Checker(actor, sight, P.RECORDS_UPDATE)
    seen: set[UUID] = set()
    for row in paced(rows):
        check_id(row, seen)
        check_change(checker, sight, row)
    checker.check_users()
    check_repeats(sight, rows)
    return perform(actor, sight, rows, mode, lambda good: change_rows(actor, sight, good))


def insert_rows(actor: Actor, sight: Sight, rows: Sequence[Row]) -> list[str]:
    """Adds those that meet no taken value, and notes the fault of the others."""
    documents: list[str] = []
    left = list(rows)
    for _ in range(_ATTEMPTS):
        if not left:
            break
        made = [insert_row(sight, row.body, row.values, row.id) for row in paced(left, stride=16)]
        outcome = perform_insert(actor, sight, made, skip=True)
        for found in outcome.rows:
            left[found.at].document = found.document
            documents.append(found.document)
        written = {found.at for found in outcome.rows}
        left = [row for at, row in enumerate(left) if at not in written]
        note_taken(actor, sight, left)
        left = [row for row in left if row.good]
    for row in left:
        row.faults.add("/id", "ID_TAKEN", ID_TAKEN)
    return documents


def change_rows(actor: Actor, sight: Sight, rows: Sequence[Row]) -> list[str]:
    """Changes those that are there, have the version expected, meet no value that has been taken meanwhile, and have no
    status that relationships need.
    """
    for _ in range(_ATTEMPTS):
        good = [row for row in rows if row.good]
        if not good:
            return []
        changes, broken = [change_of(sight, row) for row in paced(good, stride=16)], Lacking()
        try:
            with attempt(), keeping_statuses(actor, sight.shape.id, changes) as broken_by:
                found = perform_change(actor, sight, UPDATE, P.RECORDS_UPDATE, changes)
                broken = broken_by(found.rows)
                if broken:
                    raise ConstraintViolation  # noqa: TRY301 - it takes the others back
        except ValueTaken:
            note_taken(actor, sight, good)
        except ConstraintViolation:
            _note_lacking(actor, good, broken)
        else:
            _note_missing(good, found.rows)
            for written in found.rows:
                good[written.at].document = written.document if written.willing else None
            return [row.document for row in good if row.document is not None]
    raise ValueTaken


def check_id(row: Row, seen: set[UUID]) -> None:
    """The entry names a record, and no earlier entry did."""
    row.id = as_id(row.body.get("id"))
    if row.id is None:
        row.faults.add("/id", "REQUIRED", "The id of a record is expected.")
    elif row.id in seen:
        row.faults.add("/id", "REPEATED", "An earlier entry has this id.")
    else:
        seen.add(row.id)


def check_new(checker: Checker, sight: Sight, row: Row) -> None:
    check_title(sight, row.body, row.faults)
    row.values = checker.check_new(with_title(sight, row.body), row.faults)


def check_change(checker: Checker, sight: Sight, row: Row) -> None:
    check_title(sight, row.body, row.faults)
    row.values = checker.check_change(with_title(sight, row.body), row.faults)
    checker.check_required(row.values, row.faults)
    row.changes = True


CREATE_KEYS = frozenset({"title", "status", "data"})
UPDATE_KEYS = CREATE_KEYS | {"id", "version"}


def read_rows(entries: object, keys: frozenset[str]) -> list[Row]:
    """The sound parts of the entries, each with the faults of its shape.

    Raises ArrayExpected, ValidationFailed when they are too many.
    """
    if not isinstance(entries, list):
        raise ArrayExpected
    if len(entries) > MAX_ROWS:
        raise ValidationFailed(faults=[Fault("", "TOO_MANY_ROWS", f"At most {MAX_ROWS} entries are taken in a call.")])
    hints = Hints()
    rows = [_row(at, entry, keys, FaultList(hints=hints)) for at, entry in enumerate(paced(entries, stride=16))]
    check_cells(row.body for row in rows)
    return rows


def _row(at: int, entry: object, keys: frozenset[str], faults: FaultList) -> Row:
    if not isinstance(entry, dict):
        faults.add("", "WRONG_TYPE", "An object is expected.")
        return Row(at, {}, faults)
    for name in entry.keys() - keys:
        faults.add(pointer(name), "UNKNOWN_FIELD", "Unknown field.")
    _check_text(entry, "title", 0, TITLE_LENGTH, faults)
    _check_text(entry, "status", 1, STATUS_LENGTH, faults)
    if not isinstance(entry.get("data", {}), dict):
        faults.add("/data", "WRONG_TYPE", "An object is expected.")
    version = entry.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < 2**31:
        faults.add("/version", "WRONG_TYPE", "A version is a whole number.")
    return Row(at, {name: entry[name] for name in keys & entry.keys() if not faults.covers(pointer(name))}, faults)


def _check_text(entry: Mapping[str, Any], name: str, least: int, most: int, faults: FaultList) -> None:
    if name in entry and not (isinstance(entry[name], str) and least <= len(entry[name]) <= most):
        faults.add(pointer(name), "INVALID_VALUE", f"A text of {least} to {most} characters is expected.")


def check_repeats(sight: Sight, rows: Sequence[Row]) -> None:
    good = [row for row in rows if row.good]
    for at, slug in repeated_keys(sight, [row.values for row in good]):
        good[at].faults.add(pointer("data", slug), "NOT_UNIQUE", "An earlier entry has this value.")


def perform(
    actor: Actor, sight: Sight, rows: Sequence[Row], mode: Mode, write: Callable[[list[Row]], list[str]]
) -> BulkOutcome:
    """A value is taken when a record has it before the call, also one that another entry would give another value:
    which of two rows is written first is nobody's choice.

    Records out of reach are noted before taken values: whether such a record has a value itself is not told.
    """
    note_absent(actor, sight, [row for row in rows if row.good])
    note_taken(actor, sight, [row for row in rows if row.good and (row.changes or mode is not Mode.PARTIAL)])
    good = [row for row in rows if row.good]
    if mode is Mode.PARTIAL:
        documents = write(good) if good else []
        return BulkOutcome(documents, [row for row in rows if not row.good], len(documents))
    there = {row.id: row.body["status"] for row in good if row.good and row.changes and row.id and "status" in row.body}
    _note_lacking(actor, good, lacking(actor, sight.shape.id, there))
    failed = [row for row in rows if not row.good]
    if mode is Mode.DRY_RUN:
        return BulkOutcome([], failed, len(rows) - len(failed))
    return _atomically(actor, rows, good, write)


def _atomically(
    actor: Actor, rows: Sequence[Row], good: list[Row], write: Callable[[list[Row]], list[str]]
) -> BulkOutcome:
    """All or nothing: a fault that only writing finds takes the others back. Raises ValidationFailed."""
    _check_all(rows)
    with unit(actor):
        documents = write(good)
        _check_all(rows)
    return BulkOutcome(documents, [], len(documents))


def _check_all(rows: Sequence[Row]) -> None:
    faults = [
        replace(fault, pointer=pointer(row.at) + fault.pointer)
        for row in paced(rows, stride=16)
        for fault in row.faults.faults
    ]
    if faults:
        raise ValidationFailed(faults=faults, left_out=sum(row.faults.left_out for row in rows))


def change_of(sight: Sight, row: Row) -> dict[str, Any]:
    assert row.id is not None  # noqa: S101 - good rows have one
    changed = change_row(sight, row.id, row.body, row.values)
    return {**changed, "versions": [row.body["version"]]} if "version" in row.body else changed


def _note_missing(rows: Sequence[Row], written: Iterable[Written]) -> None:
    found = {entry.at: entry for entry in written}
    for at, row in enumerate(rows):
        _note_state(row, present=at in found, willing=at in found and found[at].willing)


def note_absent(actor: Actor, sight: Sight, rows: Sequence[Row]) -> None:
    """Names the records to change that are not there, or not in the version expected."""
    ids = [row.id for row in rows if row.changes and row.id is not None]
    known = versions_of(actor, sight.shape, reach(actor, P.RECORDS_UPDATE, sight), ids) if ids else {}
    for row in rows:
        if row.changes and row.id is not None:
            _note_state(row, present=row.id in known, willing=row.body.get("version") in {None, known.get(row.id)})


def _note_state(row: Row, *, present: bool, willing: bool) -> None:
    if not present:
        row.faults.add("/id", "RECORD_NOT_FOUND", "There is no such record.")
    elif not willing:
        row.faults.add("/version", "VERSION_MISMATCH", "The record has changed since it was read.")


def _note_lacking(actor: Actor, rows: Sequence[Row], broken: Lacking) -> None:
    for row in rows:
        for one in broken.get(row.id, []) if row.id else []:
            found = fault_of(actor, one)
            row.faults.add(found.pointer, found.code, found.message)


def note_taken(actor: Actor, sight: Sight, rows: Sequence[Row]) -> None:
    """Names the unique values that other records have."""
    asked = {
        (found.unique_slot or "", found.kind.unique_key(row.values.set[found.slug])): None
        for row in paced(rows, stride=16)
        for found in unique_fields(sight, row.values.set)
    }
    if not asked:
        return
    holders = taken_keys(actor, sight.shape.id, list(asked))
    for row in paced(rows, stride=16):
        for found in unique_fields(sight, row.values.set):
            holder = holders.get((found.unique_slot or "", found.kind.unique_key(row.values.set[found.slug])))
            if holder is not None and holder != row.id:
                row.faults.add(pointer("data", found.slug), "NOT_UNIQUE", NOT_UNIQUE)


def _by_field(faults: FaultList, most: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults.faults[:most]:
        name = (fault.as_dict()["field"] or "general").removeprefix("data.")
        found.setdefault(name, []).append(fault.message)
    more = max(0, len(faults.faults) - most) + faults.left_out
    if more:
        found.setdefault("general", []).append(f"There are {more} more faults.")
    return found
