"""Changes of fields whose values must survive: refused with a count and examples, or done aloud, with events."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from oneo.actor import system_actor
from oneo.operations import slots
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

ITEMS = "/pipelines/items/records/"
FIELD = "/pipelines/items/fields/it/"

pytestmark = pytest.mark.usefixtures("no_indexer")


def items(api: Api, kind: str, *values: Any, **more: Any) -> list[dict[str, Any]]:
    """A pipeline with one field and a record for each value; None is no value."""
    pipeline(api, "Items", [{"name": "It", "field_type": kind, **more}])
    return [record(api, "items", {} if value is None else {"it": value}) for value in values]


def stored(api: Api, made: list[dict[str, Any]]) -> list[Any]:
    return [api.get(f"/records/{found['id']}/").json["data"].get("it") for found in made]


def same(one: Any, other: Any) -> bool:
    """As JSON: 1 and 1.0 are one value, 1 and true are two."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def settle(tenant: TestTenant) -> None:
    """Does what the background does: every slot is filled or emptied."""
    with tenant.app.app_context():
        actor = system_actor(tenant.id)
        for pipeline_id, slot in slots.pending(actor):
            while slots.advance(actor, pipeline_id, slot):
                pass


def assert_found(api: Api, query: str, made: list[dict[str, Any]]) -> None:
    found = api.get(f"{ITEMS}?{query}&page_size=1000")
    assert found.status_code == 200, found.text
    assert {row["id"] for row in found.json["results"]} == {row["id"] for row in made}


def assert_replayed(api: Api) -> None:
    """The log ends in what is there, version by version."""
    rows = [row for path in (ITEMS, f"{ITEMS}deleted/") for row in api.get(f"{path}?page_size=1000").json["results"]]
    for row in rows:
        events = [event for event in api.events() if event["subject_id"] == row["id"]]
        assert [event["version"] for event in events] == list(range(1, row["version"] + 1))
        assert events[-1]["data"]["data"] == row["data"]
        for before, event in pairwise(events):
            former = event["old"].get("data", {})
            assert {key: value for key, value in former.items() if value is not None} == {
                key: before["data"]["data"][key] for key in former if key in before["data"]["data"]
            }


def test_required_is_refused_while_records_lack_a_value(tenant: TestTenant) -> None:
    api = tenant.api
    made = items(api, "text", "a", None, "", None)
    problem = assert_problem(api.patch(FIELD, {"is_required": True}), 409, "FIELD_IN_USE")
    assert problem["records"] == 3
    assert set(problem["examples"]) == {row["id"] for row in made[1:]}
    for default in (5, "", "x" * 256):
        wrong = assert_problem(api.patch(FIELD, {"is_required": True, "default": default}), 422, "VALIDATION_FAILED")
        assert [fault["pointer"] for fault in wrong["errors"]] == ["/default"]
    done = api.patch(FIELD, {"is_required": True, "default": "b"})
    assert done.status_code == 200, done.text
    assert stored(api, made) == ["a", "b", "b", "b"]
    for settled in (False, True):
        if settled:
            settle(tenant)
        assert_found(api, "data__it__exact=b", made[1:])
        assert_found(api, "data__it__exists=true", made)
    assert_replayed(api)
    for data in ({}, {"it": None}, {"it": ""}):
        assert_problem(api.post(ITEMS, {"data": data}), 422, "VALIDATION_FAILED")
    for lost in (None, ""):
        for method in ("PATCH", "PUT"):
            answer = api.request(method, f"/records/{made[0]['id']}/", json={"data": {"it": lost}})
            problem = assert_problem(answer, 422, "VALIDATION_FAILED")
            assert [fault["code"] for fault in problem["errors"]] == ["REQUIRED"]
    assert_problem(api.request("PUT", f"/records/{made[0]['id']}/", json={}), 422, "VALIDATION_FAILED")
    assert stored(api, made) == ["a", "b", "b", "b"]


def test_required_by_force_leaves_records_as_they_are(api: Api) -> None:
    made = items(api, "text", "a", None)
    assert api.patch(FIELD + "?force=true", {"is_required": True}).json["is_required"] is True
    assert stored(api, made) == ["a", None]
    assert api.patch(f"/records/{made[1]['id']}/", {"status": "old"}).status_code == 200


@pytest.mark.parametrize("unique", [False, True], ids=["plain", "unique"])
def test_a_new_required_field_fills_the_records_that_are_there(tenant: TestTenant, *, unique: bool) -> None:
    api = tenant.api
    made = items(api, "text", "a", "b")
    body = {"name": "New", "field_type": "number", "is_required": True, "is_unique": unique}
    problem = assert_problem(api.post("/pipelines/items/fields/", body), 409, "FIELD_IN_USE")
    assert problem["records"] == 2
    added = api.post("/pipelines/items/fields/", {**body, "default": 7})
    if unique:
        assert_problem(added, 409, "FIELD_IN_USE")
        assert_found(api, "", made)
        return
    assert added.status_code == 201, added.text
    for settled in (False, True):
        if settled:
            settle(tenant)
        assert_found(api, "data__new=7", made)
        assert_found(api, "data__new__gt=7", [])
    assert api.get("/pipelines/items/fields/new/").json["index"]["state"] == "ready"
    assert_replayed(api)


