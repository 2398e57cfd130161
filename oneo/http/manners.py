"""Manners of every HTTP exchange: limits before parsing, request ids, the host's tenant, headers, one log line."""

from __future__ import annotations

import logging
import re
import time
import zlib
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from oneo import pacing, strict_json
from oneo.config import Settings
from oneo.errors import BodyTooLarge, InvalidParameter, MalformedRequest, UnsupportedMediaType
from oneo.http import limits
from oneo.http.hosts import hosts
from oneo.http.proxies import proxies
from oneo.ids import new_token

PROBES = frozenset({"/healthz", "/readyz", "/version", "/healthz/", "/readyz/", "/version/"})
MAX_QUERY_LENGTH = 16_384
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_EXPOSED = (
    "ETag, Location, Link, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-Request-Id, Idempotency-Replayed, Preference-Applied, WWW-Authenticate, Content-Disposition"
)
_FIXED_HEADERS = [("X-Content-Type-Options", "nosniff"), ("Vary", "Authorization, Accept, Origin")]
_log = logging.getLogger("oneo.access")


class StrictRequest(Request):
    """A request whose body is bounded, also once decompressed, and whose JSON is strict."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Raises MalformedRequest when the body breaks off, or its chunks are none."""
        try:
            return super().get_data(*args, **kwargs)
        except HTTPException:
            raise
        except Exception:  # noqa: BLE001 - each WSGI server has failures of its own for this
            raise MalformedRequest("The body cannot be read to its end.") from None

    def read_body(self) -> bytes:
        """Raises BodyTooLarge, UnsupportedMediaType, MalformedRequest."""
        settings = _settings()
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower()
        if (self.content_length or 0) > settings.max_body_bytes:
            raise BodyTooLarge
        body: bytes = self.get_data(cache=True)
        if encoding in {"", "identity"}:
            return body
        if encoding not in {"gzip", "deflate"}:
            raise UnsupportedMediaType(f"The content encoding {encoding[:50]!r} is not supported.")
        return _decompress(body, settings.max_body_bytes)

    def strict_json(self) -> object:
        """Raises MalformedJson and what `read_body` raises."""
        if not is_json(self.mimetype):
            raise UnsupportedMediaType("The body must be application/json.")
        charset = self.mimetype_params.get("charset", "utf-8").lower()
        if charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType("JSON is UTF-8.")
        return strict_json.loads(self.read_body(), max_depth=_settings().max_json_depth)


def is_json(mimetype: str) -> bool:
    return mimetype == "application/json" or (mimetype.startswith("application/") and mimetype.endswith("+json"))


def install(app: Flask) -> None:
    app.request_class = StrictRequest
    app.before_request(_begin)
    app.after_request(_end)


def _settings() -> Settings:
    found: Settings = current_app.extensions["oneo.settings"]
    return found


def _begin() -> Response | None:
    g.started = time.perf_counter()
    pacing.start_budget(_settings().request_cpu_ms / 1000 or None)
    asked = request.headers.get("X-Request-Id", "")
    g.request_id = asked if _REQUEST_ID.fullmatch(asked) else new_token()
    g.peer = proxies().client_of(request)
    query = request.query_string
    if len(query) > MAX_QUERY_LENGTH or query.count(b"&") >= _settings().max_parameters:
        raise InvalidParameter("The query string has too many parameters.")
    if not _is_utf8(query):
        raise InvalidParameter("The query string is not UTF-8.")
    if b"%00" in query or "\0" in request.path:
        raise MalformedRequest("The character NUL cannot be used.")
    if request.path not in PROBES:
        g.host_tenant = hosts().tenant_of(proxies().host_of(request))
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return _preflight()
    return None


def _is_utf8(query: bytes) -> bool:
    """Else something would be looked for that nobody asked for."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def _end(response: Response) -> Response:
    if response.status_code == 204:
        response.headers.pop("Content-Type", None)
    lines = [("X-Request-Id", g.get("request_id", "")), *_FIXED_HEADERS]
    if "Cache-Control" not in response.headers:
        lines.append(("Cache-Control", "private, no-cache" if response.status_code < 400 else "no-store"))
    response.headers.extend(lines + limits.header_lines())
    origin = request.headers.get("Origin")
    if origin is not None:
        _allow_origin(response, origin)
    if _log.isEnabledFor(logging.INFO):
        _write_log_line(response)
    return response


def _write_log_line(response: Response) -> None:
    actor = g.get("actor")
    _log.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path[:500],
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
            "request_id": g.get("request_id"),
            "peer": g.get("peer"),
            "tenant_id": actor.tenant_id if actor else None,
            "user_id": actor.user_id if actor else None,
        },
    )


def _allow_origin(response: Response, origin: str) -> None:
    allowed = _settings().cors_origins
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
    else:
        return
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED


def _preflight() -> Response:
    response = Response(status=204)
    if _settings().cors_origins:
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Idempotency-Key, Prefer, "
            "X-Request-Id"
        )
        response.headers["Access-Control-Max-Age"] = "600"
    return response


def _decompress(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=47)
    out = BytesIO()
    try:
        out.write(inflater.decompress(body, limit + 1))
    except zlib.error:
        raise MalformedRequest("The compressed body cannot be read.") from None
    if out.tell() > limit:
        raise BodyTooLarge
    if not inflater.eof or inflater.unused_data:
        raise MalformedRequest("The compressed body is not whole.")
    return out.getvalue()
