"""SQL about the relationships at records that are removed, come back or are erased, and about any that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo.actor import Actor
from oneo.fields.links import ConstraintShape
from oneo.filters.sql import Sql
from oneo.store import erasing, message
from oneo.store.link_checks import Rules
from oneo.store.link_sight import ids_sql
from oneo.store.link_writes import FIND, Broken, run, union
from oneo.store.locks import Lock
from oneo.store.many import MANY, as_many

_AT = "x.tenant_id = %s AND (x.source_id = ANY(%s::uuid[]) OR x.target_id = ANY(%s::uuid[]))"
_PRESENT = """
, prepared AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY x.id) AS n, x.id, x.type_id, x.source_id, x.target_id, x.source_pipeline_id,
           x.target_pipeline_id, x.status, x.is_bidirectional, x.effective_from AS lo,
           coalesce(x.effective_until, 'infinity') AS hi, s.status AS source_status, t.status AS target_status
    FROM relationships x JOIN my_records s ON s.tenant_id = %(tenant)s AND s.id = x.source_id
    JOIN my_records t ON t.tenant_id = %(tenant)s AND t.id = x.target_id
    WHERE x.tenant_id = %(tenant)s AND x.status IN ('ACTIVE', 'PENDING') AND x.deleted_at IS NULL AND NOT x.is_dormant
    AND (x.id = ANY(%(links)s::uuid[]) OR x.type_id = ANY(%(types)s::uuid[]))
), standing AS (
    SELECT p.* FROM prepared p{many}
), wanted AS MATERIALIZED (
    SELECT p.* FROM prepared p{many}
), faults AS MATERIALIZED (
    SELECT NULL::bigint AS n, NULL::text AS code, NULL::uuid AS rule, NULL::text AS kind, NULL::text AS at,
           NULL::jsonb AS detail WHERE false
    {checks}
)"""

_LEFT = """
, leaving AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY x.id) AS n, x.id, x.type_id, x.source_id, x.target_id, x.source_pipeline_id,
           x.target_pipeline_id, 'INACTIVE'::text AS status, x.is_bidirectional, x.effective_from AS lo,
           coalesce(x.effective_until, 'infinity') AS hi
    FROM relationships x WHERE x.tenant_id = %(tenant)s AND x.id = ANY(%(links)s::uuid[]) AND x.status = 'ACTIVE'
), prepared AS MATERIALIZED (
    SELECT * FROM leaving
), standing AS (
    SELECT * FROM prepared WHERE false
), faults AS MATERIALIZED (
    SELECT NULL::bigint AS n, NULL::text AS code, NULL::uuid AS rule, NULL::text AS kind, NULL::text AS at,
           NULL::jsonb AS detail WHERE false
    {checks}
)"""


def held(
    connection: Connection, tenant_id: UUID, record_ids: Sequence[UUID], types: Sequence[UUID], *, readable: Sql
) -> dict[UUID, int]:
    """Return the types, of these, of which relationships that have not ended join the records to others, with how many
    of each the caller reads.
    """
    if not types:
        return {}
    ids = _texts(record_ids)
    parameters = [*readable.values, tenant_id, ids, ids, ids, ids]
    sql = (
        f"SELECT x.type_id, count(*) FILTER (WHERE {readable.text}) FROM relationships x WHERE {_standing(types)} "
        "AND coalesce(x.effective_until > now(), true) "
        "AND NOT (x.source_id = ANY(%s::uuid[]) AND x.target_id = ANY(%s::uuid[])) GROUP BY x.type_id"
    )
    return {row[0]: row[1] for row in message.execute(connection, sql, parameters)}


def let_sleep(
    connection: Connection, tenant_id: UUID, record_ids: Sequence[UUID], types: Sequence[UUID]
) -> dict[UUID, UUID]:
    """Out of sight until their records are back; those that did not sleep before, with their types."""
    if not types:
        return {}
    sql = f"UPDATE relationships x SET is_dormant = true WHERE {_standing(types)} RETURNING x.id, x.type_id"
    return _types_at(connection, sql, tenant_id, record_ids)


def standing_at(
    connection: Connection, tenant_id: UUID, record_ids: Sequence[UUID], types: Sequence[UUID]
) -> dict[UUID, UUID]:
    """Relationships of these types at the records, with their types."""
    if not types:
        return {}
    sql = f"SELECT x.id, x.type_id FROM relationships x WHERE {_standing(types)}"
    return _types_at(connection, sql, tenant_id, record_ids)


def wake(connection: Connection, tenant_id: UUID, record_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Those that slept and have both their records again, with their types."""
    ids = _texts(record_ids)
    ends = " AND ".join(
        f"EXISTS (SELECT FROM records r WHERE r.tenant_id = x.tenant_id AND r.id = x.{end}_id AND r.deleted_at IS NULL)"
        for end in ("source", "target")
    )
    sql = (
        f"UPDATE relationships x SET is_dormant = false WHERE {_AT} AND x.is_dormant AND {ends} "
        "RETURNING x.id, x.type_id"
    )  # fmt: skip
    return {row[0]: row[1] for row in message.execute(connection, sql, (tenant_id, ids, ids))}