def test_unique_is_refused_while_values_are_shared(api: Api) -> None:
    made = items(api, "text", "a", "b", "b", None, None)
    problem = assert_problem(api.patch(FIELD, {"is_unique": True}), 409, "FIELD_IN_USE")
    assert (problem["records"], set(problem["examples"])) == (2, {row["id"] for row in made[1:3]})
    assert api.get(FIELD).json["is_unique"] is False
    assert api.delete(f"/records/{made[2]['id']}/").status_code == 204
    assert api.patch(FIELD, {"is_unique": True}).json["is_unique"] is True
    assert_problem(api.post(f"/records/{made[2]['id']}/restore/"), 409, "VALUE_TAKEN")
    assert api.patch(f"/records/{made[1]['id']}/", {"data": {"it": None}}).status_code == 200
    assert api.post(f"/records/{made[2]['id']}/restore/").status_code == 200
    assert_problem(api.patch(f"/records/{made[1]['id']}/", {"data": {"it": "b"}}), 409, "VALUE_TAKEN")
    assert api.patch(FIELD, {"is_unique": False}).json["is_unique"] is False
    assert record(api, "items", {"it": "b"})


_TO = {"select": {"choices": ["a", "b", "5"]}, "multiselect": {"choices": ["a", "b", "5"]}}
CONVERSIONS: list[tuple[str, list[Any], str, list[Any] | None]] = [
    ("text", ["5", "-1.50"], "number", [5, -1.5]),
    ("text", ["5", "0.1"], "decimal", [5, 0.1]),
    ("text", ["true", "0"], "boolean", [True, False]),
    ("text", ["2026-01-31"], "date", ["2026-01-31"]),
    ("text", ["2026-01-31T12:00:00+02:00"], "datetime", ["2026-01-31T10:00:00.000000Z"]),
    ("text", ["A@EXAMPLE.com"], "email", None),
    ("text", ["a", "5"], "select", ["a", "5"]),
    ("text", ["a", "a,b"], "multiselect", [["a"], ["a", "b"]]),
    ("text", ['{"a": 1}', "5"], "json", ['{"a": 1}', "5"]),
    ("number", [5, 0.5], "text", ["5", "0.5"]),
    ("number", [1, 0], "boolean", [True, False]),
    ("number", [1, 1e22, 5e-324], "number", [1, 1e22, 5e-324]),
    ("number", [1, 1e15, 0.25], "decimal", [1, 1e15, 0.25]),
    ("decimal", ["1.5", "12345678901234567.25"], "text", ["1.5", "12345678901234567.25"]),
    ("boolean", [True, False], "text", ["true", "false"]),
    ("date", ["2026-01-31"], "datetime", ["2026-01-31T00:00:00.000000Z"]),
    ("select", ["a", "b"], "multiselect", [["a"], ["b"]]),
    ("multiselect", [["a", "b"]], "json", [["a", "b"]]),
    ("json", [1, 0, True], "boolean", [True, False, True]),
    ("json", [5, 0.5], "number", [5, 0.5]),
]


@pytest.mark.parametrize("at", range(len(CONVERSIONS)))
def test_values_are_read_by_the_new_kind(tenant: TestTenant, at: int) -> None:
    api = tenant.api
    old, values, new, converted = CONVERSIONS[at]
    made = items(api, old, *values, None, field_config=_TO.get(old, {}))
    done = api.patch(FIELD, {"field_type": new, "field_config": _TO.get(new, {})})
    assert done.status_code == 200, done.text
    found = stored(api, made)
    assert found[-1] is None
    if converted is not None:
        assert all(same(one, other) for one, other in zip(found[:-1], converted, strict=True)), found
    versions = [api.get(f"/records/{row['id']}/").json["version"] for row in made]
    assert versions == [1 if same(row["data"].get("it"), now) else 2 for row, now in zip(made, found, strict=True)]
    for settled in (False, True):
        if settled:
            settle(tenant)
        assert_found(api, "data__it__exists=true", made[:-1])
        if new not in {"json", "multiselect"}:
            for value in found[:-1]:
                query = {"filter": json.dumps({"data__it": value})}
                equal = [r for r, other in zip(made, found, strict=True) if same(other, value)]
                listed = api.get(ITEMS, query_string=query).json["results"]
                assert {r["id"] for r in listed} == {r["id"] for r in equal}
    assert_replayed(api)


