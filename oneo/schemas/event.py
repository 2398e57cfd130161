"""Events, as the audit log shows them."""

from __future__ import annotations

from marshmallow import Schema, fields

from oneo.schemas.base import Moment


class ActorSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": ["session", "api_key", "system"]})


class EventSchema(Schema):
    seq = fields.Integer(required=True, metadata={"description": "Dense and rising in commit order."})
    id = fields.UUID(required=True)
    type = fields.String(required=True, metadata={"example": "user.updated"})
    event_type = fields.String(required=True, metadata={"example": "updated"})
    tenant_id = fields.UUID(required=True)
    occurred_at = Moment(required=True)
    actor = fields.Nested(ActorSchema, required=True)
    subject_id = fields.UUID(required=True)
    pipeline_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    version = fields.Integer(required=True, allow_none=True)
    changed_fields = fields.List(fields.String(), required=True, metadata={"example": ["name"]})
    data = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "The state after.", "example": {"name": "Ada Lovelace"}},
    )
    old = fields.Dict(
        required=True, allow_none=True,
        metadata={"description": "Former values of what changed.", "example": {"name": "Ada"}},
    )  # fmt: skip
    reason = fields.String(required=True, allow_none=True, metadata={"example": None})
