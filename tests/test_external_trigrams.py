"""Substrings by trigrams, on an installed PostgreSQL that brings pg_trgm (ADR 22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest

from oneo.access.schema import schema_of
from oneo.actor import system_actor
from oneo.app import create_app
from oneo.filters.compile import compile_filter
from oneo.filters.data import catalogue
from oneo.filters.parse import parse_json
from oneo.store.message import tenant_setting
from tests import databases
from tests.architecture.catalogue import connected, rows, shape
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TenantFactory, TestTenant
from tests.installed import Server, postgres, settings

pytestmark = pytest.mark.prove

RECORDS = 20_000
INDEX = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_records_tenant_trigrams'"
_FILL = """INSERT INTO records (tenant_id, id, pipeline_id, data)
    SELECT tenant_id, gen_random_uuid(), id, jsonb_build_object('name', 'Deal number ' || n, 'amount', n,
           'stage', 'open', 'code', md5(n::text)) FROM pipelines, generate_series(1, %s) n WHERE tenant_id = %s"""


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with postgres(tmp_path_factory) as addresses:
        with connected(addresses.superuser) as connection:
            if not rows(connection, "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"):
                pytest.skip("the PostgreSQL that is installed here has no pg_trgm")
        yield addresses


@pytest.fixture(scope="module")
def full(external: Server) -> TestTenant:
    """A tenant with many deals."""
    chosen = settings(external, external.server)
    tenant = TenantFactory(create_app(chosen, as_owner=True), create_app(chosen)).create("full")
    deals(tenant.api)
    with connected(external.owner) as connection:
        rows(connection, _FILL, (RECORDS, str(tenant.id)))
        rows(connection, "VACUUM ANALYZE records")
    return tenant


def plan(external: Server, tenant: TestTenant, asked: dict[str, Any]) -> str:
    """How the server's login gets at the records of a filter, which it reads through the view."""
    with tenant.app.app_context():
        found = schema_of(system_actor(tenant.id)).find("deals")
    assert found is not None
    columns = catalogue(found, frozenset())
    where = compile_filter(parse_json(asked, columns), columns)
    with connected(external.server) as connection:
        sql = (
            f"{tenant_setting(tenant.id)}; EXPLAIN SELECT r.* FROM my_records r WHERE r.tenant_id = '{tenant.id}' "
            f"AND r.pipeline_id = '{found.id}' AND r.deleted_at IS NULL AND {where.text} "
            "ORDER BY r.created_at DESC, r.id DESC LIMIT 50"
        )
        return "\n".join(row[0] for row in rows(connection, sql, where.values))


@pytest.mark.parametrize(
    "asked",
    [
        {"data__name": {"contains": "ber 1777"}},
        {"data__name": {"contains": "NUMBER 1234"}},
        {"data__code": {"contains": "c4ca4238"}},
        {"title": {"contains": "1777"}},
        {"or": [{"data__name": {"contains": "17771"}}, {"data__code": {"contains": "c4ca4238"}}]},
        {"and": [{"data__name": {"contains": "number"}}, {"data__name": {"contains": "1777"}}]},
    ],
    ids=str,
)
def test_a_piece_of_a_text_is_found_by_the_index(external: Server, full: TestTenant, asked: dict[str, Any]) -> None:
    assert "Index Scan on ix_records_tenant_trigrams" in plan(external, full, asked)


@pytest.mark.parametrize(
    "asked",
    [{"data__name": {"contains": "12"}}, {"data__name": {"not_contains": "ber 1777"}}, {"data__amount": {"gte": 1}}],
    ids=str,
)
def test_the_index_is_left_alone_where_it_is_of_no_use(
    external: Server, full: TestTenant, asked: dict[str, Any]
) -> None:
    assert "trigrams" not in plan(external, full, asked)


@pytest.mark.parametrize(
    ("needle", "count"), [("BER 1777", 11), ("Deal", RECORDS), ("12345", 1), ("nowhere", 0), ("open", 0), ("r 9", 1111)]
)
def test_lists_find_what_is_there(full: TestTenant, needle: str, count: int) -> None:
    assert full.api.get(f"/pipelines/deals/records/?data__name__contains={needle}").json["count"] == count


