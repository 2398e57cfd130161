"""Who sends this request: from the Authorization header to an actor that the gate will confirm."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flask import current_app, g, request

from oneo.access import identity, tokens
from oneo.access.key_use import KeyUses
from oneo.actor import Actor, CredentialKind
from oneo.errors import (
    AuthenticationRequired,
    DomainError,
    StaleActor,
    TenantMismatch,
    TokenInvalid,
    TokenRevoked,
    Unavailable,
)
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
    claims, actor, fresh = authenticated(bearer_token)
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


def authenticated(find_token: Callable[[], str]) -> tuple[tokens.Claims, Actor, bool]:
    """The caller's claims and actor, and whether the actor was loaded just now; counted by the rate limits.

    A proven credential counts for its user. Anything else counts for the address, before the database is asked.
    Raises AuthenticationRequired, RateLimited.
    """
    try:
        token = find_token()
        if identity.is_proven(token):
            claims = _claims_for_host(token)
            actor, fresh = identity.actor_of(claims)
        else:
            with limits.unproven_credential():
                claims = _claims_for_host(token)
                actor, fresh = identity.actor_of(claims)
    except AuthenticationRequired:
        limits.check_peer()
        raise
    limits.check_caller(claims.tenant_id, claims.user_id)
    return claims, actor, fresh


def _claims_for_host(token: str) -> tokens.Claims:
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
    """Raises TokenRevoked; the request then counts for the address and no longer for the user."""
    try:
        return identity.load_actor(claims.tenant_id, claims.kind, claims.credential_id)
    except TokenRevoked:
        limits.give_back_caller(claims.tenant_id, claims.user_id)
        limits.check_peer()
        raise


def _same_rights(one: Actor, other: Actor) -> bool:
    return (one.access_revision, one.schema_revision) == (other.access_revision, other.schema_revision)
