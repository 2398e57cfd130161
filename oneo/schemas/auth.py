"""Logins, sessions and API keys."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from oneo.access.permissions import P
from oneo.models.tenant import SLUG_LENGTH
from oneo.models.user import EMAIL_LENGTH, NAME_LENGTH
from oneo.schemas.base import Entries, Input, Moment, StrictString, text

_EMAIL = {"format": "email", "example": "admin@acme.example"}
_KEY_NAME = {"example": "Nightly export"}


class LoginRequest(Input):
    email = text(required=True, minimum=3, maximum=EMAIL_LENGTH, metadata=_EMAIL)
    password = text(required=True, minimum=1, maximum=1024, metadata={"format": "password"})
    tenant = text(
        load_default=None, allow_none=True, minimum=1, maximum=SLUG_LENGTH, about="Slug, where the host names none.",
        metadata={"example": "acme"},
    )  # fmt: skip


class RefreshRequest(Input):
    refresh_token = text(required=True, minimum=1, maximum=4096)


class TokensSchema(Schema):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token lives."})
    session_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)


class PasswordRequest(Input):
    current_password = text(required=True, minimum=1, maximum=1024, metadata={"format": "password"})
    new_password = text(required=True, minimum=1, maximum=1024, metadata={"format": "password"})


class SessionSchema(Schema):
    id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    agent = fields.String(required=True, metadata={"example": "Mozilla/5.0"})
    peer = fields.String(required=True, metadata={"example": "192.0.2.7"})
    created_at = Moment(required=True)
    refreshed_at = Moment(required=True)
    expires_at = Moment(required=True)


class RevokedSchema(Schema):
    revoked = fields.Integer(required=True)


class ApiKeySchema(Schema):
    id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    name = fields.String(required=True, metadata=_KEY_NAME)
    scopes = fields.List(fields.String(), required=True, allow_none=True, metadata={"example": ["records:read"]})
    created_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    last_used_at = Moment(
        required=True, allow_none=True,
        metadata={"description": "Written about once a minute, so the last use can be a minute younger."},
    )  # fmt: skip


class ApiKeyRequest(Input):
    name = text(required=True, minimum=1, maximum=NAME_LENGTH, metadata=_KEY_NAME)
    scopes = Entries(
        StrictString(validate=validate.Length(max=64), metadata={"enum": [known.value for known in P]}),
        load_default=None, allow_none=True,
        validate=validate.Length(max=100),
        metadata={"description": "Permissions; null is all that the user has.", "example": ["users:read"]},
    )  # fmt: skip
    expires_in_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=3650)
    )


class NewApiKeySchema(ApiKeySchema):
    key = fields.String(required=True, metadata={"description": "Shown once."})