@pytest.mark.parametrize("name", ['say "yes"\\no', "Zoë\nand\tÅsa", "100%_sure", "Ünïcödé \U0001f600"])
def test_new_records_are_found_at_once(full: TestTenant, name: str) -> None:
    made = record(full.api, "deals", {"name": name})
    for needle in (name, name.upper(), name[1:], name[:-1]):
        found = full.api.get("/pipelines/deals/records/", query_string={"data__name__contains": needle})
        assert [row["id"] for row in found.json["results"]] == [made["id"]], needle
    assert full.api.delete(f"/records/{made['id']}/").status_code == 204


ELSEWHERE = "CREATE EXTENSION pg_trgm SCHEMA elsewhere"
DATABASES = {
    "usual": ("", ["CREATE EXTENSION pg_trgm"], True),
    "not_asked_for": ("", [], False),
    "elsewhere": ("", ["CREATE SCHEMA elsewhere", "GRANT USAGE ON SCHEMA elsewhere TO crm_owner", ELSEWHERE], True),
    "out_of_reach": ("", ["CREATE SCHEMA elsewhere", ELSEWHERE], False),
    "other_letters": ("LOCALE_PROVIDER icu ICU_LOCALE 'tr'", ["CREATE EXTENSION pg_trgm"], False),
}


@pytest.mark.parametrize("name", DATABASES)
def test_the_index_is_made_where_it_can_be(external: Server, name: str) -> None:
    options, prepared, there = DATABASES[name]
    with connected(external.superuser) as connection:
        rows(connection, f"CREATE DATABASE {name} OWNER crm_owner TEMPLATE template0 {options}")
    addresses = Server(*(address.replace("/crm?", f"/{name}?") for address in _all(external)))
    with connected(addresses.superuser) as connection:
        for statement in prepared:
            rows(connection, statement.format(name=name))
    owner = create_app(settings(addresses, addresses.server), as_owner=True)
    with owner.app_context():
        flask_migrate.upgrade()
        flask_migrate.check()
        assert _indexed(addresses) is there
        _there_and_back(addresses.owner)
    tenant = TenantFactory(owner, create_app(settings(addresses, addresses.server))).create()
    assert _knows(tenant) is there
    deals(tenant.api)
    made = record(tenant.api, "deals", {"name": "ISTANBUL"})
    found = tenant.api.get("/pipelines/deals/records/?data__name__contains=stanbul").json["results"]
    assert [row["id"] for row in found] == [made["id"]]


def test_an_index_that_misses_rows_is_not_asked(external: Server) -> None:
    """Whoever made it: a dump may have been read into a database with another provider of locales."""
    with connected(external.superuser) as connection:
        rows(connection, "CREATE DATABASE moved OWNER crm_owner TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr'")
    addresses = Server(*(address.replace("/crm?", "/moved?") for address in _all(external)))
    databases.migrate(addresses.owner)
    with connected(addresses.owner) as connection:
        rows(connection, "CREATE INDEX ix_records_tenant_trigrams ON records (id)")
    chosen = settings(addresses, addresses.server)
    assert not _knows(TenantFactory(create_app(chosen, as_owner=True), create_app(chosen)).create("moved"))


def _all(addresses: Server) -> tuple[str, str, str]:
    return addresses.superuser, addresses.owner, addresses.server


def _indexed(addresses: Server) -> bool:
    with connected(addresses.owner) as connection:
        return bool(rows(connection, INDEX))


def _there_and_back(address: str) -> None:
    first = shape(address)
    flask_migrate.downgrade(revision="base")
    assert {row[0] for row in shape(address)["tables"]} <= {"alembic_version"}
    flask_migrate.upgrade()
    assert shape(address) == first


def _knows(tenant: TestTenant) -> bool:
    """Whether the server counts on the index."""
    assert tenant.api.post("/pipelines/", {"name": "Probe", "fields": []}).status_code == 201
    with tenant.app.app_context():
        found = schema_of(system_actor(tenant.id)).find("probe")
    assert found is not None
    return found.trigrams
