"""GraphQL over HTTP: what a request asks, and which of the two media types its sender wants back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app, request

from oneo import strict_json
from oneo.config import Settings
from oneo.errors import FaultList, MalformedRequest, NotAcceptable, UnsupportedMediaType, ValidationFailed
from oneo.http.manners import StrictRequest

RESPONSE = "application/graphql-response+json"
LEGACY = "application/json"
_TYPES = {"query": str, "operationName": str, "variables": dict, "extensions": dict}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. The same for GET and POST."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def wanted_type() -> str:
    """The newer media type unless the older one is preferred. Raises NotAcceptable."""
    if "Accept" not in request.headers:
        return RESPONSE
    weights: dict[str, float] = {}
    for name, weight in request.accept_mimetypes:
        plain = name.partition(";")[0].strip().lower()
        weights[plain] = max(weight, weights.get(plain, 0.0))
    anything = weights.get("application/*", weights.get("*/*", 0.0))
    newer, older = weights.get(RESPONSE, anything), weights.get(LEGACY, anything)
    if not newer and not older:
        raise NotAcceptable(extra={"produced": [RESPONSE, LEGACY]})
    return RESPONSE if newer >= older else LEGACY


def read_request() -> Asked:
    """Raises MalformedJson, MalformedRequest, UnsupportedMediaType, ValidationFailed."""
    members = _body() if request.method == "POST" else _parameters()
    faults = FaultList()
    for name, kind in _TYPES.items():
        value = members.get(name)
        if value is not None and not isinstance(value, kind):
            faults.add(f"/{name}", "INVALID_VALUE", f"This must be {'a text' if kind is str else 'an object'}.")
    if not members.get("query"):
        faults.add("/query", "REQUIRED", "A document is required.")
    faults.check(ValidationFailed)
    return Asked(members["query"], members.get("variables"), members.get("operationName"))


def _body() -> dict[str, Any]:
    if request.mimetype != LEGACY:
        raise UnsupportedMediaType(f"The body must be {LEGACY}.")
    body = cast("StrictRequest", request).strict_json()
    if isinstance(body, list):
        raise MalformedRequest("Several requests in one body are not accepted.")
    if not isinstance(body, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return body


def _parameters() -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, kind in _TYPES.items():
        texts = request.args.getlist(name)
        if len(texts) > 1:
            raise MalformedRequest(f"The parameter {name} stands twice.")
        if texts:
            members[name] = texts[0] if kind is str else _json(texts[0])
    return members


def _json(text: str) -> Any:
    settings: Settings = current_app.extensions["oneo.settings"]
    return strict_json.loads(text.encode(), max_depth=settings.max_json_depth)
