"""SQL of a record's past, as the log has it."""

from __future__ import annotations

from uuid import UUID

from oneo.actor import Actor
from oneo.store import message


def changed_since(actor: Actor, record_id: UUID, version: int) -> list[str]:
    """Names of what changed in a record after a version of it."""
    sql = (
        f"SELECT DISTINCT name FROM events e, unnest(e.changed_fields) AS name WHERE e.tenant_id = '{actor.tenant_id}' "
        "AND e.subject_id = %s AND e.version > %s ORDER BY name"
    )
    return [row[0] for row in message.read(actor, sql, (record_id, version)).rows]
