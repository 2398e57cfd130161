"""Conditions on related records: what they find, in whatever way, and what they refuse (threats 15, 18)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.api import assert_problem
from tests.factories.tenant import TestTenant
from tests.filters.world import World, peopled, related

NOW = "2026-06-01T00:00:00Z"


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return peopled(tenant)


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("companies", related("employs"), ["acme", "bolt"]),
    ("companies", related("employs", exists=False), ["cyan"]),
    ("companies", {"not": related("employs")}, ["cyan"]),
    ("companies", {"not": related("employs", exists=False)}, ["acme", "bolt"]),
    ("companies", related("employs", direction="outbound"), ["acme", "bolt"]),
    ("companies", related("employs", direction="forward"), ["acme", "bolt"]),
    ("companies", related("employs", filter={"data__age": {"gte": 30}}), ["acme", "bolt"]),
    ("companies", related("employs", filter={"data__age": {"lt": 30}}), ["acme"]),
    ("companies", related("employs", filter={"data__age__lt": 30}, exists=False), ["bolt", "cyan"]),
    ("companies", related("employs", filter={"not": {"data__age": {"lt": 30}}}), ["acme", "bolt"]),
    ("companies", related("employs", filter={"data__notes": {"contains": {"at": 2}}}), ["bolt"]),
    ("companies", related("employs", filter={"data__name": "ada"}, effective_at="2020-06-01"), ["cyan"]),
    ("companies", related("employs", effective_at="2020-01-01T00:00:00Z"), ["cyan"]),
    ("companies", related("employs", effective_at="2021-01-01T00:00:00Z"), []),
    ("companies", related("employs", link={"status": "INACTIVE"}), ["bolt"]),
    ("companies", related("employs", link={"status": {"in": ["active", "inactive"]}}, count={"exact": 2}),
     ["acme", "bolt"]),
    ("companies", related("employs", link={"strength": {"lt": 0.5}}), []),
    ("companies", related("employs", link={"status": "INACTIVE", "strength": {"lt": 0.5}}), ["bolt"]),
    ("companies", related("employs", link={"status": "INACTIVE", "metadata": {"contains": {"a": {"b": 1}}}}), ["bolt"]),
    ("companies", related("employs", link={"status": "INACTIVE", "metadata": {"contains": {"a": {"b": 2}}}}), []),
    ("companies", related("employs", link={"status": "DELETED"}), []),
    ("companies", related("employs", count={"gte": 2}), ["acme"]),
    ("companies", related("employs", count={"exact": 0}), ["cyan"]),
    ("companies", related("employs", count={"gt": 0, "lt": 2}), ["bolt"]),
    ("companies", {"not": related("employs", count={"lte": 1})}, ["acme"]),
    ("companies", {"or": [related("employs", count={"gte": 2}), {"data__name": "cyan"}]}, ["acme", "cyan"]),
    ("companies", {"related": [{"type": "employs"}, {"type": "owns", "filter": {"status": "active"}}]},
     ["acme", "bolt"]),
    ("companies", {"and": [related("employs"), {"data__size": 0}]}, ["acme"]),
    ("people", related("employs"), ["ada", "bob", "cleo"]),
    ("people", related("employs", direction="inbound", filter={"data__size": {"gte": 1}}), ["cleo"]),
    ("people", related("employs", direction="reverse"), ["ada", "bob", "cleo"]),
    ("people", related("knows"), ["ada", "bob", "cleo", "dan"]),
    ("people", related("knows", direction="outbound"), ["ada", "bob", "cleo", "dan"]),
    ("people", related("knows", direction="outbound", filter={"data__name": "dan"}), ["cleo"]),
    ("people", related("knows", direction="inbound", filter={"data__name": {"in": ["ada", "bob"]}}), ["bob", "cleo"]),
    ("people", related("knows", count={"gte": 2}), ["bob", "cleo"]),
    ("people", related("owns"), ["ada", "bob"]),
    ("people", related("owns", count={"exact": 1}), ["bob"]),
    ("people", related("owns", pipeline="companies", filter={"data__name": "bolt"}), ["ada"]),
    ("people", related("owns", pipeline="people", direction="outbound"), ["bob"]),
    ("people", related("owns", filter={"version": 1}, count={"exact": 2}), ["ada"]),
    # Nested: whoever knows somebody who is employed by a company that is owned by ada.
    ("people", related("knows", direction="outbound", filter=related(
        "employs", filter=related("owns", direction="inbound", filter={"id": "{ada}"}))), ["ada", "bob", "dan"]),
    ("people", related("knows", direction="outbound", filter={
        "data__name": "bob", **related("knows", direction="inbound", filter={"data__name": "ada"})}), ["ada"]),
    ("people", related("knows", direction="outbound", filter=related(
        "knows", direction="outbound", filter={"data__name": "cleo"}, exists=False)), ["bob", "dan"]),
]  # fmt: skip


def test_a_relation_finds_what_it_means(world: World) -> None:
    for name, asked, expected in CASES:
        placed = json.loads(json.dumps(asked).replace("{ada}", world.ids["ada"]))
        assert (asked, world.find(name, placed)) == (asked, expected)


def test_relations_are_asked_along_their_own_fields(world: World) -> None:
    works = world.works_at()
    world.link(works, "ada acme", data={"role": "boss", "hours": 10})
    world.link(works, "bob acme", data={"role": "clerk", "hours": 40.5})
    assert world.find("people", related("works_at", link={"data__role": "boss"})) == ["ada"]
    assert world.find("people", related("works_at", link={"data__hours": {"gt": 10}})) == ["bob"]
    assert world.find("people", related("works_at", link={"not": {"data__role": "boss"}})) == ["bob"]
    assert world.find("companies", related("works_at", link={"data__role__in": ["clerk"]})) == ["acme"]


def test_removed_relationships_and_those_of_removed_records_do_not_count(world: World) -> None:
    assert world.api.patch("/relationships/types/employs/", {"on_delete": "keep"}).status_code == 200
    world.link(world.employs, "cyan dan", is_dormant=True)
    assert world.find("companies", related("employs")) == ["acme", "bolt"]
    assert world.find("companies", related("employs", link={"status": {"exists": True}})) == ["acme", "bolt"]
    world.api.delete(f"/records/{world.ids['cleo']}/")
    assert world.find("companies", related("employs", filter={"data__age": 40})) == []
    world.api.post(f"/records/{world.ids['cleo']}/restore/")
    for row in world.api.get(f"/relationships/?source_record_id={world.ids['acme']}").json["results"]:
        assert world.api.delete(f"/relationships/{row['id']}/").status_code == 204
    assert world.find("companies", related("employs")) == ["bolt"]


UNREADABLE: list[tuple[Any, str, str, str | None]] = [
    ({"type": "employ"}, "/type", "RELATIONSHIP_TYPE_NOT_FOUND", "employs"),
    ({"type": "nothing"}, "/type", "RELATIONSHIP_TYPE_NOT_FOUND", None),
    ({"type": "people"}, "/type", "RELATIONSHIP_TYPE_NOT_FOUND", None),
    ({"type": ["employs"]}, "/type", "RELATIONSHIP_TYPE_NOT_FOUND", None),
    ({}, "/type", "RELATIONSHIP_TYPE_NOT_FOUND", None),
    ("employs", "", "INVALID_FILTER", None),
    (None, "", "INVALID_FILTER", None),
    ([1], "/0", "INVALID_FILTER", None),
    ({"type": "employs", "filtr": {}}, "/filtr", "UNKNOWN_FIELD", "filter"),
    ({"type": "employs", "direction": "up"}, "/direction", "INVALID_VALUE", None),
    ({"type": "employs", "direction": 1}, "/direction", "INVALID_VALUE", None),
    ({"type": "knows"}, "/type", "INVALID_VALUE", None),
    ({"type": "employs", "pipeline": "peple"}, "/pipeline", "PIPELINE_NOT_FOUND", "people"),
    ({"type": "employs", "pipeline": "companies"}, "/pipeline", "INVALID_VALUE", None),
    ({"type": "employs", "filter": {"data__agee": 1}}, "/filter/data__agee", "UNKNOWN_FIELD", "data__age"),
    ({"type": "employs", "filter": {"data__age": []}}, "/filter/data__age/exact", "WRONG_TYPE", None),
    ({"type": "employs", "filter": {"data__age": {"contains": 1}}}, "/filter/data__age/contains",
     "UNKNOWN_OPERATOR", None),
    ({"type": "owns", "filter": {"data__age": 1}}, "/filter/data__age", "UNKNOWN_FIELD", None),
    ({"type": "owns", "filter": {"title": "x"}}, "/filter/title", "UNKNOWN_FIELD", None),
    ({"type": "employs", "filter": []}, "/filter", "INVALID_FILTER", None),
    ({"type": "employs", "link": {"strenght": 1}}, "/link/strenght", "UNKNOWN_FIELD", "strength"),
    ({"type": "employs", "link": {"related": {"type": "employs"}}}, "/link/related", "UNKNOWN_FIELD", "created_by"),
    ({"type": "employs", "link": {"source_record_id": None}}, "/link/source_record_id", "UNKNOWN_FIELD", None),
    ({"type": "employs", "effective_at": "yesterday"}, "/effective_at", "INVALID_VALUE", None),
    ({"type": "employs", "effective_at": None}, "/effective_at", "INVALID_VALUE", None),
    ({"type": "employs", "count": {}}, "/count", "INVALID_VALUE", None),
    ({"type": "employs", "count": 2}, "/count", "INVALID_VALUE", None),
    ({"type": "employs", "count": {"gtee": 2}}, "/count/gtee", "UNKNOWN_OPERATOR", "gte"),
    ({"type": "employs", "count": {"gte": -1}}, "/count/gte", "INVALID_VALUE", None),
    ({"type": "employs", "count": {"gte": True}}, "/count/gte", "INVALID_VALUE", None),
    ({"type": "employs", "count": {"gte": 1.5}}, "/count/gte", "INVALID_VALUE", None),
    ({"type": "employs", "count": {"gte": 10**7}}, "/count/gte", "INVALID_VALUE", None),
    ({"type": "employs", "exists": 1}, "/exists", "INVALID_VALUE", None),
    ({"type": "employs", "exists": False, "count": {"gte": 1}}, "/exists", "CONTRADICTION", None),
    ([{"type": "employs"}] * 11, "", "INVALID_FILTER", None),
]  # fmt: skip


def test_what_cannot_be_read_is_refused_with_its_place(world: World) -> None:
    for asked, where, code, suggestion in UNREADABLE:
        query = quote(json.dumps({"related": asked}))
        body = assert_problem(world.api.get(f"/pipelines/companies/records/?filter={query}"), 400, "INVALID_PARAMETER")
        fault = body["errors"][0]
        found = (asked, fault["pointer"], fault["code"], fault.get("suggestion"))
        assert found == (asked, f"/filter/related{where}", code, suggestion), body


def test_relations_lead_three_steps_far(world: World) -> None:
    three = related("knows", filter=related("knows", filter=related("knows")))
    assert world.find("people", three) == ["ada", "bob", "cleo", "dan"]
    query = quote(json.dumps(related("knows", filter=three)))
    body = assert_problem(world.api.get(f"/pipelines/people/records/?filter={query}"), 400, "INVALID_PARAMETER")
    assert body["errors"][0]["pointer"] == "/filter" + "/related/filter" * 3 + "/related"


def test_a_list_in_which_the_clock_stands_is_not_tagged_and_its_count_not_kept(world: World) -> None:
    world.link(world.employs, "cyan dan", effective_until=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
    path = f"/pipelines/companies/records/?filter={quote(json.dumps(related('employs')))}"
    first = world.api.get(path)
    assert (first.json["count"], "ETag" in first.headers) == (3, False)
    fixed = f"/pipelines/companies/records/?filter={quote(json.dumps(related('employs', effective_at=NOW)))}"
    assert "ETag" in world.api.get(fixed).headers
    time.sleep(2)
    assert world.api.get(path).json["count"] == 2


def test_pages_by_cursor_and_exports_and_bulk_delete_take_relations(world: World) -> None:
    query = quote(json.dumps(related("employs")))
    page = world.api.get(f"/pipelines/people/records/?ordering=created_at&page_size=2&cursor=&filter={query}").json
    assert [row["data"]["name"] for row in page["results"]] == ["ada", "bob"]
    rest = world.api.get(page["next"].partition("localhost")[2]).json
    assert [row["data"]["name"] for row in rest["results"]] == ["cleo"]
    lines = world.api.get(f"/pipelines/people/export/?format=ndjson&filter={query}").text.splitlines()
    assert {json.loads(line)["data"]["name"] for line in lines} == {"ada", "bob", "cleo"}
    removed = world.api.post(
        "/pipelines/people/records/bulk_delete/", {"filter": related("employs", filter={"data__name": "acme"})}
    )
    assert removed.status_code == 200, removed.text
    assert world.find("people", {}) == ["cleo", "dan"]


def test_graphql_takes_relations(world: World) -> None:
    text = "query($p: ID!, $f: RecordFilters) { records(pipelineId: $p, filters: $f) { nodes { name } totalCount } }"
    place = world.api.get("/pipelines/companies/").json["id"]
    asked = {"query": text, "variables": {"p": place, "f": related("employs", count={"gte": 2})}}
    body = world.api.post("/graphql", asked).json
    assert body["data"]["records"]["totalCount"] == 1, body


def test_search_takes_relations(world: World) -> None:
    query = quote(json.dumps(related("owns", direction="outbound")))
    for words in ("", "ada"):
        found = world.api.get(f"/records/?search={words}&filter={query}")
        assert found.status_code == 200, found.text
        assert {row["data"]["name"] for row in found.json["results"]} == ({"ada"} if words else {"ada", "bob"})
