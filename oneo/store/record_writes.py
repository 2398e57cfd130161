"""Writing records: the rows, one event for each and the tenant's clock in a single statement, many rows or one.

Each begins with the gate's row and ends with the clock, which is taken last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import current_app

from oneo import exact_json
from oneo.actor import Actor
from oneo.event_types import event_type
from oneo.fields.shapes import PipelineShape
from oneo.filters.data import slot_expression
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.convoy import Convoy
from oneo.store.locks import Lock, LockKind
from oneo.store.many import LOG, as_many
from oneo.store.records import document
from oneo.store.resources import moment

_CREATE = """
, input AS MATERIALIZED (
    SELECT i.n, (i.body->>'id')::uuid AS id, i.body->>'title' AS title, i.body->>'status' AS status,
           i.body->'data' AS data
    FROM gate, jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS i(body, n) WHERE gate.seq IS NOT NULL
), done AS (
    INSERT INTO records (tenant_id, id, pipeline_id, title, status, data, created_by, updated_by{slots})
    SELECT %(tenant)s, i.id, %(pipeline)s, i.title, i.status, i.data, %(actor)s, %(actor)s{values}
    FROM input i ORDER BY i.n {conflict} RETURNING *
), shown AS (
    SELECT i.n, d.id, true AS changed, d.version, {json} AS doc, {event} AS state, NULL::jsonb AS old,
           '{{}}'::text[] AS changed_fields
    FROM done d JOIN input i USING (id)
)"""

_CHANGE = """
, input AS MATERIALIZED (
    SELECT i.n, (i.body->>'id')::uuid AS id, i.body->>'title' AS title, i.body->>'status' AS status,
           coalesce(i.body->'set', '{{}}') AS set, ARRAY(SELECT jsonb_array_elements_text(i.body->'unset')) AS unset,
           CASE WHEN i.body ? 'versions'
                THEN ARRAY(SELECT jsonb_array_elements(i.body->'versions')::int) END AS versions
    FROM gate, jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS i(body, n) WHERE gate.seq IS NOT NULL
), before AS MATERIALIZED (
    SELECT b.*, b.willing AND ({always} OR b.new_data <> b.data OR b.new_title <> b.title
           OR b.new_status <> b.status) AS changing
    FROM (
        SELECT r.*, i.n, i.set, i.unset, i.versions IS NULL OR r.version = ANY(i.versions) AS willing,
               (r.data || i.set) - i.unset AS new_data, coalesce(i.title, r.title) AS new_title,
               coalesce(i.status, r.status) AS new_status
        FROM input i JOIN records r ON r.tenant_id = %(tenant)s AND r.id = i.id AND r.pipeline_id = %(pipeline)s
        WHERE {standing} AND {scope} ORDER BY r.id FOR NO KEY UPDATE OF r
    ) b{many}
), done AS (
    UPDATE records r SET data = b.new_data, title = b.new_title, status = b.new_status, version = r.version + 1,
           updated_at = now(), updated_by = %(actor)s, deleted_at = {deleted_at}{slots}
    FROM before b WHERE r.tenant_id = %(tenant)s AND r.id = b.id AND b.changing
    RETURNING r.*, {former}
), shown AS (
    SELECT d.n, d.id, d.changed, d.version, d.willing, {json} AS doc, {event} AS state, delta.old, delta.changed_fields
    FROM (
        SELECT {columns}, n, set, unset, willing, old_data, old_title, old_status, old_deleted_at, true AS changed
        FROM done UNION ALL SELECT {columns}, {former}, false FROM before b WHERE NOT b.changing
    ) d
    CROSS JOIN LATERAL (
        SELECT jsonb_strip_nulls(jsonb_build_object(
                   'title', CASE WHEN d.title <> d.old_title THEN d.old_title END,
                   'status', CASE WHEN d.status <> d.old_status THEN d.old_status END))
               || CASE WHEN count(k) > 0 THEN jsonb_build_object('data', jsonb_object_agg(k, d.old_data->k) FILTER
                   (WHERE k IS NOT NULL)) ELSE '{{}}' END || {old_deleted} AS old,
               array_remove(ARRAY[CASE WHEN d.title <> d.old_title THEN 'title' END,
                   CASE WHEN d.status <> d.old_status THEN 'status' END, {field_deleted}], NULL)
               || coalesce(array_agg('data.' || k ORDER BY k) FILTER (WHERE k IS NOT NULL), '{{}}') AS changed_fields
        FROM (SELECT jsonb_object_keys(d.set) UNION SELECT unnest(d.unset)) AS keys(k)
        WHERE d.old_data->k IS DISTINCT FROM d.data->k
    ) delta
)"""
_FORMER = (
    "b.n, b.set, b.unset, b.willing, b.data AS old_data, b.title AS old_title, b.status AS old_status, "
    "b.deleted_at AS old_deleted_at"
)
"""What a change is told by, taken along with the row: a join of what was with what is has no index to go by."""

_ANSWER = """
SELECT gate.seq, tick.seq, s.n, s.id, s.version, s.changed, {willing}, s.doc::text
FROM gate LEFT JOIN shown s ON true LEFT JOIN tick ON true ORDER BY s.n
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a kind of change does to a record besides its values."""

    event_type: str
    standing: str = "r.deleted_at IS NULL"
    deleted_at: str = "r.deleted_at"
    always: str = "false"
    old_deleted: str = "'{}'"
    field_deleted: str = "NULL"


UPDATE = Change("record.updated")
DELETE = Change(
    "record.deleted", deleted_at="now()", always="true",
    old_deleted="""'{"deleted_at": null}'""", field_deleted="'deleted_at'",
)  # fmt: skip
RESTORE = Change(
    "record.restored", standing="r.deleted_at IS NOT NULL", deleted_at="NULL", always="true",
    old_deleted=f"jsonb_build_object('deleted_at', {moment('d.old_deleted_at')})", field_deleted="'deleted_at'",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A record that was found. `willing`: it had a version that the caller was willing to change."""

    at: int
    id: UUID
    version: int
    changed: bool
    willing: bool
    document: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seq` is the number of the last event, None when nothing changed."""

    seq: int | None
    rows: list[Written]


def insert(
    actor: Actor, shape: PipelineShape, rows: Sequence[Mapping[str, Any]], *, hidden: frozenset[str], skip: bool = False
) -> Outcome:
    """Insert rows that have id, title, status and data. `skip` leaves out those that meet a taken value.

    Concurrent single rows of one caller for one pipeline share a statement, because each would wait for the tenant's
    clock that the other holds. Raises StaleActor.
    """
    sql = _memo(shape, ("insert", hidden, skip), lambda: _insert_sql(shape, hidden, skip=skip))
    if len(rows) != 1 or message.is_joined():
        return _write(actor, shape.id, sql, rows, reason=None)
    convoy: Convoy = current_app.extensions["oneo.convoy"]
    return convoy.run(_InsertBatch(actor, shape.id, sql), rows[0])


@dataclass(frozen=True, slots=True)
class _InsertBatch:
    """Everything that an insert depends on besides its rows. The SQL does not name the pipeline or the caller."""

    actor: Actor
    pipeline_id: UUID
    sql: str

    def perform(self, items: list[Mapping[str, Any]]) -> list[Outcome]:
        return _single(_write(self.actor, self.pipeline_id, self.sql, items, reason=None), items)


def _single(outcome: Outcome, rows: Sequence[object]) -> list[Outcome]:
    """What became of each of the rows."""
    found = {written.at: replace(written, at=0) for written in outcome.rows}
    return [Outcome(outcome.seq, [found[at]] if at in found else []) for at in range(len(rows))]


def change(
    actor: Actor, shape: PipelineShape, what: Change, rows: Sequence[Mapping[str, Any]], *,
    hidden: frozenset[str], scope: Sql, reason: str | None = None,
) -> Outcome:  # fmt: skip
    """Rows have an id and may have title, status, `set`, `unset` and `versions`. Raises StaleActor.

    Those that the scope does not reach are not among the outcome. Rows are locked in the order of their ids.
    """
    many = as_many(rows)
    sql = _memo(shape, ("change", what, hidden, many), lambda: _change_sql(shape, what, hidden, many=many))
    condition, names = scope.named("scope")
    return _write(actor, shape.id, sql.replace("/*scope*/true", condition), rows, reason=reason, more=names)


def _memo(shape: PipelineShape, key: Any, make: Any) -> str:
    if key not in shape.memo:
        shape.memo[key] = make()
    found: str = shape.memo[key]
    return found


def _write(
    actor: Actor, pipeline_id: UUID, sql: str, rows: Sequence[Mapping[str, Any]], *,
    reason: str | None, more: Mapping[str, object] | None = None,
) -> Outcome:  # fmt: skip
    values = {**_values(actor, pipeline_id, rows, reason), **(more or {})}
    answer = message.write(actor, sql, values, locks=[Lock.of(actor.tenant_id, LockKind.SHAPE, pipeline_id)])
    written = [
        Written(row[2] - 1, row[3], row[4], bool(row[5]), bool(row[6]), row[7]) for row in answer if row[2] is not None
    ]
    return Outcome(answer[0][1] if answer else None, written)


def _values(
    actor: Actor, pipeline_id: UUID, rows: Sequence[Mapping[str, Any]], reason: str | None
) -> dict[str, object]:
    return {
        "tenant": actor.tenant_id,
        "pipeline": pipeline_id,
        "actor": actor.user_id,
        "kind": actor.credential.value,
        "credential": actor.credential_id,
        "rows": exact_json.dumps(rows),
        "reason": reason,
    }


def _insert_sql(shape: PipelineShape, hidden: frozenset[str], *, skip: bool) -> str:
    slots = _slots(shape, "i.data")
    return _CREATE.format(
        slots="".join(f", {slot}" for slot in slots),
        values="".join(f", {sql}" for sql in slots.values()),
        conflict="ON CONFLICT DO NOTHING" if skip else "",
        json=_json(shape, hidden),
        event=event_sql(shape),
    ) + _told("record.created", willing="true")


def _change_sql(shape: PipelineShape, what: Change, hidden: frozenset[str], *, many: str) -> str:
    slots = _slots(shape, "b.new_data")
    return _CHANGE.format(
        slots="".join(f", {slot} = {sql}" for slot, sql in slots.items()),
        scope="/*scope*/true",
        columns="id, pipeline_id, title, status, data, version, created_at, updated_at, created_by, updated_by, "
        "deleted_at",
        former=_FORMER,
        many=many,
        json=_json(shape, hidden),
        event=event_sql(shape),
        standing=what.standing,
        deleted_at=what.deleted_at,
        always=what.always,
        old_deleted=what.old_deleted,
        field_deleted=what.field_deleted,
    ) + _told(what.event_type, willing="s.willing")


def _told(name: str, *, willing: str) -> str:
    return LOG.format(event_type=event_type(name), place="%(pipeline)s") + _ANSWER.format(willing=willing)


def _slots(shape: PipelineShape, data: str) -> dict[str, str]:
    return {slot: slot_expression(slot, found.slug, found.kind, data) for slot, found in shape.written.items()}


def _json(shape: PipelineShape, hidden: frozenset[str]) -> str:
    """The record as its caller is shown it."""
    values = ", ".join(f'{sql} AS "{key}"' for key, sql in document(shape, hidden, "d").items())
    return f"(SELECT row_to_json(document) FROM (SELECT {values}) document)"


def event_sql(shape: PipelineShape) -> str:
    """The record `d` as the log keeps it: whole."""
    pairs = ", ".join(f"'{key}', {sql}" for key, sql in document(shape, frozenset(), "d").items())
    return f"jsonb_build_object({pairs})"
