"""The caller's own logins: seeing them and ending them; forgetting those of everybody that ended long ago."""

from __future__ import annotations

from uuid import UUID

from oneo.access import policy
from oneo.actor import Actor
from oneo.errors import SessionNotFound
from oneo.events.unit import unit
from oneo.filters.sql import Sql
from oneo.models import Session
from oneo.operations import auth
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.identity import tenants
from oneo.store.resources import SESSIONS
from oneo.store.tenants import prune_sessions as prune

KEPT_DAYS = 30


def list_sessions(actor: Actor, query: ListQuery) -> Listing:
    """Raises SessionRequired."""
    policy.require_session(actor)
    return list_resource(actor, SESSIONS, query, scope=Sql("s.user_id = %s", [actor.user_id]))


def revoke_session(actor: Actor, session_id: UUID) -> None:
    """Raises SessionNotFound, also for somebody else's, and SessionRequired."""
    policy.require_session(actor)
    with unit(actor) as work:
        session = work.lock(Session, session_id)
        if session is None or session.user_id != actor.user_id or session.revoked_at is not None:
            raise SessionNotFound
        auth.end_session(actor, session, reason="revoked by its owner")


def revoke_sessions(actor: Actor) -> int:
    """Ends all of the caller's sessions but the one he uses. Raises SessionRequired."""
    policy.require_session(actor)
    with unit(actor):
        return auth.end_sessions(actor, actor.user_id, reason="revoked by its owner", but=actor.credential_id)


def prune_sessions(*, days: int = KEPT_DAYS) -> int:
    """Deletes the sessions of all tenants that ended or expired so many days ago. Runs as the owner.

    No event tells of it: those of the session's beginning and end stay.
    """
    return sum(prune(tenant_id, days) for tenant_id, _, _ in tenants())
