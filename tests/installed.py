"""An installed PostgreSQL with an owner's login and a server's login that owns nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import psycopg2
import pytest

from oneo.app import create_app
from oneo.config import Settings
from tests import databases


@dataclass(frozen=True)
class Server:
    """Addresses of one database: as superuser, as owner of the tables, as the server."""

    superuser: str
    owner: str
    server: str


def settings(addresses: Server, server: str) -> Settings:
    return databases.settings(server, migration_url=addresses.owner)


@contextmanager
def postgres(factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The newest that is installed, with a migrated database; without any the test is skipped."""
    programs, folder = _programs(), factory.mktemp("pg")
    user = None
    if os.geteuid() == 0:
        user = "postgres"
        for place in [folder, *folder.parents][:-1]:
            if str(place).startswith(str(factory.getbasetemp().parent)):
                place.chmod(0o755)
        shutil.chown(folder, user)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "utf8")
    run(
        str(programs / "pg_ctl"), "-w", "-D", str(data), "-l", str(folder / "log"),
        "-o", f"-c listen_addresses='' -c unix_socket_directories={folder}", "start",
    )  # fmt: skip
    try:
        yield _prepared(folder)
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not folders:
        pytest.skip("no PostgreSQL is installed here")
    return folders[0]


def _prepared(folder: Path) -> Server:
    superuser = f"postgresql://postgres@/postgres?host={folder}"
    connection = psycopg2.connect(superuser)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE crm_owner LOGIN CREATEROLE")
        cursor.execute("CREATE DATABASE crm OWNER crm_owner TEMPLATE template0")
        cursor.execute("CREATE ROLE crm_server LOGIN")
    connection.close()
    _extend(f"postgresql://postgres@/crm?host={folder}")
    addresses = Server(*(f"postgres://{name}@/crm?host={folder}" for name in ("postgres", "crm_owner", "crm_server")))
    owner = create_app(settings(addresses, addresses.server), as_owner=True)
    with owner.app_context():
        flask_migrate.upgrade()
    connection = psycopg2.connect(superuser)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("GRANT oneo_app TO crm_server")
    connection.close()
    return addresses


def _extend(address: str) -> None:
    """What an owner may choose to have, where the server brings it."""
    connection = psycopg2.connect(address)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone():
            cursor.execute("CREATE EXTENSION pg_trgm")
    connection.close()
