"""The gate: whether a loaded actor still holds, as SQL that reads rows by primary key.

The look-ups are the database function `oneo_gate`, because a function's plan is kept where a statement's is not.
"""

from __future__ import annotations

from oneo.actor import Actor


def gate_sql(actor: Actor) -> str:
    """One row: the tenant's event number, or NULL when credential, user, tenant or revisions are not what they were.

    Only ids and numbers stand in the text. The server's own work passes by its tenant alone.
    """
    if actor.is_system:
        return f"SELECT coalesce((SELECT seq FROM tenant_clocks WHERE tenant_id = '{actor.tenant_id}'), 0) AS seq"
    return (
        f"SELECT oneo_gate('{actor.tenant_id}', '{actor.credential}', '{actor.credential_id}', '{actor.user_id}', "
        f"{actor.access_revision:d}, {actor.schema_revision:d}) AS seq"
    )
