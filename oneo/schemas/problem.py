"""Problem documents."""

from __future__ import annotations

from marshmallow import Schema, fields


class FaultSchema(Schema):
    pointer = fields.String(
        required=True,
        metadata={"description": "JSON pointer into the input; empty for all of it.", "example": "/email"},
    )
    field = fields.String(required=True, allow_none=True, metadata={"example": "email"})
    code = fields.String(required=True, metadata={"example": "INVALID_EMAIL"})
    message = fields.String(required=True, metadata={"example": "This is not an e-mail address."})
    allowed = fields.List(fields.String(), metadata={"description": "The values that are.", "example": []})
    suggestion = fields.String(metadata={"description": "The nearest valid one."})


class ProblemSchema(Schema):
    type = fields.String(required=True, metadata={"example": "/api/v1/errors/VALIDATION_FAILED"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "VALIDATION_FAILED"})
    errors = fields.List(fields.Nested(FaultSchema), required=True)
    request_id = fields.String(required=True, allow_none=True)
    permission = fields.String(metadata={"description": "With 403: what the caller lacks.", "example": "users:read"})
    version = fields.Integer(metadata={"description": "With 412: the present version.", "example": 4})
    original_status = fields.Integer(
        metadata={"description": "With `IDEMPOTENCY_ANSWER_WITHHELD`: the status of the first answer.", "example": 201}
    )
    location = fields.String(
        allow_none=True,
        metadata={"description": "With `IDEMPOTENCY_ANSWER_WITHHELD`: the address of what the request made, if any."},
    )
    violated_policies = fields.List(
        fields.String(), metadata={"description": "With 429: the limits that are used up.", "example": ["user"]}
    )
    produced = fields.List(
        fields.String(), metadata={"description": "With 406: what can be produced.", "example": ["application/json"]}
    )
    user_count = fields.Integer(metadata={"description": "How many users stand in the way.", "example": 3})
