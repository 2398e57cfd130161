"""SQL that finds who is asking: tenants by slug or host, users at login, everything about a credential at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oneo.actor import CredentialKind
from oneo.store import message

_CREDENTIALS = {
    CredentialKind.SESSION: """
        SELECT user_id, NULL::text[] AS scopes, revoked_at IS NULL AND expires_at > now() AS alive, NULL AS secret_hash
        FROM sessions WHERE tenant_id = %(tenant)s AND id = %(credential)s""",
    CredentialKind.API_KEY: """
        SELECT user_id, scopes::text[], revoked_at IS NULL AND coalesce(expires_at > now(), true) AS alive, secret_hash
        FROM api_keys WHERE tenant_id = %(tenant)s AND id = %(credential)s""",
}

_PRINCIPAL = """
SELECT c.user_id, c.scopes, c.secret_hash, p.access_revision, p.schema_revision,
       coalesce((SELECT jsonb_agg(g.grant_) FROM user_roles ur
                 JOIN roles r ON r.tenant_id = %(tenant)s AND r.id = ur.role_id AND r.deleted_at IS NULL,
                 jsonb_array_elements(r.grants) AS g(grant_)
                 WHERE ur.tenant_id = %(tenant)s AND ur.user_id = u.id)::text, '[]')
FROM ({credential}) c
JOIN users u ON u.tenant_id = %(tenant)s AND u.id = c.user_id AND u.is_active AND u.deleted_at IS NULL
JOIN tenants t ON t.id = %(tenant)s AND t.status = 'active'
JOIN tenant_profiles p ON p.tenant_id = %(tenant)s AND p.id = %(tenant)s
WHERE c.alive
"""


_KEY_USE = """
UPDATE api_keys SET last_used_at = now()
WHERE tenant_id = %s AND id = ANY(%s) AND revoked_at IS NULL AND coalesce(expires_at > now(), true)
AND coalesce(last_used_at < now() - interval '30 seconds', true)
"""
"""Where many processes serve, one of them has perhaps just done it."""


@dataclass(frozen=True, slots=True)
class Principal:
    user_id: UUID
    scopes: list[str] | None
    secret_hash: str | None
    access_revision: int
    schema_revision: int
    grants: str


def load_principal(tenant_id: UUID, kind: CredentialKind, credential_id: UUID) -> Principal | None:
    """The living credential with its user and grants, or None when any part of it is gone, ended or suspended."""
    rows = message.look_up(
        tenant_id,
        _PRINCIPAL.format(credential=_CREDENTIALS[kind]),
        {"tenant": tenant_id, "credential": credential_id},
    )
    return Principal(*rows[0]) if rows else None


def note_key_use(tenant_id: UUID, key_ids: list[UUID]) -> None:
    message.note(tenant_id, _KEY_USE, (tenant_id, key_ids))


def peers_of(tenant_id: UUID, email: str) -> list[str]:
    """The addresses that sessions of this account came from, the latest first."""
    rows = message.look_up(
        tenant_id,
        "SELECT s.peer FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id "
        "WHERE s.tenant_id = %s AND u.tenant_id = %s AND u.email = %s AND u.deleted_at IS NULL "
        "GROUP BY s.peer ORDER BY max(s.created_at) DESC LIMIT 200",
        (tenant_id, tenant_id, email),
    )
    return [row[0] for row in rows if row[0]]


def tenant_by_slug(slug: str) -> tuple[UUID, str] | None:
    """(id, status)"""
    return _tenant("SELECT id, status FROM tenants WHERE slug = %s", slug)


def tenant_by_host(host: str) -> tuple[UUID, str] | None:
    """(id, status)"""
    return _tenant(
        "SELECT t.id, t.status FROM tenant_domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.host = %s", host
    )


def tenant_is_active(tenant_id: UUID) -> bool:
    return bool(message.look_up_directory("SELECT 1 FROM tenants WHERE id = %s AND status = 'active'", (tenant_id,)))


def tenants() -> list[tuple[UUID, str, str]]:
    """(id, slug, status) of all."""
    rows: list[Any] = message.look_up_directory("SELECT id, slug, status FROM tenants ORDER BY slug")
    return rows


def _tenant(sql: str, value: str) -> tuple[UUID, str] | None:
    rows = message.look_up_directory(sql, (value,))
    return (rows[0][0], rows[0][1]) if rows else None
