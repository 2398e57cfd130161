"""Templates of pipelines."""

from __future__ import annotations

from marshmallow import Schema, fields

from oneo.models.pipeline import DEFAULT_COLOR, DEFAULT_ICON, DEFAULT_TYPE, DESCRIPTION_LENGTH, NAME_LENGTH
from oneo.schemas.base import Input, Moment, slug, text

_NAME, _SLUG = {"example": "Our deals"}, {"example": "our_deals"}
_FIELDS = {"description": "Fields as they are given to a new pipeline.",
           "example": [{"slug": "amount", "name": "Amount", "field_type": "number"}]}  # fmt: skip


class PatternSchema(Schema):
    description = fields.String(required=True, metadata={"example": ""})
    pipeline_type = fields.String(required=True, metadata={"example": DEFAULT_TYPE})
    icon = fields.String(required=True, metadata={"example": DEFAULT_ICON})
    color = fields.String(required=True, metadata={"example": DEFAULT_COLOR})
    settings = fields.Dict(required=True, metadata={"example": {}})
    title_field = fields.String(required=True, allow_none=True, metadata={"example": "name"})
    fields_ = fields.List(fields.Dict(), required=True, data_key="fields", metadata=_FIELDS)


class TemplateSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata=_SLUG)
    name = fields.String(required=True, metadata=_NAME)
    description = fields.String(required=True, metadata={"example": ""})
    is_shipped = fields.Boolean(required=True)
    pattern = fields.Nested(PatternSchema(), required=True)
    created_by = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True, allow_none=True)
    updated_at = Moment(required=True, allow_none=True)


class TemplateCreate(Input):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    slug = slug("Made from the name if not given.", **_SLUG)
    description = text(maximum=DESCRIPTION_LENGTH, about="The pipeline's if not given.", metadata={"example": ""})
