"""The gate: whether a loaded actor still holds, as SQL that reads rows by primary key.

The look-ups are the database function `oneo_gate`, because a function's plan is kept where a statement's is not.
"""

from __future__ import annotations

from oneo.actor import Actor
from oneo.filters.sql import Sql


def gate_sql(actor: Actor) -> Sql:
    """One row: the tenant's event number, or NULL when credential, user, tenant or revisions are not what they were.

    The server's own work passes by its tenant alone.
    """
    if actor.is_system:
        return Sql(f"SELECT coalesce((SELECT seq FROM tenant_clocks WHERE tenant_id = '{actor.tenant_id}'), 0) AS seq")
    return Sql(
        f"SELECT oneo_gate('{actor.tenant_id}', %s, %s, %s, %s, %s) AS seq",
        [
            actor.credential.value, actor.credential_id, actor.user_id, actor.access_revision, actor.schema_revision,
        ],
    )  # fmt: skip
