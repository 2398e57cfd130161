"""From a bearer token to an actor: cached between requests, loaded anew when the gate says it is out of date."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from uuid import UUID

import orjson
from flask import current_app

from oneo.access import policy, tokens
from oneo.actor import Actor, CredentialKind
from oneo.errors import TokenInvalid, TokenRevoked
from oneo.store import identity as store

_CACHE_SIZE = 20_000


class ActorCache:
    """Actors as last loaded, by tenant, kind of credential and its id. Never trusted alone: each use passes the gate in
    the same message.
    """

    def __init__(self) -> None:
        self._actors: OrderedDict[tuple[UUID, CredentialKind, UUID], Actor] = OrderedDict()

    def get(self, tenant_id: UUID, kind: CredentialKind, credential_id: UUID) -> Actor | None:
        return self._actors.get((tenant_id, kind, credential_id))

    def put(self, actor: Actor) -> None:
        self.drop(actor.tenant_id, actor.credential, actor.credential_id)
        self._actors[actor.tenant_id, actor.credential, actor.credential_id] = actor
        while len(self._actors) > _CACHE_SIZE:
            self._actors.popitem(last=False)

    def drop(self, tenant_id: UUID, kind: CredentialKind, credential_id: UUID) -> None:
        self._actors.pop((tenant_id, kind, credential_id), None)


def cache() -> ActorCache:
    found: ActorCache = current_app.extensions["oneo.actors"]
    return found


def claims_of(token: str) -> tokens.Claims:
    """Raises TokenInvalid or TokenExpired; whether the credential still counts is not asked here."""
    return _key_claims(token) if token.startswith(tokens.KEY_PREFIX) else tokens.read_access(token)


def is_proven(token: str) -> bool:
    """Whether this process has verified the token and loaded its actor before. The gate still checks every use."""
    known: tokens.ClaimsCache = current_app.extensions["oneo.claims"]
    claims = known.get(token)
    return claims is not None and cache().get(claims.tenant_id, claims.kind, claims.credential_id) is not None


def actor_of(claims: tokens.Claims) -> tuple[Actor, bool]:
    """The actor, and whether he was loaded just now. Raises TokenRevoked."""
    known = cache().get(claims.tenant_id, claims.kind, claims.credential_id)
    if known is not None:
        return known, False
    return load_actor(claims.tenant_id, claims.kind, claims.credential_id), True


def load_actor(tenant_id: UUID, kind: CredentialKind, credential_id: UUID) -> Actor:
    """One message. Raises TokenRevoked when credential, user or tenant no longer count."""
    principal = store.load_principal(tenant_id, kind, credential_id)
    if principal is None:
        cache().drop(tenant_id, kind, credential_id)
        raise TokenRevoked
    actor = Actor(
        tenant_id=tenant_id,
        user_id=principal.user_id,
        credential=kind,
        credential_id=credential_id,
        grants=policy.effective(orjson.loads(principal.grants), principal.scopes),
        access_revision=principal.access_revision,
        schema_revision=principal.schema_revision,
    )
    cache().put(actor)
    return actor


def _key_claims(token: str) -> tokens.Claims:
    known: tokens.ClaimsCache = current_app.extensions["oneo.claims"]
    claims = known.get(token)
    if claims is not None:
        return claims
    parts = tokens.read_key(token)
    tenant = store.tenant_by_slug(parts.tenant_slug)
    if tenant is None:
        raise TokenInvalid
    principal = store.load_principal(tenant[0], CredentialKind.API_KEY, parts.key_id)
    if principal is None or not hmac.compare_digest(principal.secret_hash or "", parts.secret_hash):
        raise TokenInvalid
    claims = tokens.Claims(tenant[0], CredentialKind.API_KEY, parts.key_id, float("inf"), principal.user_id)
    known.put(token, claims)
    return claims
