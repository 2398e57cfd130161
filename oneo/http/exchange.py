"""Which conditional headers a route reads and which it sends: declared at the route, and nothing else is possible.

The OpenAPI document names what is declared. A helper that reads or sends a header asks `reading` or `sending` first, so
a view that honours a header without declaring it fails at its first request, whatever that request carries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, current_app, request

View = TypeVar("View", bound=Callable[..., Any])
IF_MATCH, IF_NONE_MATCH, PREFER = "If-Match", "If-None-Match", "Prefer"
ETAG, LOCATION, LINK, APPLIED = "ETag", "Location", "Link", "Preference-Applied"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Names of the headers that a route may read, and of those that it may send."""

    reads: frozenset[str] = frozenset()
    sends: frozenset[str] = frozenset()

    def __or__(self, other: Exchange) -> Exchange:
        return Exchange(self.reads | other.reads, self.sends | other.sends)


NOTHING = Exchange()
GUARDED = Exchange(frozenset({IF_MATCH}))
"""A change that is made only to a version that the caller names."""
OWN = Exchange(sends=frozenset({ETAG}))
"""An object at an address that means another object to another caller: always sent."""
TAGGED = OWN | Exchange(frozenset({IF_NONE_MATCH}))
"""An answer that is not sent again to a caller who has it."""
MINIMAL = Exchange(frozenset({PREFER}), frozenset({APPLIED}))
"""A write whose answer can be left out."""
WRITTEN = OWN | MINIMAL
CHANGED = WRITTEN | GUARDED
MADE = Exchange(sends=frozenset({LOCATION}))
CREATED = WRITTEN | MADE
PAGED = Exchange(sends=frozenset({LINK}))


def exchanges(declared: Exchange) -> Callable[[View], View]:
    """Declare the headers of a view, beside those that another decorator has declared."""

    def declare(view: View) -> View:
        view.exchange = exchange_of(view) | declared  # type: ignore[attr-defined] # read by exchange_of
        return view

    return declare


def exchange_of(view: Any) -> Exchange:
    found: Exchange = getattr(view, "exchange", NOTHING)
    return found


def reading(name: str) -> str | None:
    """The header of the request. Raises RuntimeError where the route does not declare that it reads it."""
    if name not in _declared().reads:
        raise RuntimeError(f"{request.endpoint} reads {name} without declaring it")
    return request.headers.get(name)


def sending(response: Response, name: str, value: str) -> None:
    """Set the header. Raises RuntimeError where the route does not declare that it sends it."""
    if name not in _declared().sends:
        raise RuntimeError(f"{request.endpoint} sends {name} without declaring it")
    response.headers[name] = value


def _declared() -> Exchange:
    return exchange_of(current_app.view_functions.get(request.endpoint or ""))
