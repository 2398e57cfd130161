"""users/types/: named sets of grants."""

from __future__ import annotations

from typing import Any

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, created
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, TAGGED, exchanges
from oneo.operations import user_types
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.user_type import UserTypeCreate, UserTypeSchema, UserTypeUpdate
from oneo.store.resources import USER_TYPES

blp = ApiBlueprint("user types", __name__, url_prefix="/api/v1/users/types", description="Named sets of grants.")


@blp.route("/", permission=P.USER_TYPES_READ)
@takes_list_query(blp, USER_TYPES)
@blp.response(200, page_of(UserTypeSchema))
def list_user_types(actor: Actor, query: ListQuery) -> Response:
    """List user types."""
    return answer_list(actor, lambda: user_types.list_user_types(actor, query))


@blp.route("/", methods=["POST"], permission=P.USER_TYPES_CREATE)
@takes_body(blp, UserTypeCreate())
@blp.response(201, UserTypeSchema)
@exchanges(CREATED)
def create_user_type(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Add a user type. Nobody can grant what they do not hold."""
    role_id, shown, version = user_types.create_user_type(actor, body, faults=faults)
    return created(shown, location=f"/api/v1/users/types/{role_id}/", version=version)


@blp.route("/<string:user_type>/", permission=P.USER_TYPES_READ)
@blp.response(200, UserTypeSchema)
@exchanges(TAGGED)
def get_user_type(actor: Actor, user_type: str) -> Response:
    """Read a user type, by id or slug."""
    body, version = user_types.get_user_type(actor, user_type)
    return answer(body, version=version)


@blp.route("/<string:user_type>/", methods=["PATCH"], permission=P.USER_TYPES_UPDATE)
@takes_body(blp, UserTypeUpdate())
@blp.response(200, UserTypeSchema)
@exchanges(CHANGED)
def update_user_type(actor: Actor, changes: dict[str, Any], user_type: str, *, faults: FaultList) -> Response:
    """Change a user type; `grants` replaces all of them."""
    body, version = user_types.update_user_type(actor, user_type, changes, versions=if_match(), faults=faults)
    return answer(body, version=version)


@blp.route("/<string:user_type>/", methods=["DELETE"], permission=P.USER_TYPES_DELETE)
@blp.response(204)
@exchanges(GUARDED)
def delete_user_type(actor: Actor, user_type: str) -> Response:
    """Remove a user type that nobody has."""
    user_types.delete_user_type(actor, user_type, versions=if_match())
    return Response(status=204)
