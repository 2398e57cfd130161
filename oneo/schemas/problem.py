"""Problem documents."""

from __future__ import annotations

from marshmallow import Schema, fields


class FaultSchema(Schema):
    pointer = fields.String(required=True, metadata={"description": "JSON pointer into the input."})
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    allowed = fields.List(fields.String())
    suggestion = fields.String(allow_none=True)


class ProblemSchema(Schema):
    type = fields.String(required=True, metadata={"example": "/api/v1/errors/VALIDATION_FAILED"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "VALIDATION_FAILED"})
    errors = fields.List(fields.Nested(FaultSchema), required=True)
    request_id = fields.String(required=True, allow_none=True)
