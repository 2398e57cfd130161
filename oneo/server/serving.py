"""Set up a gunicorn server with gevent workers. Only this module, worker.py, bodies.py and reply.py know either."""

from __future__ import annotations

import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from gevent.threadpool import ThreadPool
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import message, wsgi

from oneo.config import Settings
from oneo.errors import ConfigurationError
from oneo.server.bodies import BoundedChunkReader, WholeLengthReader
from oneo.server.protocol import refusal
from oneo.server.reply import OneWrite
from oneo.server.worker import Worker

MOST_CONNECTIONS = 20_000
NATIVE_THREADS = 4
DRAIN_SECONDS = 30
# The application refuses long queries itself, with a problem document; this is for what never ends.
LONGEST_REQUEST_LINE = 32_768
_log = logging.getLogger("oneo.server")


def serve(
    settings: Settings, listener: socket.socket, *, on_fork: Callable[[], None] | None, on_ready: Callable[[], None]
) -> NoReturn:
    """Forks the workers and watches over them. `on_fork` is called in each of them, `on_ready` in the first one."""
    _allow_many_sockets()
    message.MAX_REQUEST_LINE = LONGEST_REQUEST_LINE
    util.write_error = _write_refusal
    message.LengthReader = WholeLengthReader
    message.ChunkedReader = BoundedChunkReader
    wsgi.Response = OneWrite
    _Server(settings, listener.detach(), on_fork, on_ready).run()
    sys.exit(0)


class _Log(Logger):
    """gunicorn's own lines take the form of ours; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers[:] = logging.getLogger("oneo").handlers


class _Server(BaseApplication):
    def __init__(
        self, settings: Settings, listener: int, on_fork: Callable[[], None] | None, on_ready: Callable[[], None]
    ) -> None:
        self.settings = settings
        self._listener = listener
        self._on_fork = on_fork
        self._on_ready = on_ready
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        for name, value in {
            "bind": [f"fd://{self._listener}"],
            "workers": settings.workers,
            "worker_class": Worker,
            "worker_connections": MOST_CONNECTIONS,
            "logger_class": _Log,
            "loglevel": "error" if settings.log_level == "ERROR" else "warning",
            "control_socket_disable": True,
            "forwarded_allow_ips": ",".join(settings.trusted_proxies),
            "limit_request_line": LONGEST_REQUEST_LINE,
            "keepalive": 5,
            "timeout": 60,
            "graceful_timeout": DRAIN_SECONDS,
            "post_fork": self._forked,
            "post_worker_init": self._ready,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application of one worker."""
        # Only now: the standard library must be gevent's before anything of ours is imported.
        from oneo.app import create_app

        try:
            app = create_app(self.settings)
        except ConfigurationError as error:
            _log.error("%s", error)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        app.extensions["oneo.run_native"] = partial(_run_native, ThreadPool(NATIVE_THREADS))
        return app

    def _forked(self, _arbiter: Any, _worker: Any) -> None:
        # Until the worker has handlers of its own it has its parent's, who would note a signal and nobody would look.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        if self._on_fork:
            self._on_fork()

    def _ready(self, worker: Any) -> None:
        # What is loaded by now stays: the collector need not walk over it again and again while requests wait.
        gc.collect()
        gc.freeze()
        if worker.age == 1:
            self._on_ready()


def _write_refusal(client: socket.socket, status: int, _reason: str, detail: str) -> None:
    util.write_nonblock(client, refusal(status, detail))


def _run_native(threads: ThreadPool, work: Callable[..., Any], *arguments: object) -> Any:
    """Runs in a real thread while others are served. Failures come back as values: gevent would print them too."""
    result, failure = threads.apply(_outcome, (work, arguments))
    if failure is not None:
        raise failure
    return result


def _outcome(work: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[Any, BaseException | None]:
    try:
        return work(*arguments), None
    except Exception as error:  # noqa: BLE001 - handed to the caller whatever it is
        return None, error


def _allow_many_sockets() -> None:
    """The usual limit of 1,024 open files would end at as many sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 1_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(hard, wanted), hard))
