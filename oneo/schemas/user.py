"""Users."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.models.user import EMAIL_LENGTH, NAME_LENGTH
from oneo.operations.users import LOCALE
from oneo.schemas.base import Entries, Input, Moment, StrictBoolean, StrictString, text

_NAME, _TIMEZONE, _LOCALE = {"example": "Ada Lovelace"}, {"example": "Europe/Berlin"}, {"example": "en"}
_EMAIL = {"format": "email", "example": "ada@acme.example"}
_PASSWORD = {"format": "password", "example": "quiet-otters-map-seven-rivers"}


class UserSchema(Schema):
    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=_EMAIL)
    name = fields.String(required=True, metadata=_NAME)
    is_active = fields.Boolean(required=True)
    user_types = fields.List(fields.String(), required=True, metadata={"example": ["member"]})
    timezone = fields.String(required=True, metadata=_TIMEZONE)
    locale = fields.String(required=True, metadata=_LOCALE)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True, metadata={"example": None})
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    version = fields.Integer(required=True)


class ProfileUpdate(Input):
    """Merge patch: what is left out stays."""

    name = text(maximum=NAME_LENGTH, metadata=_NAME)
    timezone = text(maximum=64, about="IANA name.", metadata=_TIMEZONE)
    locale = text(maximum=35, about="BCP 47 language tag.", metadata={**_LOCALE, "pattern": LOCALE})


class UserFields(ProfileUpdate):
    email = text(minimum=3, maximum=EMAIL_LENGTH, metadata=_EMAIL)
    is_active = StrictBoolean()
    password = text(minimum=1, maximum=1024, metadata=_PASSWORD)
    user_types = Entries(
        StrictString(validate=validate.Length(max=64)), validate=validate.Length(min=1, max=50),
        metadata={"description": "Slugs or ids.", "example": ["member"]},
    )  # fmt: skip


class UserUpdate(UserFields):
    current_password = text(
        minimum=1, maximum=1024, about="Needed to change your own password or e-mail address.",
        metadata={"format": "password"},
    )  # fmt: skip


class UserCreate(UserFields):
    email = text(required=True, minimum=3, maximum=EMAIL_LENGTH, metadata=_EMAIL)
    password = text(
        minimum=1, maximum=1024, allow_none=True, about="None: the user cannot log in until one is set.",
        metadata=_PASSWORD,
    )  # fmt: skip
