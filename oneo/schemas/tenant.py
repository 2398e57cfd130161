"""The caller's tenant and its settings."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.models.tenant import NAME_LENGTH
from oneo.operations.tenants import SETTINGS
from oneo.schemas.base import Input, Moment, text


class TenantSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    status = fields.String(required=True)
    domains = fields.List(fields.String(), required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


def _about(key: str) -> str:
    return f"{SETTINGS[key].about} Default: {SETTINGS[key].default}."


class SettingsSchema(Schema):
    name = fields.String(required=True)
    timezone = fields.String(required=True, metadata={"description": _about("timezone")})
    locale = fields.String(required=True, metadata={"description": _about("locale")})
    currency = fields.String(required=True, metadata={"description": _about("currency")})
    week_start = fields.String(required=True, metadata={"description": _about("week_start")})


class SettingsUpdate(Input):
    """Merge patch: what is left out stays, null returns to the default."""

    name = text(minimum=1, maximum=NAME_LENGTH)
    timezone = text(maximum=64, allow_none=True, about=_about("timezone"))
    locale = text(maximum=35, allow_none=True, about=_about("locale"))
    currency = text(maximum=3, minimum=3, allow_none=True, about=_about("currency"))
    week_start = fields.String(
        allow_none=True, validate=validate.OneOf(SETTINGS["week_start"].choices),
        metadata={"description": _about("week_start")},
    )  # fmt: skip
