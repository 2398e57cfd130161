"""The gate: the conditions under which a loaded actor still holds, as SQL that reads rows by primary key."""

from __future__ import annotations

from oneo.actor import Actor, CredentialKind

_CREDENTIAL = {
    CredentialKind.SESSION: "SELECT revoked_at IS NULL AND expires_at > now() FROM sessions",
    CredentialKind.API_KEY: "SELECT revoked_at IS NULL AND coalesce(expires_at > now(), true) FROM api_keys",
}


def gate_sql(actor: Actor) -> str:
    """One row with the tenant's event number, or none. Only ids and numbers stand in the text."""
    tenant, conditions = f"'{actor.tenant_id}'", []
    if not actor.is_system:
        user = f"users WHERE tenant_id = {tenant} AND id = '{actor.user_id}'"
        profile = f"tenant_profiles WHERE tenant_id = {tenant} AND id = {tenant}"
        revisions = f"access_revision = {actor.access_revision:d} AND schema_revision = {actor.schema_revision:d}"
        conditions = [
            f"({_CREDENTIAL[actor.credential]} WHERE tenant_id = {tenant} AND id = '{actor.credential_id}')",
            f"(SELECT is_active AND deleted_at IS NULL FROM {user})",
            f"(SELECT status = 'active' FROM tenants WHERE id = {tenant})",
            f"(SELECT {revisions} FROM {profile})",
        ]
    where = " WHERE " + " AND ".join(conditions) if conditions else ""
    return f"SELECT seq FROM (SELECT (SELECT seq FROM tenant_clocks WHERE tenant_id = {tenant}) AS seq) clock{where}"
