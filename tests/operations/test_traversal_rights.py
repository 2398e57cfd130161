"""Every hop of a traversal respects the caller's rights (threats 13, 15, 17 to 19)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant

WALK, PATH = "/relationships/traverse/", "/relationships/shortest_path/"
FIELDS = [{"name": "Name", "field_type": "text"}, {"name": "Level", "field_type": "number"}]
LINKS: dict[str, Any] = {"permission": "relationships:read"}


@pytest.fixture
def ids(tenant: TestTenant) -> dict[str, str]:
    """a > b > c > d of people, with levels 1 to 4, and a > p > d over a place; b > c by a second type too."""
    for name in ("people", "places"):
        pipeline(tenant.api, name.title(), FIELDS, slug=name, title_field="name")
    found = {
        name: record(tenant.api, "people", {"name": name, "level": level})["id"]
        for level, name in enumerate("abcd", start=1)
    }
    found["p"] = record(tenant.api, "places", {"name": "p", "level": 9})["id"]
    knows, likes = (relationship_type(tenant, slug) for slug in ("knows", "likes"))
    relate(tenant, knows, [(found[x], found[y]) for x, y in ("ab", "bc", "cd", "ap", "pd")])
    relate(tenant, likes, [(found[x], found[y]) for x, y in ("bc", "ad")])
    return found


def seen_by(tenant: TestTenant, *grants: dict[str, Any]) -> Api:
    return tenant.user(tenant.role(f"r{len(tenant.api.get('/users/types/').text)}", grants)).api


def reached(api: Api, start: str, depth: int = 9, **query: Any) -> str:
    found = api.get(WALK, query_string={"start": start, "depth": depth, **query})
    assert found.status_code == 200, found.text
    graph = api.get(WALK, query_string={"start": start, "depth": depth, "format": "graph", **query}).json
    paths = [(path["target"]["id"], path["depth"]) for path in found.json["paths"]]
    assert paths == [(node["id"], node["depth"]) for node in graph["nodes"][1:]]
    nodes = {node["id"] for node in graph["nodes"]}
    assert {e[end] for e in graph["edges"] for end in ("source_record_id", "target_record_id")} <= nodes
    return "".join(sorted(f"{path['target']['title']}{path['depth']}" for path in found.json["paths"]))


def test_the_administrator_reaches_all(ids: dict[str, str], tenant: TestTenant) -> None:
    assert reached(tenant.api, ids["a"]) == "b1c2d1p1"


def test_no_walk_through_a_record_that_row_rules_hide(ids: dict[str, str], tenant: TestTenant) -> None:
    rule = {"filter": {"data__level": {"not": 2}}}
    api = seen_by(tenant, LINKS, {"permission": "records:read", "rows": rule})
    assert reached(api, ids["a"]) == "c2d1p1", "c is reached from d and not over b"
    assert reached(api, ids["a"], relationship_types="knows") == "c3d2p1"
    assert reached(api, ids["a"], direction="forward") == "d1p1"
    assert_problem(api.get(f"{WALK}?start={ids['b']}"), 404, "RECORD_NOT_FOUND")
    assert_problem(api.get(f"{PATH}?from={ids['a']}&to={ids['b']}"), 404, "RECORD_NOT_FOUND")
    way = f"{PATH}?from={ids['a']}&to={ids['c']}&relationship_types=knows"
    assert tenant.api.get(way).json["path"]["depth"] == 2
    assert api.get(way).json["path"]["depth"] == 3
    assert api.get(f"{way}&direction=forward").json == {
        "found": False, "path": None, "truncated": False, "limits": {"depth": 10, "limit": 10000},
    }  # fmt: skip


def test_own_rows_alone(ids: dict[str, str], tenant: TestTenant) -> None:
    grants = [LINKS, {"permission": "records:read", "rows": "own"}, {"permission": "records:create"}]
    api = seen_by(tenant, *grants)
    mine = record(api, "people", {"name": "m"})["id"]
    other = record(api, "people", {"name": "n"})["id"]
    relate(tenant, relationship_type(tenant, "to"), [(mine, ids["a"]), (ids["a"], other), (mine, other)])
    assert reached(api, mine) == "n1"
    assert_problem(api.get(f"/records/{ids['a']}/relationships/"), 404, "RECORD_NOT_FOUND")


def test_a_pipeline_without_rights_is_no_way(ids: dict[str, str], tenant: TestTenant) -> None:
    seeing_pipelines = {"permission": "pipelines:read_all"}
    api = seen_by(tenant, LINKS, seeing_pipelines, {"permission": "records:read", "pipelines": ["people"]})
    assert reached(api, ids["a"], relationship_types="knows") == "b1c2d3"
    assert_problem(api.get(f"{WALK}?start={ids['a']}&pipelines=places"), 400, "INVALID_PARAMETER")
    assert_problem(api.get(f"{WALK}?start={ids['p']}"), 404, "RECORD_NOT_FOUND")
    assert_problem(api.get(f"/pipelines/places/records/{ids['p']}/relationships/"), 403, "PERMISSION_DENIED")


def test_rules_that_differ_from_pipeline_to_pipeline(ids: dict[str, str], tenant: TestTenant) -> None:
    low, high = ({"filter": {"data__level": {test: 4}}} for test in ("lt", "gt"))
    grants = [
        {"permission": "records:read", "pipelines": ["people"], "rows": low},
        {"permission": "records:read", "pipelines": ["places"], "rows": high},
    ]
    api = seen_by(tenant, LINKS, *grants)
    assert reached(api, ids["a"]) == "b1c2p1"
    assert reached(api, ids["a"], record_filter='{"title":{"not":"b"}}') == "p1"
    assert reached(api, ids["a"], pipelines="places") == "p1"


def test_types_without_a_grant_are_not_walked(ids: dict[str, str], tenant: TestTenant) -> None:
    reading = {"permission": "records:read"}
    api = seen_by(tenant, {**LINKS, "pipelines": ["likes"]}, reading)
    assert reached(api, ids["a"]) == "d1"
    assert reached(api, ids["b"]) == "c1"
    [fault] = assert_problem(api.get(f"{WALK}?start={ids['a']}&relationship_types=knows"), 400, "INVALID_PARAMETER")[
        "errors"
    ]
    assert fault["code"] == "RELATIONSHIP_TYPE_NOT_FOUND"
    assert "knows" not in str({**fault, "message": ""})
    for grants, missing in (([reading], "relationships:read"), ([LINKS], "records:read")):
        problem = assert_problem(seen_by(tenant, *grants).get(f"{WALK}?start={ids['a']}"), 403, "PERMISSION_DENIED")
        assert problem["permission"] == missing


def test_titles_are_those_that_the_caller_sees(ids: dict[str, str], tenant: TestTenant) -> None:
    api = seen_by(tenant, LINKS, {"permission": "records:read", "hidden_fields": ["name"]})
    found = api.get(f"{WALK}?start={ids['a']}&pipelines=people").json
    titles = {found["start"]["title"], *(path["target"]["title"] for path in found["paths"])}
    assert titles == {f"People {ids[name][-8:]}" for name in "abd"}
    assert reached(api, ids["a"], record_filter='{"title":"b"}') == ""
    assert reached(tenant.api, ids["a"], record_filter='{"title":"b"}') == "b1"


def test_what_is_deleted_is_not_reached(ids: dict[str, str], tenant: TestTenant) -> None:
    assert tenant.api.delete(f"/records/{ids['a']}/").status_code == 204
    assert_problem(tenant.api.get(f"{WALK}?start={ids['a']}"), 404, "RECORD_NOT_FOUND")
    assert tenant.api.delete("/pipelines/places/").status_code == 204
    assert not {"a", "p"} & set(reached(tenant.api, ids["d"], relationship_types="knows"))


def test_another_tenant_has_nothing_to_do_with_it(ids: dict[str, str], tenant: TestTenant, other: TestTenant) -> None:
    """Threats 1, 2, 7: as a start, an end, a type, a pipeline."""
    own = pipeline(other.api, "Own", FIELDS)["id"]
    mine = record(other.api, "own", {"name": "x"})["id"]
    foreign: UUID = relationship_type(other, "foreign")
    place = tenant.api.get("/pipelines/people/").json["id"]
    for start in (ids["a"], SOME_ID):
        for address in (f"{WALK}?start={start}", f"/records/{start}/relationships/", f"{PATH}?from={mine}&to={start}"):
            assert_problem(other.api.get(address), 404, "RECORD_NOT_FOUND")
        assert_problem(other.api.post(WALK, {"start": start}), 404, "RECORD_NOT_FOUND")
    for query in (f"relationship_types={foreign}", "relationship_types=foreign", f"pipelines={own}", "pipelines=own"):
        assert_problem(tenant.api.get(f"{WALK}?start={ids['a']}&{query}"), 400, "INVALID_PARAMETER")
    assert_problem(other.api.get(f"{WALK}?start={mine}&pipelines={place}"), 400, "INVALID_PARAMETER")
    assert_problem(other.api.get(f"{WALK}?start={mine}&relationship_types=knows"), 400, "INVALID_PARAMETER")
    assert reached(other.api, mine) == ""


def test_a_record_of_another_pipeline_is_not_in_this_one(ids: dict[str, str], tenant: TestTenant) -> None:
    assert_problem(
        tenant.api.get(f"/pipelines/places/records/{ids['a']}/relationships/"), 404, "RECORD_NOT_FOUND"
    )  # fmt: skip
    assert tenant.api.get(f"/pipelines/people/records/{ids['a']}/relationships/").status_code == 200
