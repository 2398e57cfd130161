"""What an error is: a code of the catalogue, a status, and faults that point into the input."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

MAX_FAULTS = 100
"""Faults that one answer tells. Input can be made to have any number of them."""


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


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The valid name that the caller most likely meant."""
    return next(iter(difflib.get_close_matches(name[:_COMPARED], list(names), n=1)), None)


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901) to nested parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_COMPARED = 100
"""Characters of a name that are worth comparing."""
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
        left_out: int = 0,
    ) -> None:
        """Of very many faults the first are told, and how many are `left_out`."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        found = tuple(faults)
        self.faults = found[:MAX_FAULTS]
        left_out += len(found) - len(self.faults)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        if left_out:
            self.extra["errors_left_out"] = left_out
