"""The fence, as PostgreSQL knows it: row security, rights and keys of every table that holds rows of tenants."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest

from oneo.models import Base
from oneo.models.base import InTenant
from tests.architecture.catalogue import connected, rows
from tests.factories.tenant import TestTenant

TABLES = sorted(
    str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, InTenant)
)  # fmt: skip
VIEWS = ["my_records", "my_relationships"]
DIRECTORY = {"tenants": {"SELECT"}, "tenant_domains": {"SELECT"}, "tenant_clocks": {"SELECT"}}
OWN = "(tenant_id = (NULLIF(current_setting('oneo.tenant'::text, true), ''::text))::uuid)"
RIGHTS = """
SELECT privilege_type FROM information_schema.role_table_grants
WHERE grantee = 'oneo_app' AND table_schema = 'public' AND table_name = %s
"""
FIRST_COLUMNS = """
SELECT i.indexrelid::regclass::text,
       (SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND attnum = i.indkey[0])
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::regclass AND c.relam <> (SELECT oid FROM pg_am WHERE amname = 'gin')
"""
FOREIGN_KEYS = """
SELECT c.conname, c.confrelid::regclass::text,
       (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1]),
       (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attnum = c.confkey[1])
FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = %s::regclass
"""
SET_TENANT = "SELECT set_config('oneo.tenant', %s, false)"


@pytest.fixture
def owner(database_address: str) -> Iterator[psycopg2.extensions.connection]:
    with connected(database_address) as connection:
        yield connection


@pytest.fixture
def server(database_address: str) -> Iterator[psycopg2.extensions.connection]:
    """A connection as the server has it."""
    with connected(database_address) as connection:
        rows(connection, "SET ROLE oneo_app")
        yield connection


def test_every_table_with_a_tenant_is_known_to_the_fence(owner: psycopg2.extensions.connection) -> None:
    found = rows(
        owner,
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id' AND table_schema = 'public'",
    )
    assert {row[0] for row in found} == {*TABLES, *VIEWS, "tenant_domains", "tenant_clocks"}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_the_owners_with_the_fence_as_its_condition(owner: psycopg2.extensions.connection, view: str) -> None:
    found = rows(
        owner,
        "SELECT pg_get_viewdef(oid), reloptions::text, relowner::regrole::text <> 'oneo_app' FROM pg_class "
        "WHERE oid = %s::regclass",
        (view,),
    )
    [(definition, options, of_the_owner)] = found
    assert definition.rstrip(";").endswith(f"WHERE {OWN}")
    assert options == "{check_option=cascaded}"
    assert of_the_owner
    assert {row[0] for row in rows(owner, RIGHTS, (view,))} == {"SELECT"}


@pytest.mark.parametrize("table", TABLES)
def test_row_security_is_on_with_the_one_policy(owner: psycopg2.extensions.connection, table: str) -> None:
    assert rows(owner, "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", (table,)) == [(True,)]
    policies = rows(
        owner,
        "SELECT policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies WHERE tablename = %s",
        (table,),
    )
    assert policies == [("fence", "PERMISSIVE", "{public}", "ALL", OWN, OWN)]


@pytest.mark.parametrize("table", [*TABLES, *DIRECTORY])
def test_the_server_may_do_no_more_than_it_needs(owner: psycopg2.extensions.connection, table: str) -> None:
    held = {row[0] for row in rows(owner, RIGHTS, (table,))}
    assert held <= DIRECTORY.get(table, {"SELECT", "INSERT", "UPDATE", "DELETE"})
    assert "SELECT" in held
    everybody = rows(
        owner,
        "SELECT 1 FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND table_name = %s",
        (table,),
    )
    assert everybody == []


def test_the_log_is_never_shortened(owner: psycopg2.extensions.connection) -> None:
    assert "DELETE" not in {row[0] for row in rows(owner, RIGHTS, ("events",))}


def test_the_servers_role_owns_and_bypasses_nothing(owner: psycopg2.extensions.connection) -> None:
    rights = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
    assert rows(owner, f"SELECT {rights} FROM pg_roles WHERE rolname = 'oneo_app'") == [(False,) * 5]
    assert rows(owner, "SELECT relname FROM pg_class WHERE relowner = 'oneo_app'::regrole") == []


@pytest.mark.parametrize("table", TABLES)
def test_the_tenant_leads_every_key(owner: psycopg2.extensions.connection, table: str) -> None:
    for name, first in rows(owner, FIRST_COLUMNS, (table,)):
        assert first == "tenant_id", name
    for name, target, own, theirs in rows(owner, FOREIGN_KEYS, (table,)):
        assert own == "tenant_id", name
        assert theirs == ("id" if target == "tenants" else "tenant_id"), name


@pytest.mark.parametrize("table", [*TABLES, *VIEWS])
def test_without_a_tenant_there_is_nothing(
    server: psycopg2.extensions.connection, tenant: TestTenant, table: str
) -> None:
    for setting in (None, "", "00000000-0000-0000-0000-000000000000"):
        if setting is not None:
            rows(server, SET_TENANT, (setting,))
        assert rows(server, f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("table", [*TABLES, *VIEWS])
def test_a_tenant_sees_its_own_rows_and_no_others(
    server: psycopg2.extensions.connection, tenant: TestTenant, other: TestTenant, table: str
) -> None:
    rows(server, SET_TENANT, (str(tenant.id),))
    assert rows(server, f"SELECT count(*) FROM {table} WHERE tenant_id <> %s", (str(tenant.id),)) == [(0,)]
    assert rows(server, f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (str(other.id),)) == [(0,)]


def test_a_tenant_cannot_write_rows_of_another(
    server: psycopg2.extensions.connection, tenant: TestTenant, other: TestTenant
) -> None:
    rows(server, SET_TENANT, (str(tenant.id),))
    insert = "INSERT INTO users (tenant_id, id, email) VALUES (%s, gen_random_uuid(), 'x@y.example')"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(server, insert, (str(other.id),))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(server, "UPDATE users SET tenant_id = %s", (str(other.id),))
    with server.cursor() as cursor:
        cursor.execute("UPDATE users SET name = 'taken' WHERE tenant_id = %s", (str(other.id),))
        assert cursor.rowcount == 0


@pytest.mark.parametrize("statement", [
    "ALTER TABLE users DISABLE ROW LEVEL SECURITY", "DROP POLICY fence ON users", "TRUNCATE users",
    "CREATE TABLE mine (id int)", "DELETE FROM events", "UPDATE tenants SET status = 'active'",
    "ALTER ROLE oneo_app BYPASSRLS",
])  # fmt: skip
def test_the_server_cannot_take_the_fence_down(
    server: psycopg2.extensions.connection, tenant: TestTenant, statement: str
) -> None:
    rows(server, SET_TENANT, (str(tenant.id),))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(server, statement)
