"""What lists cost: indexes that serve their conditions, counts that are kept, and how long they take (checklist 89, 91,
94)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.filters.compile import compile_filter
from oneo.filters.parse import parse_json
from oneo.store import message
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TenantFactory, TestTenant

FIELDS: list[dict[str, Any]] = [
    {"name": "Code", "field_type": "text"}, {"name": "Amount", "field_type": "number"},
          {"name": "Day", "field_type": "date"}, {"name": "Extra", "field_type": "json"},
          {"name": "Bare", "field_type": "text", "is_indexed": False}]  # fmt: skip
COUNT = 5_000
FIRST_AMOUNT = 4_000_000_000
"""Of the numbers here: statistics are of all pipelines together, and no other test has numbers near these."""
SOON = "2999-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def many(owner_app: Flask, app: Flask) -> TestTenant:
    tenant = TenantFactory(owner_app, app).create()
    pipeline(tenant.api, "Items", FIELDS)
    entries = [
        {
            "data": {
                "code": f"c{at}",
                "amount": FIRST_AMOUNT + at,
                "day": f"2026-01-{at % 28 + 1:02}",
                "extra": {"n": at},
                "bare": f"b{at}",
            }
        }
        for at in range(COUNT)
    ]
    made = tenant.api.post("/pipelines/items/records/bulk_create/", entries, headers={"Prefer": "return=minimal"})
    assert made.status_code == 201, made.text
    with owner_app.app_context(), unit(system_actor(tenant.id)) as work:
        message.execute(work.connection, "ANALYZE records")
    return tenant


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"data__code__exact": "c17"}, "ix_records_t1"),
        ({"data__amount__gte": FIRST_AMOUNT + 7, "data__amount__lte": FIRST_AMOUNT + 9}, "ix_records_n1"),
        ({"data__day__lt": "2020-01-01"}, "ix_records_d1"),
        ({"data__extra": {"exact": {"n": 17}}}, "ix_records_tenant_data"),
        ({"data__bare__exact": "b17"}, "ix_records_tenant_data"),
        ({"created_at__gte": SOON}, "ix_records_created_at"),
        ({"updated_at__gte": SOON}, "ix_records_updated_at"),
    ],
)
def test_a_condition_is_served_by_an_index(many: TestTenant, asked: dict[str, Any], index: str) -> None:
    """Checklist 89: by pipeline and value, by pipeline and time, and by paths into the data."""
    actor = system_actor(many.id)
    with many.app.app_context(), unit(actor) as work:
        sight = find_pipeline(actor, "items", P.RECORDS_READ)
        where = compile_filter(parse_json(asked, sight.columns), sight.columns)
        plan = message.execute(
            work.connection,
            f"EXPLAIN SELECT r.id FROM my_records r WHERE r.tenant_id = '{many.id}' "
            f"AND r.pipeline_id = '{sight.shape.id}' AND r.deleted_at IS NULL AND {where.text}",
            where.values,
        )
    assert index in "\n".join(row[0] for row in plan), plan


def test_a_count_is_kept_until_the_next_event(tenant: TestTenant) -> None:
    """Checklist 91: nothing expires, and nothing is told that has been changed since."""
    api, path = tenant.api, "/pipelines/items/records/?data__amount__gte=1"
    pipeline(api, "Items", FIELDS)
    for amount in range(4):
        record(api, "items", {"amount": amount})
    assert api.get(path).json["count"] == 3
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        message.execute(
            work.connection, "UPDATE records SET deleted_at = now() WHERE tenant_id = %s AND n1 = 1", (tenant.id,)
        )
    assert len(api.get(path).json["results"]) == 2, "the rows themselves are never kept"
    assert api.get(path).json["count"] == 3, "nothing told of a change"
    assert api.get(f"{path}&status=active").json["count"] == 2, "another question"
    record(api, "items", {"amount": 9})
    assert api.get(path).json["count"] == 3, "one that had gone, one that came"


@pytest.mark.parametrize(
    "path",
    ["records/", "records/?data__amount__gte=4000002500&ordering=-data__amount", "records/?data__code=c17",
     "records/?data__bare__contains=999", "records/?search=c170", "records/?cursor=&ordering=data__day", "", "fields/",
     "analytics/"],
)  # fmt: skip
def test_usual_questions_are_answered_soon(many: TestTenant, path: str) -> None:
    """Checklist 94: within 200 ms."""
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        answer = many.api.get(f"/pipelines/items/{path}")
        spent.append(time.perf_counter() - started)
        assert answer.status_code == 200, answer.text
    assert min(spent) < 0.2
