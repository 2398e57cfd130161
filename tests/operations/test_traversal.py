"""Traversal of graphs drawn by hand: what is found, by which way, under which conditions, and what is refused
(checklist 17, 22)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oneo.operations.traversal import MAX_DEPTH, MAX_LIMIT
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant

NAME = [{"name": "Name", "field_type": "text"}, {"name": "Level", "field_type": "number"}]
WALK, PATH = "/relationships/traverse/", "/relationships/shortest_path/"
NOW = datetime.now(UTC)
PAST, AGO, SOON = NOW - timedelta(days=9), NOW - timedelta(days=3), NOW + timedelta(days=3)


def people(tenant: TestTenant, names: str, slug: str = "people", **data: Any) -> dict[str, str]:
    """Records by name; the pipeline is made when there is none."""
    if tenant.api.get(f"/pipelines/{slug}/").status_code == 404:
        pipeline(tenant.api, slug.title(), NAME, slug=slug, title_field="name")
    return {name: record(tenant.api, slug, {"name": name, **data})["id"] for name in names}


def draw(tenant: TestTenant, type_id: UUID, ids: dict[str, str], pairs: str, **columns: Any) -> list[UUID]:
    return relate(tenant, type_id, [(ids[pair[0]], ids[pair[1]]) for pair in pairs.split()], **columns)


def drawn(path: dict[str, Any], start: dict[str, Any], titles: dict[str, str]) -> str:
    """The way as text, an arrow for each relationship as it was walked, from the start to the target."""
    at, way = str(start["id"]), str(start["title"])
    for step in path["relationships"]:
        ends = step["source_record_id"], step["target_record_id"]
        before, after = ends if step["direction"] == "OUTBOUND" else ends[::-1]
        assert before == at
        at, way = after, f"{way}{'>' if step['direction'] == 'OUTBOUND' else '<'}{titles[after]}"
    assert at == path["target"]["id"]
    assert path["depth"] == len(path["relationships"])
    return way


def ways(answer: Any) -> list[str]:
    titles = {path["target"]["id"]: path["target"]["title"] for path in answer["paths"]}
    return [drawn(path, answer["start"], titles) for path in answer["paths"]]


def walk(api: Api, start: str, **query: Any) -> list[str]:
    found = api.get(WALK, query_string={"start": start, **query})
    assert found.status_code == 200, found.text
    return sorted(ways(found.json))


@pytest.fixture
def knows(tenant: TestTenant) -> UUID:
    return relationship_type(tenant, "knows")


@pytest.fixture
def ids(tenant: TestTenant, knows: UUID) -> dict[str, str]:
    """a > b > c > d, and e > b."""
    found = people(tenant, "abcde")
    draw(tenant, knows, found, "ab bc cd eb")
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["a>b"]),
        ({"depth": 2}, ["a>b", "a>b<e", "a>b>c"]),
        ({"max_depth": 3}, ["a>b", "a>b<e", "a>b>c", "a>b>c>d"]),
        ({"depth": 9, "direction": "forward"}, ["a>b", "a>b>c", "a>b>c>d"]),
        ({"depth": 9, "direction": "OUTBOUND"}, ["a>b", "a>b>c", "a>b>c>d"]),
        ({"depth": 9, "direction": "reverse"}, []),
        ({"depth": 9, "direction": "INBOUND", "start": "d"}, ["d<c", "d<c<b", "d<c<b<a", "d<c<b<e"]),
        ({"depth": 9, "start": "e", "direction": "Both"}, ["e>b", "e>b<a", "e>b>c", "e>b>c>d"]),
    ],
)
def test_directions_and_depths(
    ids: dict[str, str], api: Api, query: dict[str, Any], expected: list[str]
) -> None:  # fmt: skip
    start = ids[query.pop("start", "a")]
    assert walk(api, start, **query) == expected
    body = api.post(WALK, {"start": start, **query})
    assert sorted(ways(body.json)) == expected
    assert api.get(f"/records/{start}/relationships/", query_string=query).json == body.json
    assert api.get(f"/pipelines/people/records/{start}/relationships/", query_string=query).json == body.json


def test_the_answer(ids: dict[str, str], api: Api, knows: UUID) -> None:
    place = api.get("/pipelines/people/").json["id"]
    found = api.get(f"{WALK}?start={ids['a']}&depth=2&direction=forward").json
    step = {"relationship_type_id": str(knows), "relationship_type": "knows", "direction": "OUTBOUND"}
    first, second = found["paths"]
    assert found["start"] == {"id": ids["a"], "pipeline_id": place, "title": "a", "status": "active"}
    assert first["target"] == {"id": ids["b"], "pipeline_id": place, "title": "b", "status": "active"}
    assert first["relationships"] == [
        {"id": first["relationships"][0]["id"], **step, "source_record_id": ids["a"], "target_record_id": ids["b"]}
    ]
    assert [first["depth"], second["depth"]] == [1, 2]
    assert second["relationships"][0] == first["relationships"][0]
    assert found["statistics"] == {
        "total_paths": 2, "max_depth_reached": 2, "unique_records_found": 2, "relationship_types_used": ["knows"],
    }  # fmt: skip
    assert (found["truncated"], found["limits"]) == (False, {"depth": 2, "limit": 1000})


def test_a_record_without_relationships_reaches_nothing(tenant: TestTenant) -> None:
    lonely = people(tenant, "x")["x"]
    found = tenant.api.get(f"/records/{lonely}/relationships/").json
    assert found["paths"] == []
    assert found["statistics"] == {
        "total_paths": 0, "max_depth_reached": 0, "unique_records_found": 0, "relationship_types_used": [],
    }  # fmt: skip


def test_a_graph_has_every_edge_that_was_walked_once(ids: dict[str, str], tenant: TestTenant, knows: UUID) -> None:
    back = draw(tenant, knows, ids, "ca aa")
    found = tenant.api.get(f"{WALK}?start={ids['a']}&depth=2&direction=forward&format=graph").json
    assert [(node["title"], node["depth"]) for node in found["nodes"]] == [("a", 0), ("b", 1), ("c", 2)]
    ends = {name: key for key, name in ids.items()}
    edges = [f"{ends[e['source_record_id']]}{ends[e['target_record_id']]}" for e in found["edges"]]
    assert edges == ["ab", "bc", "aa"], "c is as far as it went, so that what leads on from it was not walked"
    found = tenant.api.get(f"{WALK}?start={ids['a']}&depth=3&format=graph").json
    assert len({edge["id"] for edge in found["edges"]}) == len(found["edges"]) == 6
    assert set(map(str, back)) < {edge["id"] for edge in found["edges"]}
    assert found["statistics"]["total_paths"] == 4


def test_one_shortest_path_for_each_record_by_the_least_id(ids: dict[str, str], tenant: TestTenant) -> None:
    other = relationship_type(tenant, "other")
    first, second = sorted(draw(tenant, other, ids, "ab ab"))
    for _ in range(2):
        [path] = tenant.api.get(f"{WALK}?start={ids['a']}&relationship_types=other").json["paths"]
        assert path["relationships"][0]["id"] == str(first)
    assert first != second


def test_bidirectional_relationships_are_walked_both_ways(ids: dict[str, str], tenant: TestTenant) -> None:
    both = relationship_type(tenant, "both")
    draw(tenant, both, ids, "da", is_bidirectional=True)
    assert walk(tenant.api, ids["a"], direction="forward") == ["a<d", "a>b"]
    assert walk(tenant.api, ids["d"], direction="forward") == ["d>a"]
    assert walk(tenant.api, ids["d"], direction="reverse") == ["d<c", "d>a"]
    for path in (f"{WALK}?start={ids['a']}&format=graph", f"/records/{ids['a']}/relationships/?format=graph"):
        edges = tenant.api.get(path).json["edges"]
        assert {edge["relationship_type"]: edge["is_bidirectional"] for edge in edges} == {"knows": False, "both": True}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "1"),
        ({"status": "ACTIVE,pending"}, "12"),
        ({"status": "INACTIVE"}, "3"),
        ({"include_inactive": "true"}, "123"),
        ({"effective_at": (AGO + timedelta(hours=1)).isoformat()}, "14"),
        ({"effective_at": AGO.isoformat()}, "14"),
        ({"effective_at": (NOW - timedelta(days=1)).isoformat()}, "1"),
        ({"effective_at": SOON.isoformat()}, "15"),
        ({"effective_at": "2001-01-01"}, ""),
        ({"filter": '{"strength":{"gte":0.5}}'}, ""),
        ({"filter": '{"strength__lt":0.5}'}, "1"),
        ({"filter": '{"metadata":{"contains":{"a":{"b":1}}}}'}, "1"),
        ({"filter": '{"metadata":{"exact":{"a":{"b":1}}}}'}, ""),
        ({"filter": '{"metadata":{"exact":{"a":{"c":2,"b":1}}}}'}, "1"),
        ({"filter": '{"not":{"is_bidirectional":true}}', "include_inactive": "true"}, "123"),
        ({"filter": '{"effective_until":{"exists":true}}', "effective_at": AGO.isoformat()}, "4"),
        ({"record_filter": '{"title":{"in":["2","3"]}}', "include_inactive": "true"}, "23"),
        ({"record_filter": '{"status":"active"}'}, "1"),
        ({"record_filter": '{"status":"lost"}'}, ""),
        ({"pipelines": "people"}, "1"),
        ({"pipelines": "places"}, ""),
        ({"relationship_types": "knows"}, "1"),
        ({"relationship_types": "odd"}, ""),
        ({"relationship_types": "odd,knows"}, "1"),
    ],
)
def test_conditions(tenant: TestTenant, knows: UUID, query: dict[str, str], expected: str) -> None:
    ids = people(tenant, "0123456")
    people(tenant, "z", "places")
    relationship_type(tenant, "odd")
    meta = {"a": {"b": 1, "c": 2}}
    draw(tenant, knows, ids, "01", effective_from=PAST, strength=0.25, meta=meta)
    draw(tenant, knows, ids, "02", status="PENDING", effective_from=NOW)
    draw(tenant, knows, ids, "03", status="INACTIVE", effective_from=NOW)
    draw(tenant, knows, ids, "04", effective_from=AGO, effective_until=NOW - timedelta(days=1))
    draw(tenant, knows, ids, "05", effective_from=SOON)
    draw(tenant, knows, ids, "06", is_dormant=True)
    draw(tenant, knows, ids, "06", deleted_at=NOW)
    for found in (
        tenant.api.get(WALK, query_string={"start": ids["0"], **query}),
        tenant.api.get(WALK, query_string={"start": ids["0"], "format": "graph", **query}),
    ):
        assert found.status_code == 200, found.text
        reached = found.json.get("paths") or found.json.get("nodes", [])[1:]
        assert "".join(sorted(one.get("target", one)["title"] for one in reached)) == expected


def test_records_that_do_not_match_are_not_walked_through(ids: dict[str, str], api: Api) -> None:
    assert api.patch(f"/records/{ids['b']}/", {"status": "lost"}).status_code == 200
    assert walk(api, ids["b"], depth=3, record_filter='{"status":"active"}') == ["b<a", "b<e", "b>c", "b>c>d"]
    assert walk(api, ids["a"], depth=3, record_filter='{"status":"active"}') == []
    assert walk(api, ids["a"], depth=3, record_filter='{"title":{"not":"c"}}') == ["a>b", "a>b<e"]


def test_shortest_path(ids: dict[str, str], tenant: TestTenant, knows: UUID) -> None:
    titles = {key: name for name, key in ids.items()}

    def way(start: str, end: str, **query: Any) -> str | None:
        found = tenant.api.get(PATH, query_string={"from": ids[start], "to": ids[end], **query})
        assert found.status_code == 200, found.text
        assert found.json["found"] == (found.json["path"] is not None)
        assert found.json["truncated"] is False
        path = found.json["path"]
        return path and drawn(path, {"id": ids[start], "title": start}, titles)

    assert [way("a", x) for x in "abcde"] == ["a", "a>b", "a>b>c", "a>b>c>d", "a>b<e"]
    assert [way("d", x, direction="forward") for x in "abcde"] == [None, None, None, "d", None]
    assert way("d", "e", direction="reverse") == "d<c<b<e"
    assert [way("a", "d", depth=n) for n in (1, 2, 3)] == [None, None, "a>b>c>d"]
    assert way("a", "d", record_filter='{"title":{"not":"c"}}') is None
    assert way("a", "d", record_filter='{"title":{"not":"d"}}') is None
    draw(tenant, knows, ids, "da", is_bidirectional=True)
    assert way("a", "d", direction="forward") == "a<d"
    for query in (f"from={SOME_ID}&to={ids['a']}", f"from={ids['a']}&to={SOME_ID}"):
        assert_problem(tenant.api.get(f"{PATH}?{query}"), 404, "RECORD_NOT_FOUND")


def test_limits_and_what_they_cut_off(tenant: TestTenant, knows: UUID) -> None:
    ids = people(tenant, "0123456789")
    draw(tenant, knows, ids, "01 02 03 14 25 36 47 58 69")
    whole = [path["target"]["title"] for path in tenant.api.get(f"{WALK}?start={ids['0']}&depth=9").json["paths"]]
    assert whole == sorted(whole, key=lambda title: ("123456789".index(title) // 3, ids[title]))
    for limit in range(1, 11):
        found = tenant.api.get(f"{WALK}?start={ids['0']}&depth=9&limit={limit}").json
        assert [path["target"]["title"] for path in found["paths"]] == whole[:limit]
        assert (found["truncated"], found["limits"]) == (limit < 9, {"depth": 9, "limit": limit})
        graph = tenant.api.get(f"{WALK}?start={ids['0']}&depth=9&limit={limit}&format=graph").json
        assert ([node["title"] for node in graph["nodes"]], graph["truncated"]) == (["0", *whole[:limit]], limit < 9)
        assert len(graph["edges"]) == limit - (limit == 10)
    assert found["statistics"]["max_depth_reached"] == 3
    blind = tenant.api.get(f"{PATH}?from={ids['0']}&to={ids['7']}&limit=1").json
    assert (blind["found"], blind["truncated"]) == (False, True)


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"depth": "0"}, "/depth", "OUT_OF_RANGE"),
        ({"depth": "11"}, "/depth", "OUT_OF_RANGE"),
        ({"max_depth": "11"}, "/depth", "OUT_OF_RANGE"),
        ({"depth": "x"}, "/depth", "INVALID_VALUE"),
        ({"depth": "1", "max_depth": "2"}, "/max_depth", "INVALID_VALUE"),
        ({"limit": "0"}, "/limit", "OUT_OF_RANGE"),
        ({"limit": "10001"}, "/limit", "OUT_OF_RANGE"),
        ({"direction": "forwards"}, "/direction", "INVALID_VALUE"),
        ({"format": "svg"}, "/format", "INVALID_VALUE"),
        ({"status": "DELETED"}, "/status", "INVALID_VALUE"),
        ({"status": "ACTIVE", "include_inactive": "true"}, "/include_inactive", "CONTRADICTION"),
        ({"effective_at": "yesterday"}, "/effective_at", "INVALID_VALUE"),
        ({"relationship_types": "know"}, "/relationship_types", "RELATIONSHIP_TYPE_NOT_FOUND"),
        ({"relationship_types": f"knows,{SOME_ID}"}, "/relationship_types", "RELATIONSHIP_TYPE_NOT_FOUND"),
        ({"pipelines": "peopel"}, "/pipelines", "PIPELINE_NOT_FOUND"),
        ({"filter": "{"}, "/filter", "INVALID_VALUE"),
        ({"filter": "[]"}, "/filter", "INVALID_VALUE"),
        ({"filter": '{"a":1,"a":1}'}, "/filter", "INVALID_VALUE"),
        ({"filter": '{"strenght":1}'}, "/filter/strenght", "UNKNOWN_FIELD"),
        ({"filter": '{"strength":{"contains":1}}'}, "/filter/strength/contains", "UNKNOWN_OPERATOR"),
        ({"record_filter": '{"data__name":"a"}'}, "/record_filter/data__name", "UNKNOWN_FIELD"),
        ({"detph": "2"}, "/detph", "UNKNOWN_PARAMETER"),
        ({"start": "a"}, "/start", "INVALID_VALUE"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    ids: dict[str, str], api: Api, query: dict[str, str], pointer: str, code: str
) -> None:
    problem = assert_problem(api.get(WALK, query_string={"start": ids["a"], **query}), 400, "INVALID_PARAMETER")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]


def test_a_refusal_helps(ids: dict[str, str], api: Api) -> None:
    query = {"depth": "11", "relationship_types": "know", "pipelines": "peopel", "filter": '{"strenght":1}'}
    problem = assert_problem(api.get(WALK, query_string={"start": ids["a"], **query}), 400, "INVALID_PARAMETER")
    helped = [fault.get("suggestion") or fault["allowed"] for fault in problem["errors"]]
    assert helped == [["1", str(MAX_DEPTH)], "knows", "people", "strength"]
    assert MAX_LIMIT == 10_000
    [fault] = assert_problem(api.get(f"{WALK}?start={ids['a']}&detph=2"), 400, "INVALID_PARAMETER")["errors"]
    assert fault["suggestion"] == "depth"
    assert_problem(api.get(WALK), 400, "INVALID_PARAMETER")
    assert_problem(api.get(f"{PATH}?from={ids['a']}&from={ids['b']}&to={ids['c']}"), 400, "INVALID_PARAMETER")
    for body in ({}, {"start": ids["a"], "depth": "2"}, {"start": ids["a"], "filter": []}, {"start": ids["a"], "x": 1}):
        assert_problem(api.post(WALK, body), 422, "VALIDATION_FAILED")


def test_a_tag_is_given_where_time_alone_changes_nothing(ids: dict[str, str], tenant: TestTenant, knows: UUID) -> None:
    address = f"{WALK}?start={ids['a']}"
    assert "ETag" not in tenant.api.get(address).headers
    tag = tenant.api.get(f"{address}&effective_at={SOON.date()}").headers["ETag"]
    seen = {"If-None-Match": tag}
    assert tenant.api.get(f"{address}&effective_at={SOON.date()}", headers=seen).status_code == 304
    assert tenant.api.patch(f"/records/{ids['b']}/", {"data": {"name": "bee"}}).status_code == 200
    assert tenant.api.get(f"{address}&effective_at={SOON.date()}", headers=seen).status_code == 200


def test_a_way_that_is_found_behind_a_limit_is_no_longer_one(tenant: TestTenant, knows: UUID) -> None:
    ids = people(tenant, "sa1234dt")
    draw(tenant, knows, ids, "sa a1 a2 a3 a4 4t 1d dt")
    asked = {"from": ids["s"], "to": ids["t"], "direction": "forward"}
    for limit in range(1, 9):
        found = tenant.api.get(PATH, query_string={**asked, "limit": limit}).json
        length = found["path"] and found["path"]["depth"]
        assert (length, found["truncated"]) in {(3, False), (None, True)}, limit
