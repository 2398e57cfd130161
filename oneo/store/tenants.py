"""SQL over all tables of a tenant, run by the owner alone."""

from __future__ import annotations

from uuid import UUID

import psycopg2.extensions

from oneo.models import Base
from oneo.store import message


def erase_tenant(connection: psycopg2.extensions.connection, tenant_id: UUID) -> None:
    """Deletes every row of the tenant, then the tenant itself, children before parents."""
    for table in reversed(Base.metadata.sorted_tables):
        if "tenant_id" in table.c:
            message.execute(connection, f"DELETE FROM {table.name} WHERE tenant_id = %s", (tenant_id,))
    message.execute(connection, "DELETE FROM tenants WHERE id = %s", (tenant_id,))
