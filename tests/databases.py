"""The databases that tests speak to: one server a run, one migrated template, one copy for each worker."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import flask_migrate
import psycopg2
from psycopg2 import sql

from oneo.app import create_app
from oneo.config import Settings, driver_url
from oneo.store import embedded

TEMPLATE = "oneo_test_template"
JWT_SECRET = "J7vX2mQpLr9TzYw4KdNs8HbCf3GeUa6RxVt1"


@contextmanager
def server() -> Iterator[str]:
    """The address of a server's maintenance database: DATABASE_URL, or an embedded server of this run's own."""
    external = os.environ.get("DATABASE_URL")
    if external:
        yield driver_url(external)
        return
    with tempfile.TemporaryDirectory(prefix="oneo-tests-") as folder:
        Path(folder).chmod(0o755)
        started = embedded.start(Path(folder), database="postgres")
        _hurry(started)
        yield started
        embedded.stop(Path(folder))


def _hurry(server_address: str) -> None:
    """What this run's own server holds need not survive the machine."""
    connection = psycopg2.connect(server_address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET fsync = off")
            cursor.execute("SELECT pg_reload_conf()")
    finally:
        connection.close()


def address(server_address: str, database: str) -> str:
    parts = urlsplit(server_address)
    return urlunsplit(parts._replace(path=f"/{database}"))


def create(server_address: str, database: str, *, template: str = "template0") -> str:
    """A fresh database; one of that name that was left over is dropped."""
    connection = psycopg2.connect(server_address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
            )
    finally:
        connection.close()
    return address(server_address, database)


CALLERS = 16
"""Connections that one test user may hold: tests of races need all their writers in the database at once."""


def settings(database_address: str, **overrides: object) -> Settings:
    base = Settings(
        database_url=database_address, jwt_secret=JWT_SECRET, rate_limits=False, log_level="ERROR", log_format="text",
        user_connections=CALLERS, tenant_connections=CALLERS,
    )  # fmt: skip
    return base.replace(**overrides)


def migrate(database_address: str) -> None:
    owner = create_app(settings(database_address), as_owner=True)
    with owner.app_context():
        flask_migrate.upgrade()
