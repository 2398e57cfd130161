"""Filters through relations touch few rows, also on tables that PostgreSQL knows nothing about yet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.app import create_app
from oneo.events.unit import unit
from oneo.filters.compile import compile_filter
from oneo.filters.parse import parse_json
from oneo.operations.demo import create_demo
from oneo.store.statistics import analyse
from tests import databases
from tests.architecture.catalogue import connected, rows
from tests.delivery.channels import eventually
from tests.factories.pipeline import pipeline
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TenantFactory, TestTenant
from tests.filters.world import related
from tests.store.plans import touched_rows

NAMES = ("companies", "people", "cars")
RECORDS, RELATED = 90, 70
"""Of each pipeline, and of each pair of pipelines."""
MOST = 20 * 3 * (RECORDS + RELATED)
"""Rows that a filter may touch: twenty for each record and relationship of the tenant."""

FILTERS: list[dict[str, Any]] = [
    related("employs"),
    related("employs", exists=False),
    related("employs", count={"gte": 2}),
    related("employs", filter={"data__n": 5}),
    related("employs", filter=related("drives")),
    related("employs", filter=related("drives", filter={"data__n": 5})),
    related("employs", filter=related("drives", filter={"data__n": {"gte": 5}}, exists=False)),
    related("employs", filter=related("drives", filter=related("owns"))),
    related("employs", filter=related("drives", direction="outbound", filter=related("owns", direction="both"))),
    related("employs", filter={"or": [related("drives"), {"data__n": 5}]}),
    related("employs", filter=related("drives", count={"exact": 1})),
    {"or": [related("employs", filter=related("drives")), related("owns", filter={"created_at__gte": "2020-01-01"})]},
    {"not": related("owns", filter=related("drives", pipeline="cars", filter={"data__n": 7}))},
    {"related": [{"type": "employs", "filter": related("drives")}, {"type": "owns", "filter": {"version": 1}}]},
    related(
        "employs", link={"metadata": {"contains": {"a": 1}}}, filter=related("drives", link={"strength": {"gte": 1}})
    ),
]


@pytest.fixture(scope="module")
def fresh(server_address: str, worker_id: str) -> tuple[str, TestTenant]:
    """Records and relationships in a database that nobody has analysed."""
    address = databases.create(server_address, f"oneo_test_fresh_{worker_id}", template=databases.TEMPLATE)
    _without_autovacuum(address)
    owner, app = (create_app(databases.settings(address), as_owner=as_owner) for as_owner in (True, False))
    app.extensions["oneo.after_commit"].clear()
    tenant = TenantFactory(owner, app).create("fresh")
    ids = {name: _filled(tenant, name) for name in NAMES}
    for slug, source, target in (("employs", *NAMES[:2]), ("drives", *NAMES[1:])):
        made = relationship_type(tenant, slug, source, target)
        relate(tenant, made, zip(ids[source][:RELATED], ids[target][:RELATED], strict=True))
    relate(tenant, relationship_type(tenant, "owns"), zip(ids["cars"][:RELATED], ids["companies"], strict=False))
    return address, tenant


def _without_autovacuum(address: str) -> None:
    with connected(address) as connection:
        for table in ("records", "relationships"):
            rows(connection, f"ALTER TABLE {table} SET (autovacuum_enabled = off)")


def _filled(tenant: TestTenant, name: str) -> list[str]:
    pipeline(tenant.api, name.title(), [{"name": "N", "field_type": "number"}])
    body = [{"data": {"n": number}} for number in range(RECORDS)]
    made = tenant.api.post(f"/pipelines/{name}/records/bulk_create/", body)
    assert made.status_code in {200, 201}, made.text
    return [row["id"] for row in tenant.api.get(f"/pipelines/{name}/records/?page_size=1000").json["results"]]


def _touched(tenant: TestTenant, asked: dict[str, Any]) -> int:
    actor = system_actor(tenant.id)
    with tenant.app.app_context(), unit(actor) as work:
        sight = find_pipeline(actor, "companies", P.RECORDS_READ)
        columns = sight.columns
        where = compile_filter(parse_json(asked, columns, partial(relations_of, actor, sight.shape)), columns)
        text, values = where.named("w")
        sql = (
            f"SELECT r.id FROM my_records r WHERE r.tenant_id = '{tenant.id}' AND r.pipeline_id = '{sight.shape.id}' "
            f"AND r.deleted_at IS NULL AND {text} ORDER BY r.created_at DESC, r.id DESC LIMIT 50"
        )
        return touched_rows(work.connection, sql, values)


_ANALYSED = "SELECT relname::text FROM pg_class WHERE relname IN ('records', 'relationships') AND reltuples > 0"


@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_a_filter_through_relations_touches_few_rows(fresh: tuple[str, TestTenant], asked: dict[str, Any]) -> None:
    address, tenant = fresh
    with connected(address) as connection:
        assert rows(connection, _ANALYSED) == []
    assert _touched(tenant, asked) < MOST


_OTHERS = """
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.copy_of(id uuid, k integer) RETURNS uuid LANGUAGE sql AS $$ SELECT md5(id::text || k)::uuid $$;
INSERT INTO records (tenant_id, id, pipeline_id, data, n1)
SELECT pg_temp.copy_of(tenant_id, k), pg_temp.copy_of(id, k), pg_temp.copy_of(pipeline_id, k), data, n1
FROM records, generate_series(1, 400) k;
INSERT INTO relationships
    (tenant_id, id, type_id, source_id, target_id, source_pipeline_id, target_pipeline_id)
