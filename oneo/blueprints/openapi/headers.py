"""Headers that requests may carry and answers do carry, documented once and referred to."""

from __future__ import annotations

from typing import Any

from oneo.blueprints.openapi.operations import Operation
from oneo.http.exchange import APPLIED, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, PREFER

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": 'The version of an object, `"3"`, or a weak tag of a list. For `If-Match` and `If-None-Match`.',
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "Location": {
        "description": "The address of what was made.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": "Addresses of the next and previous page (RFC 8288).",
        "schema": {"type": "string", "examples": ['<https://crm.example/api/v1/users/?page=2>; rel="next"']},
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the answer to an earlier request with the same key.",
        "schema": {"enum": ["true", "false"]},
    },
    "Preference-Applied": {
        "description": "The preference that was followed (RFC 7240).",
        "schema": {"const": "return=minimal"},
    },
    "RateLimit-Policy": {
        "description": "The limits that count here: quota `q` in a window of `w` seconds each.",
        "schema": {"type": "string", "examples": ['"user";q=6000;w=60, "tenant";q=60000;w=60']},
    },
    "RateLimit": {
        "description": "What is left of each limit: `r` requests, anew in `t` seconds.",
        "schema": {"type": "string", "examples": ['"user";r=5999;t=60, "tenant";r=59999;t=60']},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1, "examples": [7]},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "schema": {"type": "string", "examples": ['Bearer realm="oneo"']},
    },
    "X-Request-Id": {
        "description": "The request's id: the caller's own, or one made for it. Name it when you report a problem.",
        "schema": {"type": "string", "examples": ["0199f3a4c1b27d05a9c0d6c4f1f2a3b4"]},
    },
}

_TAGS = r'^\s*(\*|(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*)\s*$'
_KEY = r'^\s*("[ !#-\[\]-~]{1,255}"|[!#-+\--~]{1,255})\s*$'


def _parameter(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


PARAMETERS: dict[str, dict[str, Any]] = {
    "IfMatch": _parameter(
        "If-Match",
        "ETags of the versions that may be changed; any other is answered with 412. Without it the last write wins.",
        {"type": "string", "pattern": _TAGS, "examples": ['"3"', "*"]},
    ),
    "IfNoneMatch": _parameter(
        "If-None-Match",
        "ETags of what the caller has already; 304 when it is still true.",
        {"type": "string", "pattern": _TAGS, "examples": ['"3"']},
    ),
    "IdempotencyKey": _parameter(
        "Idempotency-Key",
        "A text of the caller's choice. Repeated within 24 hours, the request is not performed again: its first "
        "answer is given once more. The same key for another request is refused with 422, one that is still being "
        "performed with 409. If permissions or fields have changed since, an answer with a body is not repeated: "
        "409 `IDEMPOTENCY_ANSWER_WITHHELD` has its status and `location`. Keys belong to the user, or to the API key.",
        {"type": "string", "pattern": _KEY},
    ),
    "Prefer": _parameter(
        "Prefer",
        "`return=minimal`: the answer leaves out the object. Other preferences are passed over (RFC 7240).",
        {"type": "string", "examples": ["return=minimal"]},
    ),
}


def describe(operation: Operation) -> None:
    """Adds to an operation the headers it reads, and to its answers those they carry."""
    body = operation.body
    reads = operation.exchange.reads
    takes = {
        "IfMatch": IF_MATCH in reads,
        "IfNoneMatch": IF_NONE_MATCH in reads,
        "IdempotencyKey": operation.takes_idempotency_key,
        "Prefer": PREFER in reads,
    }
    chosen = [{"$ref": f"#/components/parameters/{name}"} for name, taken in takes.items() if taken]
    if chosen:
        body["parameters"] = [*body.get("parameters", ()), *chosen]
    if IF_NONE_MATCH in reads:
        body["responses"]["304"] = {"description": "The caller has it already.", "headers": _references("ETag")}
    if PREFER in reads and operation.is_tagged and "200" in body["responses"]:
        body["responses"]["204"] = {"description": "Done; the object is left out, as preferred."}
    for status, response in body["responses"].items():
        if status.startswith("2"):
            response["headers"] = {**_references(*_carried(operation, status)), **response.get("headers", {})}


def _carried(operation: Operation, status: str) -> list[str]:
    sends = operation.exchange.sends
    carries = {
        "ETag": ETAG in sends,
        "Location": LOCATION in sends and status == "201",
        "Link": LINK in sends,
        "Idempotency-Replayed": operation.takes_idempotency_key,
        "Preference-Applied": APPLIED in sends,
        "RateLimit": True,
        "RateLimit-Policy": True,
        "X-Request-Id": True,
    }
    return [name for name, carried in carries.items() if carried]


def _references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
