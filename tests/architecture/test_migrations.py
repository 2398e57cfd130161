"""Migrations: up, down, up, one at a time, and then no difference from the models (house: tests/architecture)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine

from oneo.actor import system_actor
from oneo.app import MIGRATIONS, create_app
from oneo.config import sqlalchemy_url
from oneo.ids import new_id
from oneo.models import Base, is_declared
from oneo.operations.tenants import create_tenant
from tests import databases
from tests.architecture.catalogue import connected, rows, shape
from tests.factories.tenant import PASSWORD

SCRIPTS = sorted((MIGRATIONS / "versions").glob("*.py"))
SUBSTRINGS = "0009"
"""The one step that does nothing where the server lacks what it needs."""
ONE_FORM = "0013"
"""This step changes rows, not tables, in a way that earlier programs read too."""
FILE_NAME = re.compile(r"\d{8}_\d{4}_(\d{4})_[a-z0-9_]+\.py")


@pytest.fixture
def address(server_address: str, worker_id: str) -> str:
    return databases.create(server_address, f"oneo_test_migrations_{worker_id}")


@pytest.fixture
def owner(address: str) -> Iterator[Flask]:
    app = create_app(databases.settings(address), as_owner=True)
    with app.app_context():
        yield app


def test_up_down_up_gives_the_same_database(owner: Flask, address: str) -> None:
    flask_migrate.upgrade()
    first = shape(address)
    flask_migrate.downgrade(revision="base")
    assert {row[0] for row in shape(address)["tables"]} <= {"alembic_version"}
    flask_migrate.upgrade()
    assert shape(address) == first


def test_each_step_can_be_taken_back_on_a_database_in_use(owner: Flask, address: str) -> None:
    flask_migrate.upgrade()
    create_tenant(
        system_actor(new_id()), slug="acme", name="Acme", admin_email="a@acme.example", admin_password=PASSWORD
    )
    for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
        before = shape(address)
        flask_migrate.downgrade(revision="-1")
        gave_something = script.revision != ONE_FORM and (script.revision != SUBSTRINGS or _has_trigrams(address))
        assert (shape(address) != before) is gave_something, f"{script.revision} takes nothing back"
        flask_migrate.upgrade(revision=script.revision)
        assert shape(address) == before, f"{script.revision} is not the same the second time"
        flask_migrate.downgrade(revision="-1")


def test_addresses_are_stored_in_one_form_and_zones_exist(owner: Flask, address: str) -> None:
    flask_migrate.upgrade()
    step = ScriptDirectory(str(MIGRATIONS)).get_revision(ONE_FORM)
    tenant_id = new_id()
    create_tenant(system_actor(tenant_id), slug="acme", name="Acme", admin_email="a@acme.example", admin_password=None)
    flask_migrate.downgrade(revision=step.down_revision)
    emails = ["rene\u0301e@acme.example", "ren\u00e9e@acme.example", "\uff21da@acme.example"]
    with connected(address) as connection, connection.cursor() as cursor:
        for email in emails:
            cursor.execute(
                "INSERT INTO users (tenant_id, id, email, timezone) VALUES (%s, %s, %s, 'localtime')",
                (tenant_id, new_id(), email),
            )
        cursor.execute('UPDATE tenant_profiles SET settings = \'{"timezone": "localtime"}\'')
        connection.commit()
    flask_migrate.upgrade()
    with connected(address) as connection:
        found = rows(connection, "SELECT email, timezone FROM users WHERE NOT is_system ORDER BY created_at, id")
        assert [row[0] for row in found] == ["a@acme.example", *emails[:2], "ada@acme.example"], "twins are both kept"
        assert {row[1] for row in found} == {"UTC"}
        assert rows(connection, "SELECT settings FROM tenant_profiles") == [({},)]


def _has_trigrams(address: str) -> bool:
    with connected(address) as connection:
        return bool(rows(connection, "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"))


def test_models_and_migrations_agree(database_address: str) -> None:
    engine = create_engine(sqlalchemy_url(database_address))
    with engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": is_declared}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_there_is_one_line_of_revisions() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    names = [FILE_NAME.fullmatch(path.name) for path in SCRIPTS]
    assert all(names), [path.name for path in SCRIPTS]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == [name[1] for name in names if name]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_migration_says_what_it_is_for_and_names_what_it_makes(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = ast.get_docstring(tree) or ""
    assert said.splitlines()[0].endswith(".")
    made = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {"upgrade", "downgrade"} <= made
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.fullmatch(r"sa\.\w+Constraint", ast.unparse(node.func)):
            assert "name" in {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"
