"""SQL that erases rows, run by the owner alone."""

from __future__ import annotations

from uuid import UUID

import psycopg2.extensions

from oneo.models import Base
from oneo.store import message

_PRUNE = """
WITH gone AS (
    DELETE FROM sessions WHERE tenant_id = %s
    AND least(revoked_at, expires_at) < now() - make_interval(days => %s) RETURNING 1
)
SELECT count(*) FROM gone
"""


def prune_sessions(tenant_id: UUID, days: int) -> int:
    """Deletes the sessions that ended or expired so many days ago; how many."""
    gone: int = message.note(tenant_id, _PRUNE, (tenant_id, days))[0][0]
    return gone


def erase_tenant(connection: psycopg2.extensions.connection, tenant_id: UUID) -> None:
    """Deletes every row of the tenant, then the tenant itself, children before parents."""
    for table in reversed(Base.metadata.sorted_tables):
        if "tenant_id" in table.c:
            message.execute(connection, f"DELETE FROM {table.name} WHERE tenant_id = %s", (tenant_id,))
    message.execute(connection, "DELETE FROM tenants WHERE id = %s", (tenant_id,))
