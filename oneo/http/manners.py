"""Manners of every HTTP exchange: limits before parsing, request ids, the host's tenant, headers, one log line."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import IO
from urllib.parse import unquote_to_bytes

from flask import Flask, Request, Response, current_app, g, request

from oneo import pacing, strict_json
from oneo.config import Settings
from oneo.errors import InvalidParameter, MalformedRequest, UnsupportedMediaType
from oneo.http import bodies, limits
from oneo.http.hosts import hosts
from oneo.http.proxies import proxies
from oneo.ids import new_token

PROBES = frozenset({"/healthz", "/readyz", "/version", "/healthz/", "/readyz/", "/version/"})
ACCOUNT_PATH = "/api/v1/auth/"
MAX_QUERY_LENGTH = 16_384
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_EXPOSED = (
    "ETag, Location, Link, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-Request-Id, Idempotency-Replayed, Preference-Applied, WWW-Authenticate, Content-Disposition"
)
_FIXED_HEADERS = [("X-Content-Type-Options", "nosniff"), ("Vary", "Authorization, Accept, Origin")]
_log = logging.getLogger("oneo.access")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes of a body, and the most values in its JSON."""

    max_bytes: int
    max_values: int


SMALL_BODY = BodyLimits(max_bytes=65_536, max_values=1_000)


class StrictRequest(Request):
    """A request whose body is bounded, also once decompressed, and whose JSON is strict."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The whole body, which every other way of reading it goes through. Raises what `bodies.read_whole` raises."""
        return BytesIO(bodies.read_whole(self.environ, self.body_limits.max_bytes))

    @property
    def body_limits(self) -> BodyLimits:
        """Small until the caller is authenticated, and on `auth/` always: nothing sent there is large."""
        settings = _settings()
        if g.get("actor") is None or self.path.startswith(ACCOUNT_PATH):
            return BodyLimits(min(SMALL_BODY.max_bytes, settings.max_body_bytes), SMALL_BODY.max_values)
        return BodyLimits(settings.max_body_bytes, settings.max_json_values)

    def read_body(self) -> bytes:
        """Return the body, unpacked. Raises BodyTooLarge, UnsupportedMediaType, MalformedRequest."""
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower()
        return bodies.unpacked(self.get_data(cache=True), encoding, self.body_limits.max_bytes)

    def strict_json(self) -> object:
        """Raises MalformedJson and what `read_body` raises."""
        if not is_json(self.mimetype):
            raise UnsupportedMediaType("The body must be application/json.")
        charset = self.mimetype_params.get("charset", "utf-8").lower()
        if charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType("JSON is UTF-8.")
        body, max_values = self.read_body(), self.body_limits.max_values
        return strict_json.loads(body, max_depth=_settings().max_json_depth, max_values=max_values)


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
    if len(query) > MAX_QUERY_LENGTH:
        raise InvalidParameter(f"The query string is longer than {MAX_QUERY_LENGTH} bytes.")
    if query.count(b"&") >= _settings().max_parameters:
        raise InvalidParameter(f"The query string has more than {_settings().max_parameters} parameters.")
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
