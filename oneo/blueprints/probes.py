"""Probes: is the process alive, can it serve, which version is it. Neither host, token nor limit stands before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from flask import Blueprint, Response, current_app

from oneo import __version__
from oneo.access.permissions import PUBLIC
from oneo.operations.readiness import ReadinessProbe

blp = Blueprint("probes", __name__)


def _open(view: Callable[[], Response]) -> Callable[[], Response]:
    view.permission = PUBLIC  # type: ignore[attr-defined] # as the routes of the API say it
    return view


@blp.get("/healthz/")
@_open
def healthz() -> Response:
    """The process answers."""
    return _json({"status": "ok"})


@blp.get("/readyz/")
@_open
def readyz() -> Response:
    """It can do its work; what a load balancer asks before it sends anybody here."""
    probe: ReadinessProbe = current_app.extensions["oneo.readiness"]
    checks = probe.check()
    ready = all(checks.values())
    body = {
        "status": "ready" if ready else "unavailable",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
    }
    return _json(body, 200 if ready else 503)


@blp.get("/version/")
@_open
def version() -> Response:
    return _json({"name": "oneo", "version": __version__, "api": "v1"})


def _json(body: Mapping[str, object], status: int = 200) -> Response:
    response = Response(orjson.dumps(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