SELECT pg_temp.copy_of(tenant_id, k), pg_temp.copy_of(id, k), pg_temp.copy_of(type_id, k),
       pg_temp.copy_of(source_id, k), pg_temp.copy_of(target_id, k), pg_temp.copy_of(source_pipeline_id, k),
       pg_temp.copy_of(target_pipeline_id, k)
FROM relationships, generate_series(1, 400) k;
ANALYZE records; ANALYZE relationships
"""


@pytest.fixture(scope="module")
def shared(fresh: tuple[str, TestTenant]) -> TestTenant:
    """The same tenant among many others, of all of whom PostgreSQL has statistics."""
    address, tenant = fresh
    with connected(address) as connection:
        rows(connection, _OTHERS)
    return tenant


@pytest.mark.prove
@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_it_touches_few_rows_among_many_tenants(shared: TestTenant, asked: dict[str, Any]) -> None:
    assert _touched(shared, asked) < MOST


@pytest.fixture
def unanalysed(server_address: str, worker_id: str) -> Iterator[tuple[str, TestTenant]]:
    """A tenant in a database that nobody but the server analyses."""
    address = databases.create(server_address, f"oneo_test_unanalysed_{worker_id}", template=databases.TEMPLATE)
    _without_autovacuum(address)
    owner, app = (create_app(databases.settings(address), as_owner=as_owner) for as_owner in (True, False))
    yield address, TenantFactory(owner, app).create("unanalysed")
    for stop in app.extensions["oneo.stop"]:
        stop()


def test_tables_are_analysed_after_many_writes(unanalysed: tuple[str, TestTenant]) -> None:
    address, tenant = unanalysed
    with connected(address) as connection:
        assert rows(connection, _ANALYSED) == []
        _filled(tenant, "companies")
        eventually(lambda: rows(connection, _ANALYSED) == [("records",)])


def test_the_server_analyses_only_what_has_grown(unanalysed: tuple[str, TestTenant]) -> None:
    address, tenant = unanalysed
    tenant.app.extensions["oneo.after_commit"].clear()
    _filled(tenant, "companies")
    taken_by = "SELECT DISTINCT xmin::text FROM pg_statistic WHERE starelid = 'records'::regclass"
    with connected(address) as connection, tenant.app.app_context():
        analyse()
        first = rows(connection, taken_by)
        assert len(first) == 1
        analyse()
        assert rows(connection, taken_by) == first


def test_the_demo_is_analysed(server_address: str, worker_id: str) -> None:
    address = databases.create(server_address, f"oneo_test_demo_{worker_id}", template=databases.TEMPLATE)
    _without_autovacuum(address)
    with create_app(databases.settings(address), as_owner=True).app_context():
        create_demo()
    with connected(address) as connection:
        assert ("records",) in rows(connection, _ANALYSED)
