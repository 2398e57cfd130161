"""Pipelines and their fields."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.fields.kinds.registry import KINDS
from oneo.models.pipeline import DEFAULT_COLOR, DEFAULT_ICON, DEFAULT_TYPE, DESCRIPTION_LENGTH, NAME_LENGTH, TYPE_LENGTH
from oneo.models.tenant import SLUG_LENGTH
from oneo.schemas.base import Entries, Input, Moment, StrictBoolean, StrictInteger, StrictString, slug, text

_NAME, _SLUG = {"example": "Deals"}, {"example": "deals"}
_FIELD_TYPE = {"enum": list(KINDS), "example": "number"}
_FIELD_NAME, _FIELD_SLUG = {"example": "Amount"}, {"example": "amount"}
MAX_FIELDS = 200


class FieldIndex(Schema):
    """An index of the field's values: in use once it is ready."""

    state = fields.String(required=True, validate=validate.OneOf(["ready", "filling", "emptying"]))
    done = fields.Integer(required=True, metadata={"description": "Records that were filled so far."})
    total = fields.Integer(required=True)


class FieldSchema(Schema):
    id = fields.UUID(required=True)
    pipeline_id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata=_FIELD_SLUG)
    name = fields.String(required=True, metadata=_FIELD_NAME)
    description = fields.String(required=True, metadata={"example": ""})
    field_type = fields.String(required=True, metadata=_FIELD_TYPE)
    field_config = fields.Dict(required=True, metadata={"example": {"min": 0}})
    is_required = fields.Boolean(required=True)
    is_unique = fields.Boolean(required=True)
    is_indexed = fields.Boolean(required=True)
    display_order = fields.Integer(required=True)
    is_visible_in_list = fields.Boolean(required=True)
    index = fields.Nested(FieldIndex(), required=True, allow_none=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    version = fields.Integer(required=True)


class FieldUpdate(Input):
    """Merge patch, but for the configuration, which is replaced. What present values would not survive is refused,
    unless `default` stands in for them or the parameter `force` lets them go."""

    name = text(minimum=1, maximum=NAME_LENGTH, blank=False, metadata=_FIELD_NAME)
    description = text(maximum=DESCRIPTION_LENGTH, metadata={"example": ""})
    field_type = text(minimum=1, maximum=TYPE_LENGTH, metadata=_FIELD_TYPE)
    field_config = fields.Dict(keys=StrictString(), metadata={"example": {"min": 0}})
    is_required = StrictBoolean()
    is_unique = StrictBoolean(metadata={"description": "No two records of the pipeline have the same value."})
    is_indexed = StrictBoolean(metadata={"description": "Whether filters and sorting are served by an index."})
    display_order = StrictInteger(validate=validate.Range(min=0, max=1_000_000))
    is_visible_in_list = StrictBoolean()
    default = fields.Raw(allow_none=True, metadata={"description": "For records that need a value now.", "example": 0})


class FieldCreate(FieldUpdate):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, blank=False, metadata=_FIELD_NAME)
    slug = slug("Made from the name if not given.", **_FIELD_SLUG)
    field_type = text(required=True, minimum=1, maximum=TYPE_LENGTH, metadata=_FIELD_TYPE)


class PipelineSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata=_SLUG)
    name = fields.String(required=True, metadata=_NAME)
    description = fields.String(required=True, metadata={"example": ""})
    pipeline_type = fields.String(required=True, metadata={"example": DEFAULT_TYPE})
    icon = fields.String(required=True, metadata={"example": DEFAULT_ICON})
    color = fields.String(required=True, metadata={"example": DEFAULT_COLOR})
    is_active = fields.Boolean(required=True)
    settings = fields.Dict(required=True, metadata={"example": {}})
    template = fields.String(required=True, allow_none=True, metadata={"example": None})
    title_field = fields.String(required=True, allow_none=True, metadata={"example": "name"})
    graphql_name = fields.String(required=True, metadata={"example": "Deals"})
    record_count = fields.Integer(
        required=True, allow_none=True, metadata={"description": "None unless the caller may see all records."}
    )
    field_count = fields.Integer(required=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    version = fields.Integer(required=True)


class PipelineDetailSchema(PipelineSchema):
    fields_ = fields.List(fields.Nested(FieldSchema()), required=True, data_key="fields")


class PipelineUpdate(Input):
    """Merge patch: what is left out stays."""

    name = text(minimum=1, maximum=NAME_LENGTH, blank=False, metadata=_NAME)
    slug = slug(**_SLUG)
    description = text(maximum=DESCRIPTION_LENGTH, metadata={"example": ""})
    pipeline_type = text(minimum=1, maximum=TYPE_LENGTH, metadata={"example": DEFAULT_TYPE})
    icon = text(minimum=1, maximum=64, metadata={"example": DEFAULT_ICON})
    color = StrictString(
        validate=validate.Regexp(r"#[0-9A-Fa-f]{6}\Z"),
        metadata={"example": DEFAULT_COLOR, "pattern": "^#[0-9A-Fa-f]{6}$"},
    )
    is_active = StrictBoolean()
    settings = fields.Dict(keys=StrictString(), metadata={"example": {}})
    title_field = text(
        allow_none=True, minimum=1, maximum=SLUG_LENGTH, about="The field whose values are the records' titles.",
        metadata={"example": "name"},
    )  # fmt: skip


class PipelineReplace(PipelineUpdate):
    """What is left out takes its default; the slug and the fields stay."""

    name = text(required=True, minimum=1, maximum=NAME_LENGTH, blank=False, metadata=_NAME)


class PipelineCreate(PipelineUpdate):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, blank=False, metadata=_NAME)
    slug = slug("Made from the name if not given.", **_SLUG)
    fields_ = Entries(
        fields.Nested(FieldCreate()), data_key="fields", attribute="fields", validate=validate.Length(max=MAX_FIELDS),
        metadata={"example": [{"name": "Amount", "field_type": "number"}]},
    )  # fmt: skip
    template = text(
        minimum=1, maximum=SLUG_LENGTH, about="Id or slug of a template; what is given here wins over what it says.",
        metadata={"example": "sales_deals"},
    )  # fmt: skip


class PipelineClone(Input):
    may_be_left_out = True
    name = text(minimum=1, maximum=NAME_LENGTH, blank=False, about='"<name> (Copy)" if not given.', metadata=_NAME)


class ForceParameters(Schema):
    force = fields.Boolean(load_default=False, metadata={"description": "Also where values would go, or be missing."})
