"""Records of a pipeline, one at a time: reading, adding, changing, removing, restoring, erasing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2.errors

from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.relationships import embedded_relationships
from oneo.access.schema import Sight, find_pipeline, row_scope
from oneo.actor import Actor
from oneo.errors import (
    DomainError,
    Fault,
    FaultList,
    PermissionDenied,
    PipelineInactive,
    RecordNotFound,
    RecordNotRemoved,
    ValueTaken,
    VersionMismatch,
    pointer,
)
from oneo.events.unit import announce, translated, unit
from oneo.fields.kinds.base import InvalidValue
from oneo.filters.sql import Sql, all_of
from oneo.ids import new_id
from oneo.models.record import TITLE_LENGTH
from oneo.operations.link_ends import at_ends
from oneo.operations.link_statuses import keeping_statuses
from oneo.operations.lists import Listing, ListQuery, including, list_resource, picked
from oneo.operations.values import Checker, Values, taken_fields
from oneo.operations.violations import refuse_broken
from oneo.store import erasing, history
from oneo.store.lists import get_row
from oneo.store.record_writes import DELETE, RESTORE, UPDATE, Change, Outcome, Written, change, insert
from oneo.store.records import pipeline_of, record_resource, select_ids
from oneo.store.resources import Resource

DEFAULT_STATUS = "active"
RELATIONSHIPS = "relationships"
"""What `include=` calls the relationships of a record."""


def list_records(actor: Actor, pipeline: str | UUID, query: ListQuery, *, deleted: bool = False) -> Listing:
    """Raises PipelineNotFound, InvalidParameter, InvalidCursor."""
    permission = P.RECORDS_DELETE if deleted else P.RECORDS_READ
    sight = find_pipeline(actor, pipeline, permission)
    scope = reach(actor, permission, sight)
    return list_resource(actor, shown(actor, sight, deleted=deleted), query, scope=scope)


def get_record(
    actor: Actor, record_id: UUID, *, pipeline: str | None = None, fields: str = "", include: str = ""
) -> tuple[str, int, Sight]:
    """(JSON text, version, what of the pipeline the caller sees). Raises RecordNotFound, InvalidParameter."""
    sight = sight_of_record(actor, record_id, P.RECORDS_READ, pipeline)
    resource = including(include, shown(actor, sight))
    where = all_of([Sql("r.id = %s", [record_id]), row_scope(actor, P.RECORDS_READ, sight.shape)])
    found = get_row(actor, resource, where, picked(fields, resource))
    if found is None:
        raise RecordNotFound
    return (*found, sight)


def shown(actor: Actor, sight: Sight, *, deleted: bool = False) -> Resource:
    """The pipeline's records as he may ask for them, and for what is related to them."""
    resource = record_resource(sight.shape, sight.hidden, deleted=deleted)
    beside = {RELATIONSHIPS: partial(embedded_relationships, actor, sight.shape.id)}
    return replace(resource, relations=partial(relations_of, actor, sight.shape), beside=beside)


