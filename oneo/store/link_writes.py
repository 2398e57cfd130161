"""Writing relationships: what they would break is found, and if that is nothing they are written with their events and
the tenant's clock, in one statement. It follows the locks, so that it sees what others wrote before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from oneo import exact_json
from oneo.actor import Actor
from oneo.event_types import event_type
from oneo.fields.links import TypeShape
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.link_checks import Rules
from oneo.store.link_sight import Group, ids_sql, record_within
from oneo.store.link_terms import COLUMNS, Look
from oneo.store.links import Seen, document
from oneo.store.locks import Lock
from oneo.store.many import LOG, as_many

_INPUT = """
, input AS MATERIALIZED (
    SELECT i.n, (i.b->>'id')::uuid AS id, (i.b->>'type')::uuid AS type_id, (i.b->>'source')::uuid AS source_id,
           (i.b->>'target')::uuid AS target_id, i.b->>'status' AS status,
           (i.b->>'is_bidirectional')::boolean AS is_bidirectional,
           coalesce((i.b->>'effective_from')::timestamptz, now()) AS lo,
           coalesce((i.b->>'effective_until')::timestamptz, 'infinity') AS hi,
           (i.b->>'strength')::float8 AS strength, i.b->'metadata' AS metadata, i.b->'data' AS data
    FROM gate, jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS i(b, n) WHERE gate.seq IS NOT NULL
), prepared AS MATERIALIZED (
    SELECT p.*, p.source_fault IS NULL AND p.target_fault IS NULL AS sound FROM (
        SELECT i.*, s.pipeline_id AS source_pipeline_id, s.status AS source_status, {source} AS source_fault,
               t.pipeline_id AS target_pipeline_id, t.status AS target_status, {target} AS target_fault
        FROM input i LEFT JOIN my_records s ON s.tenant_id = %(tenant)s AND s.id = i.source_id
        LEFT JOIN my_records t ON t.tenant_id = %(tenant)s AND t.id = i.target_id) p
), wanted AS MATERIALIZED (
    SELECT p.* FROM prepared p{many} WHERE p.sound AND p.status IN ('ACTIVE', 'PENDING') AND p.lo < p.hi
), standing AS (
    SELECT * FROM wanted
), faults AS MATERIALIZED (
    SELECT n, source_fault AS code, NULL::uuid AS rule, NULL::text AS kind, 'source' AS at, {places} AS detail
    FROM prepared WHERE source_fault IS NOT NULL
    UNION ALL SELECT n, target_fault, NULL::uuid, NULL::text, 'target', {places}
    FROM prepared WHERE target_fault IS NOT NULL
    UNION ALL SELECT n, 'VALIDATION_FAILED', NULL::uuid, NULL::text, 'effective_until', NULL::jsonb
    FROM prepared WHERE lo >= hi
    {checks}
)"""

_PLACES = """CASE WHEN 'RECORD_NOT_FOUND' NOT IN (coalesce(source_fault, ''), coalesce(target_fault, ''))
    THEN jsonb_build_object('source', source_pipeline_id, 'target', target_pipeline_id) END"""
"""The pipelines at the ends, for whom they are there."""

_INSERT = """
, done AS (
    INSERT INTO relationships (tenant_id, id, type_id, source_id, target_id, source_pipeline_id, target_pipeline_id,
                               status, is_bidirectional, effective_from, effective_until, strength, metadata, data,
                               created_by, updated_by)
    SELECT %(tenant)s, p.id, p.type_id, p.source_id, p.target_id, p.source_pipeline_id, p.target_pipeline_id, p.status,
           p.is_bidirectional, p.lo, nullif(p.hi, 'infinity'), p.strength, p.metadata, p.data, %(actor)s, %(actor)s
    FROM prepared p WHERE NOT EXISTS (SELECT FROM faults) ORDER BY p.n RETURNING *
), shown AS (
    SELECT p.n, d.id, d.type_id, d.version, true AS changed, {json} AS doc, {event} AS state, NULL::jsonb AS old,
           '{{}}'::text[] AS changed_fields
    FROM done d JOIN prepared p USING (id)
)"""

_ANSWER = """
SELECT gate.seq, tick.seq, o.n, o.id, o.version, o.changed, o.doc::text, o.faults::text
FROM gate LEFT JOIN (
    SELECT s.n, s.id, s.version, s.changed, s.doc, NULL::json AS faults FROM shown s
    UNION ALL SELECT f.n, NULL, NULL, false, NULL, json_agg(to_jsonb(f) - 'n') FROM faults f GROUP BY f.n
) o ON true LEFT JOIN tick ON true ORDER BY o.n
"""

FIND = """
SELECT gate.seq, NULL::bigint, o.n, NULL::uuid, NULL::int, false, NULL::text, o.faults::text
FROM gate LEFT JOIN (SELECT f.n, json_agg(to_jsonb(f) - 'n') AS faults FROM faults f GROUP BY f.n) o ON true
ORDER BY o.n
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """What one relationship would break: a code of the catalogue, the constraint if it is one's, and figures."""

    code: str
    rule: UUID | None
    kind: str | None
    at: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WrittenLink:
    """One entry of the call: what was written of it, or what it would break."""

    at: int
    id: UUID | None = None
    version: int = 0
    changed: bool = False
    document: str = ""
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkOutcome:
    """`seq` is the number of the last event, None when nothing changed."""

    seq: int | None
    rows: list[WrittenLink]


