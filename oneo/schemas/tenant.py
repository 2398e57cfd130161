"""The caller's tenant and its settings."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from oneo.models.tenant import NAME_LENGTH
from oneo.operations.tenants import SETTINGS
from oneo.operations.users import LOCALE
from oneo.schemas.base import Input, Moment, OneOf, text

_NAME = {"example": "Acme Inc."}


class TenantSchema(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata={"example": "acme"})
    name = fields.String(required=True, metadata=_NAME)
    status = fields.String(required=True, metadata={"enum": ["active", "suspended"]})
    domains = fields.List(fields.String(), required=True, metadata={"example": ["crm.acme.example"]})
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


def _about(key: str) -> dict[str, Any]:
    option = SETTINGS[key]
    return {"description": f"{option.about} Default: {option.default}.", "example": option.default}


class SettingsSchema(Schema):
    name = fields.String(required=True, metadata=_NAME)
    timezone = fields.String(required=True, metadata=_about("timezone"))
    locale = fields.String(required=True, metadata=_about("locale"))
    currency = fields.String(required=True, metadata=_about("currency"))
    week_start = fields.String(required=True, metadata=_about("week_start"))


class SettingsUpdate(Input):
    """Merge patch: what is left out stays, null returns to the default."""

    name = text(minimum=1, maximum=NAME_LENGTH, metadata=_NAME)
    timezone = text(maximum=64, allow_none=True, metadata=_about("timezone"))
    locale = text(maximum=35, allow_none=True, metadata={**_about("locale"), "pattern": LOCALE})
    currency = text(maximum=3, minimum=3, allow_none=True, metadata={**_about("currency"), "pattern": "^[A-Z]{3}$"})
    week_start = fields.String(
        allow_none=True, validate=OneOf(SETTINGS["week_start"].choices), metadata=_about("week_start")
    )
