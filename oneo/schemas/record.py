"""Records."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from oneo.models.record import STATUS_LENGTH, TITLE_LENGTH
from oneo.schemas.base import Input, Moment, StrictString, text
from oneo.schemas.relationship import RelationshipSchema

_DATA = {"example": {"amount": 1200, "stage": "open"}}
_TITLE, _STATUS = {"example": "Big deal"}, {"example": "active"}


class EmbeddedRelationships(Schema):
    """The newest relationships of a record that the caller may read, at most 100."""

    results = fields.List(fields.Nested(RelationshipSchema()), required=True)
    truncated = fields.Boolean(
        required=True, metadata={"description": "Whether there are more; `GET relationships/` lists them all."}
    )


class IncludedSchema(Schema):
    """What was asked for by `include`, by its name."""

    class Meta:
        unknown = INCLUDE

    relationships = fields.Nested(EmbeddedRelationships())


class RecordSchema(Schema):
    id = fields.UUID(required=True)
    pipeline_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata=_TITLE)
    status = fields.String(required=True, metadata=_STATUS)
    data = fields.Dict(required=True, metadata=_DATA)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    included = fields.Nested(IncludedSchema(), metadata={"example": {}})


class PipelineNameSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata={"example": "deals"})
    name = fields.String(required=True, metadata={"example": "Deals"})


class RecordFoundSchema(RecordSchema):
    pipeline = fields.Nested(PipelineNameSchema(), required=True)
    rank = fields.Float(
        required=True, allow_none=True,
        metadata={"description": "How well it matches; null unless words are searched for.", "example": 0.06},
    )  # fmt: skip


class RecordUpdate(Input):
    """Merge patch: what is left out stays, and so does each entry of `data`; null removes one."""

    title = text(maximum=TITLE_LENGTH, metadata=_TITLE)
    status = text(minimum=1, maximum=STATUS_LENGTH, metadata=_STATUS)
    data = fields.Dict(keys=StrictString(), metadata=_DATA)


class RecordCreate(RecordUpdate):
    """Values by the slugs of the pipeline's fields."""


class RecordReplace(RecordUpdate):
    """The whole of what the caller may write; what is left out goes."""


class RecordParameters(Schema):
    fields_ = fields.String(
        load_default="",
        data_key="fields",
        attribute="fields",
        metadata={"description": "Keys to return, `data__<slug>` among them."},
    )  # fmt: skip
    include = fields.String(
        load_default="",
        metadata={
            "description": "Beside it: `relationships`, `pipeline`, `created_by`, `updated_by`, and figures of "
            "related records."
        },
    )
    as_of = fields.String(
        load_default=None, metadata={"description": "As it was then (RFC 3339).", "format": "date-time"}
    )


class PurgeParameters(Schema):
    purge = fields.Boolean(
        load_default=False, metadata={"description": "Erase a deleted record for good, and what the log says of it."}
    )
