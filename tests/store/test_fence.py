"""Row security alone: with all scoping of the application taken away, nothing of another tenant is read or changed.

Contract 3; goal "also with RLS on and app checks removed: still 0" of threats, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, delete, select, update
from sqlalchemy.orm import Session

from oneo.actor import system_actor
from oneo.app import create_app
from oneo.config import sqlalchemy_url
from oneo.errors import ConfigurationError
from oneo.events.unit import unit
from oneo.models import Base, Comment, Field, Pipeline, Record, Slot, Template
from oneo.models.base import InTenant
from oneo.store.fence import tenant_tables
from oneo.store.pool import SERVER_ROLE
from tests import databases
from tests.factories.relationship import constraint, relate, relationship_type
from tests.factories.tenant import PASSWORD, TenantFactory, TestTenant

TABLES = sorted(tenant_tables())
MODELS = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, InTenant)),
    key=lambda model: str(model.__name__),
)


@dataclass(frozen=True)
class Neighbours:
    """Two tenants, each with at least one row in every table."""

    ours: UUID
    theirs: UUID


@pytest.fixture(scope="module")
def neighbours(owner_app: Flask, app: Flask, database_address: str) -> Neighbours:
    made = [TenantFactory(owner_app, app).create() for _ in range(2)]
    for tenant in made:
        fill(tenant)
    ours, theirs = (tenant.id for tenant in made)
    with psycopg2.connect(database_address) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (theirs,))
            assert cursor.fetchone() > (0,), f"give the tenants a row of {table} in `fill`"
    return Neighbours(ours, theirs)


def fill(tenant: TestTenant) -> None:
    """A row in each table that a new tenant has none in."""
    assert tenant.api.post("/auth/api-keys/", {"name": "key"}).status_code == 201
    made = tenant.api.post("/users/types/", {"name": "Type", "grants": []}, headers={"Idempotency-Key": "1"})
    assert made.status_code == 201, made.text
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        pipeline = Pipeline(slug="deals", name="Deals", graphql_name="Deals")
        work.session.add_all([pipeline, Template(slug="t", name="T", pattern={})])
        work.session.flush()
        found = Field(pipeline_id=pipeline.id, slug="name", name="Name", field_type="text")
        record = Record(pipeline_id=pipeline.id)
        work.session.add_all([found, record])
        work.session.flush()
        work.session.add(Slot(pipeline_id=pipeline.id, slot="t1", field_id=found.id, state="ready"))
        work.session.add(Comment(pipeline_id=pipeline.id, record_id=record.id, body="Fine."))
    type_id = relationship_type(tenant, "knows")
    constraint(tenant, type_id, "CARDINALITY", max_instances=1)
    relate(tenant, type_id, [(str(record.id), str(record.id))])


def fenced_off(tenant_id: UUID | None) -> tuple[str, ...]:
    """Makes the rest of a transaction the server's role, with more table privileges than it ever has, so that nothing
    but the policies holds.
    """
    return (
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {SERVER_ROLE}",
        f"SET LOCAL ROLE {SERVER_ROLE}",
        f"SET LOCAL oneo.tenant = '{tenant_id}'" if tenant_id else "SET LOCAL TimeZone = 'UTC'",
    )


@contextmanager
def past_the_application(address: str, tenant_id: UUID | None) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(address)
    try:
        with connection.cursor() as cursor:
            for statement in fenced_off(tenant_id):
                cursor.execute(statement)
            yield cursor
    finally:
        connection.rollback()
        connection.close()


def refused() -> pytest.RaisesExc[psycopg2.errors.InsufficientPrivilege]:
    """By the policy, not for want of a privilege."""
    return pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security")


def count(cursor: psycopg2.extensions.cursor, sql: str, *values: object) -> int:
    cursor.execute(sql, values)
    found: int = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("table", TABLES)
def test_select_sees_the_tenant_of_the_setting_alone(neighbours: Neighbours, database_address: str, table: str) -> None:
    with past_the_application(database_address, neighbours.ours) as cursor:
        assert count(cursor, f"SELECT count(*) FROM {table}") > 0
        assert count(cursor, f"SELECT count(*) FROM {table} WHERE tenant_id <> %s", neighbours.ours) == 0
        assert count(cursor, f"SELECT count(*) FROM {table} WHERE tenant_id = %s", neighbours.theirs) == 0


@pytest.mark.parametrize("table", TABLES)
def test_without_a_setting_there_are_no_rows(neighbours: Neighbours, database_address: str, table: str) -> None:
    with past_the_application(database_address, None) as cursor:
        assert count(cursor, f"SELECT count(*) FROM {table}") == 0
        cursor.execute("SELECT set_config('oneo.tenant', '', true)")
        assert count(cursor, f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("table", TABLES)
def test_update_reaches_no_row_of_another(neighbours: Neighbours, database_address: str, table: str) -> None:
    with past_the_application(database_address, neighbours.ours) as cursor:
        cursor.execute(f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = %s", (neighbours.theirs,))
        assert cursor.rowcount == 0
        own = count(cursor, f"SELECT count(*) FROM {table}")
        cursor.execute(f"UPDATE {table} SET tenant_id = tenant_id")
        assert cursor.rowcount == own


@pytest.mark.parametrize("table", TABLES)
def test_a_row_cannot_be_moved_to_another(neighbours: Neighbours, database_address: str, table: str) -> None:
    with past_the_application(database_address, neighbours.ours) as cursor, refused():
        cursor.execute(f"UPDATE {table} SET tenant_id = %s", (neighbours.theirs,))


@pytest.mark.parametrize("table", TABLES)
def test_delete_reaches_no_row_of_another(neighbours: Neighbours, database_address: str, table: str) -> None:
    with past_the_application(database_address, neighbours.ours) as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (neighbours.theirs,))
        assert cursor.rowcount == 0
        cursor.execute(f"DELETE FROM {table} WHERE tenant_id <> %s", (neighbours.ours,))
        assert cursor.rowcount == 0


@pytest.mark.parametrize("setting", ["ours", "none"])
@pytest.mark.parametrize("table", TABLES)
def test_insert_into_another_is_refused(
    neighbours: Neighbours, database_address: str, table: str, setting: str
) -> None:
    with past_the_application(database_address, neighbours.ours if setting == "ours" else None) as cursor, refused():
        cursor.execute(f"INSERT INTO {table} (tenant_id) VALUES (%s)", (neighbours.theirs,))


@pytest.mark.parametrize("table", TABLES)
def test_a_conflict_with_a_hidden_row_does_not_show_or_change_it(
    neighbours: Neighbours, database_address: str, table: str
) -> None:
    """`ON CONFLICT` looks at rows on its own; it must not become a way around the policy."""
    with past_the_application(database_address, neighbours.ours) as cursor, refused():
        cursor.execute(f"INSERT INTO {table} (tenant_id) VALUES (%s) ON CONFLICT DO NOTHING", (neighbours.theirs,))


@pytest.mark.parametrize("model", MODELS)
def test_the_orm_without_its_guard_sees_and_changes_nothing_of_another(
    neighbours: Neighbours, database_address: str, model: Any
) -> None:
    engine = create_engine(sqlalchemy_url(database_address), poolclass=NullPool)
    with engine.connect() as connection, Session(connection) as session:
        for statement in fenced_off(neighbours.ours):
            connection.exec_driver_sql(statement)
        assert {row.tenant_id for row in session.scalars(select(model))} == {neighbours.ours}
        foreign = model.tenant_id == neighbours.theirs
        assert session.scalars(select(model).where(foreign)).all() == []
        changed = session.execute(update(model).where(foreign).values(tenant_id=neighbours.ours))
        removed = session.execute(delete(model).where(foreign))
        assert (changed.rowcount, removed.rowcount) == (0, 0)  # type: ignore[attr-defined]
        connection.rollback()


@pytest.mark.parametrize("table", sorted({"tenants", "tenant_domains"}))
@pytest.mark.parametrize("statement", ["INSERT INTO {} DEFAULT VALUES", "UPDATE {} SET {}", "DELETE FROM {}"])
def test_the_server_cannot_write_to_the_directory(database_address: str, table: str, statement: str) -> None:
    column = "slug = 'x'" if table == "tenants" else "host = 'x'"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_server(database_address, statement.format(table, column))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET type = 'x'", "UPDATE events SET seq = 1", "UPDATE events SET occurred_at = now()",
         "DELETE FROM events", "TRUNCATE events", "DELETE FROM users",
     "DELETE FROM sessions", "UPDATE tenant_clocks SET tenant_id = tenant_id", "DELETE FROM tenant_clocks",
     "ALTER TABLE users DISABLE ROW LEVEL SECURITY", "DROP POLICY fence ON users", "CREATE TABLE mine (id int)"],
)  # fmt: skip
def test_the_server_can_do_to_its_own_tenant_only_what_it_needs(
    neighbours: Neighbours, database_address: str, statement: str
) -> None:
    """History is not rewritten and the fence not taken down, whatever SQL somebody gets into the server."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_server(database_address, f"SET oneo.tenant = '{neighbours.ours}'; {statement}")