def create_record(
    actor: Actor, pipeline: str | UUID, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises PipelineInactive, ValidationFailed, ValueTaken."""
    sight = find_pipeline(actor, pipeline, P.RECORDS_CREATE)
    check_active(sight)
    faults, checker = faults or FaultList(), Checker(actor, sight, P.RECORDS_CREATE)
    check_title(sight, body, faults)
    values = checker.check_new(with_title(sight, body), faults)
    checker.check_users()
    _note_taken(actor, sight, values, faults)
    faults.check()
    written = perform_insert(actor, sight, [insert_row(sight, body, values)]).rows[0]
    return written.id, written.document, written.version


def check_active(sight: Sight) -> None:
    """Raises PipelineInactive: a pipeline that has been put away takes nothing new, and what it has stays in use."""
    if not sight.shape.is_active:
        raise PipelineInactive


def update_record(
    actor: Actor, record_id: UUID, body: Mapping[str, Any], *, pipeline: str | None = None,
    whole: bool = False, versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given, or, when it is given whole, everything. Raises RecordNotFound, VersionMismatch,
    ValidationFailed, ValueTaken, ConstraintViolation when relationships need the status that it has.
    """
    sight = sight_of_record(actor, record_id, P.RECORDS_UPDATE, pipeline)
    faults, checker = faults or FaultList(), Checker(actor, sight, P.RECORDS_UPDATE)
    check_title(sight, body, faults)
    data = with_title(sight, body)
    values = checker.check_whole(data, faults) if whole else checker.check_change(data, faults)
    if not whole:
        checker.check_required(values, faults)
    checker.check_users()
    if faults.faults and pipeline is None and not _is_readable(actor, sight.shape.id, record_id):
        raise RecordNotFound
    _note_taken(actor, sight, values, faults, but=record_id)
    faults.check()
    row = change_row(sight, record_id, body, values)
    if whole:
        row = {"title": "", "status": DEFAULT_STATUS, **row}
    written = _perform_one(actor, sight, UPDATE, P.RECORDS_UPDATE, row, versions)
    return written.document, written.version


def delete_record(
    actor: Actor, record_id: UUID, *, pipeline: str | None = None, versions: frozenset[int] | None = None
) -> None:
    """Soft: it can be restored. Raises RecordNotFound, VersionMismatch, ThingInUse, ConstraintViolation."""
    sight = sight_of_record(actor, record_id, P.RECORDS_DELETE, pipeline)
    with at_ends(actor, sight.shape.id, [record_id]) as ends:
        _perform_one(actor, sight, DELETE, P.RECORDS_DELETE, {"id": record_id}, versions)
        ends.end([record_id])


def restore_record(
    actor: Actor, record_id: UUID, *, pipeline: str | None = None, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Raises RecordNotFound when it is not deleted, VersionMismatch, ValueTaken when another has one of its unique
    values now, ConstraintViolation when others have the places of relationships that it kept.
    """
    sight = sight_of_record(actor, record_id, P.RECORDS_DELETE, pipeline)
    with at_ends(actor, sight.shape.id, [record_id], back=True) as ends:
        written = _perform_one(actor, sight, RESTORE, P.RECORDS_DELETE, {"id": record_id}, versions)
        ends.wake([record_id])
    return written.document, written.version


def purge_record(
    actor: Actor, record_id: UUID, *, pipeline: str | None = None, versions: frozenset[int] | None = None
) -> None:
    """Erase a deleted record with its comments and relationships, what the log says of them and answers that were kept
    of it. Raises RecordNotFound, RecordNotRemoved, VersionMismatch.
    """
    sight = sight_of_record(actor, record_id, P.RECORDS_PURGE, pipeline)
    with unit(actor) as work, at_ends(actor, sight.shape.id, [record_id], always=True) as ends:
        scope = reach(actor, P.RECORDS_PURGE, sight)
        version = erasing.lock_removed_record(work.connection, actor.tenant_id, sight.shape.id, record_id, scope)
        if version is None:
            there = select_ids(actor, sight.shape, all_of([Sql("r.id = %s", [record_id]), scope]), 1)
            raise RecordNotRemoved if there else RecordNotFound
        if versions is not None and version not in versions:
            raise _version_mismatch(actor, sight, record_id, version, versions)
        ends.erase()
        erasing.erase_record(work.connection, actor.tenant_id, record_id)
        work.append("record.purged", record_id, pipeline_id=sight.shape.id, version=version + 1)


def sight_of_record(actor: Actor, record_id: UUID, permission: P, pipeline: str | None = None) -> Sight:
    """Raises RecordNotFound, also for a record that the caller may not read; PipelineNotFound for a named pipeline that
    he does not see; PermissionDenied where he may read the record and not do this with it.
    """
    if pipeline is not None:
        return find_pipeline(actor, pipeline, permission)
    place = pipeline_of(actor, record_id)
    if place is None:
        raise RecordNotFound
    try:
        return find_pipeline(actor, place, permission, missing=RecordNotFound)
    except PermissionDenied:
        if not _is_readable(actor, place, record_id):
            raise RecordNotFound from None
        raise


def _is_readable(actor: Actor, place: UUID, record_id: UUID) -> bool:
    try:
        sight = find_pipeline(actor, place, P.RECORDS_READ)
    except DomainError:
        return False
    where = all_of([Sql("r.id = %s", [record_id]), row_scope(actor, P.RECORDS_READ, sight.shape)])
    return bool(select_ids(actor, sight.shape, where, 1))


def reach(actor: Actor, permission: P, sight: Sight) -> Sql:
    """The records that he may do this with, of those that he may read: no others are there for him."""
    permissions = dict.fromkeys((permission, P.RECORDS_READ))
    return all_of([row_scope(actor, each, sight.shape) for each in permissions])


def check_title(sight: Sight, body: Mapping[str, Any], faults: FaultList, where: str = "") -> None:
    """A title is written to the title field, also where the caller does not see which one that is. There are no two."""
    title, name = body.get("title"), sight.shape.title_field
    if not title or name is None:
        return
    if name in sight.hidden:
        faults.add(where + "/title", "READ_ONLY", "The caller may not write titles here.")
    elif not _agrees(title, sight, (body.get("data") or {}).get(name, title)):
        faults.add(where + "/title", "CONTRADICTION", f"The title is the value of {name!r}, which is another one here.")


def _agrees(title: str, sight: Sight, value: object) -> bool:
    """Whether a record with this value in its title field has that title; of wrong values others speak."""
    found = sight.fields.get(sight.shape.title_field or "")
    if found is None or value == title:
        return True
    try:
        return value is not None and found.kind.as_text(found.kind.from_json(value))[:TITLE_LENGTH] == title
    except InvalidValue:
        return True


def with_title(sight: Sight, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of a body; a title that is given goes into the title field where the pipeline has one. An empty one
    takes its value away.
    """
    data: Mapping[str, Any] = body.get("data") or {}
    name = sight.shape.title_field
    if name is None or body.get("title") is None or name in data or name in sight.hidden:
        return data
    return {**data, name: body["title"] or None}


def _note_taken(
    actor: Actor, sight: Sight, values: Values, faults: FaultList, *, but: UUID | None = None
) -> None:  # fmt: skip
    """Add a fault for each unique value that another record has, so that it is named together with what else is wrong.

    Without other faults nothing is looked up: the unique indexes decide when the record is written.
    """
    if faults.faults:
        for slug in taken_fields(actor, sight, values, but=but):
            faults.add(pointer("data", slug), "NOT_UNIQUE", "Another record has this value.")


def insert_row(
    sight: Sight, body: Mapping[str, Any], values: Values, record_id: UUID | None = None
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": record_id or new_id(),
        "title": "" if sight.shape.title_field else body.get("title") or "",
        "status": body.get("status") or DEFAULT_STATUS,
        "data": values.set,
    }


def change_row(sight: Sight, record_id: UUID, body: Mapping[str, Any], values: Values) -> dict[str, Any]:
    row: dict[str, Any] = {"id": record_id, "set": values.set, "unset": values.unset}
    if body.get("title") is not None and not sight.shape.title_field:
        row["title"] = body["title"]
    if body.get("status") is not None:
        row["status"] = body["status"]
    return row


def perform_insert(actor: Actor, sight: Sight, rows: list[dict[str, Any]], *, skip: bool = False) -> Outcome:
    """Raises ValueTaken, unless those that meet a taken value are to be left out."""
    with translated(), _taken(sight):
        outcome = insert(actor, sight.shape, rows, hidden=sight.hidden, skip=skip)
    announce(actor, outcome.seq)
    return outcome


def perform_change(
    actor: Actor, sight: Sight, what: Change, permission: P, rows: list[dict[str, Any]], *,
    also: Sql | None = None, reason: str | None = None,
) -> Outcome:  # fmt: skip
    """`also` narrows what the caller's rows are. Raises ValueTaken."""
    scope = all_of([reach(actor, permission, sight), also or Sql("true")])
    with translated(), _taken(sight):
        outcome = change(actor, sight.shape, what, rows, hidden=sight.hidden, scope=scope, reason=reason)
    announce(actor, outcome.seq)
    return outcome


def _perform_one(
    actor: Actor, sight: Sight, what: Change, permission: P, row: dict[str, Any], versions: frozenset[int] | None
) -> Written:
    if versions is not None:
        row = {**row, "versions": sorted(versions)}
    with keeping_statuses(actor, sight.shape.id, [row]) as broken:
        found = perform_change(actor, sight, what, permission, [row]).rows
        refuse_broken(actor, broken(found).get(row["id"], []))
    if not found:
        raise RecordNotFound
    if versions is not None and not found[0].willing:
        raise _version_mismatch(actor, sight, found[0].id, found[0].version, versions)
    return found[0]


def _version_mismatch(
    actor: Actor, sight: Sight, record_id: UUID, version: int, versions: frozenset[int]
) -> VersionMismatch:
    """The present version, and what the caller may see of what has changed since the latest expected one."""
    differing = history.changed_since(actor, record_id, max(versions, default=0))
    visible = [name for name in differing if name.removeprefix("data.") not in sight.hidden]
    return VersionMismatch(extra={"version": version, "differing_fields": visible})


@contextmanager
def _taken(sight: Sight) -> Iterator[None]:
    """Names the field whose value is taken, unless it is hidden. Raises ValueTaken."""
    try:
        yield
    except psycopg2.errors.UniqueViolation as error:
        found = sight.shape.written.get((error.diag.constraint_name or "").removeprefix("uq_records_"))
        if found is None:
            raise
        fault = Fault(pointer("data", found.slug), "NOT_UNIQUE", "Another record has this value.")
        raise ValueTaken(faults=[] if found.slug in sight.hidden else [fault]) from None
