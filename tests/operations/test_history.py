"""A record's history and its past states, and what of them a caller sees (checklist 18; threat 13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api import SOME_ID, Api, Reply, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant


def history(api: Api, record_id: str, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/records/{record_id}/history/?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def as_of(api: Api, record_id: str, moment: str, query: str = "") -> Reply:
    return api.get(f"/records/{record_id}/?as_of={quote(moment)}{query}")


def changes(event: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {change["field"]: (change["old"], change["new"]) for change in event["changes"]}


def salaried(api: Api, **more: Any) -> dict[str, Any]:
    fields = [{"name": "Name", "field_type": "text"}, {"name": "Salary", "field_type": "number"}]
    return pipeline(api, "People", fields, **more)


def test_each_change_is_told_field_by_field_newest_first(tenant: TestTenant) -> None:
    api = tenant.api
    deals(api)
    made = record(api, "deals", {"name": "Big", "amount": "12.50"}, status="new")
    path = f"/records/{made['id']}/"
    assert api.patch(path, {"data": {"amount": None, "stage": "won"}, "status": "done"}).status_code == 200
    assert api.patch(path, {"data": {"stage": "won"}}).status_code == 200
    gone = api.delete(path)
    assert gone.status_code == 204
    assert api.post(f"{path}restore/").status_code == 200
    found = history(api, made["id"])
    assert [(event["type"], event["version"]) for event in found] == [
        ("record.restored", 4), ("record.deleted", 3), ("record.updated", 2), ("record.created", 1),
    ]  # fmt: skip
    assert changes(found[3]) == {"status": (None, "new"), "data.name": (None, "Big"), "data.amount": (None, 12.5)}
    assert found[2]["changed_fields"] == ["status", "data.amount", "data.stage"]
    assert changes(found[2]) == {"status": ("new", "done"), "data.amount": (12.5, None), "data.stage": (None, "won")}
    deleted_at = changes(found[1])["deleted_at"][1]
    assert changes(found[1]) == {"deleted_at": (None, deleted_at)}
    assert changes(found[0]) == {"deleted_at": (deleted_at, None)}
    profile = api.get("/auth/user/profile/").json
    assert found[0]["actor"] == {"id": str(tenant.admin.id), "kind": "session", "name": profile["name"]}
    assert history(api, made["id"], "page_size=2&page=2") == found[2:]
    assert history(api, made["id"], "type=record.updated") == [found[2]]
    assert api.get(f"/pipelines/deals/records/{made['id']}/history/").json["results"] == found


def test_a_title_that_was_given_has_a_history(api: Api) -> None:
    salaried(api)
    made = record(api, "people", {"salary": 1}, title="Ada")
    for title in ("Bob", "Eve"):
        assert api.patch(f"/records/{made['id']}/", {"title": title}).status_code == 200
    found = [changes(event).get("title") for event in history(api, made["id"])]
    assert found == [("Bob", "Eve"), ("Ada", "Bob"), (None, "Ada")]
    times = [event["occurred_at"] for event in history(api, made["id"])]
    assert [as_of(api, made["id"], moment).json["title"] for moment in times] == ["Eve", "Bob", "Ada"]


def test_a_record_is_read_as_it_was(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "Big", "amount": "0.10"})
    path = f"/records/{made['id']}/"
    states = [made, api.patch(path, {"data": {"name": "Bigger"}}).json, api.patch(path, {"status": "done"}).json]
    assert api.delete(path).status_code == 204
    states += [None, api.post(f"{path}restore/").json]
    for event, state in zip(reversed(history(api, made["id"])), states, strict=True):
        answer = as_of(api, made["id"], event["occurred_at"])
        if state is None:
            assert_problem(answer, 404, "RECORD_NOT_FOUND")
        else:
            assert answer.json == state
            assert as_of(api, made["id"], event["occurred_at"], "&fields=title").json == {"title": state["title"]}
    before = datetime.fromisoformat(made["created_at"]) - timedelta(microseconds=1)
    assert_problem(as_of(api, made["id"], before.isoformat()), 404, "RECORD_NOT_FOUND")
    assert as_of(api, made["id"], datetime.now(UTC).isoformat()).json == states[-1]
    tagged = as_of(api, made["id"], made["created_at"])
    again = api.get(f"{path}?as_of={quote(made['created_at'])}", headers={"If-None-Match": tagged.headers["ETag"]})
    assert again.status_code == 304
    assert api.get(path, headers={"If-None-Match": tagged.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-13-01", "now", "infinity", "9999-12-31T23:59:59-01:00", "2999-01-01"]
)
def test_a_moment_that_is_none_or_to_come_is_refused(settled: TestTenant, moment: str) -> None:
    api = settled.api
    if api.get("/pipelines/people/").status_code == 404:
        salaried(api)
    made = record(api, "people", {})
    problem = assert_problem(as_of(api, made["id"], moment), 400, "INVALID_PARAMETER")
    assert problem["errors"][0]["pointer"] == "/as_of"


def test_nothing_stands_beside_a_record_as_it_was(api: Api) -> None:
    salaried(api)
    made = record(api, "people", {"name": "Ada"})
    refused = as_of(api, made["id"], made["created_at"], "&include=pipeline")
    assert assert_problem(refused, 400, "INVALID_PARAMETER")["errors"][0]["pointer"] == "/include"


def test_what_is_hidden_was_never_there(tenant: TestTenant) -> None:
    """Nor is it told that something hidden changed."""
    salaried(tenant.api)
    made = record(tenant.api, "people", {"name": "Ada", "salary": 5000}, title="The first")
    path = f"/records/{made['id']}/"
    for body in (
        {"data": {"salary": 6000}},
        {"data": {"salary": 7000, "name": "Eve"}},
        {"title": "The second"},
    ):
        assert tenant.api.patch(path, body).status_code == 200
    user = tenant.user(tenant.role("hiding", [{"permission": "records:read", "hidden_fields": ["salary"]}])).api
    found = history(user, made["id"])
    assert [event["version"] for event in found] == [4, 3, 1]
    assert user.get(f"{path}history/").json["count"] == 3
    assert changes(found[1]) == {"data.name": ("Ada", "Eve")}
    assert found[1]["changed_fields"] == ["data.name"]
    assert changes(found[2]) == {"title": (None, "The first"), "status": (None, "active"), "data.name": (None, "Ada")}
    assert "salary" not in user.get(f"{path}history/").text
    assert not [pay for pay in ("5000", "6000", "7000") if pay in user.get(f"{path}history/?fields=changes").text]
    for event in history(tenant.api, made["id"]):
        past = as_of(user, made["id"], event["occurred_at"])
        assert list(past.json["data"]) == ["name"]
        assert as_of(user, made["id"], event["occurred_at"], "&fields=data__salary").status_code == 400


def test_a_hidden_field_that_was_the_title_stays_hidden(tenant: TestTenant) -> None:
    """The log keeps titles as they were shown, and this one was the hidden value."""
    salaried(tenant.api, title_field="salary")
    made = record(tenant.api, "people", {"name": "Ada", "salary": 5000})
    assert tenant.api.patch("/pipelines/people/", {"title_field": None}).status_code == 200
    assert tenant.api.patch(f"/records/{made['id']}/", {"title": "Given"}).status_code == 200
    user = tenant.user(tenant.role("hiding", [{"permission": "records:read", "hidden_fields": ["salary"]}])).api
    assert "5000" not in user.get(f"/records/{made['id']}/history/").text
    assert "5000" not in as_of(user, made["id"], made["created_at"]).text
    assert changes(history(user, made["id"])[0]) == {"title": ("", "Given")}


def test_removed_fields_leave_the_past_too(api: Api) -> None:
    salaried(api)
    made = record(api, "people", {"name": "Ada", "salary": 5000})
    unused = record(api, "people", {"name": "Bob"})
    assert api.patch(f"/records/{made['id']}/", {"data": {"salary": 6000}}).status_code == 200
    assert api.delete("/pipelines/people/fields/salary/?force=true").status_code == 204
    assert [event["version"] for event in history(api, made["id"])] == [1]
    assert "salary" not in api.get(f"/records/{made['id']}/history/").text
    assert as_of(api, made["id"], made["created_at"]).json["data"] == {"name": "Ada"}
    assert api.patch(f"/records/{unused['id']}/", {"data": {"name": None}}).status_code == 200
    assert api.patch(f"/records/{made['id']}/", {"data": {"name": None}}).status_code == 200
    assert api.delete("/pipelines/people/fields/name/").status_code == 204
    assert [changes(event) for event in history(api, unused["id"])] == [{"status": (None, "active")}]
    assert as_of(api, unused["id"], unused["created_at"]).json["data"] == {}


def test_the_rows_one_may_read_now_are_those_whose_past_one_may_read(tenant: TestTenant, other: TestTenant) -> None:
    salaried(tenant.api)
    grants = [{"permission": "records:read", "rows": "own"}, {"permission": "records:create"}]
    user = tenant.user(tenant.role("own", grants)).api
    theirs, mine = record(tenant.api, "people", {"name": "x"}), record(user, "people", {"name": "y"})
    for api in (user, other.api):
        for found in (theirs["id"], SOME_ID):
            assert_problem(api.get(f"/records/{found}/history/"), 404, "RECORD_NOT_FOUND")
            assert_problem(as_of(api, found, theirs["created_at"]), 404, "RECORD_NOT_FOUND")
    assert len(history(user, mine["id"])) == 1
    assert history(user, mine["id"], "type=record.purged") == []
    assert as_of(user, mine["id"], mine["created_at"]).json["data"] == {"name": "y"}
    nothing = tenant.user(tenant.role("people_only", [{"permission": "users:read"}])).api
    assert_problem(nothing.get(f"/records/{mine['id']}/history/"), 403, "PERMISSION_DENIED")


def test_a_deleted_record_s_past_is_for_those_who_may_restore_it(tenant: TestTenant) -> None:
    salaried(tenant.api)
    made = record(tenant.api, "people", {"name": "x"})
    assert tenant.api.delete(f"/records/{made['id']}/").status_code == 204
    reader, member = tenant.user("viewer").api, tenant.user("member").api
    for api in (reader, member):
        assert_problem(api.get(f"/records/{made['id']}/history/"), 404, "RECORD_NOT_FOUND")
        assert_problem(as_of(api, made["id"], made["created_at"]), 404, "RECORD_NOT_FOUND")
    manager = tenant.user("manager").api
    assert [event["type"] for event in history(manager, made["id"])] == ["record.deleted", "record.created"]
    assert as_of(manager, made["id"], made["created_at"]).json == made


def test_of_a_purged_record_there_is_no_past(api: Api) -> None:
    salaried(api)
    made = record(api, "people", {"name": "x"})
    for query in ("", "?purge=true"):
        assert api.delete(f"/records/{made['id']}/{query}").status_code == 204
    assert_problem(api.get(f"/records/{made['id']}/history/"), 404, "RECORD_NOT_FOUND")
    assert_problem(as_of(api, made["id"], made["created_at"]), 404, "RECORD_NOT_FOUND")


STEPS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["active", "done"]),
                "title": st.sampled_from(["", "Ada", "Bob"]),
                "data": st.fixed_dictionaries(
                    {},
                    optional={"name": st.sampled_from([None, "", "x", "y"]), "salary": st.sampled_from([None, 1, 2])},
                ),
            },
        ),
        st.just("delete"),
        st.just("restore"),
        st.just("replace"),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_replaying_its_events_gives_the_present_record(settled: TestTenant, steps: list[Any]) -> None:
    """Forwards by what changed, backwards by what was, and at each moment as it was read then."""
    api = settled.api
    if api.get("/pipelines/people/").status_code == 404:
        salaried(api)
    present = record(api, "people", {"name": ""}, title="Ada")
    path, states = f"/records/{present['id']}/", [present]
    for step in steps:
        if step == "delete":
            done = api.delete(path)
            present = {**present, "deleted_at": "then"} if done.status_code == 204 else present
        elif step == "restore":
            done = api.post(f"{path}restore/")
        elif step == "replace":
            done = api.request("PUT", path, json={"data": {"name": "z"}})
        else:
            done = api.patch(path, step)
        assert done.status_code in {200, 204, 404}, done.text
        if done.status_code == 200:
            present = done.json
        states += [present] if present != states[-1] else []
    log = [event for event in api.events() if event["subject_id"] == present["id"]]
    assert [event["version"] for event in log] == list(range(1, len(states) + 1))
    found = history(api, present["id"], "ordering=seq")
    replayed: dict[str, Any] = {}
    for event, entry, state in zip(log, found, states, strict=True):
        for change in entry["changes"]:
            assert replayed.get(change["field"]) == change["old"]
            replayed[change["field"]] = change["new"]
        values = {name: value for name, value in replayed.items() if name.startswith("data.") and value is not None}
        assert {name.removeprefix("data."): value for name, value in values.items()} == state["data"]
        assert event["data"]["data"] == state["data"]
        assert (replayed["status"], replayed.get("title") or "") == (state["status"], _given(state))
        past = as_of(api, state["id"], entry["occurred_at"])
        if state["deleted_at"]:
            assert_problem(past, 404, "RECORD_NOT_FOUND")
        else:
            assert past.json == state


def _given(state: dict[str, Any]) -> str:
    return "" if state["title"].startswith("People ") else state["title"]
