"""Which problems each operation can answer with, from what it takes and who may call it."""

from __future__ import annotations

from typing import Any

from oneo.access.permissions import SESSION, P
from oneo.blueprints.openapi.operations import Document, Operation
from oneo.blueprints.openapi.statuses import STATUSES, codes_of
from oneo.errors import DomainError
from oneo.http.problems import MEDIA_TYPE, TYPE_BASE

_EVERYWHERE = frozenset({400, 406, 421, 429})
_HEADERS = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    500: ("Retry-After",),
}
_IMPLIED = "422"
"""Written by the argument parser for every kind of argument; only a body's faults have this status here."""


def describe(operation: Operation) -> None:
    """Names the operation's problems by reference. What it declares itself stays, other media types included."""
    responses: dict[str, Any] = operation.body["responses"]
    declared = {status: responses.pop(status) for status in list(responses) if status[0] in "45d"}
    others = {int(status): _other_media(said) for status, said in declared.items() if status.isdigit()}
    for status in sorted(_statuses(operation) | (others.keys() - {int(_IMPLIED)})):
        reference = {"$ref": f"#/components/responses/{STATUSES[status].name}"}
        content = others.get(status)
        responses[str(status)] = _beside(status, content) if content else reference
    responses["5XX"] = {"$ref": f"#/components/responses/{STATUSES[500].name}"}


def components() -> dict[str, Any]:
    """A response for each status, with an example of every code that has it."""
    return {found.name: _response(status) for status, found in STATUSES.items() if status != 503}


def _statuses(operation: Operation) -> set[int]:
    takes_body, once = "requestBody" in operation.body, operation.takes_idempotency_key
    conditions = {
        401: not operation.is_public,
        403: isinstance(operation.permission, P)
        or operation.permission is SESSION
        or (operation.is_write and not operation.is_public),
        404: operation.path_parameters,
        408: takes_body or once,
        409: once,
        412: operation.takes_if_match,
        413: takes_body or once,
        415: takes_body,
        422: takes_body or once,
    }
    return {*_EVERYWHERE, *(status for status, holds in conditions.items() if holds)}


def _other_media(response: Document) -> Document:
    content: Document = response.get("content", {})
    return {media: what for media, what in content.items() if media != MEDIA_TYPE}


def _beside(status: int, content: Document) -> Document:
    response = _response(status)
    return {**response, "content": {**content, **response["content"]}}


def _response(status: int) -> Document:
    codes = codes_of(status) | (codes_of(503) if status == 500 else {})
    names = ", ".join(f"`{code}`" for code in codes)
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {code: {"value": _example(error)} for code, error in codes.items()},
    }
    return {
        "description": f"{STATUSES[status].about} Codes: {names}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS.get(status, ())},
        "content": {MEDIA_TYPE: content},
    }


def _example(error: type[DomainError]) -> Document:
    return {
        "type": TYPE_BASE + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.title,
        "instance": "/api/v1/users/",
        "code": error.code,
        "errors": [],
        "request_id": "0199f3a4c1b27d05a9c0d6c4f1f2a3b4",
    }
