"""In front of the socket server: which requests may open a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, g, request

from oneo.errors import DomainError
from oneo.http import limits, problems
from oneo.http.hosts import hosts
from oneo.http.proxies import proxies
from oneo.realtime.pending import NETWORK_KEY

PATH = "/socket.io/"
_HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def arrive() -> None:
    """What the manners of HTTP note at the beginning of a request; sockets do not pass there. Raises HostNotServed."""
    g.peer = proxies().client_of(request)
    g.host_tenant = hosts().tenant_of(proxies().host_of(request))


class Door:
    """A WSGI layer. Only what opens a connection is looked at; the rest belongs to one that is open."""

    def __init__(self, app: Flask, inner: WsgiApp) -> None:
        self._app = app
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not (environ.get("PATH_INFO", "") + "/").startswith(PATH):
            return self._inner(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *_HEADERS], *rest)

        opens = "sid" not in parse_qs(environ.get("QUERY_STRING", "")) and environ["REQUEST_METHOD"] != "OPTIONS"
        refusal = self._refusal(environ) if opens else None
        return refusal(environ, start) if refusal is not None else self._inner(environ, start)

    def _refusal(self, environ: dict[str, Any]) -> Response | None:
        with self._app.request_context(environ):
            try:
                arrive()
                limits.check_peer()
                environ[NETWORK_KEY] = limits.network_of_caller()
            except DomainError as error:
                return problems.problem(error)
        return None
