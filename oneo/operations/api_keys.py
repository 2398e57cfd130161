"""API keys: credentials for programs, never stronger than their owner, shown once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy, tokens
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.errors import ApiKeyNotFound, FaultList, pointer
from oneo.events.unit import unit
from oneo.fields.dates import moment_text
from oneo.filters.sql import Sql
from oneo.ids import new_id
from oneo.models import ApiKey, Tenant
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.resources import API_KEYS


def list_api_keys(actor: Actor, query: ListQuery) -> Listing:
    """Raises SessionRequired."""
    policy.require_session(actor)
    return list_resource(actor, API_KEYS, query, scope=Sql("k.user_id = %s", [actor.user_id]))


def create_api_key(
    actor: Actor, *, name: str = "", scopes: Sequence[str | None] | None = None, expires_in_days: int | None = None,
    faults: FaultList | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The key with its text, which is not kept. A key cannot make keys: SessionRequired."""
    policy.require_session(actor)
    faults = faults or FaultList()
    chosen = _check_scopes(actor, scopes, faults)
    faults.check()
    secret = tokens.new_key_secret()
    with unit(actor) as work:
        slug = work.session.scalars(select(Tenant.slug).where(Tenant.id == actor.tenant_id)).one()
        key = ApiKey(
            id=new_id(),
            user_id=actor.user_id,
            name=name,
            scopes=chosen,
            secret_hash=tokens.hash_key_secret(secret),
            created_at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(days=expires_in_days) if expires_in_days else None,
        )
        work.created(key, "api_key.created")
        return {
            "id": key.id,
            "user_id": key.user_id,
            "name": key.name,
            "scopes": key.scopes,
            "created_at": moment_text(key.created_at),
            "expires_at": moment_text(key.expires_at) if key.expires_at else None,
            "last_used_at": None,
            "key": tokens.spell_key(slug, key.id, secret),
        }


def revoke_api_key(actor: Actor, key_id: UUID) -> None:
    """Raises ApiKeyNotFound, also for somebody else's; SessionRequired when a key would revoke another than itself."""
    if key_id != actor.credential_id:
        policy.require_session(actor)
    with unit(actor) as work:
        key = work.lock(ApiKey, key_id)
        if key is None or key.user_id != actor.user_id or key.revoked_at is not None:
            raise ApiKeyNotFound
        key.revoked_at = datetime.now(UTC)
        work.changed(key, "api_key.revoked")


def _check_scopes(actor: Actor, scopes: Sequence[str | None] | None, faults: FaultList) -> list[str] | None:
    """The scopes as they are stored; None is all that the owner holds. Of one that is None a fault is known."""
    known = {permission.value for permission in P}
    for at, scope in enumerate(scopes or ()):
        if scope is None:
            continue
        if scope not in known:
            faults.add(
                pointer("scopes", at), "UNKNOWN_PERMISSION", f"There is no permission {scope[:64]!r}.",
                near=(scope, known),
            )  # fmt: skip
        elif not policy.allows(actor, P(scope)):
            faults.add(pointer("scopes", at), "NOT_HELD", f"You do not hold {scope}.")
    return None if scopes is None else sorted({scope for scope in scopes if scope is not None})
