"""In front of the socket server: who may open a connection, and how long he may stay without saying who he is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import socketio
from flask import Flask, Response, g, request

from oneo.errors import DomainError, Unavailable
from oneo.http import limits, problems
from oneo.http.hosts import hosts
from oneo.http.proxies import proxies

PATH = "/socket.io/"
MAX_STRANGERS = 1_000
STRANGER_SECONDS = 10.0
_HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def arrive() -> None:
    """What the manners of HTTP note at the beginning of a request; sockets do not pass there. Raises HostNotServed."""
    g.peer = proxies().client_of(request)
    g.host_tenant = hosts().tenant_of(proxies().host_of(request))


class Strangers:
    """Open connections that nobody has logged in on. The oldest are closed when another one comes."""

    def __init__(self, server: socketio.Server) -> None:
        self._sockets = server.eio
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()
        noted = server.eio.handlers["connect"]

        def connect(eio_sid: str, environ: dict[str, Any]) -> Any:
            self.add(eio_sid)
            return noted(eio_sid, environ)

        server.eio.on("connect", connect)

    def add(self, eio_sid: str) -> None:
        self._close_overdue()
        with self._lock:
            self._since[eio_sid] = time.monotonic()

    def remove(self, eio_sid: str) -> None:
        with self._lock:
            self._since.pop(eio_sid, None)

    def check(self) -> None:
        """Raises Unavailable when there are too many."""
        self._close_overdue()
        if len(self._since) >= MAX_STRANGERS:
            raise Unavailable("Too many connections are waiting for a login.")

    def _close_overdue(self) -> None:
        before = time.monotonic() - STRANGER_SECONDS
        with self._lock:
            overdue = [eio_sid for eio_sid, since in self._since.items() if since < before]
            for eio_sid in overdue:
                del self._since[eio_sid]
        for eio_sid in overdue:
            found = self._sockets.sockets.get(eio_sid)
            if found is not None:
                found.close(wait=False, abort=True)


class Door:
    """A WSGI layer. Only what opens a connection is looked at; the rest belongs to one that is open."""

    def __init__(self, app: Flask, inner: WsgiApp, strangers: Strangers) -> None:
        self._app = app
        self._inner = inner
        self._strangers = strangers

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
                self._strangers.check()
            except DomainError as error:
                return problems.problem(error)
        return None
