"""User types, grants and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from oneo.access.permissions import EVERYTHING, P
from oneo.fields.slugs import MAX_LENGTH as SLUG_LENGTH
from oneo.fields.slugs import PATTERN
from oneo.models.role import DESCRIPTION_LENGTH, NAME_LENGTH
from oneo.operations.grants import MAX_GRANTS
from oneo.schemas.base import Entries, Input, Moment, StrictString, slug, text


class Rows(fields.Field[Any]):
    """`all`, `own`, or `{"filter": {...}}` in the filter language."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value in ("all", "own"):
            return value
        if isinstance(value, Mapping) and set(value) == {"filter"} and isinstance(value["filter"], Mapping):
            return dict(value)
        raise ValidationError('"all", "own" or {"filter": {...}} is expected.')


def _names(about: str, maximum: int) -> Entries:
    return Entries(
        StrictString(validate=validate.Length(min=1, max=SLUG_LENGTH), metadata={"pattern": PATTERN}),
        validate=validate.Length(max=maximum),
        metadata={"description": about, "example": []},
    )  # fmt: skip


_NAME, _SLUG = {"example": "Sales team"}, {"example": "sales_team"}
_DESCRIPTION = {"example": "Works on deals."}
_ROWS = {
    "description": "`all`, `own`, or a filter in the language of `filter=`. To readers without `user_types:read` an "
    "empty filter stands for one about fields that are hidden from them.",
    "anyOf": [
        {"enum": ["all", "own"]},
        {
            "type": "object",
            "properties": {"filter": {"type": "object"}},
            "required": ["filter"],
            "additionalProperties": False,
        },
    ],
    "example": "all",
}


class GrantRequest(Input):
    permission = text(
        required=True, minimum=1, maximum=64,
        metadata={"enum": [EVERYTHING, *(known.value for known in P)], "example": "records:update"},
    )  # fmt: skip
    pipelines = Entries(
        StrictString(validate=validate.Length(min=1, max=64)), load_default=None, allow_none=True,
        validate=validate.Length(max=1000), metadata={"description": "Ids or slugs; null is all.", "example": None},
    )  # fmt: skip
    rows = Rows(load_default="all", metadata=_ROWS)
    hidden_fields = _names("Fields that do not exist for the holder.", 500)
    read_only_fields = _names("Fields that the holder may not write.", 500)


class GrantSchema(Schema):
    permission = fields.String(required=True, metadata={"example": "records:update"})
    pipelines = fields.List(
        fields.UUID(), required=True, allow_none=True, metadata={"description": "Ids; null is all.", "example": None}
    )
    rows = Rows(required=True, metadata=_ROWS)
    hidden_fields = fields.List(
        fields.String(), required=True,
        metadata={"example": ["salary"], "description": "Empty for readers without `user_types:read`."},
    )  # fmt: skip
    read_only_fields = fields.List(fields.String(), required=True, metadata={"example": []})


class UserTypeSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata=_SLUG)
    name = fields.String(required=True, metadata=_NAME)
    description = fields.String(required=True, metadata=_DESCRIPTION)
    grants = fields.List(fields.Nested(GrantSchema), required=True)
    is_shipped = fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class UserTypeUpdate(Input):
    name = text(minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    description = text(maximum=DESCRIPTION_LENGTH, metadata=_DESCRIPTION)
    grants = Entries(fields.Nested(GrantRequest), validate=validate.Length(max=MAX_GRANTS))


class UserTypeCreate(UserTypeUpdate):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    slug = slug("Made from the name when not given; fixed afterwards.", **_SLUG)


class CatalogueEntrySchema(Schema):
    permission = fields.String(required=True, metadata={"example": "records:update"})
    about = fields.String(required=True, metadata={"example": "Change records."})
    per_pipeline = fields.Boolean(required=True)
    per_row = fields.Boolean(required=True)


class PermissionSetSchema(Schema):
    user_id = fields.UUID(required=True)
    is_administrator = fields.Boolean(required=True)
    permissions = fields.Dict(
        keys=fields.String(), values=fields.List(fields.Nested(GrantSchema)), required=True,
        metadata={"description": "What the caller may do, by permission, with the grants that say so."},
    )  # fmt: skip
    catalogue = fields.List(fields.Nested(CatalogueEntrySchema), required=True)


class ExplainParameters(Input):
    action = text(
        required=True, minimum=1, maximum=64, about="The permission that is asked about.",
        metadata={"example": "records:update"},
    )  # fmt: skip
    pipeline = text(load_default=None, minimum=1, maximum=64, about="Id or slug: of which pipeline this is asked.")
    record = text(load_default=None, minimum=1, maximum=64, about="Id: of which record this is asked.")


class GrantedBySchema(Schema):
    user_type = fields.String(required=True, metadata={"example": "member"})
    grant = fields.Nested(GrantSchema, required=True)


class ExplanationSchema(Schema):
    action = fields.String(required=True, metadata={"example": "records:update"})
    pipeline_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    record_id = fields.UUID(required=True, allow_none=True, metadata={"example": None})
    allowed = fields.Boolean(required=True)
    reason = fields.String(required=True, metadata={"example": "A grant covers this."})
    granted_by = fields.List(fields.Nested(GrantedBySchema), required=True)
    limited_by_key = fields.Boolean(required=True)
