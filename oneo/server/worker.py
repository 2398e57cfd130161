"""One process that serves: what gunicorn's gevent worker leaves to be wished for."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker
from psycogreen.gevent import gevent_wait_callback
from psycopg2 import OperationalError, extensions

from oneo import pacing
from oneo.errors import Unavailable

CONNECT_SECONDS = 5.0
SWITCH_SECONDS = 0.001
# How much later than PostgreSQL's own time limit it is held for gone.
SILENCE_SECONDS = 5.0
_log = logging.getLogger("oneo.server")


class DatabaseSilent(OperationalError):
    """The connection stands, and nothing comes over it; it is closed."""


class Worker(GeventWorker):
    _quitting = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._idle: set[Any] = set()
        self._told_to_end = Event()

    def patch(self) -> None:
        super().patch()
        # Python code in a native thread, such as a document that is being built, hands over this much sooner.
        sys.setswitchinterval(SWITCH_SECONDS)
        extensions.set_wait_callback(_wait_up_to(self.app.settings.statement_timeout_ms))

    def load_wsgi(self) -> None:
        """A worker that is replaced while the database is away waits for it, instead of ending the whole server."""
        while self.alive and not self._loaded():
            _log.warning("a new worker waits for the database")
            self.notify()
            gevent.sleep(1)

    def run(self) -> None:
        """As gunicorn's own, which looks only once a second whether it is time to go."""
        servers = [self._listen(sock) for sock in self.sockets]
        while self.alive:
            self.notify()
            self._told_to_end.wait(1.0)
        for server in servers:
            server.close()
        self._drain(servers)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        self._idle.discard(sock)
        super().handle_request(listener_name, req, sock, addr)
        if not self.alive:
            raise StopIteration  # as gunicorn ends a connection that is not kept
        self._idle.add(sock)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Once: what is typed at a terminal reaches a worker from there and from its parent."""
        if not self._quitting:
            self._quitting = True
            super().handle_quit(sig, frame)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """No new requests; those under way are answered. What would go on for ever is told to end."""
        super().handle_exit(sig, frame)
        self._told_to_end.set()
        if self.booted:
            gevent.spawn(self._end_what_lasts)

    def _end_what_lasts(self) -> None:
        """Connections that wait for a next request among it: each would be waited for as long as it may idle."""
        for client in list(self._idle):
            # By another name: gevent would take it for a failure in the one who waits for that request.
            with suppress(OSError), socket.fromfd(client.fileno(), client.family, client.type) as same:
                same.shutdown(socket.SHUT_RD)
        for end in self.wsgi.extensions.get("oneo.stop", ()):
            end()

    def _listen(self, sock: Any) -> StreamServer:
        sock.setblocking(1)
        server = StreamServer(sock, handle=partial(self.handle, sock), spawn=Pool(self.worker_connections))
        if self.cfg.workers > 1:
            server.max_accept = 1
        server.start()
        return server

    def _drain(self, servers: list[StreamServer]) -> None:
        """Until everything is answered, or has had its time."""
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while any(server.pool.free_count() != server.pool.size for server in servers):
            if time.monotonic() > deadline:
                _log.warning("requests are broken off: they took too long to end")
                for server in servers:
                    server.stop(timeout=1)
                return
            self.notify()
            gevent.sleep(0.05)

    def _loaded(self) -> bool:
        try:
            super().load_wsgi()
        except Unavailable:
            return False
        return True


def _wait_up_to(statement_timeout_ms: int) -> Callable[[Any], None]:
    """Lets others run while the database works. The driver leaves it to whoever waits to notice a dead network."""

    def wait(connection: Any) -> None:
        connecting = connection.status == extensions.STATUS_SETUP
        patience_ms = getattr(connection, "patience_ms", None) or statement_timeout_ms
        statement_seconds = patience_ms / 1000 + SILENCE_SECONDS if patience_ms else None
        with gevent.Timeout(CONNECT_SECONDS if connecting else statement_seconds, DatabaseSilent):
            gevent_wait_callback(connection)
        pacing.note_wait()

    return wait
