"""Who is asking, and what he may not do."""

from __future__ import annotations

from oneo.errors.base import DomainError


class AuthenticationRequired(DomainError):
    code, status, title = "AUTHENTICATION_REQUIRED", 401, "A valid token is required."


class TokenInvalid(AuthenticationRequired):
    code, title = "TOKEN_INVALID", "The token is not valid."


class TokenExpired(AuthenticationRequired):
    code, title = "TOKEN_EXPIRED", "The token has expired."


class TokenRevoked(AuthenticationRequired):
    code, title = "TOKEN_REVOKED", "The token has been revoked."


class TokenReused(AuthenticationRequired):
    code, title = "TOKEN_REUSED", "The refresh token was used before; the session has been ended."


class CredentialsInvalid(AuthenticationRequired):
    code, title = "CREDENTIALS_INVALID", "The e-mail address or the password is wrong."


class TenantMismatch(AuthenticationRequired):
    code, title = "TENANT_MISMATCH", "The token belongs to another host."


class PermissionDenied(DomainError):
    code, status, title = "PERMISSION_DENIED", 403, "The caller may not do this."


class SessionRequired(PermissionDenied):
    code, title = "SESSION_REQUIRED", "This belongs to a login; an API key may not do it."


class StaleActor(Exception):
    """What is known of the caller is out of date or revoked; the face loads it anew and tries once more."""
