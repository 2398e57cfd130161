"""What load balancers and people ask before anything else."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from oneo import __version__
from oneo.app import create_app
from oneo.operations import readiness
from oneo.store.pool import Pool
from tests import databases

WELL = {"database": "ok", "migrations": "ok", "role": "ok"}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/healthz", {"status": "ok"}),
        ("/readyz", {"status": "ready", "checks": WELL}),
        ("/version", {"name": "oneo", "version": __version__, "api": "v1"}),
    ],
)
def test_probes_answer_without_token(client: FlaskClient, path: str, slash: str, body: dict[str, object]) -> None:
    response = client.get(path + slash)
    assert (response.status_code, response.json) == (200, body)
    assert response.headers["Cache-Control"] == "no-store"
    assert client.head(path + slash).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version"])
def test_neither_hosts_nor_limits_stand_before_them(database_address: str, path: str) -> None:
    settings = databases.settings(
        database_address, base_domain="crm.example", rate_limits=True, rate_limit_peer="1 per hour"
    )
    client = create_app(settings).test_client()
    for _ in range(3):
        assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.fixture
def unreachable(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Flask:
    """The application, whose database is gone."""
    nowhere = Pool(f"postgresql://nobody@/nothing?host={tmp_path}", size=2, role=None, statement_timeout_ms=1000)
    monkeypatch.setitem(app.extensions, "oneo.pool", nowhere)
    return app


def test_without_the_database_it_is_alive_and_not_ready(unreachable: Flask) -> None:
    client = unreachable.test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json == {"status": "unavailable", "checks": dict.fromkeys(WELL, "failed")}
    assert client.get("/healthz").status_code == 200
    assert client.get("/version").status_code == 200


def test_it_is_ready_again_when_the_database_is_back(unreachable: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unreachable.test_client().get("/readyz").status_code == 503
    monkeypatch.undo()
    assert unreachable.test_client().get("/readyz").status_code == 200


@pytest.fixture
def own_database(server_address: str, request: pytest.FixtureRequest) -> str:
    """A migrated database that the test may spoil."""
    name = f"oneo_test_probes_{abs(hash(request.node.nodeid)) % 10**8}"
    return databases.create(server_address, name, template=databases.TEMPLATE)


def _execute(address: str, statement: str) -> None:
    connection = psycopg2.connect(address)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("revision", "verdict"), [("0001", "failed"), ("from_a_newer_program", "ok")], ids=["older", "newer"]
)
def test_the_schema_must_be_as_new_as_the_program(own_database: str, revision: str, verdict: str) -> None:
    client = create_app(databases.settings(own_database)).test_client()
    _execute(own_database, f"UPDATE alembic_version SET version_num = '{revision}'")
    response = client.get("/readyz")
    assert response.status_code == (200 if verdict == "ok" else 503)
    assert response.json["checks"] == WELL | {"migrations": verdict}  # type: ignore[index]


def test_an_open_fence_is_not_ready(own_database: str) -> None:
    client = create_app(databases.settings(own_database)).test_client()
    _execute(own_database, "ALTER TABLE users DISABLE ROW LEVEL SECURITY")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["checks"] == WELL | {"role": "failed"}  # type: ignore[index]
    assert "users" not in response.text


def test_an_empty_database_is_not_migrated(server_address: str) -> None:
    address = databases.create(server_address, "oneo_test_probes_empty")
    owner = create_app(databases.settings(address), as_owner=True)
    with owner.app_context():
        assert readiness.is_empty()
        assert readiness.check_readiness() == {"database": True, "migrations": False, "role": False}
