"""Relationship types and their constraints."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.models.pipeline import (
    CARDINALITIES,
    DEFAULT_CARDINALITY,
    DEFAULT_ON_DELETE,
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    ON_DELETE,
)
from oneo.models.relationship import CONSTRAINT_KINDS
from oneo.models.tenant import SLUG_LENGTH
from oneo.schemas.base import Entries, Input, Moment, OneOf, StrictBoolean, StrictInteger, StrictString, slug, text
from oneo.schemas.pipeline import MAX_FIELDS, FieldCreate, FieldSchema

MAX_INSTANCES = 1_000_000
_NAME, _SLUG = {"example": "Works at"}, {"example": "works_at"}
_FORWARD, _REVERSE = {"example": "works at"}, {"example": "employs"}
_END = "of which these records are; null where any will do."
_METADATA = {"example": {"per": "source"}, "description": "Options of the kind, see docs/relationships.md."}


class ConstraintSchema(Schema):
    id = fields.UUID(required=True)
    relationship_type_id = fields.UUID(required=True)
    constraint_type = fields.String(required=True, validate=OneOf(CONSTRAINT_KINDS))
    source_pipeline_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    target_pipeline_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    min_instances = fields.Integer(required=True)
    max_instances = fields.Integer(required=True, allow_none=True)
    is_required = fields.Boolean(required=True)
    constraint_metadata = fields.Dict(required=True, metadata=_METADATA)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class ConstraintUpdate(Input):
    """Merge patch, but for the options, which are replaced. An end that is named narrows it to relationships of it."""

    source_pipeline = text(
        allow_none=True, minimum=1, maximum=SLUG_LENGTH, about="Id or slug of a pipeline; null counts all.",
        metadata={"example": None},
    )  # fmt: skip
    target_pipeline = text(
        allow_none=True, minimum=1, maximum=SLUG_LENGTH, about="Id or slug of a pipeline; null counts all.",
        metadata={"example": None},
    )  # fmt: skip
    min_instances = StrictInteger(validate=validate.Range(min=0, max=MAX_INSTANCES), metadata={"example": 0})
    max_instances = StrictInteger(
        allow_none=True, validate=validate.Range(min=1, max=MAX_INSTANCES), metadata={"example": 1}
    )
    is_required = StrictBoolean()
    constraint_metadata = fields.Dict(keys=StrictString(), metadata=_METADATA)


class ConstraintCreate(ConstraintUpdate):
    constraint_type = StrictString(required=True, validate=OneOf(CONSTRAINT_KINDS), metadata={"example": "CARDINALITY"})


class RelationshipTypeSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata=_SLUG)
    name = fields.String(required=True, metadata=_NAME)
    description = fields.String(required=True, metadata={"example": ""})
    is_active = fields.Boolean(required=True)
    source_pipeline_id = fields.UUID(required=True, allow_none=True)
    target_pipeline_id = fields.UUID(required=True, allow_none=True)
    cardinality = fields.String(required=True, validate=OneOf(CARDINALITIES))
    is_bidirectional = fields.Boolean(required=True)
    forward_label = fields.String(required=True, metadata=_FORWARD)
    reverse_label = fields.String(required=True, metadata=_REVERSE)
    on_delete = fields.String(required=True, validate=OneOf(ON_DELETE))
    settings = fields.Dict(required=True, metadata={"example": {}})
    graphql_name = fields.String(required=True, metadata={"example": "WorksAt"})
    relationship_count = fields.Integer(
        required=True, allow_none=True, metadata={"description": "None unless the caller may see all relationships."}
    )
    field_count = fields.Integer(required=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    version = fields.Integer(required=True)


class RelationshipTypeDetailSchema(RelationshipTypeSchema):
    fields_ = fields.List(fields.Nested(FieldSchema()), required=True, data_key="fields")
    constraints = fields.List(fields.Nested(ConstraintSchema()), required=True)


class RelationshipTypeUpdate(Input):
    """Merge patch: what is left out stays."""

    name = text(minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    slug = slug(**_SLUG)
    description = text(maximum=DESCRIPTION_LENGTH, metadata={"example": ""})
    is_active = StrictBoolean()
    settings = fields.Dict(keys=StrictString(), metadata={"example": {}})
    source_pipeline = text(
        allow_none=True, minimum=1, maximum=SLUG_LENGTH, about=f"Id or slug of the pipeline {_END}",
        metadata={"example": "contacts"},
    )  # fmt: skip
    target_pipeline = text(
        allow_none=True, minimum=1, maximum=SLUG_LENGTH, about=f"Id or slug of the pipeline {_END}",
        metadata={"example": "companies"},
    )  # fmt: skip
    cardinality = StrictString(
        validate=OneOf(CARDINALITIES),
        metadata={"example": DEFAULT_CARDINALITY, "description": "Its constraints are made with it."},
    )
    is_bidirectional = StrictBoolean(
        metadata={"description": "Whether new relationships hold both ways unless they say otherwise."}
    )
    forward_label = text(maximum=NAME_LENGTH, about="What the source is to the target.", metadata=_FORWARD)
    reverse_label = text(maximum=NAME_LENGTH, about="What the target is to the source.", metadata=_REVERSE)
    on_delete = StrictString(
        validate=OneOf(ON_DELETE),
        metadata={
            "example": DEFAULT_ON_DELETE,
            "description": "What happens to relationships of a record that is removed: it is refused, or they are "
            "removed with it, or they are kept until it is restored.",
        },
    )


class RelationshipTypeReplace(RelationshipTypeUpdate):
    """What is left out takes its default; slug, fields and constraints stay."""

    name = text(required=True, minimum=1, maximum=NAME_LENGTH, metadata=_NAME)


class RelationshipTypeCreate(RelationshipTypeUpdate):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    slug = slug("Made from the name if not given.", **_SLUG)
    fields_ = Entries(
        fields.Nested(FieldCreate()), data_key="fields", attribute="fields", validate=validate.Length(max=MAX_FIELDS),
        metadata={"example": [{"name": "Role", "field_type": "text"}]},
    )  # fmt: skip
