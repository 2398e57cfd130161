"""SQL of the event log: taking numbers from the tenant's clock, appending, reading after a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg2.extensions

from oneo.errors import StaleActor
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.event_sight import PLAIN, EventSight

_APPEND = """
WITH tick AS (
    UPDATE tenant_clocks SET seq = seq + %(count)s WHERE tenant_id = %(tenant)s RETURNING seq
)
INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, credential_id, subject_id, pipeline_id,
                    version, changed_fields, data, old, reason)
SELECT %(tenant)s, tick.seq - %(count)s + e.n, (e.body->>'id')::uuid, e.body->>'type', %(actor)s, %(kind)s,
       %(credential)s, (e.body->>'subject_id')::uuid, (e.body->>'pipeline_id')::uuid, (e.body->>'version')::int,
       ARRAY(SELECT jsonb_array_elements_text(e.body->'changed_fields')),
       nullif(e.body->'data', 'null'), nullif(e.body->'old', 'null'), e.body->>'reason'
FROM tick, jsonb_array_elements(%(events)s::jsonb) WITH ORDINALITY AS e(body, n)
RETURNING seq
"""

_AFTER = """
SELECT e.seq, e.type, CASE WHEN v.visible THEN {json}::text END, e.subject_id, e.pipeline_id,
       CASE WHEN v.visible THEN {answers} END, {source}, {target}
FROM (SELECT * FROM events WHERE tenant_id = %s AND seq > %s ORDER BY seq LIMIT %s) e
CROSS JOIN LATERAL (SELECT ({visible}) IS TRUE AS visible OFFSET 0) v
CROSS JOIN LATERAL (SELECT CASE WHEN v.visible THEN {data} END AS shown OFFSET 0) d
ORDER BY e.seq
"""

_REACHED = """
SELECT coalesce((SELECT occurred_at > now() - make_interval(days => %s) FROM events
                 WHERE tenant_id = %s AND seq = %s), true)
"""


def append(
    connection: psycopg2.extensions.connection,
    *,
    tenant_id: UUID,
    actor_id: UUID,
    actor_kind: str,
    credential_id: UUID,
    events: str,
    count: int,
) -> int:
    """The number of the last event appended. Locks the tenant's clock until the transaction ends: call it last.

    Raises StaleActor when the tenant, and its clock with it, has just been erased.
    """
    rows = message.execute(
        connection,
        _APPEND,
        {
            "tenant": tenant_id,
            "actor": actor_id,
            "kind": actor_kind,
            "credential": credential_id,
            "events": events,
            "count": count,
        },
    )
    if not rows:
        raise StaleActor
    last: int = max(row[0] for row in rows)
    return last


def read_after(
    tenant_id: UUID, seq: int, limit: int, *,
    sight: EventSight = PLAIN, kinds: Sequence[str] | None = None, conditions: Sequence[Sql] = (),
    timeout_ms: int | None = None,
) -> Sequence[tuple[Any, ...]]:  # fmt: skip
    """(seq, type, envelope as JSON text, subject, pipeline, answers to the conditions, source and target of a
    relationship), oldest first.

    Of events of other kinds, and those that the sight does not show, there is no envelope. Conditions are asked of
    `d.shown`, the data of a record as the sight shows it. Raises StatementTimeout.
    """
    visible = sight.condition
    if kinds is not None:
        of_kind = Sql("split_part(e.type, '.', 1) = ANY(%s::text[])", [list(kinds)])
        visible = Sql(f"CASE WHEN {of_kind.text} THEN {visible.text} END", [*of_kind.values, *visible.values])
    asked = ", ".join(f"d.shown IS NOT NULL AND ({condition.text}) IS TRUE" for condition in conditions)
    sql = _AFTER.format(
        json=sight.resource.json(), answers=f"ARRAY[{asked}]::bool[]",
        visible=visible.text, data=sight.resource.document["data"], source=_end("source"), target=_end("target"),
    )  # fmt: skip
    values = [*(value for condition in conditions for value in condition.values), tenant_id, seq, limit]
    return message.look_up(tenant_id, sql, [*values, *visible.values], timeout_ms=timeout_ms)


def reached(tenant_id: UUID, after: int, retention_days: int) -> bool:
    """Whether replay still reaches the event that follows `after`."""
    found: bool = message.look_up(tenant_id, _REACHED, (retention_days, tenant_id, after + 1))[0][0]
    return found


def clocks(tenant_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The latest number of each tenant."""
    rows = message.look_up_directory(
        "SELECT tenant_id, seq FROM tenant_clocks WHERE tenant_id = ANY(%s::uuid[])", ([str(t) for t in tenant_ids],)
    )
    return {row[0]: row[1] for row in rows}


def _end(end: str) -> str:
    return f"CASE WHEN v.visible AND starts_with(e.type, 'relationship.') THEN (e.data->>'{end}_record_id')::uuid END"
