"""auth/: logging in and out, one's own profile, password, sessions and API keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, g, request

from oneo.access import tokens
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import LOGGED_IN, PUBLIC, SESSION, ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList, TenantMismatch
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, OWN, exchanges
from oneo.http.limits import neighbourhood
from oneo.http.login_throttle import login_attempt, password_confirmation
from oneo.operations import api_keys, auth, sessions, users
from oneo.operations.lists import ListQuery
from oneo.schemas.auth import (
    ApiKeyRequest,
    ApiKeySchema,
    LoginRequest,
    NewApiKeySchema,
    PasswordRequest,
    RefreshRequest,
    RevokedSchema,
    SessionSchema,
    TokensSchema,
)
from oneo.schemas.base import page_of
from oneo.schemas.user import ProfileUpdate, UserSchema
from oneo.store.resources import API_KEYS, SESSIONS

blp = ApiBlueprint("auth", __name__, url_prefix="/api/v1/auth", description="Logging in, and one's own things.")


@blp.route("/login/", methods=["POST"], permission=PUBLIC)
@blp.doc(responses={"401": {}})
@blp.arguments(LoginRequest())
@blp.response(200, TokensSchema)
def login(body: dict[str, Any]) -> Response:
    """Log in with e-mail and password."""
    email, slug = auth.login_name(body["email"]), body["tenant"]
    tenant_id = _tenant_of_login(slug)
    device = _device()
    with login_attempt(
        tenant_id or slug, email, is_known_device=lambda: auth.is_known_device(tenant_id, email, _is_same_network)
    ):
        pair = auth.log_in(tenant_id, email, body["password"], device)
    return _tokens(pair)


def _tenant_of_login(slug: str | None) -> UUID | None:
    """The one that the host and the body name; nobody's where they disagree."""
    hosts: UUID | None = g.get("host_tenant")
    if not slug:
        return hosts
    named = auth.tenant_for_login(slug)
    return named if hosts in (None, named) else None


@blp.route("/refresh/", methods=["POST"], permission=PUBLIC)
@blp.doc(responses={"401": {}})
@blp.arguments(RefreshRequest())
@blp.response(200, TokensSchema)
def refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair; each works once."""
    claims = tokens.read_refresh(body["refresh_token"])
    if g.get("host_tenant") not in (None, claims.tenant_id):
        raise TenantMismatch
    return _tokens(auth.refresh(claims))


@blp.route("/logout/", methods=["POST"], permission=SESSION)
@blp.response(204)
def logout(actor: Actor) -> Response:
    """End this session: its tokens stop at once."""
    auth.log_out(actor)
    return Response(status=204)


@blp.route("/user/profile/", permission=LOGGED_IN)
@blp.response(200, UserSchema)
@exchanges(OWN)
def get_profile(actor: Actor) -> Response:
    """Read one's own profile."""
    body, version = users.get_profile(actor)
    return answer(body, version=version, own=True)


@blp.route("/user/profile/", methods=["PATCH"], permission=SESSION)
@takes_body(blp, ProfileUpdate())
@blp.response(200, UserSchema)
@exchanges(CHANGED)
def update_profile(actor: Actor, changes: dict[str, Any], *, faults: FaultList) -> Response:
    """Change one's own profile."""
    body, version = users.update_profile(actor, changes, versions=if_match(), faults=faults)
    return answer(body, version=version)


@blp.route("/user/password/", methods=["POST"], permission=SESSION)
@blp.arguments(PasswordRequest())
@blp.response(204)
def change_password(actor: Actor, body: dict[str, Any]) -> Response:
    """Change one's own password; ends all other sessions."""
    with password_confirmation(actor.tenant_id, actor.user_id):
        auth.change_password(actor, current=body["current_password"], new=body["new_password"])
    return Response(status=204)


@blp.route("/sessions/", permission=SESSION)
@takes_list_query(blp, SESSIONS, tagged=False)
@blp.response(200, page_of(SessionSchema))
def list_sessions(actor: Actor, query: ListQuery) -> Response:
    """List one's own sessions."""
    return answer_list(actor, lambda: sessions.list_sessions(actor, query), tagged=False)


@blp.route("/sessions/", methods=["DELETE"], permission=SESSION)
@blp.response(200, RevokedSchema)
def revoke_sessions(actor: Actor) -> Response:
    """End all of one's sessions but this one."""
    return answer({"revoked": sessions.revoke_sessions(actor)})


@blp.route("/sessions/<uuid:session_id>/", methods=["DELETE"], permission=SESSION)
@blp.response(204)
def revoke_session(actor: Actor, session_id: UUID) -> Response:
    """End one of one's sessions."""
    sessions.revoke_session(actor, session_id)
    return Response(status=204)


@blp.route("/api-keys/", permission=SESSION)
@takes_list_query(blp, API_KEYS, tagged=False)
@blp.response(200, page_of(ApiKeySchema))
def list_api_keys(actor: Actor, query: ListQuery) -> Response:
    """List one's own API keys."""
    return answer_list(actor, lambda: api_keys.list_api_keys(actor, query), tagged=False)


@blp.route("/api-keys/", methods=["POST"], permission=SESSION)
@takes_body(blp, ApiKeyRequest())
@blp.response(201, NewApiKeySchema)
def create_api_key(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Make an API key. Its text is shown this once."""
    return _unstored(answer(api_keys.create_api_key(actor, **body, faults=faults), status=201))


@blp.route("/api-keys/<uuid:key_id>/", methods=["DELETE"], permission=LOGGED_IN)
@blp.response(204)
def revoke_api_key(actor: Actor, key_id: UUID) -> Response:
    """Revoke one of one's API keys; a key may revoke itself."""
    api_keys.revoke_api_key(actor, key_id)
    return Response(status=204)


def _is_same_network(peer: str) -> bool:
    return neighbourhood(peer) == neighbourhood(g.peer)


def _device() -> auth.Device:
    return auth.Device(request.headers.get("User-Agent", ""), g.peer)


def _tokens(pair: auth.TokenPair) -> Response:
    return _unstored(answer({**asdict(pair), "token_type": "Bearer"}))


def _unstored(response: Response) -> Response:
    """What shows a secret is kept nowhere on the way."""
    response.headers["Cache-Control"] = "no-store"
    return response
