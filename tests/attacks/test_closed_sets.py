"""A word that is none of a closed set is refused with the words that are: an empty list would hide the mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import SOME_ID, assert_problem
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant

LISTS: dict[tuple[str, str], tuple[str, str]] = {
    ("/relationships/", "status"): ("ACTIVE", "GONE"),
    ("/relationships/deleted/", "status"): ("DELETED", "GONE"),
    ("/relationships/types/", "cardinality"): ("one_to_one", "one_to_two"),
    ("/relationships/types/", "on_delete"): ("keep", "explode"),
    ("/relationships/types/owns/constraints/", "constraint_type"): ("HIERARCHY", "WISH"),
    ("/relationships/{link}/history/", "type"): ("relationship.created", "record.created"),
    ("/pipelines/deals/fields/", "field_type"): ("text", "tiny"),
    ("/pipelines/deals/records/", "data__stage"): ("open", "shut"),
    ("/pipelines/deals/records/", "data__tags"): ("hot", "warm"),
    ("/records/{record}/history/", "type"): ("record.created", "record.made"),
    ("/records/{record}/history/", "actor_kind"): ("session", "robot"),
    ("/admin/audit/", "type"): ("record.created", "record.made"),
    ("/admin/audit/", "actor_kind"): ("api_key", "robot"),
    ("/users/", "user_type"): ("admin", "nobody"),
    ("/users/deleted/", "user_type"): ("admin", "nobody"),
}
"""A word of the set, and one that is none, by list and parameter."""
PARAMETERS = {
    ("/users/", "count"): "some",
    ("/pipelines/deals/export/", "headers"): "none",
    ("/relationships/traverse/", "format"): "tree",
    ("/relationships/traverse/", "direction"): "up",
    ("/relationships/traverse/", "status"): "GONE",
}


@pytest.fixture(scope="module")
def names(settled: TestTenant) -> dict[str, str]:
    api = settled.api
    deals(api)
    record_id = record(api, "deals", {"name": "A deal"})["id"]
    assert api.post("/relationships/types/", {"name": "Owns"}).status_code == 201
    ends = {"source_record_id": record_id, "target_record_id": record_id}
    link = api.post("/relationships/", {"relationship_type": "owns", **ends})
    return {"record": record_id, "link": link.json["id"]}


@pytest.mark.parametrize(("path", "name"), LISTS)
def test_an_unknown_word_is_refused_with_those_that_are_known(
    path: str, name: str, settled: TestTenant, names: dict[str, str]
) -> None:
    known, unknown = LISTS[path, name]
    path = path.format(**names)
    asked = [f"{name}={unknown}", f"{name}__not={unknown}", f"{name}__in={known},{unknown}"]
    asked += [f"filter={json.dumps({name: unknown})}", f"filter={json.dumps({name: {'not_in': [known, unknown]}})}"]
    for query in asked if name != "data__tags" else asked[:3:2]:
        problem = assert_problem(settled.api.get(f"{path}?{query}"), 400, "INVALID_PARAMETER")
        (fault,) = problem["errors"]
        assert fault["code"] == "NOT_A_CHOICE", query
        assert known in fault["allowed"], query
    assert settled.api.get(f"{path}?{name}={known}").status_code == 200


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
def test_an_unknown_word_of_a_parameter_is_refused_with_those_that_are_known(
    path: str, name: str, settled: TestTenant, names: dict[str, str]
) -> None:
    start = f"&start={names['record']}" if "traverse" in path else ""
    problem = assert_problem(
        settled.api.get(f"{path}?{name}={PARAMETERS[path, name]}{start}"), 400, "INVALID_PARAMETER"
    )
    assert problem["errors"][0]["allowed"]


def test_the_mode_of_a_bulk_write_is_one_of_those_that_are_listed(settled: TestTenant, names: dict[str, str]) -> None:
    problem = assert_problem(
        settled.api.post("/pipelines/deals/records/bulk_create/?mode=some", []), 400, "INVALID_PARAMETER"
    )
    assert problem["errors"][0]["allowed"] == ["partial", "atomic", "dry_run"]


def test_parts_of_words_can_still_be_asked_about(settled: TestTenant, names: dict[str, str]) -> None:
    assert settled.api.get("/admin/audit/?type__startswith=record.").json["count"] > 0
    assert settled.api.get("/relationships/?status=active").json["count"] == 1
    assert settled.api.get("/pipelines/?pipeline_type=anything").json["count"] == 0, "types of pipelines are free text"


def test_a_user_is_found_by_each_of_several_user_types(tenant: TestTenant) -> None:
    user = tenant.api.post("/users/", {"email": "two@acme.example", "user_types": ["manager", "member"]}).json
    for name in ("manager", "member"):
        found = tenant.api.get(f"/users/?user_type={name}").json["results"]
        assert user["id"] in [row["id"] for row in found], name
    assert user["id"] not in [row["id"] for row in tenant.api.get("/users/?user_type__not=member").json["results"]]


def test_user_types_are_not_listed_for_who_may_not_list_them(tenant: TestTenant) -> None:
    api = tenant.user(tenant.role("readers", [{"permission": "users:read"}])).api
    (fault,) = assert_problem(api.get("/users/?user_type=nobody"), 400, "INVALID_PARAMETER")["errors"]
    assert "allowed" not in fault
    assert "suggestion" not in fault


BODY_FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"direction": "up", "depth": 99, "status": ["GONE"]}, {"/direction", "/depth", "/status"}),
    ({"depth": "deep", "status": [5, "GONE"], "x": 1}, {"/depth", "/status/0", "/status", "/x"}),
    ({"depth": 1, "max_depth": 2, "limit": 0}, {"/max_depth", "/limit"}),
    ({"relationship_types": ["nothing"], "pipelines": ["nothing"], "filter": {"x": 1}, "format": "tree"},
     {"/relationship_types", "/pipelines", "/filter/x", "/format"}),
    ({"effective_at": "soon", "record_filter": {"x": 1}}, {"/effective_at", "/record_filter/x"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pointers"), BODY_FAULTS)
def test_a_traversal_that_is_asked_for_in_a_body_is_refused_as_bodies_are(
    body: dict[str, Any], pointers: set[str], settled: TestTenant, names: dict[str, str]
) -> None:
    answer = settled.api.post("/relationships/traverse/", {"start": names["record"], **body})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert {fault["pointer"] for fault in problem["errors"]} == pointers
    without = assert_problem(settled.api.post("/relationships/traverse/", body), 422, "VALIDATION_FAILED")
    assert {fault["pointer"] for fault in without["errors"]} == {"/start", *pointers}
    assert settled.api.post("/relationships/traverse/", {"start": SOME_ID}).status_code == 404


def test_a_filter_in_a_body_is_refused_as_bodies_are(settled: TestTenant, names: dict[str, str]) -> None:
    answer = settled.api.post("/pipelines/deals/records/bulk_delete/", {"filter": {"data__stage": "shut"}})
    (fault,) = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/filter/data__stage/exact", "NOT_A_CHOICE")
