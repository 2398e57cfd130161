"""SQL of the event log: taking numbers from the tenant's clock, appending, reading after a number."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg2.extensions

from oneo.errors import StaleActor
from oneo.store import message
from oneo.store.resources import EVENTS

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

_AFTER = f"""
SELECT e.seq, e.type, {EVENTS.json()}::text FROM events e
WHERE e.tenant_id = %s AND e.seq > %s ORDER BY e.seq LIMIT %s
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


def read_after(tenant_id: UUID, seq: int, limit: int) -> Sequence[tuple[int, str, str]]:
    """(seq, type, envelope as JSON text), oldest first."""
    return message.look_up(tenant_id, _AFTER, (tenant_id, seq, limit))


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
