"""The order of a start: folder, port, database, preparation, workers. The parent imports nothing of the application."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NoReturn, TypeVar

from oneo import logs
from oneo.config import Settings
from oneo.database import addresses, jwt_secret
from oneo.errors import ConfigurationError, DomainError
from oneo.server import banner
from oneo.server.place import FolderLock, Refused, listen, url_of
from oneo.server.prepare import prepare
from oneo.store.embedded import MAX_CONNECTIONS

T = TypeVar("T")
SPARE_CONNECTIONS = 20


def start(settings: Settings) -> NoReturn:
    """Raises Refused, ConfigurationError and DomainErrors before it serves; ends by SystemExit."""
    logs.configure(settings)
    _check_connections(settings)
    lock = FolderLock(settings.data_dir) if settings.embedded else None
    listener = listen(settings.host, settings.port)
    url = url_of(listener)
    if lock:
        lock.note(url)
        banner.say(f"Starting the embedded PostgreSQL in {settings.data_dir.resolve()} ...")
    connected = _connected(settings)
    login = _in_a_process_of_its_own(lambda: prepare(connected, embedded=settings.embedded))
    # Here, because it brings in gevent, which the process that prepares must not have.
    from oneo.server.serving import serve

    serve(
        connected,
        listener,
        on_fork=lock.leave if lock else None,
        on_ready=lambda: banner.say(banner.serving(settings, url, login)),
    )


def _connected(settings: Settings) -> Settings:
    """The settings with the embedded database's addresses, so that only this process holds that server."""
    if not settings.embedded:
        return settings
    try:
        found, secret = addresses(settings), jwt_secret(settings)
    except OSError as error:
        raise ConfigurationError(f"ONEO_DATA_DIR: {settings.data_dir} cannot be used: {error}.") from None
    return settings.replace(database_url=found.server, migration_url=found.owner, jwt_secret=secret).checked()


def _check_connections(settings: Settings) -> None:
    """Raises ConfigurationError: who asks for too many connections should not find out under load."""
    most = MAX_CONNECTIONS - SPARE_CONNECTIONS
    if settings.embedded and settings.workers * settings.database_pool > most:
        raise ConfigurationError(
            f"ONEO_WORKERS times ONEO_DATABASE_POOL may be {most} at most with the embedded PostgreSQL."
        )


def _in_a_process_of_its_own(work: Callable[[], T]) -> T:
    """So that the workers are the first to import the application, each after it has made room for gevent."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(work, sender), daemon=True)
    process.start()
    sender.close()
    try:
        outcome: T | Exception = receiver.recv()
    except EOFError:
        raise Refused("the preparation of the database failed as told above.") from None
    process.join()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _report(work: Callable[[], object], sender: Connection) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        sender.send(work())
    except (ConfigurationError, DomainError, Refused) as error:
        sender.send(type(error)(str(error)))
