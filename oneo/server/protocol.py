"""What is no HTTP is refused before the application sees it; this puts the refusal in the application's words."""

from __future__ import annotations

from http import HTTPStatus

import orjson

from oneo.errors import DomainError, InternalError, MalformedRequest, UriTooLong

_BY_STATUS: dict[int, type[DomainError]] = {414: UriTooLong, 500: InternalError}


def refusal(status: int, detail: str) -> bytes:
    """The whole answer: a problem document, after which the connection is closed."""
    told = detail.encode("utf-8", "replace").decode() if status < 500 else None
    error = _BY_STATUS.get(status, MalformedRequest)(told)
    body = orjson.dumps(
        {
            "type": f"/api/v1/errors/{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
            "errors": [],
        }
    )
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        "Cache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
