"""What happened to a record."""

from __future__ import annotations

from marshmallow import Schema, fields

from oneo.schemas.base import Moment
from oneo.schemas.event import ActorSchema


class NamedActorSchema(ActorSchema):
    name = fields.String(required=True, allow_none=True, metadata={"example": "Ada Lovelace"})


class ChangeSchema(Schema):
    field = fields.String(required=True, metadata={"example": "data.amount"})
    old = fields.Raw(required=True, allow_none=True, metadata={"example": 1200})
    new = fields.Raw(required=True, allow_none=True, metadata={"example": 1500})


class HistorySchema(Schema):
    seq = fields.Integer(required=True)
    id = fields.UUID(required=True)
    type = fields.String(required=True, metadata={"example": "record.updated"})
    event_type = fields.String(required=True, metadata={"example": "updated"})
    occurred_at = Moment(required=True)
    actor = fields.Nested(NamedActorSchema, required=True)
    version = fields.Integer(required=True, allow_none=True)
    changed_fields = fields.List(fields.String(), required=True, metadata={"example": ["data.amount"]})
    changes = fields.List(
        fields.Nested(ChangeSchema), required=True, metadata={"description": "Of a new record, all that it has."}
    )
    reason = fields.String(required=True, allow_none=True, metadata={"example": None})
