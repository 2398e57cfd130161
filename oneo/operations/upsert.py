"""Adding what is new and changing what is there, told apart by the id or by a unique field."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight, find_pipeline
from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter, PipelineInactive, nearest, pointer
from oneo.events.unit import unit
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.shapes import FieldShape
from oneo.ids import as_id
from oneo.operations.bulk import (
    ID_TAKEN,
    NOT_UNIQUE,
    UPDATE_KEYS,
    BulkOutcome,
    Mode,
    Row,
    change_of,
    change_rows,
    check_change,
    check_new,
    check_repeats,
    insert_rows,
    perform,
    read_rows,
)
from oneo.operations.link_statuses import keeping_statuses
from oneo.operations.records import reach, with_title
from oneo.operations.values import Checker
from oneo.pacing import paced
from oneo.store import message
from oneo.store.records import taken_ids, taken_keys, versions_of


def bulk_upsert(
    actor: Actor, pipeline: str, entries: object, *, on: str = "id", mode: Mode = Mode.PARTIAL
) -> BulkOutcome:
    """Entries whose `on` (the id, or a unique field) is that of a record change it, the others become records. What was
    written stands in the order of the entries.

    Raises ArrayExpected, InvalidParameter, ValidationFailed for a bad entry when all must be good.
    """
    sight = find_pipeline(actor, pipeline, P.RECORDS_CREATE)
    policy.require(actor, P.RECORDS_UPDATE, sight.shape.id)
    field = _unique_field(sight, on)
    rows = read_rows(entries, UPDATE_KEYS)
    known = _find(actor, sight, rows) if field is None else _find_by(actor, sight, field, rows)
    creating, changing = Checker(actor, sight, P.RECORDS_CREATE), Checker(actor, sight, P.RECORDS_UPDATE)
    for row in paced(rows):
        if row.faults.covers("/id"):
            continue
        if row.id in known:
            check_change(changing, sight, row)
        elif not sight.shape.is_active:
            row.faults.add("", "PIPELINE_INACTIVE", PipelineInactive.title)
        else:
            check_new(creating, sight, row)
    creating.check_users()
    changing.check_users()
    check_repeats(sight, rows)

    def write(good: list[Row]) -> list[str]:
        new, there = [row for row in good if row.id not in known], [row for row in good if row.id in known]
        changes = [change_of(sight, row) for row in paced(there, stride=16)]
        with unit(actor) as work, keeping_statuses(actor, sight.shape.id, changes):
            if new and there:  # the first statement has the clock: whoever waits for that must not have what we change
                message.stand_alone(work.connection, actor.tenant_id, sight.shape.id)
            insert_rows(actor, sight, new)
            change_rows(actor, sight, there)
        return [row.document for row in good if row.document is not None]

    outcome = perform(actor, sight, rows, mode, write)
    return replace(outcome, created=sum(row.document is not None and row.id not in known for row in rows))


def _unique_field(sight: Sight, on: str) -> FieldShape | None:
    """None for the id. Raises InvalidParameter."""
    if on == "id":
        return None
    unique = {slug: found for slug, found in sight.fields.items() if found.unique_slot}
    found = unique.get(on.removeprefix("data__"))
    if found is None:
        allowed = ("id", *unique)
        fault = Fault(
            "/on", "UNKNOWN_FIELD", f"{on[:100]!r} is neither the id nor a unique field.", allowed, nearest(on, allowed)
        )  # fmt: skip
        raise InvalidParameter(faults=[fault])
    return found


def _find(actor: Actor, sight: Sight, rows: Sequence[Row]) -> set[UUID]:
    """Note the id of each entry, and return those of records that the caller may change. An id that is neither free nor
    one of these is a fault, the same one whatever the reason: the record may be erased, removed or invisible.
    """
    seen: dict[UUID, Row] = {}
    for row in rows:
        if "id" not in row.body:
            continue
        row.id = as_id(row.body["id"])
        if row.id is None or row.id in seen:
            row.faults.add("/id", "INVALID_VALUE", "An id (UUID) that no earlier entry has is expected.")
        else:
            seen[row.id] = row
    known = _changeable(actor, sight, seen)
    unknown = seen.keys() - known
    for record_id in taken_ids(actor, unknown) if unknown else ():
        seen[record_id].faults.add("/id", "ID_TAKEN", ID_TAKEN)
    return known


def _changeable(actor: Actor, sight: Sight, ids: Collection[UUID]) -> set[UUID]:
    return set(versions_of(actor, sight.shape, reach(actor, P.RECORDS_UPDATE, sight), ids)) if ids else set()


def _find_by(actor: Actor, sight: Sight, field: FieldShape, rows: Sequence[Row]) -> set[UUID]:
    """Note the id of the record that has an entry's value, and return these ids. A value that a record has which the
    caller may not change is taken, as it is for a new record.
    """
    keys: dict[str, list[Row]] = {}
    for row in rows:
        if "id" in row.body:
            row.faults.add("/id", "UNKNOWN_FIELD", f"Records are told apart by {field.slug} here.")
        key = _key(sight, field, row) if row.good else None
        if key is not None:
            keys.setdefault(key, []).append(row)
    slot = field.unique_slot or ""
    found = taken_keys(actor, sight.shape.id, [(slot, key) for key in keys])
    known = _changeable(actor, sight, set(found.values()))
    for (_, key), record_id in found.items():
        for row in keys[key]:
            if record_id in known:
                row.id = record_id
            else:
                row.faults.add(pointer("data", field.slug), "NOT_UNIQUE", NOT_UNIQUE)
    return known


def _key(sight: Sight, field: FieldShape, row: Row) -> str | None:
    """What the entry is told apart by; notes a fault where it has nothing."""
    where, given = pointer("data", field.slug), with_title(sight, row.body).get(field.slug)
    if given is None:
        row.faults.add(where, "REQUIRED", "Records are told apart by this field.")
        return None
    try:
        return field.kind.unique_key(field.kind.from_json(given))
    except InvalidValue as error:
        error.add_to(row.faults, where)
        return None
