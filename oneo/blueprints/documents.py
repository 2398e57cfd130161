"""The API's description of itself: the OpenAPI document, its browsable page, and a page for each error code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app, request

from oneo.access.permissions import PUBLIC
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.blueprints import pages
from oneo.blueprints.answers import JSON
from oneo.blueprints.openapi import typed
from oneo.blueprints.openapi.document import TITLE, VERSION, Step, build
from oneo.blueprints.openapi.kept import Kept, Rendered
from oneo.blueprints.openapi.statuses import STATUSES
from oneo.blueprints.openapi.views import views_of
from oneo.blueprints.openapi.yaml_text import to_yaml
from oneo.errors import NotFound
from oneo.http import limits
from oneo.http.bearer import with_actor
from oneo.http.conditional import none_match, not_modified
from oneo.http.exchange import ETAG, TAGGED, exchanges, sending
from oneo.http.problems import TYPE_BASE, error_class
from oneo.native import in_thread
from oneo.store import message

YAML = "application/yaml"
MAX_BYTES = 64 * 1024 * 1024
"""Of all documents that are kept."""
blp = Blueprint("documents", __name__)
_CATALOG = orjson.dumps(
    {
        "linkset": [
            {
                "anchor": "/api/v1/",
                "service-desc": [{"href": "/api/v1/openapi.json", "type": JSON}],
                "service-doc": [{"href": "/docs", "type": "text/html"}],
                "status": [{"href": "/readyz", "type": JSON}],
            }
        ]
    }
)
_INDEX = orjson.dumps(
    {
        "title": TITLE,
        "version": VERSION,
        "rest": "/api/v1/",
        "graphql": "/graphql",
        "login": "/api/v1/auth/login/",
        "openapi": "/api/v1/openapi.json",
        "docs": "/docs",
        "ready": "/readyz",
    }
)


class Documents:
    """The document as bytes: the generic one, and for who may see pipelines one with typed routes of theirs."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._kept = Kept(MAX_BYTES)
        self._building = threading.Lock()

    def of(self, actor: Actor, media_type: str) -> Rendered:
        """Callers who see and may do the same share one. Raises StaleActor."""
        message.confirm(actor)
        views = views_of(actor)
        if not views:
            return self.generic(media_type)
        key = (media_type, actor.tenant_id, schema_of(actor).revision, tuple(view.key for view in views))
        return self._kept.get(key, lambda: self._render(media_type, lambda document: typed.add(document, views)))

    def generic(self, media_type: str) -> Rendered:
        return self._kept.get((media_type,), lambda: self._render(media_type))

    def _render(self, media_type: str, *further: Step) -> Rendered:
        """Built in a native thread, one at a time: large ones take seconds and tens of megabytes."""
        with self._building:
            rendered: Rendered = in_thread(self._build, media_type, *further)
        return rendered

    def _build(self, media_type: str, *further: Step) -> Rendered:
        document = build(self._app, *further)
        if media_type == JSON:
            return Rendered.of(orjson.dumps(document))
        return Rendered.of(to_yaml(document))


def install(app: Flask) -> None:
    app.extensions["oneo.openapi"] = Documents(app)
    app.register_blueprint(blp)


def _open(view: Callable[..., Response]) -> Callable[..., Response]:
    """A route for anybody, and of any media type."""

    @wraps(view)
    def wrapper(**arguments: Any) -> Response:
        limits.check_peer()
        return view(**arguments)

    wrapper.permission = PUBLIC  # type: ignore[attr-defined] # as the routes of the API say it
    return wrapper


@blp.get("/")
@blp.get("/api/v1/", endpoint="api_index")
@_open
def index() -> Response:
    """Where things are, for who has been told an address and no more."""
    return Response(_INDEX, content_type=JSON)


@blp.get("/api/v1/openapi.json")
@blp.get("/openapi.json", endpoint="openapi_alias")
@_open
@exchanges(TAGGED)
def openapi_json() -> Response:
    return _document(JSON)


@blp.get("/api/v1/openapi.yaml")
@_open
@exchanges(TAGGED)
def openapi_yaml() -> Response:
    return _document(YAML)


@blp.get("/.well-known/api-catalog")
@_open
def api_catalog() -> Response:
    """Where programs look for an API that they know only the host of (RFC 9727)."""
    return Response(_CATALOG, content_type="application/linkset+json")


@blp.get("/docs")
@_open
def docs() -> Response:
    return pages.html(pages.docs())


@blp.get("/docs/assets/<version>/<name>")
@_open
def docs_asset(version: str, name: str) -> Response:
    return pages.asset(version, name)


@blp.get(f"{TYPE_BASE}<code>")
@_open
def explain_error(code: str) -> Response:
    """What a problem's `type` leads to."""
    error = error_class(code)
    if error is None:
        raise NotFound("There is no such error code.")
    about = STATUSES[error.status].about
    if request.accept_mimetypes.best_match((JSON, "text/html"), default=JSON) == "text/html":
        title, status = escape(error.title), error.status
        return pages.html(pages.article(code, f"<p>Status {status}. {title}</p><p>{_marked(about)}</p>"))
    body = {"code": code, "title": error.title, "status": error.status, "about": about}
    return Response(orjson.dumps(body), content_type=JSON)


def _document(media_type: str) -> Response:
    """Open to anybody, or, where the settings close it, to anybody with a token."""
    found: Documents = current_app.extensions["oneo.openapi"]
    if "Authorization" in request.headers or not current_app.extensions["oneo.settings"].docs_public:
        rendered = with_actor(lambda actor: found.of(actor, media_type))
    else:
        rendered = found.generic(media_type)
    if none_match(rendered.etag):
        return not_modified(rendered.etag)
    response = Response(rendered.body, content_type=media_type)
    sending(response, ETAG, rendered.etag)
    return response


def _marked(text: str) -> str:
    """Text whose `code` stands in backquotes, as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