def test_what_the_new_kind_refuses_stands_in_the_way(tenant: TestTenant) -> None:
    api = tenant.api
    made = items(api, "text", "5", "five", "six", "five", None)
    assert api.delete(f"/records/{made[3]['id']}/").status_code == 204
    problem = assert_problem(api.patch(FIELD, {"field_type": "number"}), 409, "FIELD_IN_USE")
    assert problem["records"] == 3
    assert set(problem["examples"]) <= {row["id"] for row in made[1:4]}
    assert len(problem["examples"]) == 3 - 1
    assert api.get(FIELD).json["field_type"] == "text"
    wrong = assert_problem(api.patch(FIELD, {"field_type": "number", "default": "x"}), 422, "VALIDATION_FAILED")
    assert [fault["pointer"] for fault in wrong["errors"]] == ["/default"]
    assert api.patch(FIELD, {"field_type": "number", "default": -1}).status_code == 200
    assert stored(api, made[:3]) == [5, -1, -1]
    assert api.post(f"/records/{made[3]['id']}/restore/").json["data"] == {"it": -1}
    assert_replayed(api)
    assert_found(api, "data__it__lt=0", made[1:4])
    settle(tenant)
    assert_found(api, "data__it__lt=0", made[1:4])


def test_by_force_values_go_and_the_log_keeps_them(api: Api) -> None:
    made = items(api, "text", "5", "five")
    assert api.patch(FIELD + "?force=true", {"field_type": "number"}).status_code == 200
    assert stored(api, made) == [5, None]
    last = [event for event in api.events() if event["subject_id"] == made[1]["id"]][-1]
    assert (last["type"], last["version"], last["changed_fields"]) == ("record.updated", 2, ["data.it"])
    assert (last["old"], last["reason"]) == ({"data": {"it": "five"}}, "field changed")
    assert_replayed(api)


def test_a_choice_that_is_in_use_is_not_just_removed(api: Api) -> None:
    made = items(api, "select", "a", "b", field_config={"choices": ["a", "b", "c"]})
    fewer = {"field_config": {"choices": ["a", "c"]}}
    problem = assert_problem(api.patch(FIELD, fewer), 409, "FIELD_IN_USE")
    assert (problem["records"], problem["examples"]) == (1, [made[1]["id"]])
    assert_problem(api.patch(FIELD, {**fewer, "default": "b"}), 422, "VALIDATION_FAILED")
    assert api.patch(FIELD, {"field_config": {"choices": ["b", "a"]}}).status_code == 200
    assert api.patch(FIELD, {**fewer, "default": "c"}).status_code == 200
    assert stored(api, made) == ["a", "c"]
    assert_replayed(api)


def test_the_other_choices_of_a_value_outlast_one_that_is_removed(api: Api) -> None:
    made = items(api, "multiselect", ["a", "b"], ["b"], ["c", "a"], field_config={"choices": ["a", "b", "c"]})
    fewer = {"field_config": {"choices": ["c", "a"]}}
    assert assert_problem(api.patch(FIELD, fewer), 409, "FIELD_IN_USE")["records"] == 2
    assert api.patch(FIELD + "?force=true", {**fewer}).status_code == 200
    assert stored(api, made) == [["a"], None, ["c", "a"]]
    assert_replayed(api)


def test_converted_values_that_become_equal_are_not_unique(api: Api) -> None:
    made = items(api, "text", "1", "1.0", is_unique=True)
    assert_problem(api.patch(FIELD, {"field_type": "number"}), 409, "FIELD_IN_USE")
    assert stored(api, made) == ["1", "1.0"]
    assert_problem(api.patch(FIELD, {"field_type": "json"}), 422, "VALIDATION_FAILED")
    assert api.patch(FIELD, {"field_type": "json", "is_unique": False}).status_code == 200


def test_ids_that_are_nobody_s_do_not_become_users(tenant: TestTenant) -> None:
    api = tenant.api
    made = items(api, "text", str(tenant.admin.id), SOME_ID)
    problem = assert_problem(api.patch(FIELD, {"field_type": "user"}), 409, "FIELD_IN_USE")
    assert (problem["records"], problem["examples"]) == (1, [made[1]["id"]])
    assert_problem(api.patch(FIELD, {"field_type": "user", "default": SOME_ID}), 422, "VALIDATION_FAILED")
    assert api.patch(FIELD + "?force=true", {"field_type": "user"}).status_code == 200
    assert stored(api, made) == [str(tenant.admin.id), None]


def test_a_tighter_limit_meets_the_greatest_numbers_too(api: Api) -> None:
    made = items(api, "number", 1e308, -1e308, 123, 1e23)
    assert_problem(api.patch(FIELD, {"field_config": {"max": 1000}}), 409, "FIELD_IN_USE")
    assert api.patch(FIELD, {"field_config": {"max": 1e308}}).status_code == 200
    assert [api.get(f"/records/{row['id']}/").json["version"] for row in made] == [1, 1, 1, 1]
    assert_problem(api.patch(FIELD, {"field_type": "text"}), 409, "FIELD_IN_USE")
