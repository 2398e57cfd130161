"""records/{id}/comments/: what people say about a record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
from oneo.operations import comments
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.comment import CommentCreate, CommentSchema, CommentUpdate
from oneo.store.comments import COMMENTS

blp = ApiBlueprint("comments", __name__, url_prefix="/api/v1/records", description="Comments on records.")
_ALL, _ONE = "/<uuid:record_id>/comments/", "/<uuid:record_id>/comments/<uuid:comment_id>/"


@blp.route(_ALL, permission=P.RECORDS_READ)
@takes_list_query(blp, COMMENTS)
@blp.response(200, page_of(CommentSchema))
def list_comments(actor: Actor, query: ListQuery, record_id: UUID) -> Response:
    """List the comments on a record, oldest first; `parent_id` says which one a comment answers."""
    return answer_list(actor, lambda: comments.list_comments(actor, record_id, query))


@blp.route(_ALL, methods=["POST"], permission=P.COMMENTS_CREATE)
@takes_body(blp, CommentCreate())
@blp.response(201, CommentSchema)
@exchanges(CREATED)
def create_comment(actor: Actor, body: dict[str, Any], record_id: UUID, *, faults: FaultList) -> Response:
    """Comment on a record, or answer a comment."""
    comment_id, shown, version = comments.create_comment(actor, record_id, body, faults=faults)
    return created(shown, location=f"/api/v1/records/{record_id}/comments/{comment_id}/", version=version)


@blp.route(_ONE, permission=P.RECORDS_READ)
@blp.response(200, CommentSchema)
@exchanges(TAGGED)
def get_comment(actor: Actor, record_id: UUID, comment_id: UUID) -> Response:
    """Read a comment; of a deleted one the body is empty."""
    body, version = comments.get_comment(actor, record_id, comment_id)
    return answer(body, version=version)


@blp.route(_ONE, methods=["PATCH"], permission=P.COMMENTS_CREATE)
@blp.arguments(CommentUpdate())
@blp.response(200, CommentSchema)
@exchanges(CHANGED)
def update_comment(actor: Actor, body: dict[str, Any], record_id: UUID, comment_id: UUID) -> Response:
    """Change a comment of one's own."""
    shown, version = comments.update_comment(actor, record_id, comment_id, body, versions=if_match())
    return answer(shown, version=version)


@blp.route(_ONE, methods=["DELETE"], permission=P.RECORDS_READ)
@blp.response(204)
@exchanges(GUARDED)
def delete_comment(actor: Actor, record_id: UUID, comment_id: UUID) -> Response:
    """Remove a comment: one's own, or any on a record that one may remove. Answers to it stay."""
    comments.delete_comment(actor, record_id, comment_id, versions=if_match())
    return Response(status=204)
