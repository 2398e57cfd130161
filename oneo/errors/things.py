"""What is not there, and what is in the way of a change."""

from __future__ import annotations

from typing import ClassVar

from oneo.errors.base import DomainError, Fault
from oneo.errors.request import NotFound


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


class Conflict(DomainError):
    code, status, title = "CONFLICT", 409, "The change meets another one."


class Taken(Conflict):
    """Points at the name that another has."""

    where: ClassVar[str]

    def __init__(self, detail: str | None = None, *, where: str | None = None) -> None:
        super().__init__(detail, faults=[Fault(where or self.where, self.code, detail or self.title)])


class EmailTaken(Taken):
    where = "/email"
    code, title = "EMAIL_TAKEN", "Another user has this e-mail address."


class SlugTaken(Taken):
    where = "/slug"
    code, title = "SLUG_TAKEN", "This slug is in use."


class DomainTaken(Taken):
    where = "/host"
    code, title = "DOMAIN_TAKEN", "This domain is registered already."


class LastAdministrator(Conflict):
    code, title = "LAST_ADMINISTRATOR", "A tenant cannot lose its last administrator."


class UserTypeInUse(Conflict):
    code, title = "USER_TYPE_IN_USE", "Users still have this user type."


class UserTypeShipped(Conflict):
    code, title = "USER_TYPE_SHIPPED", "A shipped user type cannot be changed this way."


class IdempotencyInProgress(Conflict):
    code, title = "IDEMPOTENCY_IN_PROGRESS", "A request with this idempotency key is still running."


class IdempotencyAnswerWithheld(Conflict):
    code, title = (
        "IDEMPOTENCY_ANSWER_WITHHELD",
        "The request was carried out before. Rights or fields have changed since, so read the result again.",
    )


class IdempotencyKeyReused(DomainError):
    code, status, title = "IDEMPOTENCY_KEY_REUSED", 422, "The idempotency key was used for another request."


class VersionMismatch(DomainError):
    code, status, title = "VERSION_MISMATCH", 412, "The object has changed since it was read."
