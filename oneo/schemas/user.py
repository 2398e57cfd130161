"""Users."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.models.user import EMAIL_LENGTH, NAME_LENGTH
from oneo.schemas.base import Input, Moment, StrictBoolean, StrictString, text


class UserSchema(Schema):
    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"example": "ada@acme.example"})
    name = fields.String(required=True)
    is_active = fields.Boolean(required=True)
    user_types = fields.List(fields.String(), required=True)
    timezone = fields.String(required=True, metadata={"example": "Europe/Berlin"})
    locale = fields.String(required=True, metadata={"example": "en"})
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    deleted_at = Moment(required=True, allow_none=True)
    created_by = fields.UUID(required=True, allow_none=True)
    updated_by = fields.UUID(required=True, allow_none=True)
    version = fields.Integer(required=True)


class ProfileUpdate(Input):
    """Merge patch: what is left out stays."""

    name = text(maximum=NAME_LENGTH)
    timezone = text(maximum=64)
    locale = text(maximum=35)


class UserUpdate(ProfileUpdate):
    email = text(minimum=3, maximum=EMAIL_LENGTH, metadata={"format": "email"})
    is_active = StrictBoolean()
    password = text(minimum=1, maximum=1024, metadata={"format": "password"})
    user_types = fields.List(
        StrictString(validate=validate.Length(max=64)), validate=validate.Length(min=1, max=50),
        metadata={"description": "Slugs or ids."},
    )  # fmt: skip


class UserCreate(UserUpdate):
    email = text(required=True, minimum=3, maximum=EMAIL_LENGTH, metadata={"format": "email"})
    password = text(
        minimum=1, maximum=1024, allow_none=True, about="None: the user cannot log in until one is set.",
        metadata={"format": "password"},
    )  # fmt: skip
