"""What statements that write many rows at once have in common."""

from __future__ import annotations

from collections.abc import Sequence

MANY = " CROSS JOIN generate_series(1, (SELECT 1 FROM gate)) one"
_MANY = 20

LOG = """
, tick AS (
    UPDATE tenant_clocks SET seq = seq + (SELECT count(*) FROM shown WHERE changed)
    WHERE tenant_id = %(tenant)s AND EXISTS (SELECT FROM shown WHERE changed) RETURNING seq
), logged AS (
    INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, credential_id, subject_id, pipeline_id,
                        version, changed_fields, data, old, reason)
    SELECT %(tenant)s, tick.seq + 1 - row_number() OVER (ORDER BY s.n DESC), gen_random_uuid(), '{event_type}',
           %(actor)s, %(kind)s, %(credential)s, s.id, {place}, s.version, s.changed_fields, s.state, s.old, %(reason)s
    FROM tick, shown s WHERE s.changed
)"""
"""The tenant's clock, taken last, and an event for each row of `shown` that has changed, with its pipeline or type."""


def as_many(rows: Sequence[object]) -> str:
    """Joins one row that the planner takes for a thousand, where there are many. What is left after a join it takes for
    a single one, and would look for each among all that the tenant has.
    """
    return MANY if len(rows) > _MANY else ""