def two_way(connection: Connection, tenant_id: UUID, type_id: UUID) -> int:
    """How many relationships of the type go both ways, whatever their status."""
    sql = (
        "SELECT count(*) FROM relationships x WHERE x.tenant_id = %s AND x.type_id = %s AND x.is_bidirectional "
        "AND x.deleted_at IS NULL"
    )
    count: int = message.execute(connection, sql, (tenant_id, type_id))[0][0]
    return count


def settle(connection: Connection, tenant_id: UUID, type_id: UUID) -> None:
    """Those of the type sleep that have not both their records, and no others."""
    ends = " OR ".join(
        f"EXISTS (SELECT FROM records r WHERE r.tenant_id = x.tenant_id AND r.id = x.{end}_id "
        "AND r.deleted_at IS NOT NULL)"
        for end in ("source", "target")
    )
    sql = (
        f"UPDATE relationships x SET is_dormant = NOT x.is_dormant WHERE x.tenant_id = %s AND x.type_id = %s "
        f"AND x.deleted_at IS NULL AND x.is_dormant <> ({ends})"
    )
    message.execute(connection, sql, (tenant_id, type_id))


def erase(
    connection: Connection, tenant_id: UUID, record_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID, int]]:  # fmt: skip
    """(id, type, version) of all that were ever at the records; the log tells no more of them."""
    ids = _texts(record_ids)
    sql = f"DELETE FROM relationships x WHERE {_AT} RETURNING x.id, x.type_id, x.version"
    rows = message.execute(connection, sql, (tenant_id, ids, ids))
    if rows:
        erasing.blank_events(connection, tenant_id, [row[0] for row in rows])
    return [(row[0], row[1], row[2]) for row in rows]


def check(
    actor: Actor, rules: Rules, *, locks: Sequence[Lock], link_ids: Sequence[UUID] = (), types: Sequence[UUID] = ()
) -> list[Broken]:
    """What relationships that are there break: the named ones, or those of the named types, of which none is new. Call
    it with the locks.
    """
    many = as_many(link_ids) if link_ids else MANY
    found = replace(rules, look=replace(rules.look, many=many))
    sql = _PRESENT.format(checks=union(found.of_wanted() if link_ids else found.of_constraints()), many=many) + FIND
    return _found(actor, sql, locks, {"links": _texts(link_ids), "types": _texts(types)})


def check_left(
    actor: Actor, rules: Rules, *, locks: Sequence[Lock], link_ids: Sequence[UUID], gone: Sequence[UUID]
) -> list[Broken]:
    """What relationships break that stand no more; of records that are gone themselves nothing is asked."""
    sql = _LEFT.format(checks=union(rules.of_leaving())) + FIND
    return _found(actor, sql, locks, {"links": _texts(link_ids), "gone": _texts(gone)})


def _standing(types: Sequence[UUID]) -> str:
    return f"{_AT} AND x.type_id = ANY({ids_sql(types)}) AND x.deleted_at IS NULL AND NOT x.is_dormant"


def _types_at(
    connection: Connection, sql: str, tenant_id: UUID, record_ids: Sequence[UUID]
) -> dict[UUID, UUID]:  # fmt: skip
    ids = _texts(record_ids)
    return {row[0]: row[1] for row in message.execute(connection, sql, (tenant_id, ids, ids))}


@dataclass(frozen=True, slots=True)
class NeededStatus:
    """A constraint says that records at this end of relationships of a type have a status."""

    type_id: UUID
    rule: ConstraintShape
    end: str
    status: str


def lacking(
    actor: Actor, statuses: Mapping[UUID, str], needed: Iterable[NeededStatus]
) -> dict[UUID, list[Broken]]:  # fmt: skip
    """What relationships break that have not ended, when records have these statuses; by record. Raises StaleActor."""
    asked = [(one, [str(found) for found, status in statuses.items() if status != one.status]) for one in needed]
    parts = [
        f"SELECT DISTINCT {at}, x.{one.end}_id FROM my_relationships x WHERE x.tenant_id = '{actor.tenant_id}' "
        f"AND x.type_id = '{one.type_id}' AND x.{one.end}_id = ANY(%s::uuid[]) AND x.status = 'ACTIVE' "
        f"AND x.deleted_at IS NULL AND NOT x.is_dormant AND coalesce(x.effective_until > now(), true){_of(one.rule)}"
        for at, (one, _) in enumerate(asked)
    ]
    rows = message.read(actor, " UNION ALL ".join(parts), [ids for _, ids in asked]).rows
    found: dict[UUID, list[Broken]] = {}
    for at, record_id in sorted(rows):
        one = asked[at][0]
        detail = {"status": one.status, "type": str(one.type_id)}
        broken = Broken("CONSTRAINT_VIOLATION", one.rule.id, one.rule.kind, "kept_status", detail)
        found.setdefault(record_id, []).append(broken)
    return found


def _of(rule: ConstraintShape) -> str:
    ends = (("source", rule.source_id), ("target", rule.target_id))
    return "".join(f" AND x.{end}_pipeline_id = '{found}'" for end, found in ends if found)


def _found(actor: Actor, sql: str, locks: Sequence[Lock], more: Mapping[str, object]) -> list[Broken]:
    outcome = run(actor, sql, [], locks=locks, reason=None, more=more)
    return [broken for one in outcome.rows for broken in one.broken]


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [str(found) for found in ids]
