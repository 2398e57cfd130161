"""Every failure as a problem document (RFC 9457): one translation for all HTTP faces."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from oneo.errors import (
    CATALOGUE,
    AuthenticationRequired,
    BodyTooLarge,
    DomainError,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    RateLimited,
    UnsupportedMediaType,
    UriTooLong,
)

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "/api/v1/errors/"

_log = logging.getLogger("oneo.http")

_BY_STATUS: dict[int, type[DomainError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: BodyTooLarge,
    414: UriTooLong,
    415: UnsupportedMediaType,
    429: RateLimited,
}


def install(app: Flask) -> None:
    app.register_error_handler(DomainError, problem)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_surprise)


def document(error: DomainError) -> dict[str, Any]:
    """The members of the problem document."""
    return {
        "type": TYPE_BASE + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": request.path[:2000],
        "code": error.code,
        "errors": [fault.as_dict() for fault in error.faults],
        "request_id": g.get("request_id"),
        **error.extra,
    }


def problem(error: DomainError) -> Response:
    response = Response(orjson.dumps(document(error)), error.status, content_type=MEDIA_TYPE)
    response.headers.extend(error.headers)
    if isinstance(error, AuthenticationRequired) and "WWW-Authenticate" not in error.headers:
        response.headers["WWW-Authenticate"] = _challenge(error)
    return response


def error_class(code: str) -> type[DomainError] | None:
    return CATALOGUE.get(code)


def _challenge(error: AuthenticationRequired) -> str:
    if error.code == AuthenticationRequired.code:
        return 'Bearer realm="oneo"'
    return f'Bearer realm="oneo", error="invalid_token", error_description="{error.title}"'


def _of_http(error: HTTPException) -> Response:
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    if status >= 500:
        return problem(InternalError())
    headers = {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Content-Length"}}
    return problem(_BY_STATUS.get(status, MalformedRequest)(headers=headers))


def _of_surprise(error: Exception) -> Response:
    _log.exception("unexpected failure", exc_info=error)
    return problem(InternalError())