@dataclass(frozen=True, slots=True)
class Reach:
    """Records that the caller may relate: those in the groups, those that he would be told are removed, and pipelines
    that take part no more.
    """

    groups: Sequence[Group]
    removable: Sequence[UUID]
    inactive: Sequence[UUID] = ()
    types: Sequence[TypeShape] = field(default_factory=tuple)


def insert(
    actor: Actor, rows: Sequence[Mapping[str, Any]], *, reach: Reach, rules: Rules, seen: Seen, locks: Sequence[Lock],
    reason: str | None = None, dry: bool = False,
) -> LinkOutcome:  # fmt: skip
    """Rows have id, type, source, target and the columns of a relationship. `dry`: nothing is written, and what they
    would break is found. Raises StaleActor.
    """
    source, target = (_end_fault(row, end, reach) for row, end in (("s", "source"), ("t", "target")))
    source_sql, source_values = source.named("source")
    target_sql, target_values = target.named("target")
    many = as_many(rows)
    checks = union(replace(rules, look=Look(many=many)).of_wanted())
    sql = _INPUT.format(source=source_sql, target=target_sql, places=_PLACES, checks=checks, many=many)
    if dry:
        sql += FIND
    else:
        sql += _INSERT.format(json=json_of(seen), event=event_of(reach.types))
        sql += told("relationship.created")
    return run(actor, sql, rows, locks=locks, reason=reason, more={**source_values, **target_values})


def run(
    actor: Actor, sql: str, rows: Sequence[Mapping[str, Any]], *, locks: Sequence[Lock], reason: str | None,
    more: Mapping[str, object],
) -> LinkOutcome:  # fmt: skip
    values = {**common_values(actor, rows, reason), **more}
    answer = message.write(actor, sql, values, locks=locks)
    return LinkOutcome(answer[0][1], [_written(row) for row in answer if row[2] is not None])


def told(name: str) -> str:
    """The events of what was written, and what is answered."""
    return LOG.format(event_type=event_type(name), place="s.type_id") + _ANSWER


def common_values(actor: Actor, rows: Sequence[Mapping[str, Any]], reason: str | None) -> dict[str, object]:
    return {
        "tenant": actor.tenant_id,
        "actor": actor.user_id,
        "kind": actor.credential.value,
        "credential": actor.credential_id,
        "rows": exact_json.dumps(rows),
        "reason": reason,
    }


def union(pieces: Any) -> str:
    """More rows of faults."""
    return "".join(f"\n    UNION ALL SELECT {COLUMNS} FROM ({piece}) found({COLUMNS})" for piece in pieces)


def json_of(seen: Seen, row: str = "d") -> str:
    """A relationship as its caller is shown it."""
    values = ", ".join(f'{sql} AS "{key}"' for key, sql in document(seen, row).items())
    return f"(SELECT row_to_json(document) FROM (SELECT {values}) document)"


def event_of(types: Sequence[TypeShape], row: str = "d") -> str:
    """A relationship as the log keeps it: whole."""
    pairs = ", ".join(
        f"'{key}', {sql}" for key, sql in document([(found, frozenset()) for found in types], row).items()
    )
    return f"jsonb_build_object({pairs})"


def _end_fault(row: str, end: str, reach: Reach) -> Sql:
    """Why the record cannot be at this end; NULL when it can. Of a record that is not there for the caller nothing is
    told but that.
    """
    within = record_within(reach.groups, f"{row}.id", f"{row}.pipeline_id", f"{row}.tenant_id")
    places = {found.id: found.source_id if end == "source" else found.target_id for found in reach.types}
    cases = "".join(f" WHEN '{found}' THEN {row}.pipeline_id = '{place}'" for found, place in places.items() if place)
    fits = f"CASE i.type_id{cases} ELSE true END" if cases else "true"
    return Sql(
        f"CASE WHEN {row}.id IS NULL OR ({within.text}) IS NOT TRUE THEN 'RECORD_NOT_FOUND' "
        f"WHEN {row}.deleted_at IS NOT NULL AND {row}.pipeline_id <> ALL({ids_sql(reach.removable)}) "
        "THEN 'RECORD_NOT_FOUND' "
        f"WHEN NOT {fits} THEN 'INVALID_RELATIONSHIP_TYPE' "
        f"WHEN {row}.deleted_at IS NOT NULL OR {row}.status = 'inactive' "
        f"OR {row}.pipeline_id = ANY({ids_sql(reach.inactive)}) THEN 'INACTIVE_THING' END",
        within.values,
    )


def _written(row: Sequence[Any]) -> WrittenLink:
    _, _, n, link_id, version, changed, shown, faults = row
    broken = tuple(
        Broken(
            found["code"],
            UUID(found["rule"]) if found["rule"] else None,
            found["kind"],
            found["at"],
            found["detail"] or {},
        )
        for found in orjson.loads(faults or "[]")
    )
    return WrittenLink(n - 1, link_id, version or 0, bool(changed), shown or "", broken)