def as_server(address: str, statement: str) -> None:
    connection = psycopg2.connect(address, options=f"-c role={SERVER_ROLE}")
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


# -- the server refuses to serve without the fence ---------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A database of one's own, as its owner, and what makes logins for it."""

    address: str
    name: str

    def run(self, *statements: str) -> None:
        connection = psycopg2.connect(self.address)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    @property
    def server(self) -> str:
        """The address for the server's login."""
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{self.name}_server:{PASSWORD}@{host}"))


@pytest.fixture
def place(server_address: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"oneo_fence_{worker}"
    found = Place(databases.create(server_address, name, template=databases.TEMPLATE), name)
    found.run(*(f"DROP ROLE IF EXISTS {name}_{role}" for role in ("server", "owner")))
    yield found
    found.run(f"DROP OWNED BY {name}_server CASCADE", f"DROP ROLE {name}_server")
    connection = psycopg2.connect(server_address)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        cursor.execute(f"DROP ROLE IF EXISTS {name}_owner")
    connection.close()


def serve(place: Place) -> Flask:
    """As production is set up: one login for the server, another one for the owner."""
    return create_app(databases.settings(place.server, migration_url=place.address))


def test_a_member_of_the_role_that_owns_nothing_serves(place: Place) -> None:
    place.run(f"CREATE ROLE {place.name}_server LOGIN PASSWORD '{PASSWORD}' IN ROLE {SERVER_ROLE}")
    assert serve(place).test_client().get("/api/v1/users/").status_code == 401


Weaken = Callable[[str], tuple[str, ...]]
LOGINS: dict[str, Weaken] = {
    "superuser": lambda name: (f"CREATE ROLE {name}_server LOGIN PASSWORD '{PASSWORD}' SUPERUSER",),
    "bypasses row security": lambda name: (
        f"CREATE ROLE {name}_server LOGIN PASSWORD '{PASSWORD}' BYPASSRLS IN ROLE {SERVER_ROLE}",
    ),
    "owns a table": lambda name: (
        f"CREATE ROLE {name}_server LOGIN PASSWORD '{PASSWORD}' IN ROLE {SERVER_ROLE}",
        f"ALTER TABLE sessions OWNER TO {name}_server",
    ),
    "inherits from the owner of a table": lambda name: (
        f"CREATE ROLE {name}_owner",
        f"ALTER TABLE sessions OWNER TO {name}_owner",
        f"CREATE ROLE {name}_server LOGIN PASSWORD '{PASSWORD}' IN ROLE {SERVER_ROLE}, {name}_owner",
    ),
    "no member": lambda name: (
        f"CREATE ROLE {name}_server LOGIN PASSWORD '{PASSWORD}'",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}_server",
    ),
}


