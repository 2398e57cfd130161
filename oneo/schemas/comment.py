"""Comments on records."""

from __future__ import annotations

from marshmallow import Schema, fields

from oneo.models.record import COMMENT_LENGTH
from oneo.schemas.base import Input, Moment, text

_BODY = {"example": "Called them, they will sign on Friday."}


class CommentSchema(Schema):
    id = fields.UUID(required=True)
    pipeline_id = fields.UUID(required=True)
    record_id = fields.UUID(required=True)
    parent_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    body = fields.String(required=True, metadata={"description": "Empty when it was deleted.", **_BODY})
    created_by = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    version = fields.Integer(required=True)


class CommentUpdate(Input):
    body = text(minimum=1, maximum=COMMENT_LENGTH, blank=False, metadata=_BODY)


class CommentCreate(Input):
    body = text(required=True, minimum=1, maximum=COMMENT_LENGTH, blank=False, metadata=_BODY)
    parent_id = fields.UUID(
        allow_none=True, metadata={"description": "The comment that this one answers.", "example": None}
    )
