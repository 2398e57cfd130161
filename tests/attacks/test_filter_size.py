"""The largest filter that is taken compiles to a statement of bounded size, and lists of values are one array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo import exact_json
from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.errors import InvalidParameter
from oneo.events.unit import unit
from oneo.fields.kinds.registry import kind_named
from oneo.filters.compile import compile_filter
from oneo.filters.data import MAX_ALTERNATIVES, data_column
from oneo.filters.parse import MAX_CONDITIONS, MAX_VALUES, Budget, parse_json, parse_query
from oneo.filters.related import MAX_RELATED
from oneo.filters.sql import Sql
from oneo.models import record as model
from oneo.store import message
from tests.api import assert_problem
from tests.attacks.conftest import Scene
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.filters.world import peopled, related

CHOICES = [f"c{number}" for number in range(40)]
KINDS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "textarea": ({}, ["", "a", "A", "ab", "it's", 'q"{}\\,', "x" * 255 + "a", "x" * 300, *CHOICES]),
    "number": ({}, [0, -1, 0.1, 1, 1e15, *range(2, 40)]),
    "decimal": ({}, [Decimal("0.10"), Decimal(-5), Decimal("1.50"), *map(Decimal, range(2, 40))]),
    "boolean": ({}, [True, False]),
    "date": ({}, [f"2026-{month:02}-{day:02}" for month in (1, 2, 12) for day in range(1, 15)]),
    "datetime": ({}, [f"2026-01-{day:02}T0{hour}:00:00Z" for day in range(1, 20) for hour in (1, 2)]),
    "select": ({"choices": CHOICES}, list(CHOICES)),
    "multiselect": ({"choices": CHOICES}, [[one] for one in CHOICES] + [["c1", "c2"], []]),
}
SLOTS_OF_TEXT = model.SLOTS["t"]
SLOTS = {"t": "t1", "n": "n1", "d": "d1"}


@pytest.fixture(scope="module")
def cursor(database_address: str) -> Iterator[Any]:
    with closing(psycopg2.connect(database_address, options="-c TimeZone=UTC")) as connection:
        connection.autocommit = True
        with connection.cursor() as found:
            yield found


def _found(cursor: Any, name: str, stored: list[Any], where: Sql, slot: str | None) -> set[int]:
    """The numbers of the values that match, each of which is a record's."""
    kind = kind_named(name, KINDS[name][0])
    rows = [exact_json.dumps({"f": value}) for value in stored]
    slots = [kind.slot_value(value) for value in stored] if slot else [None] * len(stored)
    cast = {"t": "text", "n": "float8", "d": "timestamptz"}[slot[0]] if slot else "text"
    cursor.execute(
        f"SELECT r.n FROM ROWS FROM (unnest(%s::jsonb[]), unnest(%s::{cast}[])) "
        f"WITH ORDINALITY AS r(data, {slot or 'none'}, n) WHERE {where.text}",
        [rows, slots, *where.values],
    )
    return {row[0] - 1 for row in cursor.fetchall()}


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_a_list_finds_what_its_values_find_one_by_one(cursor: Any, name: str, *, indexed: bool) -> None:
    config, values = KINDS[name]
    kind = kind_named(name, config)
    stored: list[Any] = [kind.from_json(value if not isinstance(value, Decimal) else str(value)) for value in values]
    slot = SLOTS.get(kind.slot or "") if indexed else None
    column = data_column("f", kind, slot)

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(chosen=st.lists(st.sampled_from([one for one in stored if one != []]), max_size=2 * MAX_ALTERNATIVES))
    def check(chosen: list[Any]) -> None:
        asked = [one for value in chosen for one in value] if name == "multiselect" else chosen
        found = _found(cursor, name, stored, column.test("in", asked), slot)
        if name == "multiselect":
            assert found == {at for at, value in enumerate(stored) if set(value) & set(asked)}
        else:
            assert found == {at for at, value in enumerate(stored) if value in asked}

    check()


def _lists(conditions: int, values: int, name: str = "data__notes") -> dict[str, Any]:
    return {"and": [{name: {"in": [f"{at} {n}" for n in range(values)]}} for at in range(conditions)]}


def _things(tenant: TestTenant) -> None:
    """A pipeline with more texts than there are index slots: the last field has none."""
    fields = [{"name": f"F{number}", "field_type": "text"} for number in range(SLOTS_OF_TEXT)]
    pipeline(tenant.api, "Things", [*fields, {"name": "Notes", "field_type": "text"}])


def _dry_run(tenant: TestTenant, place: str, asked: dict[str, Any]) -> Any:
    """A filter that no query string is long enough for."""
    return tenant.api.post(f"/pipelines/{place}/records/bulk_delete/?mode=dry_run", {"filter": asked})


