"""Figures about related records beside each row (issue 4: aggregates)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from oneo.models.tenant import SLUG_LENGTH
from tests.api import assert_problem
from tests.factories.relationship import relationship_type
from tests.factories.tenant import TestTenant
from tests.filters.world import World, peopled, related


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return peopled(tenant)


COMPANIES: dict[str, list[Any]] = {
    "count:related:employs": [2, 1, 0],
    "count:related:employs:outbound": [2, 1, 0],
    "sum:related:employs.age": [50, 40, None],
    "sum:related:employs.pay": [2.0, 2.5, None],
    "avg:related:employs.age": [25, 40, None],
    "min:related:employs.age": [20, 40, None],
    "max:related:employs.pay": [1.5, 2.5, None],
    "min:related:employs.born": ["2000-01-01", "2002-01-01", None],
    "max:related:employs:forward.born": ["2001-01-01", "2002-01-01", None],
    "count:related:owns": [1, 1, 0],
}
PEOPLE: dict[str, list[Any]] = {
    "count:related:knows": [1, 2, 2, 1],
    "count:related:knows:outbound": [1, 1, 1, 1],
    "count:related:knows:inbound": [0, 1, 2, 1],
    "sum:related:knows.age": [30, 60, 80, 40],
    "count:related:owns": [2, 1, 0, 0],
    "sum:related:employs.size": [0, 0, 1, None],
}


@pytest.mark.parametrize(("name", "expected"), [("companies", COMPANIES), ("people", PEOPLE)])
def test_figures_are_those_of_the_related_records(
    world: World, name: str, expected: dict[str, list[Any]]
) -> None:  # fmt: skip
    path = f"/pipelines/{name}/records/?ordering=created_at&include={','.join(expected)}"
    found = world.api.get(path)
    assert found.status_code == 200, found.text
    assert "ETag" not in found.headers
    rows = found.json["results"]
    assert {key: [row["included"][key] for row in rows] for key in expected} == expected
    by_cursor = world.api.get(f"{path}&cursor=").json["results"]
    assert by_cursor == rows
    one = world.api.get(f"/records/{rows[0]['id']}/?include=pipeline,{','.join(expected)}").json
    assert {key: one["included"][key] for key in expected} == rows[0]["included"]
    assert one["included"]["pipeline"]["slug"] == name


def test_figures_stand_beside_filters_and_picked_fields(world: World) -> None:
    asked = quote(json.dumps(related("employs", filter={"data__age": {"lt": 40}})))
    path = f"/pipelines/companies/records/?filter={asked}&fields=id&include=created_by,count:related:employs"
    found = world.api.get(path).json
    assert found["count"] == 1
    assert list(found["results"][0]) == ["id", "included"]
    assert list(found["results"][0]["included"]) == ["created_by", "count:related:employs"]


def test_names_longer_than_a_column_s_stay_whole(world: World) -> None:
    slug = "a" * SLUG_LENGTH
    world.link(relationship_type(world.tenant, slug, "companies", "people"), "acme ada")
    names = [f"{function}:related:{slug}:outbound.age" for function in ("sum", "avg", "min", "max")]
    row = world.api.get(f"/records/{world.ids['acme']}/?include={','.join(names)}").json
    assert row["included"] == dict.fromkeys(names, 20)


NO_FIGURES: list[tuple[str, str, str | None]] = [
    ("count:related:employ", "RELATIONSHIP_TYPE_NOT_FOUND", "employs"),
    ("count:related:", "RELATIONSHIP_TYPE_NOT_FOUND", None),
    ("count:related", "INVALID_VALUE", None),
    ("count:relatd:employs", "INVALID_VALUE", None),
    ("count:related:employs:up", "INVALID_VALUE", None),
    ("count:related:employs:inbound:x", "INVALID_VALUE", None),
    ("count:related:employs.age", "INVALID_VALUE", None),
    ("count:related:knows", "INVALID_VALUE", None),
    ("sum:related:employs", "INVALID_VALUE", None),
    ("sum:related:employs.aeg", "UNKNOWN_FIELD", "age"),
    ("sum:related:employs.status", "UNKNOWN_FIELD", None),
    ("sum:related:employs.", "UNKNOWN_FIELD", None),
    ("sum:related:owns.age", "UNKNOWN_FIELD", None),
    ("sum:related:employs.name", "NOT_SUPPORTED", None),
    ("sum:related:employs.born", "NOT_SUPPORTED", None),
    ("max:related:employs.notes", "NOT_SUPPORTED", None),
    ("median:related:employs.age", "UNKNOWN_FIELD", None),
]  # fmt: skip


def test_what_is_no_figure_is_refused(world: World) -> None:
    for name, code, suggestion in NO_FIGURES:
        for path in ("/pipelines/companies/records/", f"/records/{world.ids['acme']}/"):
            body = assert_problem(world.api.get(f"{path}?include={name}"), 400, "INVALID_PARAMETER")
            fault = body["errors"][0]
            found = (name, fault["pointer"], fault["code"], fault.get("suggestion"))
            assert found == (name, "/include", code, suggestion), body


def test_a_list_takes_twenty_figures(world: World) -> None:
    names = [f"{f}:related:employs{d}.{s}" for f in ("sum", "avg", "min", "max") for d in ("", ":outbound", ":both")
             for s in ("age", "pay")]  # fmt: skip
    body = world.api.get(f"/pipelines/companies/records/?include={','.join(names[:20])}")
    assert body.status_code == 200, body.text
    more = world.api.get(f"/pipelines/companies/records/?include={','.join(names[:21])}")
    assert_problem(more, 400, "INVALID_PARAMETER")
