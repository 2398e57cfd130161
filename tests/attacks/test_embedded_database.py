"""What the embedded PostgreSQL lets the application do, and what it keeps about the data."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from oneo.config import Settings
from oneo.database import addresses
from oneo.server.place import FolderLock
from oneo.store import embedded
from tests import databases
from tests.live import ROOT, LiveServer
from tests.server.asking import ask, log_in

SECRET = "canary-of-a-failed-write"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder with a running PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="oneo-attack-") as name:
        path = Path(name)
        path.chmod(0o755)
        embedded.start(path, stop_at_exit=False)
        yield path
        embedded.stop(path)


def _run(address: str, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _logs(folder: Path) -> str:
    files = [folder / "postgres" / "log", *(folder / "postgres" / "logs").glob("*")]
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.exists())


@pytest.mark.prove
def test_the_application_has_a_login_without_privileges(folder: Path) -> None:
    found = addresses(Settings(data_dir=folder))
    assert found.role is None
    privileges = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert _run(found.server, "RESET ROLE", privileges) == [(False, False, False, False)]
    for statement in ("COPY (SELECT 1) TO PROGRAM 'true'", "SET ROLE postgres", "CREATE TABLE mine (id int)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            _run(found.server, statement)


@pytest.mark.prove
def test_failed_statements_leave_no_values_in_the_log(folder: Path) -> None:
    address = addresses(Settings(data_dir=folder)).owner
    _run(address, "CREATE TABLE IF NOT EXISTS taken (name text PRIMARY KEY)", "TRUNCATE taken")
    insert = f"INSERT INTO taken VALUES ('{SECRET}')"
    _run(address, insert)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        _run(address, insert)
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
        _run(address, f"SELECT '{SECRET}'::uuid")
    assert "starting PostgreSQL" in _logs(folder)
    assert SECRET not in _logs(folder)


@pytest.mark.prove
def test_a_new_start_empties_the_log_of_earlier_versions() -> None:
    with tempfile.TemporaryDirectory(prefix="oneo-attack-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        embedded.start(folder, stop_at_exit=False)
        embedded.stop(folder)
        (folder / "postgres" / "log").write_text(f"STATEMENT: {SECRET}", encoding="utf-8")
        embedded.start(folder, stop_at_exit=False)
        embedded.stop(folder)
        assert SECRET not in _logs(folder)


@pytest.mark.prove
def test_workers_connect_with_the_unprivileged_login() -> None:
    with tempfile.TemporaryDirectory(prefix="oneo-attack-") as name, LiveServer(Path(name)) as server:
        assert ask(f"{server.url}/api/v1/users/", token=log_in(server))[0] == 200
        address = embedded.start(Path(name), stop_at_exit=False)
        logins = "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_port = -1 AND pid <> pg_backend_pid()"
        assert _run(address, logins) == [(embedded.SERVER_LOGIN,)]


def test_the_lock_file_is_readable_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "server.lock").touch(mode=0o644)
    lock = FolderLock(tmp_path)
    assert (tmp_path / "server.lock").stat().st_mode & 0o777 == 0o600
    lock.leave()


@pytest.mark.prove
def test_nothing_in_the_data_folder_is_readable_for_other_users(folder: Path) -> None:
    readable = [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077]
    assert readable == []


@pytest.mark.prove
def test_an_owner_who_may_not_create_roles_is_told_what_is_needed(folder: Path) -> None:
    superuser = embedded.start(folder, stop_at_exit=False)
    _run(superuser, "CREATE ROLE poor_owner LOGIN", "CREATE DATABASE poor OWNER poor_owner")
    _run(superuser, f"DROP ROLE {embedded.SERVER_LOGIN}", "DROP ROLE oneo_app")
    poor = superuser.replace("postgres:@", "poor_owner@").replace("/oneo?", "/poor?")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    environ = {**os.environ, "DATABASE_URL": poor, "ONEO_MIGRATION_URL": poor, "ONEO_JWT_SECRET": databases.JWT_SECRET}

    def upgrade() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    refused = upgrade()
    assert refused.returncode == 1
    assert "CREATE ROLE oneo_app NOLOGIN" in refused.stderr
    assert "Traceback" not in refused.stderr
    _run(superuser, "CREATE ROLE oneo_app NOLOGIN")
    done = upgrade()
    assert done.returncode == 0, done.stderr
