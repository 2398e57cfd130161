"""Figures for administrators."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.schemas.base import Input, Whole


class AnalyticsParameters(Input):
    days = Whole(
        load_default=30, validate=validate.Range(min=1, max=366), metadata={"description": "Days back, today included."}
    )


class UserFiguresSchema(Schema):
    total = fields.Integer(required=True)
    active = fields.Integer(required=True)
    deleted = fields.Integer(required=True)


class DaySchema(Schema):
    date = fields.String(required=True, metadata={"format": "date"})
    count = fields.Integer(required=True)


class AnalyticsSchema(Schema):
    users = fields.Nested(UserFiguresSchema, required=True)
    user_types = fields.Integer(required=True)
    pipelines = fields.Integer(required=True)
    sessions = fields.Integer(required=True)
    api_keys = fields.Integer(required=True)
    days = fields.Integer(required=True)
    active_users = fields.Integer(required=True, metadata={"description": "People who changed something."})
    events = fields.Integer(required=True)
    events_by_type = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    events_by_day = fields.List(fields.Nested(DaySchema), required=True)


class LimitsSchema(Schema):
    access_token_seconds = fields.Integer(required=True)
    refresh_token_seconds = fields.Integer(required=True)
    password_min_length = fields.Integer(required=True)
    max_body_bytes = fields.Integer(required=True)
    event_retention_days = fields.Integer(required=True)
    rate_limit_user = fields.String(required=True, allow_none=True)
    rate_limit_tenant = fields.String(required=True, allow_none=True)


class SystemSchema(Schema):
    version = fields.String(required=True)
    python_version = fields.String(required=True)
    database_version = fields.String(required=True)
    migration = fields.String(required=True)
    event_seq = fields.Integer(required=True, metadata={"description": "Number of the tenant's latest event."})
    access_revision = fields.Integer(required=True)
    schema_revision = fields.Integer(required=True)
    limits = fields.Nested(LimitsSchema, required=True)
