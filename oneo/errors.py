"""What can go wrong, in the words of the domain; each face translates these once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class ConfigurationError(Exception):
    """The server was told something it cannot work with; said at start, never to a client."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one part of the input."""

    pointer: str
    code: str
    message: str
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None

    def as_dict(self) -> dict[str, Any]:
        parts = self.pointer.strip("/").split("/")
        body: dict[str, Any] = {
            "pointer": self.pointer,
            "field": ".".join(part.replace("~1", "/").replace("~0", "~") for part in parts if part) or None,
            "code": self.code,
            "message": self.message,
        }
        if self.allowed:
            body["allowed"] = list(self.allowed)
        if self.suggestion is not None:
            body["suggestion"] = self.suggestion
        return body


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901) to nested parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The valid name that the caller most likely meant."""
    return next(iter(difflib.get_close_matches(name, list(names), n=1)), None)


CATALOGUE: dict[str, type[DomainError]] = {}


class DomainError(Exception):
    """Base of all expected failures. Subclasses fix code, status and title; instances add detail."""

    code: ClassVar[str] = ""
    status: ClassVar[int] = 400
    title: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("code"):
            CATALOGUE[cls.code] = cls

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


# -- the request itself --------------------------------------------------------------------------------------------


class MalformedRequest(DomainError):
    code, status, title = "MALFORMED_REQUEST", 400, "The request cannot be understood."


class MalformedJson(DomainError):
    code, status, title = "MALFORMED_JSON", 400, "The body is not strict JSON."


class InvalidParameter(DomainError):
    code, status, title = "INVALID_PARAMETER", 400, "A query parameter is not valid."


class InvalidCursor(DomainError):
    code, status, title = "INVALID_CURSOR", 400, "The cursor does not belong to this list."


class ValidationFailed(DomainError):
    code, status, title = "VALIDATION_FAILED", 422, "The input is not valid."


class BodyTooLarge(DomainError):
    code, status, title = "BODY_TOO_LARGE", 413, "The body is larger than the server accepts."


class UriTooLong(DomainError):
    code, status, title = "URI_TOO_LONG", 414, "The address is longer than the server accepts."


class UnsupportedMediaType(DomainError):
    code, status, title = "UNSUPPORTED_MEDIA_TYPE", 415, "The body's media type or encoding is not supported."


class NotAcceptable(DomainError):
    code, status, title = "NOT_ACCEPTABLE", 406, "None of the accepted media types can be produced."


class MethodNotAllowed(DomainError):
    code, status, title = "METHOD_NOT_ALLOWED", 405, "The method is not allowed here."


class NotFound(DomainError):
    code, status, title = "NOT_FOUND", 404, "There is nothing here."


class HostNotServed(DomainError):
    code, status, title = "HOST_NOT_SERVED", 421, "This host is not served here."


class RateLimited(DomainError):
    code, status, title = "RATE_LIMITED", 429, "Too many requests."


# -- who is asking ---------------------------------------------------------------------------------------------------


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


# -- things ----------------------------------------------------------------------------------------------------------


class UserNotFound(NotFound):
    code, title = "USER_NOT_FOUND", "There is no such user."


class UserTypeNotFound(NotFound):
    code, title = "USER_TYPE_NOT_FOUND", "There is no such user type."


class SessionNotFound(NotFound):
    code, title = "SESSION_NOT_FOUND", "There is no such session."


class ApiKeyNotFound(NotFound):
    code, title = "API_KEY_NOT_FOUND", "There is no such API key."


class TenantNotFound(NotFound):
    code, title = "TENANT_NOT_FOUND", "There is no such tenant."


class PipelineNotFound(NotFound):
    code, title = "PIPELINE_NOT_FOUND", "There is no such pipeline."


class RecordNotFound(NotFound):
    code, title = "RECORD_NOT_FOUND", "There is no such record."


class FieldNotFound(NotFound):
    code, title = "FIELD_NOT_FOUND", "There is no such field."


class TemplateNotFound(NotFound):
    code, title = "TEMPLATE_NOT_FOUND", "There is no such template."


class CommentNotFound(NotFound):
    code, title = "COMMENT_NOT_FOUND", "There is no such comment."


class Conflict(DomainError):
    code, status, title = "CONFLICT", 409, "The change meets another one."


class EmailTaken(Conflict):
    code, title = "EMAIL_TAKEN", "Another user has this e-mail address."


class SlugTaken(Conflict):
    code, title = "SLUG_TAKEN", "This slug is in use."


class DomainTaken(Conflict):
    code, title = "DOMAIN_TAKEN", "This domain is registered already."


class LastAdministrator(Conflict):
    code, title = "LAST_ADMINISTRATOR", "A tenant cannot lose its last administrator."


class UserTypeInUse(Conflict):
    code, title = "USER_TYPE_IN_USE", "Users still have this user type."


class UserTypeShipped(Conflict):
    code, title = "USER_TYPE_SHIPPED", "A shipped user type cannot be changed this way."


class ValueTaken(Conflict):
    code, title = "VALUE_TAKEN", "Another record has this value, which must be unique."


class FieldInUse(Conflict):
    code, title = "FIELD_IN_USE", "Records have values that this change would not keep."


class NoSlotLeft(Conflict):
    code, title = "NO_SLOT_LEFT", "The pipeline has no index of this kind left for another field."


class TooManyAffected(Conflict):
    code, title = "TOO_MANY_AFFECTED", "More records would be changed than the caller allows."


class IdempotencyInProgress(Conflict):
    code, title = "IDEMPOTENCY_IN_PROGRESS", "A request with this idempotency key is still running."


class RecordTooLarge(DomainError):
    code, status, title = "RECORD_TOO_LARGE", 422, "The record holds more than a record can."


class IdempotencyKeyReused(DomainError):
    code, status, title = "IDEMPOTENCY_KEY_REUSED", 422, "The idempotency key was used for another request."


class VersionMismatch(DomainError):
    code, status, title = "VERSION_MISMATCH", 412, "The object has changed since it was read."


# -- the server ------------------------------------------------------------------------------------------------------


class Unavailable(DomainError):
    code, status, title = "UNAVAILABLE", 503, "The server cannot answer just now; try again."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": "1"})
        super().__init__(detail, **kwargs)


class InternalError(DomainError):
    code, status, title = "INTERNAL_ERROR", 500, "Something went wrong on our side."


@dataclass(slots=True)
class FaultList:
    """Gathers every fault of an input, then raises once."""

    faults: list[Fault] = field(default_factory=list)

    def add(
        self, where: str, code: str, message: str, *, allowed: Iterable[str] = (), suggestion: str | None = None
    ) -> None:
        self.faults.append(Fault(where, code, message, tuple(allowed), suggestion))

    def check(self, error: type[DomainError] = ValidationFailed) -> None:
        if self.faults:
            raise error(faults=self.faults)
