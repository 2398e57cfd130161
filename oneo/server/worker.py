"""One process that serves: what gunicorn's gevent worker leaves to be wished for."""

from __future__ import annotations

import logging
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent import monkey
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import wait_read, wait_write
from gunicorn.workers.ggevent import GeventWorker
from psycogreen.gevent import gevent_wait_callback
from psycopg2 import OperationalError, extensions

from oneo import pacing
from oneo.client import check_client, watch_client
from oneo.errors import Unavailable
from oneo.server import bodies

CONNECT_SECONDS = 5.0
SWITCH_SECONDS = 0.001
# How much later than PostgreSQL's own time limit it is held for gone.
SILENCE_SECONDS = 5.0
CLIENT_CHECK_SECONDS = 1.0
"""How long a read works before the server looks whether its client is still there."""
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
        bodies.guard(req, sock, self.app.settings.body_seconds)
        watch_client(partial(has_left, sock))
        try:
            super().handle_request(listener_name, req, sock, addr)
            kept = self.alive and bodies.drain(req)
        except StopIteration:
            kept = False
        finally:
            watch_client(None)
        if not kept:
            if bodies.is_unread(req):
                bodies.hang_up(sock)
            raise StopIteration  # as gunicorn ends a connection that is not kept
        req.unreader.sock = sock
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
            if getattr(connection, "ends_with_client", False):
                _wait_with_client(connection)
            else:
                gevent_wait_callback(connection)
        pacing.note_wait()

    return wait


def _wait_with_client(connection: Any) -> None:
    """As gevent_wait_callback, for as long as the client of the request is there.

    Raises ClientGone; the driver then closes the connection, and PostgreSQL ends the statement.
    """
    while (state := connection.poll()) != extensions.POLL_OK:
        try:
            (wait_read if state == extensions.POLL_READ else wait_write)(connection.fileno(), CLIENT_CHECK_SECONDS)
        except TimeoutError:
            check_client()


def has_left(client: socket.socket) -> bool:
    """Whether the other side has closed the connection, also when it has sent more before."""
    # Not gevent's own, which would let others run before it answers.
    poll = monkey.get_original("select", "poll")()
    try:
        poll.register(client.fileno(), getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR)
    except ValueError:
        return True  # closed on this side
    return bool(poll.poll(0))
