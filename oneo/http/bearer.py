"""Who sends this request: from the Authorization header to an actor that the gate will confirm."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flask import current_app, g, request

from oneo.access import identity, tokens
from oneo.access.key_use import KeyUses
from oneo.actor import Actor, CredentialKind
from oneo.errors import AuthenticationRequired, DomainError, StaleActor, TenantMismatch, TokenInvalid, Unavailable
from oneo.http import limits

T = TypeVar("T")
_ATTEMPTS = 10
"""While a tenant's fields change, or are indexed in the background, one revision follows upon the other."""
_PAUSE_SECONDS = 0.005


def bearer_token() -> str:
    """Raises AuthenticationRequired when there is none."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        raise AuthenticationRequired
    if scheme.lower() != "bearer" or not token or " " in token:
        raise TokenInvalid("The Authorization header must read: Bearer <token>.")
    return token


def with_actor(work: Callable[[Actor], T]) -> T:
    """Runs the work as the caller. Loaded actors are used as they are; when the gate finds one out of date,
    or the work fails in a way that an outdated actor could explain, he is loaded anew and the work repeated.
    """
    try:
        claims = claims_for_host(bearer_token())
    except AuthenticationRequired:
        limits.check_peer()
        raise
    limits.check_caller(claims.tenant_id, claims.user_id)
    actor, fresh = identity.actor_of(claims)
    for attempt in range(_ATTEMPTS):
        g.actor = actor
        try:
            return work(actor)
        except StaleActor:
            if attempt > 1:
                time.sleep(attempt * _PAUSE_SECONDS)
            actor, fresh = _reload(claims), True
        except DomainError:
            if fresh:
                raise
            known, actor, fresh = actor, _reload(claims), True
            if _same_rights(known, actor):
                raise
    raise Unavailable


def claims_for_host(token: str) -> tokens.Claims:
    """Raises TenantMismatch when the host that was addressed belongs to another tenant than the token."""
    claims = identity.claims_of(token)
    host_tenant = g.get("host_tenant")
    if host_tenant is not None and host_tenant != claims.tenant_id:
        raise TenantMismatch
    if claims.kind is CredentialKind.API_KEY:
        uses: KeyUses = current_app.extensions["oneo.key_uses"]
        uses.note(claims.tenant_id, claims.credential_id)
    return claims


def _reload(claims: tokens.Claims) -> Actor:
    return identity.load_actor(claims.tenant_id, claims.kind, claims.credential_id)


def _same_rights(one: Actor, other: Actor) -> bool:
    return (one.access_revision, one.schema_revision) == (other.access_revision, other.schema_revision)
