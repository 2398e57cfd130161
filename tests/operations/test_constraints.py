"""Constraints of relationship types over REST: their options, their rights, and those that follow from cardinality."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

TYPES = "/relationships/types/"
OURS = f"{TYPES}works_at/constraints/"
KEYS = [
    "id", "relationship_type_id", "constraint_type", "source_pipeline_id", "target_pipeline_id", "min_instances",
    "max_instances", "is_required", "constraint_metadata", "created_at", "updated_at", "version",
]  # fmt: skip


def works_at(api: Api, **more: Any) -> str:
    answer = api.post(TYPES, {"name": "Works at", **more})
    assert answer.status_code == 201, answer.text
    found: str = answer.json["id"]
    return found


def add(api: Api, kind: str, **more: Any) -> dict[str, Any]:
    answer = api.post(OURS, {"constraint_type": kind, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def shorthands(found: dict[str, Any]) -> dict[str, str]:
    """Ids of the constraints that follow from the cardinality, by the end they are about."""
    own = [one for one in found["constraints"] if one["constraint_metadata"].get("shorthand")]
    assert all(
        (one["constraint_type"], one["min_instances"], one["max_instances"]) == ("CARDINALITY", 0, 1) for one in own
    )
    return {one["constraint_metadata"]["per"]: one["id"] for one in own}


def faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in problem["errors"]]


def test_a_constraint_is_made_read_changed_and_removed(api: Api) -> None:
    people = pipeline(api, "People", [])["id"]
    type_id = works_at(api)
    made = api.post(OURS, {"constraint_type": "CARDINALITY", "max_instances": 3, "source_pipeline": "people"})
    assert made.status_code == 201, made.text
    found = made.json
    assert list(found) == KEYS
    assert (found["relationship_type_id"], found["source_pipeline_id"], found["target_pipeline_id"]) == (
        type_id,
        people,
        None,
    )
    assert (found["min_instances"], found["max_instances"], found["is_required"]) == (0, 3, False)
    assert (found["constraint_metadata"], found["version"]) == ({"per": "source"}, 1)
    assert made.headers["Location"] == f"/api/v1{OURS}{found['id']}/"
    assert api.get(f"{OURS}{found['id']}/").json == found
    assert api.get(f"{TYPES}works_at/").json["constraints"] == [found] == api.get(OURS).json["results"]
    again = api.get(f"{OURS}{found['id']}/", headers={"If-None-Match": '"1"'})
    assert again.status_code == 304
    changed = api.patch(f"{OURS}{found['id']}/", {"min_instances": 3, "constraint_metadata": {"per": "target"}}).json
    assert (changed["min_instances"], changed["max_instances"], changed["version"]) == (3, 3, 2)
    assert (changed["constraint_metadata"], changed["source_pipeline_id"]) == ({"per": "target"}, people)
    stale = api.patch(f"{OURS}{found['id']}/", {"min_instances": 0}, headers={"If-Match": '"1"'})
    assert_problem(stale, 412, "VERSION_MISMATCH")
    assert api.patch(f"{OURS}{found['id']}/", {"min_instances": 3}).json["version"] == 2
    wrong = api.patch(f"{OURS}{found['id']}/", {"max_instances": 2})
    assert faults(assert_problem(wrong, 422, "VALIDATION_FAILED")) == [("/max_instances", "CONTRADICTION")]
    assert_problem(api.delete(f"{OURS}{found['id']}/", headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")
    assert api.delete(f"{OURS}{found['id']}/").status_code == 204
    assert_problem(api.get(f"{OURS}{found['id']}/"), 404, "CONSTRAINT_NOT_FOUND")
    assert api.get(OURS).json["count"] == 0
    events = [event for event in api.events() if event["subject_id"] == found["id"]]
    assert [(event["type"], event["version"], event["pipeline_id"]) for event in events] == [
        ("constraint.created", 1, type_id), ("constraint.updated", 2, type_id), ("constraint.deleted", 2, type_id),
    ]  # fmt: skip
    assert events[1]["old"] == {"min_instances": 0, "constraint_metadata": {"per": "source"}}
    assert events[2]["data"]["constraint_metadata"] == {"per": "target"}


def test_options_are_stored_whole_and_by_id(tenant: TestTenant) -> None:
    api = tenant.api
    pipeline(api, "People", [])
    ada, eva = sorted(record(api, "people", {})["id"] for _ in "ab")
    own = works_at(api)
    owns = api.post(TYPES, {"name": "Owns"}).json["id"]
    cases: list[tuple[str, Any, Any]] = [
        ("CARDINALITY", {}, {"per": "source"}),
        ("CARDINALITY", {"per": "target", "shorthand": False}, {"per": "target"}),
        ("EXCLUSIVITY", {}, {"per": "source", "types": [own]}),
        ("EXCLUSIVITY", {"per": "pair", "types": ["owns", "works_at"], "targets": [eva, ada, eva]},
         {"per": "pair", "types": sorted([own, owns]), "targets": [ada, eva]}),
        ("EXCLUSIVITY", {"types": [owns, owns]}, {"per": "source", "types": sorted([own, owns])}),
        ("DEPENDENCY", {"requires": "owns"}, {"requires": owns, "where": "pair"}),
        ("DEPENDENCY", {"requires": owns, "where": "target", "source_status": "active"},
         {"requires": owns, "where": "target", "source_status": "active"}),
        ("DEPENDENCY", {"target_status": "won", "requires": None}, {"target_status": "won"}),
        ("HIERARCHY", {}, {"parent": "source", "single_parent": True}),
        ("HIERARCHY", {"parent": "target", "single_parent": False, "max_depth": 1000},
         {"parent": "target", "single_parent": False, "max_depth": 1000}),
    ]  # fmt: skip
    for kind, given, expected in cases:
        made = add(api, kind, constraint_metadata=given)
        assert made["constraint_metadata"] == expected
        same = api.patch(f"{OURS}{made['id']}/", {"constraint_metadata": made["constraint_metadata"]})
        assert (same.status_code, same.json["version"]) == (200, 1), same.text
    assert api.get(f"{OURS}?constraint_type=HIERARCHY").json["count"] == 2


_M = "/constraint_metadata"
BAD: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("CARDINALITY", {"pre": "source"}, [(f"{_M}/pre", "UNKNOWN_OPTION")]),
    ("CARDINALITY", {"per": "pair"}, [(f"{_M}/per", "NOT_A_CHOICE")]),
    ("CARDINALITY", {"per": ["source"]}, [(f"{_M}/per", "NOT_A_CHOICE")]),
    ("CARDINALITY", {"shorthand": True}, [(f"{_M}/shorthand", "READ_ONLY")]),
    ("CARDINALITY", {"shorthand": 1, "types": []},
     [(f"{_M}/types", "UNKNOWN_OPTION"), (f"{_M}/shorthand", "READ_ONLY")]),
    ("EXCLUSIVITY", {"types": "owns"}, [(f"{_M}/types", "WRONG_TYPE")]),
    ("EXCLUSIVITY", {"types": [5, "nothing", SOME_ID, "deals"]},
     [(f"{_M}/types/0", "WRONG_TYPE"), *((f"{_M}/types/{at}", "RELATIONSHIP_TYPE_NOT_FOUND") for at in (1, 2, 3))]),
    ("EXCLUSIVITY", {"types": ["works_at"] * 101}, [(f"{_M}/types", "TOO_LONG")]),
    ("EXCLUSIVITY", {"targets": ["x", SOME_ID, None]},
     [(f"{_M}/targets/0", "INVALID_ID"), (f"{_M}/targets/1", "RECORD_NOT_FOUND"), (f"{_M}/targets/2", "INVALID_ID")]),
    ("EXCLUSIVITY", {"targets": []}, [(f"{_M}/targets", "TOO_SHORT")]),
    ("EXCLUSIVITY", {"targets": {}}, [(f"{_M}/targets", "WRONG_TYPE")]),
    ("DEPENDENCY", {}, [(_M, "REQUIRED")]),
    ("DEPENDENCY", {"where": "pair"}, [(_M, "REQUIRED"), (f"{_M}/where", "CONTRADICTION")]),
    ("DEPENDENCY", {"source_status": "a", "where": "pair"}, [(f"{_M}/where", "CONTRADICTION")]),
    ("DEPENDENCY", {"requires": "works_at"}, [(f"{_M}/requires", "CONTRADICTION")]),
    ("DEPENDENCY", {"requires": ["owns"]}, [(f"{_M}/requires", "WRONG_TYPE")]),
    ("DEPENDENCY", {"requires": "nothing"}, [(f"{_M}/requires", "RELATIONSHIP_TYPE_NOT_FOUND")]),
    ("DEPENDENCY", {"source_status": "", "target_status": "x" * 51},
     [(f"{_M}/source_status", "TOO_SHORT"), (f"{_M}/target_status", "TOO_LONG")]),
    ("DEPENDENCY", {"source_status": 5, "target_status": ["a"]},
     [(f"{_M}/source_status", "WRONG_TYPE"), (f"{_M}/target_status", "WRONG_TYPE")]),
    ("HIERARCHY", {"parent": "both", "single_parent": 1},
     [(f"{_M}/parent", "NOT_A_CHOICE"), (f"{_M}/single_parent", "WRONG_TYPE")]),
    ("HIERARCHY", {"max_depth": 0}, [(f"{_M}/max_depth", "TOO_SMALL")]),
    ("HIERARCHY", {"max_depth": 1001}, [(f"{_M}/max_depth", "TOO_LARGE")]),
    ("HIERARCHY", {"max_depth": True}, [(f"{_M}/max_depth", "WRONG_TYPE")]),
    ("HIERARCHY", {"max_depth": 1.5}, [(f"{_M}/max_depth", "WRONG_TYPE")]),
]  # fmt: skip


@pytest.fixture(scope="module")
def furnished(settled: TestTenant) -> TestTenant:
    pipeline(settled.api, "Deals", [])
    pipeline(settled.api, "People", [])
    works_at(settled.api, source_pipeline="people")
    assert settled.api.post(TYPES, {"name": "Owns", "is_bidirectional": True}).status_code == 201
    return settled


@pytest.mark.parametrize("at", range(len(BAD)))
def test_bad_options_are_refused_where_they_are_wrong(furnished: TestTenant, at: int) -> None:
    kind, given, expected = BAD[at]
    body = {"constraint_type": kind, "constraint_metadata": given}
    problem = assert_problem(furnished.api.post(OURS, body), 422, "VALIDATION_FAILED")
    assert faults(problem) == expected
    if expected[0][1] == "UNKNOWN_OPTION":
        assert problem["errors"][0]["allowed"] == ["per", "shorthand"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/constraint_type", "REQUIRED")]),
        ({"constraint_type": "cardinality"}, [("/constraint_type", "INVALID_VALUE")]),
        ({"constraint_type": "CARDINALITY", "max_instances": 0}, [("/max_instances", "INVALID_VALUE")]),
        ({"constraint_type": "CARDINALITY", "min_instances": -1}, [("/min_instances", "INVALID_VALUE")]),
        ({"constraint_type": "CARDINALITY", "min_instances": 2, "max_instances": 1},
         [("/min_instances", "CONTRADICTION")]),
        ({"constraint_type": "HIERARCHY", "min_instances": 1, "max_instances": 1},
         [("/min_instances", "NOT_POSSIBLE"), ("/max_instances", "NOT_POSSIBLE")]),
        ({"constraint_type": "CARDINALITY", "source_pipeline": "deals"}, [("/source_pipeline", "CONTRADICTION")]),
        ({"constraint_type": "CARDINALITY", "target_pipeline": "no"}, [("/target_pipeline", "PIPELINE_NOT_FOUND")]),
        ({"constraint_type": "CARDINALITY", "constraint_metadata": []}, [("/constraint_metadata", "INVALID_VALUE")]),
        ({"constraint_type": "CARDINALITY", "version": 1}, [("/version", "UNKNOWN_FIELD")]),
    ],
)  # fmt: skip
def test_bad_input_is_refused_where_it_is_wrong(furnished: TestTenant, body: Any, expected: Any) -> None:
    assert faults(assert_problem(furnished.api.post(OURS, body), 422, "VALIDATION_FAILED")) == expected
    assert furnished.api.get(OURS).json["count"] == 0


def test_a_hierarchy_goes_one_way(furnished: TestTenant, tenant: TestTenant) -> None:
    answer = furnished.api.post(f"{TYPES}owns/constraints/", {"constraint_type": "HIERARCHY"})
    assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/constraint_type", "CONTRADICTION")]
    works_at(tenant.api)
    add(tenant.api, "HIERARCHY")
    answer = tenant.api.patch(f"{TYPES}works_at/", {"is_bidirectional": True})
    assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/is_bidirectional", "CONTRADICTION")]


def test_the_ends_of_a_type_fit_its_constraints(api: Api) -> None:
    pipeline(api, "People", [])
    pipeline(api, "Firms", [])
    works_at(api)
    found = add(api, "CARDINALITY", source_pipeline="people", max_instances=2)
    answer = api.patch(f"{TYPES}works_at/", {"source_pipeline": "firms"})
    assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/source_pipeline", "CONTRADICTION")]
    assert api.patch(f"{TYPES}works_at/", {"source_pipeline": "people"}).status_code == 200
    assert api.patch(f"{OURS}{found['id']}/", {"source_pipeline": None}).json["source_pipeline_id"] is None


@pytest.mark.parametrize(
    ("cardinality", "per"),
    [("one_to_one", {"source", "target"}), ("one_to_many", {"target"}), ("many_to_one", {"source"}),
     ("many_to_many", set())],
)  # fmt: skip
def test_cardinality_makes_constraints(api: Api, cardinality: str, per: set[str]) -> None:
    works_at(api, cardinality=cardinality)
    assert shorthands(api.get(f"{TYPES}works_at/").json).keys() == per
    assert [event["type"] for event in api.events()].count("constraint.created") == len(per)


def test_constraints_follow_the_cardinality(api: Api) -> None:
    works_at(api, cardinality="one_to_many")
    own = add(api, "CARDINALITY", max_instances=5)
    first = shorthands(api.get(f"{TYPES}works_at/").json)
    second = shorthands(api.patch(f"{TYPES}works_at/", {"cardinality": "one_to_one"}).json)
    assert second.keys() == {"source", "target"}
    assert second["target"] == first["target"]
    third = api.patch(f"{TYPES}works_at/", {"cardinality": "many_to_one"}).json
    assert shorthands(third) == {"source": second["source"]}
    for answer in (
        api.delete(f"{OURS}{second['source']}/"),
        api.patch(f"{OURS}{second['source']}/", {"max_instances": 2}),
        api.patch(f"{OURS}{second['source']}/", {"constraint_metadata": {"per": "target"}}),
    ):
        assert_problem(answer, 409, "CONFLICT")
    sent_back = {"max_instances": 1, "constraint_metadata": {"per": "source", "shorthand": True}}
    assert api.patch(f"{OURS}{second['source']}/", sent_back).json["version"] == 1
    replaced = api.request("PUT", f"{TYPES}works_at/", json={"name": "Works at"}).json
    assert replaced["cardinality"] == "many_to_many"
    assert [one["id"] for one in replaced["constraints"]] == [own["id"]]
    gone = [event for event in api.events() if event["type"] == "constraint.deleted"]
    assert [event["subject_id"] for event in gone] == [first["target"], second["source"]]


def test_a_type_has_so_many_constraints_and_no_more(tenant: TestTenant) -> None:
    works_at(tenant.api)
    for _ in range(50):
        add(tenant.api, "CARDINALITY")
    problem = assert_problem(tenant.api.post(OURS, {"constraint_type": "CARDINALITY"}), 422, "VALIDATION_FAILED")
    assert [fault["code"] for fault in problem["errors"]] == ["TOO_MANY_ROWS"]


def test_who_may_not_change_constraints_does_not(tenant: TestTenant) -> None:
    type_id = works_at(tenant.api)
    found = add(tenant.api, "HIERARCHY")
    path = f"{TYPES}{type_id}/constraints/{found['id']}/"
    links, reads = {"permission": "relationships:read"}, {"permission": "pipelines:read"}
    reader = tenant.user(tenant.role("reader", [links, reads])).api
    blind = tenant.user(
        tenant.role("blind", [{"permission": "pipelines:update", "pipelines": []}, reads | {"pipelines": []}])
    ).api
    assert reader.get(path).json == found
    assert_problem(reader.patch(path, {"is_required": True}), 403, "PERMISSION_DENIED")
    assert_problem(reader.delete(path), 403, "PERMISSION_DENIED")
    assert_problem(reader.post(OURS, {"constraint_type": "HIERARCHY"}), 403, "PERMISSION_DENIED")
    for answer in (blind.get(path), blind.patch(path, {"is_required": True}), blind.delete(path), blind.get(OURS)):
        assert_problem(answer, 404, "RELATIONSHIP_TYPE_NOT_FOUND")
    assert tenant.api.get(path).json == found


def test_a_constraint_is_found_under_its_own_type_alone(tenant: TestTenant, other: TestTenant) -> None:
    works_at(tenant.api)
    found = add(tenant.api, "HIERARCHY")
    owns = tenant.api.post(TYPES, {"name": "Owns"}).json["id"]
    works_at(other.api)
    stale = {"If-Match": '"9"'}
    for api, place in ((tenant.api, f"{TYPES}{owns}/constraints/"), (other.api, OURS)):
        path = f"{place}{found['id']}/"
        for answer in (
            api.get(path),
            api.patch(path, {"is_required": True}, headers=stale),
            api.delete(path, headers=stale),
        ):
            assert_problem(answer, 404, "CONSTRAINT_NOT_FOUND")


def test_what_the_caller_does_not_see_cannot_be_named(tenant: TestTenant) -> None:
    """Unless it stands there already: he may change the rest."""
    api = tenant.api
    people = pipeline(api, "People", [])["id"]
    secret = record(api, "people", {})["id"]
    type_id, owns = works_at(api), api.post(TYPES, {"name": "Owns"}).json["id"]
    grants = [{"permission": f"pipelines:{verb}", "pipelines": [type_id]} for verb in ("read", "update")]
    weak = tenant.user(tenant.role("weak", grants)).api
    for options, where in (
        ({"types": [owns]}, "types/0"),
        ({"types": ["owns"]}, "types/0"),
        ({"targets": [secret]}, "targets/0"),
    ):
        body = {"constraint_type": "EXCLUSIVITY", "constraint_metadata": options}
        problem = assert_problem(weak.post(OURS, body), 422, "VALIDATION_FAILED")
        assert [fault["pointer"] for fault in problem["errors"]] == [f"{_M}/{where}"]
    answer = weak.post(OURS, {"constraint_type": "CARDINALITY", "source_pipeline": people})
    assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/source_pipeline", "PIPELINE_NOT_FOUND")]
    found = add(api, "EXCLUSIVITY", constraint_metadata={"types": [owns], "targets": [secret]})
    kept = {**found["constraint_metadata"], "per": "target"}
    assert weak.patch(f"{OURS}{found['id']}/", {"constraint_metadata": kept}).json["constraint_metadata"] == kept
    needs = add(api, "DEPENDENCY", constraint_metadata={"requires": owns})
    other_way = {"requires": owns, "where": "reversed"}
    changed = weak.patch(f"{OURS}{needs['id']}/", {"constraint_metadata": other_way})
    assert changed.json["constraint_metadata"] == other_way
