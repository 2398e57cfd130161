"""Fixtures of all tests: a real database for each worker, the application, a fresh tenant for each test."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oneo.app import create_app
from tests import databases
from tests.api import Api
from tests.factories.tenant import TenantFactory, TestTenant
from tests.live import LiveServer

_run = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts the server; workers are told where it is."""
    if not hasattr(config, "workerinput") and not config.option.collectonly and not config.option.help:
        address = _run.enter_context(databases.server())
        databases.migrate(databases.create(address, databases.TEMPLATE))
        config.stash[SERVER] = address


def pytest_unconfigure() -> None:
    _run.close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests that are themselves made from a document take long to collect: not where they are not to run."""
    unwanted = config.option.markexpr == "not prove" and collection_path.name == "test_conformance_at_length.py"
    return True if unwanted else None


def pytest_collection_finish() -> None:
    """Thousands of tests stay till the end: the garbage collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


SERVER = pytest.StashKey[str]()


class ShareServer:
    """Hands the server's address to the workers of pytest-xdist."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["server"] = node.config.stash[SERVER]


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(ShareServer())


@pytest.fixture(scope="session")
def server_address(request: pytest.FixtureRequest) -> str:
    worker: dict[str, str] | None = getattr(request.config, "workerinput", None)
    return worker["server"] if worker else request.config.stash[SERVER]


@pytest.fixture(scope="session")
def database_address(server_address: str) -> str:
    """This worker's own migrated database."""
    name = f"oneo_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    return databases.create(server_address, name, template=databases.TEMPLATE)


@pytest.fixture(scope="session")
def owner_app(database_address: str) -> Flask:
    """The application as the owner of the tables: creates and removes tenants, serves nothing."""
    return create_app(databases.settings(database_address), as_owner=True)


@pytest.fixture(scope="session")
def app(database_address: str) -> Flask:
    return create_app(databases.settings(database_address))


@pytest.fixture(scope="session")
def live(database_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The server as a process of its own, on the same database as `app` and with the same tokens."""
    folder = tmp_path_factory.mktemp("live")
    with LiveServer(folder, database_url=database_address, ONEO_RATE_LIMITS="false") as server:
        yield server


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def tenants(owner_app: Flask, app: Flask) -> TenantFactory:
    return TenantFactory(owner_app, app)


@pytest.fixture
def tenant(tenants: TenantFactory) -> TestTenant:
    """A fresh tenant with its administrator."""
    return tenants.create()


@pytest.fixture(scope="module")
def settled(owner_app: Flask, app: Flask) -> TestTenant:
    """A tenant for all tests of a file that leave it as it was."""
    return TenantFactory(owner_app, app).create()


@pytest.fixture
def other(tenants: TenantFactory) -> TestTenant:
    """A second tenant, whose data nobody of the first may see."""
    return tenants.create()


@pytest.fixture
def api(tenant: TestTenant) -> Api:
    """The first tenant's administrator, logged in."""
    return tenant.api


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app


@pytest.fixture
def no_indexer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index slots are filled and emptied by nobody but the test."""
    monkeypatch.setattr(app.extensions["oneo.schemas"], "_on_unsettled", lambda _tenant_id: None)