def test_values_are_counted_over_all_conditions_of_a_request(tenant: TestTenant) -> None:
    _things(tenant)
    most = MAX_VALUES // 10
    assert _dry_run(tenant, "things", _lists(10, most)).status_code == 200
    body = assert_problem(_dry_run(tenant, "things", _lists(11, most)), 422, "VALIDATION_FAILED")
    assert [(fault["code"], fault["pointer"]) for fault in body["errors"]] == [
        ("INVALID_FILTER", "/filter/and/10/data__notes/in")
    ]
    listed = ",".join(map(str, range(MAX_VALUES // 2)))
    query = f"data__notes__in={listed}&data__notes__not_in={listed}"
    assert tenant.api.get(f"/pipelines/things/records/?{query}").status_code == 200
    asked = quote(json.dumps({"data__notes": {"in": ["one more"]}}))
    body = assert_problem(
        tenant.api.get(f"/pipelines/things/records/?{query}&filter={asked}"), 400, "INVALID_PARAMETER"
    )
    assert [fault["pointer"] for fault in body["errors"]] == ["/filter/data__notes/in"]


def test_conditions_of_the_query_string_count_too() -> None:
    column = data_column("f", kind_named("text", {}), None)
    budget = Budget()
    parse_query({"f": ["x"] * MAX_CONDITIONS}, {"f": column}, budget)
    with pytest.raises(InvalidParameter):
        parse_json({"f": "x"}, {"f": column}, budget=budget)


@pytest.mark.parametrize("slot", [None, "t1"])
def test_the_longest_list_is_one_comparison(slot: str | None) -> None:
    column = data_column("f", kind_named("text", {}), slot)
    where = compile_filter(parse_json({"f": {"in": CHOICES * 25}}, {"f": column}), {"f": column})
    assert len(where.values) == 1
    assert len(where.text) < 100


def _nested(conditions: int, *operators: str) -> dict[str, Any]:
    """Three steps in both directions, with conditions on the last records."""
    test = dict.fromkeys(operators, "name")
    asked: dict[str, Any] = {"and": [{"data__name": test}] * conditions}
    for _ in range(3):
        asked = related("knows", filter=asked)
    return asked


WIDE = related("knows", filter=related("knows", filter={"related": [{"type": "knows"}] * (MAX_RELATED - 2)}))
LARGEST: list[tuple[str, dict[str, Any]]] = [
    ("things", _lists(MAX_CONDITIONS, MAX_ALTERNATIVES)),
    ("things", _lists(1, MAX_VALUES)),
    ("people", _nested(75, "contains")),
    ("people", {"related": [{"type": "knows", "filter": {"data__name": {"exact": "x"}}}] * 10}),
    ("people", related("knows", filter=related("knows", filter={"and": [{"data__age": 1}] * (MAX_CONDITIONS - 2)}))),
    ("people", WIDE),
]
PLANNING_MEGABYTES = 250
"""Of a statement that has the filter twice, as a list and its count."""


def test_the_largest_filters_take_little_memory_to_plan(tenant: TestTenant) -> None:
    peopled(tenant)
    _things(tenant)
    for place, asked in LARGEST:
        assert _planning_megabytes(tenant, place, asked) < PLANNING_MEGABYTES, asked


def _planning_megabytes(tenant: TestTenant, place: str, asked: dict[str, Any]) -> float:
    actor = system_actor(tenant.id)
    with tenant.app.app_context(), unit(actor) as work:
        sight = find_pipeline(actor, place, P.RECORDS_READ)
        columns = sight.columns
        where = compile_filter(parse_json(asked, columns, partial(relations_of, actor, sight.shape)), columns)
        if message.execute(work.connection, "SHOW server_version_num")[0][0] < "170000":
            pytest.skip("this PostgreSQL does not say what memory planning takes")
        counted = f"SELECT count(*) FROM my_records r WHERE r.tenant_id = '{tenant.id}' AND {where.text}"
        [(plans,)] = message.execute(
            work.connection,
            f"EXPLAIN (MEMORY, FORMAT JSON) {counted} AND ({counted}) > 0",
            [*where.values, *where.values],
        )
        used: float = plans[0]["Planning"]["Memory Used"]
        return used / 1024


def test_conditions_behind_many_ways_are_refused_when_they_multiply(tenant: TestTenant) -> None:
    peopled(tenant)
    asked = _nested(MAX_CONDITIONS - 3, "contains")
    body = assert_problem(_dry_run(tenant, "people", asked), 422, "VALIDATION_FAILED")
    assert [(fault["code"], fault["pointer"]) for fault in body["errors"]] == [("INVALID_FILTER", "/filter")]


@pytest.mark.prove
def test_the_largest_filters_disturb_nobody(scene: Scene) -> None:
    world = peopled(scene.attacker)
    _things(scene.attacker)
    body = [{"data": {"notes": f"note {number}"}} for number in range(5_000)]
    assert world.api.post("/pipelines/things/records/bulk_create/", body).status_code in {200, 201}
    headers = {"Authorization": f"Bearer {world.api.token}"}
    with scene.undisturbed():
        for _ in range(3):
            for place, asked in LARGEST:
                found = requests.post(
                    f"{scene.url}/api/v1/pipelines/{place}/records/bulk_delete/?mode=dry_run",
                    json={"filter": asked}, headers=headers, timeout=30,
                )  # fmt: skip
                assert found.status_code == 200, found.text
