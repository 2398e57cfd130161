"""PostgreSQL by DATABASE_URL: an installed server, an owner's login and a server's login that owns nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import psycopg2
import pytest

from oneo.actor import system_actor
from oneo.app import create_app
from oneo.config import Settings
from oneo.errors import ConfigurationError
from oneo.ids import new_id
from oneo.operations.tenants import create_tenant
from tests import databases
from tests.api import Api
from tests.factories.tenant import PASSWORD

pytestmark = pytest.mark.prove


@dataclass(frozen=True)
class Server:
    """Addresses of one database: as superuser, as owner of the tables, as the server."""

    superuser: str
    owner: str
    server: str


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not folders:
        pytest.skip("no PostgreSQL is installed here")
    return folders[0]


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    programs, folder = _programs(), tmp_path_factory.mktemp("pg")
    user = None
    if os.geteuid() == 0:
        user = "postgres"
        for place in [folder, *folder.parents][:-1]:
            if str(place).startswith(str(tmp_path_factory.getbasetemp().parent)):
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


def _prepared(folder: Path) -> Server:
    superuser = f"postgresql://postgres@/postgres?host={folder}"
    connection = psycopg2.connect(superuser)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE crm_owner LOGIN CREATEROLE")
        cursor.execute("CREATE DATABASE crm OWNER crm_owner TEMPLATE template0")
        cursor.execute("CREATE ROLE crm_server LOGIN")
    connection.close()
    addresses = Server(*(f"postgres://{name}@/crm?host={folder}" for name in ("postgres", "crm_owner", "crm_server")))
    owner = create_app(_settings(addresses, addresses.server), as_owner=True)
    with owner.app_context():
        flask_migrate.upgrade()
    connection = psycopg2.connect(superuser)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("GRANT oneo_app TO crm_server")
    connection.close()
    return addresses


def _settings(addresses: Server, server: str) -> Settings:
    return databases.settings(server, migration_url=addresses.owner)


def test_the_server_works_with_a_login_that_owns_nothing(external: Server) -> None:
    settings = _settings(external, external.server)
    owner = create_app(settings, as_owner=True)
    with owner.app_context():
        create_tenant(
            system_actor(new_id()), slug="acme", name="Acme", admin_email="admin@acme.example", admin_password=PASSWORD
        )
        flask_migrate.check()
    app = create_app(settings)
    login = Api(app).post("/auth/login/", {"tenant": "acme", "email": "admin@acme.example", "password": PASSWORD})
    assert login.status_code == 200, login.text
    api = Api(app, login.json["access_token"])
    assert api.post("/users/", {"email": "ada@acme.example"}).status_code == 201
    assert api.get("/users/").json["count"] == 2


def test_one_login_for_both_is_served_through_the_fenced_role(external: Server) -> None:
    app = create_app(databases.settings(external.owner))
    assert Api(app).get("/users/").status_code == 401


@pytest.mark.parametrize("who", ["superuser", "owner"])
def test_a_login_that_passes_the_fence_is_refused(external: Server, who: str) -> None:
    address = getattr(external, who)
    other = external.owner if who == "superuser" else external.superuser
    with pytest.raises(ConfigurationError, match="tenancy fence"):
        create_app(databases.settings(address, migration_url=other))
