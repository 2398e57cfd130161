"""Figures about a pipeline."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.operations.pipeline_analytics import DEFAULT_DAYS, MAX_DAYS
from oneo.schemas.base import Input, Moment, Whole

_DAY = {"format": "date", "example": "2026-01-31"}


class PipelineAnalyticsParameters(Input):
    """`days` with `to`, or `from` with `to`."""

    days = Whole(
        load_default=None, validate=validate.Range(min=1, max=MAX_DAYS),
        metadata={"description": f"Days, `to` included; {DEFAULT_DAYS} unless `from` is given."},
    )  # fmt: skip
    since = fields.Date(
        load_default=None, data_key="from", metadata={"description": "First day, in the tenant's time zone."}
    )
    until = fields.Date(
        load_default=None,
        data_key="to",
        metadata={"description": "Last day, in the tenant's time zone; today if not given."},
    )


class ActivityActorSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"example": "session"})


class ActivitySchema(Schema):
    type = fields.String(required=True, metadata={"example": "record.updated"})
    event_type = fields.String(required=True, metadata={"example": "updated"})
    record_id = fields.UUID(required=True)
    title = fields.String(
        required=True, allow_none=True, metadata={"description": "None of a deleted record.", "example": "Big deal"}
    )
    occurred_at = Moment(required=True)
    actor = fields.Nested(ActivityActorSchema, required=True)
    version = fields.Integer(required=True)
    changed_fields = fields.List(fields.String(), required=True, metadata={"example": ["data.amount"]})


class PipelineDaySchema(Schema):
    date = fields.String(required=True, metadata=_DAY)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    deleted = fields.Integer(required=True)


class PipelineAnalyticsSchema(Schema):
    """Of the records that the caller sees."""

    record_count = fields.Integer(required=True)
    records_created_today = fields.Integer(required=True)
    records_updated_today = fields.Integer(required=True, metadata={"description": "Those created today among them."})
    field_count = fields.Integer(required=True)
    relationship_count = fields.Integer(required=True)
    active_users = fields.Integer(required=True, metadata={"description": "People who changed records in the range."})
    recent_activity = fields.List(fields.Nested(ActivitySchema), required=True)
    since = fields.String(required=True, data_key="from", metadata=_DAY)
    until = fields.String(required=True, data_key="to", metadata=_DAY)
    timezone = fields.String(required=True, metadata={"example": "Europe/Berlin"})
    by_day = fields.List(fields.Nested(PipelineDaySchema), required=True)
    by_status = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"example": {"active": 3}}
    )
