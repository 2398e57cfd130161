"""users/: the people and programs of the tenant."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, created
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import LOGGED_IN, ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, TAGGED, exchanges
from oneo.http.login_throttle import password_confirmation
from oneo.operations import permissions, users
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.user import UserCreate, UserSchema, UserUpdate
from oneo.schemas.user_type import ExplainParameters, ExplanationSchema, PermissionSetSchema
from oneo.store.resources import USERS

blp = ApiBlueprint("users", __name__, url_prefix="/api/v1/users", description="Users and what they may do.")


@blp.route("/", permission=P.USERS_READ)
@takes_list_query(blp, USERS)
@blp.response(200, page_of(UserSchema))
def list_users(actor: Actor, query: ListQuery) -> Response:
    """List users."""
    return answer_list(actor, lambda: users.list_users(actor, query))


@blp.route("/deleted/", permission=P.USERS_DELETE)
@takes_list_query(blp, USERS)
@blp.response(200, page_of(UserSchema))
def list_deleted_users(actor: Actor, query: ListQuery) -> Response:
    """List deleted users, who can be restored."""
    return answer_list(actor, lambda: users.list_users(actor, query, deleted=True))


@blp.route("/", methods=["POST"], permission=P.USERS_CREATE)
@takes_body(blp, UserCreate())
@blp.response(201, UserSchema)
@exchanges(CREATED)
def create_user(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Add a user."""
    user_id, shown, version = users.create_user(actor, body, faults=faults)
    return created(shown, location=f"/api/v1/users/{user_id}/", version=version)


@blp.route("/<uuid:user_id>/", permission=P.USERS_READ)
@blp.response(200, UserSchema)
@exchanges(TAGGED)
def get_user(actor: Actor, user_id: UUID) -> Response:
    """Read a user."""
    body, version = users.get_user(actor, user_id)
    return answer(body, version=version)


@blp.route("/<uuid:user_id>/", methods=["PATCH"], permission=P.USERS_UPDATE)
@takes_body(blp, UserUpdate())
@blp.response(200, UserSchema)
@exchanges(CHANGED)
def update_user(actor: Actor, changes: dict[str, Any], user_id: UUID, *, faults: FaultList) -> Response:
    """Change a user."""
    confirms = changes.get("current_password") is not None
    with password_confirmation(actor.tenant_id, actor.user_id) if confirms else nullcontext():
        body, version = users.update_user(actor, user_id, changes, versions=if_match(), faults=faults)
    return answer(body, version=version)


@blp.route("/<uuid:user_id>/", methods=["DELETE"], permission=P.USERS_DELETE)
@blp.response(204)
@exchanges(GUARDED)
def delete_user(actor: Actor, user_id: UUID) -> Response:
    """Remove a user; he can be restored."""
    users.delete_user(actor, user_id, versions=if_match())
    return Response(status=204)


@blp.route("/<uuid:user_id>/restore/", methods=["POST"], permission=P.USERS_DELETE)
@blp.response(200, UserSchema)
@exchanges(CHANGED)
def restore_user(actor: Actor, user_id: UUID) -> Response:
    """Bring a removed user back."""
    body, version = users.restore_user(actor, user_id, versions=if_match())
    return answer(body, version=version)


@blp.route("/permissions/", permission=LOGGED_IN)
@blp.response(200, PermissionSetSchema)
def get_permissions(actor: Actor) -> Response:
    """Read what one may do, and everything that can be granted."""
    return answer(permissions.get_permissions(actor))


@blp.route("/permissions/explain/", permission=LOGGED_IN)
@blp.doc(responses={"404": {}})
@blp.arguments(ExplainParameters(), location="query")
@blp.response(200, ExplanationSchema)
def explain_permission(actor: Actor, query: dict[str, Any]) -> Response:
    """Read whether one may do something, and why."""
    return answer(
        permissions.explain_permission(actor, query["action"], pipeline=query["pipeline"], record=query["record"])
    )