@pytest.mark.parametrize("weaken", LOGINS.values(), ids=LOGINS.keys())
def test_a_login_that_passes_the_fence_is_refused(place: Place, weaken: Weaken) -> None:
    place.run(*weaken(place.name))
    with pytest.raises(ConfigurationError, match="can pass the tenancy fence"):
        serve(place)


GAPS: dict[str, tuple[str, ...]] = {
    "row security disabled": ("ALTER TABLE events DISABLE ROW LEVEL SECURITY",),
    "no policy": ("DROP POLICY fence ON events",),
    "a policy that permits everything": ("CREATE POLICY support ON events USING (true)",),
    "a fence that lets all write": (
        "DROP POLICY fence ON events",
        "CREATE POLICY fence ON events USING (tenant_id::text = current_setting('oneo.tenant')) WITH CHECK (true)",
    ),
}


@pytest.mark.parametrize("statements", GAPS.values(), ids=GAPS.keys())
def test_a_table_that_is_not_fenced_is_refused(place: Place, statements: tuple[str, ...]) -> None:
    place.run(f"CREATE ROLE {place.name}_server LOGIN PASSWORD '{PASSWORD}' IN ROLE {SERVER_ROLE}", *statements)
    with pytest.raises(ConfigurationError, match="Row security is missing on: events"):
        serve(place)
