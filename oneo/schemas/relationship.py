"""Relationships between records."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.models.relationship import REASON_LENGTH, STATUSES
from oneo.schemas.base import Input, Moment, StrictBoolean, StrictString, text

_TYPE, _STATUS = {"example": "employs"}, {"example": "ACTIVE", "enum": list(STATUSES)}
_META, _DATA = {"example": {"source": "import"}}, {"example": {"role": "CTO"}}
_REASON = {"description": "Why; kept in the history.", "example": "Contract ended."}
_FROM = {"description": "From when on it holds (RFC 3339); now if not given.", "format": "date-time"}
_UNTIL = {"description": "Before when it holds; null is for ever.", "format": "date-time", "example": None}


class RelationshipSchema(Schema):
    id = fields.UUID(required=True)
    relationship_type_id = fields.UUID(required=True)
    relationship_type = fields.String(required=True, allow_none=True, metadata=_TYPE)
    source_record_id = fields.UUID(required=True)
    source_pipeline_id = fields.UUID(required=True)
    target_record_id = fields.UUID(required=True)
    target_pipeline_id = fields.UUID(required=True)
    status = fields.String(required=True, metadata=_STATUS)
    is_bidirectional = fields.Boolean(required=True)
    effective_from = Moment(required=True)
    effective_until = Moment(required=True, allow_none=True, metadata={"example": None})
    strength = fields.Float(required=True, metadata={"example": 1})
    metadata = fields.Dict(required=True, metadata=_META)
    data = fields.Dict(required=True, metadata=_DATA)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    included = fields.Dict(metadata={"description": "What was asked for by `include`.", "example": {}})


class _Values(Input):
    status = StrictString(metadata={"example": "ACTIVE", "enum": list(STATUSES[:-1])})
    is_bidirectional = StrictBoolean()
    effective_from = StrictString(metadata=_FROM)
    effective_until = StrictString(allow_none=True, metadata=_UNTIL)
    strength = fields.Raw(metadata={"type": "number", "minimum": 0, "maximum": 1, "example": 1})
    metadata = fields.Dict(keys=StrictString(), metadata=_META)
    data = fields.Dict(keys=StrictString(), metadata=_DATA)


class RelationshipUpdate(_Values):
    """Merge patch: what is left out stays, and so does each entry of `data` and `metadata`; null removes one."""

    reason = text(maximum=REASON_LENGTH, metadata=_REASON)


class RelationshipReplace(RelationshipUpdate):
    """The whole of what the caller may write; what is left out takes its default."""


class RelationshipEntry(_Values):
    relationship_type = text(required=True, minimum=1, maximum=64, about="Id or slug of its type.", metadata=_TYPE)
    source_record_id = fields.UUID(required=True)
    target_record_id = fields.UUID(required=True)


class RelationshipCreate(RelationshipEntry):
    reason = text(maximum=REASON_LENGTH, metadata=_REASON)


class RelationshipChangeEntry(_Values):
    id = fields.UUID(required=True)
    version = fields.Integer(metadata={"example": 1})


class ReasonBody(Input):
    may_be_left_out = True
    reason = text(maximum=REASON_LENGTH, metadata=_REASON)


class RelationshipParameters(Schema):
    fields_ = fields.String(
        load_default="", data_key="fields", attribute="fields", metadata={"description": "Keys to return."}
    )
    include = fields.String(load_default="", metadata={"description": "Beside it: `source`, `target`."})
    reverse = fields.Boolean(load_default=False, metadata={"description": "As it looks from its target."})
    as_of = fields.String(
        load_default=None,
        metadata={"description": "As it was stored then (RFC 3339); without `include`.", "format": "date-time"},
    )


class EndParameters(Schema):
    purge = fields.Boolean(
        load_default=False, metadata={"description": "Erase a removed one for good, and what the log says of it."}
    )
    reason = fields.String(
        load_default=None,
        validate=validate.Length(max=REASON_LENGTH),
        metadata={"description": "Why; kept in history."},
    )


class ErrorEntry(Schema):
    field = fields.String(required=True, allow_none=True, metadata={"example": "source_record_id"})
    message = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "DUPLICATE_RELATIONSHIP"})


class LinkResult(Schema):
    index = fields.Integer(required=True)
    success = fields.Boolean(required=True)
    relationship = fields.Nested(RelationshipSchema(), required=True, allow_none=True)
    errors = fields.List(fields.Nested(ErrorEntry()), required=True)


class LinkSummary(Schema):
    total = fields.Integer(required=True)
    successful = fields.Integer(required=True)
    failed = fields.Integer(required=True)


class LinkBulkSchema(Schema):
    success = fields.Boolean(required=True)
    results = fields.List(fields.Nested(LinkResult()), required=True)
    summary = fields.Nested(LinkSummary(), required=True)


class ViolationSchema(Schema):
    constraint_id = fields.UUID(required=True, allow_none=True)
    constraint_type = fields.String(required=True, allow_none=True, metadata={"example": "CARDINALITY"})
    code = fields.String(required=True, metadata={"example": "CONSTRAINT_VIOLATION"})
    message = fields.String(required=True)
    severity = fields.String(required=True, metadata={"example": "ERROR"})
    field_path = fields.String(required=True, allow_none=True, metadata={"example": "source_record_id"})


class SuggestionSchema(Schema):
    message = fields.String(required=True)
    action = fields.String(required=True, metadata={"example": "end_existing"})


class ValidationSchema(Schema):
    is_valid = fields.Boolean(required=True)
    violations = fields.List(fields.Nested(ViolationSchema()), required=True)
    suggestions = fields.List(fields.Nested(SuggestionSchema()), required=True)


class LinkHistoryChange(Schema):
    field = fields.String(required=True, metadata={"example": "status"})
    old = fields.Raw(required=True, allow_none=True, metadata={"example": "ACTIVE"})
    new = fields.Raw(required=True, allow_none=True, metadata={"example": "INACTIVE"})


class LinkHistorySchema(Schema):
    seq = fields.Integer(required=True)
    id = fields.UUID(required=True)
    type = fields.String(required=True, metadata={"example": "relationship.updated"})
    event_type = fields.String(required=True, metadata={"example": "updated"})
    operation = fields.String(required=True, metadata={"example": "UPDATED"})
    relationship_id = fields.UUID(required=True)
    occurred_at = Moment(required=True)
    actor = fields.Dict(required=True)
    version = fields.Integer(required=True, allow_none=True)
    changed_fields = fields.List(fields.String(), required=True)
    changes = fields.List(
        fields.Nested(LinkHistoryChange()),
        required=True,
        metadata={"description": "Of a new relationship, everything that it began with."},
    )
    reason = fields.String(required=True, allow_none=True)
