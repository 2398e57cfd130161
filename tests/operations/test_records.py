"""Records over REST: one at a time (checklist 8, 16, 39, 40, 45)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant


def test_a_record_is_made_read_changed_removed_and_restored(api: Api) -> None:
    pipeline = deals(api)
    made = api.post("/pipelines/deals/records/", {"data": {"name": "Big one", "amount": "12.50", "stage": "open"}})
    assert made.status_code == 201, made.text
    record = made.json
    assert record["pipeline_id"] == pipeline["id"]
    assert record["title"] == "Big one"
    assert record["data"] == {"name": "Big one", "amount": 12.5, "stage": "open"}
    assert (record["version"], record["status"]) == (1, "active")
    assert made.headers["Location"] == f"/api/v1/records/{record['id']}/"
    assert made.headers["ETag"] == '"1"'
    for path in (f"/records/{record['id']}/", f"/pipelines/deals/records/{record['id']}/"):
        assert api.get(path).json == record
    changed = api.patch(f"/records/{record['id']}/", {"data": {"amount": None, "stage": "won"}})
    assert changed.status_code == 200, changed.text
    assert changed.json["data"] == {"name": "Big one", "stage": "won"}
    assert changed.json["version"] == 2
    listed = api.get("/pipelines/deals/records/").json
    assert listed["results"] == [changed.json]
    assert listed["count"] == 1
    assert api.delete(f"/records/{record['id']}/").status_code == 204
    assert_problem(api.get(f"/records/{record['id']}/"), 404, "RECORD_NOT_FOUND")
    assert api.get("/pipelines/deals/records/").json["count"] == 0
    assert api.get("/pipelines/deals/records/deleted/").json["results"][0]["id"] == record["id"]
    restored = api.post(f"/records/{record['id']}/restore/")
    assert restored.status_code == 200, restored.text
    assert (restored.json["version"], restored.json["deleted_at"]) == (4, None)
    events = [event for event in api.events() if event["subject_id"] == record["id"]]
    assert [event["type"] for event in events] == [
        "record.created", "record.updated", "record.deleted", "record.restored",
    ]  # fmt: skip
    assert events[1]["changed_fields"] == ["data.amount", "data.stage"]
    assert events[1]["old"] == {"data": {"amount": 12.5, "stage": "open"}}


def test_a_record_tells_who_made_it_and_who_changed_it_last(tenant: TestTenant) -> None:
    """Checklist 40."""
    path = "/pipelines/deals/records/"
    deals(tenant.api)
    maker, changer = tenant.user("member"), tenant.user("member")
    made = maker.api.post(path, {"data": {"name": "A"}}).json
    assert (made["created_by"], made["updated_by"]) == (str(maker.id), str(maker.id))
    [bulk] = maker.api.post(f"{path}bulk_create/", [{"data": {"name": "B"}}]).json["created"]
    assert (bulk["created_by"], bulk["updated_by"]) == (str(maker.id), str(maker.id))
    for shown in (
        changer.api.patch(f"/records/{made['id']}/", {"data": {"amount": 1}}).json,
        changer.api.request("PUT", f"/records/{made['id']}/", json={"data": {"name": "C"}}).json,
        changer.api.post(f"{path}bulk_update/", [{"id": bulk["id"], "status": "x"}]).json["updated"][0],
    ):
        assert (shown["created_by"], shown["updated_by"]) == (str(maker.id), str(changer.id))
    assert tenant.api.post("/pipelines/deals/records/", {"data": {"name": "D"}}).json["created_by"] == str(
        tenant.admin.id
    )


@pytest.mark.parametrize(
    ("data", "code", "pointer"),
    [
        ({"name": "x", "amout": 1}, "UNKNOWN_FIELD", "/data/amout"),
        ({"name": "x", "amount": "much"}, "WRONG_TYPE", "/data/amount"),
        ({"amount": 1}, "REQUIRED", "/data/name"),
        ({"name": ""}, "REQUIRED", "/data/name"),
        ({"name": "x", "stage": "shut"}, "NOT_A_CHOICE", "/data/stage"),
        ({"name": "x", "owner": SOME_ID}, "USER_NOT_FOUND", "/data/owner"),
    ],
)
def test_a_wrong_value_is_refused_by_name(api: Api, data: dict[str, Any], code: str, pointer: str) -> None:
    deals(api)
    problem = assert_problem(api.post("/pipelines/deals/records/", {"data": data}), 422, "VALIDATION_FAILED")
    assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [(code, pointer)]
    assert api.get("/pipelines/deals/records/").json["count"] == 0


def test_what_is_beside_a_record_comes_with_it_when_asked(api: Api, tenant: TestTenant) -> None:
    pipeline = deals(api)
    made = record(api, "deals", {"name": "x"})
    asked = "include=pipeline,created_by"
    expected = {
        "pipeline": {"id": pipeline["id"], "slug": "deals", "name": "Deals"},
        "created_by": {"id": str(tenant.admin.id), "name": ""},
    }
    assert api.get(f"/records/{made['id']}/?{asked}").json == {**made, "included": expected}
    assert api.get(f"/pipelines/deals/records/?{asked}").json["results"] == [{**made, "included": expected}]
    picked = api.get(f"/pipelines/deals/records/?{asked}&fields=title").json["results"]
    assert picked == [{"title": "x", "included": expected}]
    problem = assert_problem(api.get("/pipelines/deals/records/?include=pipelin"), 400, "INVALID_PARAMETER")
    assert problem["errors"][0]["suggestion"] == "pipeline"
    assert_problem(api.get("/users/?include=pipeline"), 400, "INVALID_PARAMETER")


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_title_and_a_title_field_that_differ_are_refused(api: Api, method: str) -> None:
    deals(api)
    made = record(api, "deals", {"name": "First"})
    url = "/pipelines/deals/records/" + ("" if method == "POST" else f"{made['id']}/")
    both = {"title": "One", "data": {"name": "Other"}}
    problem = assert_problem(api.request(method, url, json=both), 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("/title", "CONTRADICTION")]
    same = api.request(method, url, json={"title": "One", "data": {"name": "One"}})
    assert (same.status_code, same.json["title"]) == (201 if method == "POST" else 200, "One")


def test_an_empty_title_takes_the_value_of_the_title_field_away(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "First"})
    problem = assert_problem(api.patch(f"/records/{made['id']}/", {"title": ""}), 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("/data/name", "REQUIRED")]
    assert api.patch("/pipelines/deals/fields/name/", {"is_required": False}).status_code == 200
    emptied = api.patch(f"/records/{made['id']}/", {"title": ""})
    assert (emptied.status_code, emptied.json["data"]) == (200, {})


def test_only_a_removed_record_is_erased(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "First"})
    assert_problem(api.delete(f"/records/{made['id']}/?purge=true"), 409, "RECORD_NOT_REMOVED")
    assert_problem(api.delete(f"/pipelines/deals/records/{SOME_ID}/?purge=true"), 404, "RECORD_NOT_FOUND")
    assert api.get(f"/records/{made['id']}/").status_code == 200


def test_an_erased_record_is_in_no_answer_that_was_kept(api: Api) -> None:
    deals(api)
    url, key = "/pipelines/deals/records/", {"Idempotency-Key": "once"}
    made = api.post(url, {"data": {"name": "Secret"}}, headers=key)
    kept = api.post(url, {"data": {"name": "Other"}}, headers={"Idempotency-Key": "twice"})
    for query in ("", "?purge=true"):
        assert api.delete(f"/records/{made.json['id']}/{query}").status_code == 204
    again = api.post(url, {"data": {"name": "Secret"}}, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "false")
    assert again.json["id"] != made.json["id"]
    replayed = api.post(url, {"data": {"name": "Other"}}, headers={"Idempotency-Key": "twice"})
    assert replayed.json == kept.json
