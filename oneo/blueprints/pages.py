"""HTML for people: the browsable document and small articles, with all that they need served from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from html import escape
from importlib.resources import files

from flask import Response

from oneo.errors import NotFound

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}
_CSS, _JS, _PNG = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/png"
_SOURCES = {
    "swagger-ui.css": ("flask_swagger_ui", "dist/swagger-ui.css", _CSS),
    "swagger-ui-bundle.js": ("flask_swagger_ui", "dist/swagger-ui-bundle.js", _JS),
    "favicon-32x32.png": ("flask_swagger_ui", "dist/favicon-32x32.png", _PNG),
    "pages.css": ("oneo.blueprints", "assets/pages.css", _CSS),
    "docs.js": ("oneo.blueprints", "assets/docs.js", _JS),
}
_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    content_type: str


@cache
def _assets() -> tuple[str, dict[str, Asset]]:
    """(version made of all contents, assets by name)"""
    found = {
        name: Asset(files(package).joinpath(path).read_bytes(), content_type)
        for name, (package, path, content_type) in _SOURCES.items()
    }
    digest = blake2b(b"\0".join(item.body for item in found.values()), digest_size=9)
    return digest.hexdigest(), found


def asset(version: str, name: str) -> Response:
    """Raises NotFound. The address changes with the content, so what was fetched once is good for ever."""
    current, found = _assets()
    if version != current or name not in found:
        raise NotFound
    response = Response(found[name].body, content_type=found[name].content_type)
    response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response


def html(text: str) -> Response:
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers.update(_HEADERS)
    return response


def article(title: str, body: str) -> str:
    """`body` is HTML already."""
    return _page(title, f"<main class='article'><h1>{escape(title)}</h1>{body}<p><a href='/docs'>API</a></p></main>")


@cache
def docs() -> str:
    template = files("oneo.blueprints").joinpath("assets/docs.html").read_text(encoding="utf-8")
    base = _base()
    scripts = "".join(f'<script src="{base}{name}" defer></script>' for name in ("swagger-ui-bundle.js", "docs.js"))
    return _page("Oneo CRM API", template, f'<link rel="stylesheet" href="{base}swagger-ui.css">{scripts}')


def _page(title: str, body: str, head: str = "") -> str:
    base = _base()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{base}favicon-32x32.png"><link rel="stylesheet" href="{base}pages.css">{head}'
        f"</head><body>{body}</body></html>"
    )


def _base() -> str:
    return f"/docs/assets/{_assets()[0]}/"
