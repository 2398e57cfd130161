"""What is wrong with a request whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from oneo.errors.base import MAX_FAULTS, DomainError, Fault, nearest

_SUGGESTED = 10


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


class BodyTimeout(DomainError):
    code, status, title = "BODY_TIMEOUT", 408, "The body did not arrive in time."


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


@dataclass(slots=True)
class Hints:
    """How many names that were meant are yet looked for: each takes a comparison with all names there are. The parts of
    one input share it.
    """

    left: int = _SUGGESTED


@dataclass(slots=True)
class FaultList:
    """Gathers the faults of an input, then raises once. Beyond those that can be told it counts."""

    faults: list[Fault] = field(default_factory=list)
    left_out: int = 0
    hints: Hints = field(default_factory=Hints)
    conflicts: list[DomainError] = field(default_factory=list)

    def add(
        self, where: str, code: str, message: str, *, allowed: Iterable[str] = (),
        near: tuple[str, Iterable[str]] | None = None, find: Callable[[str, Iterable[str]], str | None] = nearest,
    ) -> None:  # fmt: skip
        """`near` is what was written and what is known: the first few such faults suggest the nearest."""
        if len(self.faults) >= MAX_FAULTS:
            self.left_out += 1
            return
        suggestion = None
        if near is not None and self.hints.left > 0:
            self.hints.left -= 1
            suggestion = find(*near)
        self.faults.append(Fault(where, code, message, tuple(allowed), suggestion))

    def take(self, faults: Iterable[Fault], left_out: int = 0) -> None:
        """Those of a part of the input."""
        found = list(faults)
        kept = found[: MAX_FAULTS - len(self.faults)]
        self.faults += kept
        self.left_out += left_out + len(found) - len(kept)

    def covers(self, where: str) -> bool:
        """Whether a fault is known of this part of the input, or of a part that contains it."""
        return any(where == fault.pointer or where.startswith(fault.pointer + "/") for fault in self.faults)

    def add_conflict(self, conflict: DomainError) -> None:
        """Add the faults of an error that is raised itself if nothing else is wrong with the input."""
        self.conflicts.append(conflict)
        self.take(conflict.faults)

    def check(self, error: type[DomainError] = ValidationFailed) -> None:
        """Raise everything that is wrong: the conflict if that is all, else `error`."""
        if not self.faults:
            return
        if sum(len(conflict.faults) for conflict in self.conflicts) == len(self.faults):
            self.conflicts[0].faults = tuple(self.faults)
            raise self.conflicts[0]
        raise error(faults=self.faults, left_out=self.left_out)
