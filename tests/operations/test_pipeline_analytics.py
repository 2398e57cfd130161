"""Figures about a pipeline, for who sees all of it and for who does not (checklist 11, 41; threats 13, 17, 19, 28)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.store import message
from tests.api import Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant

KEYS = [
    "record_count", "records_created_today", "records_updated_today", "field_count", "relationship_count",
    "active_users", "recent_activity",
]  # fmt: skip


def figures(api: Api, query: str = "", name: str = "deals") -> dict[str, Any]:
    found = api.get(f"/pipelines/{name}/analytics/{query}")
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json
    return body


def _total(body: dict[str, Any], name: str) -> int:
    return sum(day[name] for day in body["by_day"])


def test_an_empty_pipeline_has_figures(api: Api) -> None:
    deals(api)
    body = figures(api)
    assert list(body)[:7] == KEYS
    assert [body[key] for key in KEYS] == [0, 0, 0, 7, 0, 0, []]
    assert len(body["by_day"]) == 30
    assert body["by_status"] == {}


def test_records_and_changes_are_counted(api: Api, tenant: TestTenant) -> None:
    deals(api)
    one, two, three = (record(api, "deals", {"name": name}) for name in ("One", "Two", "Three"))
    colleague = tenant.user("admin")
    colleague.api.patch(f"/records/{one['id']}/", {"status": "won", "data": {"amount": 5}})
    colleague.api.delete(f"/records/{two['id']}/")
    api.delete(f"/records/{three['id']}/")
    api.post(f"/records/{three['id']}/restore/")
    body = figures(api)
    assert [body[key] for key in KEYS[:6]] == [2, 2, 2, 7, 0, 2]
    assert body["by_status"] == {"active": 1, "won": 1}
    assert body["by_day"][-1] == {"date": body["to"], "created": 3, "updated": 1, "deleted": 2}
    assert [_total(body, name) for name in ("created", "updated", "deleted")] == [3, 1, 2]
    activity = body["recent_activity"]
    assert [(a["event_type"], a["record_id"]) for a in activity] == [
        ("restored", three["id"]), ("deleted", three["id"]), ("deleted", two["id"]), ("updated", one["id"]),
        ("created", three["id"]), ("created", two["id"]), ("created", one["id"]),
    ]  # fmt: skip
    assert [a["title"] for a in activity[:4]] == ["Three", "Three", None, "One"]
    assert activity[3]["actor"] == {"id": str(colleague.id), "kind": "session"}
    assert activity[3]["changed_fields"] == ["status", "data.amount"]
    events = [event for event in reversed(api.events()) if event["type"].startswith("record.")]
    assert [a["occurred_at"] for a in activity] == [event["occurred_at"] for event in events]


def test_recent_activity_ends_somewhere(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "One"})
    for number in range(25):
        record(api, "deals", {"name": f"R{number}"})
    api.patch(f"/records/{made['id']}/", {"status": "last"})
    activity = figures(api)["recent_activity"]
    assert len(activity) == 20
    assert (activity[0]["record_id"], activity[0]["event_type"]) == (made["id"], "updated")
    assert [a["title"] for a in activity[1:]] == [f"R{number}" for number in range(24, 5, -1)]


def test_figures_are_of_the_caller_s_rows(api: Api, tenant: TestTenant) -> None:
    deals(api)
    theirs = record(api, "deals", {"name": "Theirs", "stage": "open"}, status="secret")
    api.patch(f"/records/{theirs['id']}/", {"data": {"stage": "won"}})
    own = tenant.user(tenant.role("own", [
        {"permission": "records:read", "rows": "own"}, {"permission": "records:create"},
    ]))  # fmt: skip
    mine = record(own.api, "deals", {"name": "Mine"})
    body = figures(own.api)
    assert [body[key] for key in KEYS[:6]] == [1, 1, 1, 7, 0, 1]
    assert body["by_status"] == {"active": 1}
    assert [_total(body, name) for name in ("created", "updated", "deleted")] == [1, 0, 0]
    assert [a["record_id"] for a in body["recent_activity"]] == [mine["id"]]
    won = tenant.user(tenant.role("won", [{"permission": "records:read", "rows": {"filter": {"data__stage": "won"}}}]))
    assert figures(won.api)["by_status"] == {"secret": 1}


def test_hidden_fields_leave_no_trace(api: Api, tenant: TestTenant) -> None:
    deals(api)
    made = record(api, "deals", {"name": "Canary", "amount": 1})
    for change in ({"data": {"amount": 2}}, {"data": {"amount": 3, "stage": "won"}}, {"data": {"name": "Canary 2"}}):
        assert api.patch(f"/records/{made['id']}/", change).status_code == 200
    limited = tenant.user(tenant.role("limited", [{"permission": "records:read", "hidden_fields": ["amount", "name"]}]))
    answer = limited.api.get("/pipelines/deals/analytics/")
    assert answer.json["field_count"] == 5
    assert _total(answer.json, "updated") == 1
    assert [(a["event_type"], a["changed_fields"]) for a in answer.json["recent_activity"]] == [
        ("updated", ["data.stage"]), ("created", []),
    ]  # fmt: skip
    assert "amount" not in answer.text
    assert "Canary" not in answer.text
    assert _total(figures(api), "updated") == 3


def test_days_are_those_of_the_tenant(owner_app: Flask, api: Api, tenant: TestTenant) -> None:
    """A record made just before midnight belongs to the day that ends there."""
    deals(api)
    made = record(api, "deals", {"name": "Old"})
    _move(owner_app, tenant, made["id"], "2026-03-01T22:30:00Z")
    for zone, day in [("UTC", "2026-03-01"), ("Europe/Berlin", "2026-03-01"), ("Asia/Tokyo", "2026-03-02")]:
        assert api.patch("/tenants/settings/", {"timezone": zone}).status_code == 200
        body = figures(api, "?from=2026-02-28&to=2026-03-03")
        assert (body["from"], body["to"], body["timezone"]) == ("2026-02-28", "2026-03-03", zone)
        assert [d["date"] for d in body["by_day"]] == ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]
        assert [d["date"] for d in body["by_day"] if d["created"]] == [day]
        assert (body["record_count"], body["records_created_today"]) == (1, 0)
    assert _total(figures(api, "?from=2026-03-02&to=2026-03-02"), "created") == 1
    assert _total(figures(api, "?from=2026-03-03"), "created") == 0


def test_today_begins_at_the_tenant_s_midnight(api: Api) -> None:
    deals(api)
    dates = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        api.patch("/tenants/settings/", {"timezone": zone})
        dates.append(figures(api, "?days=1")["to"])
    assert dates[0] > dates[1]


@pytest.mark.parametrize(
    ("query", "days"),
    [("?days=1", 1), ("?days=7&to=2026-01-07", 7), ("?days=366", 366), ("?to=2026-01-30", 30),
     ("?from=2026-01-01&to=2026-01-01", 1)],
)  # fmt: skip
def test_a_range_is_given_in_several_ways(api: Api, query: str, days: int) -> None:
    deals(api)
    assert len(figures(api, query)["by_day"]) == days


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("?days=0", "/days"), ("?days=367", "/days"), ("?days=x", "/days"), ("?from=yesterday", "/from"),
     ("?from=2026-02-30", "/from"), ("?to=2026-13-01", "/to"), ("?from=2026-02-02&to=2026-02-01", "/from"),
     ("?from=2020-01-01&to=2026-01-01", "/from"), ("?from=0001-01-01", "/from"), ("?from=9999-12-31", "/from"),
     ("?days=3&from=2026-01-01", "/days"), ("?since=2026-01-01", "/since"),
     ("?to=0001-01-01", "/to"), ("?days=366&to=0001-12-31", "/to"), ("?days=1&days=2", "/days")],
)  # fmt: skip
def test_a_range_that_makes_no_sense_is_refused(api: Api, query: str, pointer: str) -> None:
    deals(api)
    problem = assert_problem(api.get(f"/pipelines/deals/analytics/{query}"), 400, "INVALID_PARAMETER")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


@pytest.mark.parametrize("query", ["?to=0001-01-30", "?to=9999-12-31", "?from=0001-01-01&to=0001-01-02"])
def test_the_ends_of_the_calendar_are_days_too(api: Api, query: str) -> None:
    deals(api)
    assert figures(api, query)["record_count"] == 0


def test_reading_records_is_the_right_to_their_figures(api: Api, tenant: TestTenant, other: TestTenant) -> None:
    made = deals(api)
    assert_problem(other.api.get(f"/pipelines/{made['id']}/analytics/"), 404, "PIPELINE_NOT_FOUND")
    sees = tenant.user(tenant.role("sees", [{"permission": "pipelines:read"}])).api
    assert_problem(sees.get("/pipelines/deals/analytics/"), 403, "PERMISSION_DENIED")
    reader = tenant.user(tenant.role("reader", [{"permission": "records:read", "pipelines": [made["id"]]}])).api
    assert figures(reader)["record_count"] == 0


def test_purged_records_are_forgotten(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "Gone"})
    api.delete(f"/records/{made['id']}/")
    assert api.delete(f"/records/{made['id']}/?purge=true").status_code == 204
    body = figures(api)
    assert body["recent_activity"] == []
    assert _total(body, "created") == _total(body, "deleted") == 0


def _move(owner_app: Flask, tenant: TestTenant, record_id: str, moment: str) -> None:
    """As if the record had been made then, which no server can do."""
    with owner_app.app_context(), unit(system_actor(tenant.id)) as work:
        values = (moment, tenant.id, record_id)
        for sql in (
            "UPDATE records SET created_at = %s WHERE tenant_id = %s AND id = %s",
            "UPDATE events SET occurred_at = %s WHERE tenant_id = %s AND subject_id = %s",
        ):
            message.execute(work.connection, sql, values)


def test_relationships_are_counted_either_way_as_far_as_they_are_seen(api: Api, tenant: TestTenant) -> None:
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}])
    deals(api)
    ada, bob = (record(api, "people", {"name": name})["id"] for name in ("ada", "bob"))
    mine, other = (record(api, "deals", {"name": name})["id"] for name in ("mine", "other"))
    wants = relationship_type(tenant, "wants", "people", "deals")
    knows = relationship_type(tenant, "knows", "people", "people")
    relate(tenant, wants, [(ada, mine), (bob, other)])
    relate(tenant, wants, [(ada, other)], status="INACTIVE")
    relate(tenant, wants, [(bob, mine)], is_dormant=True)
    relate(tenant, knows, [(ada, bob)])
    assert [figures(api, name=name)["relationship_count"] for name in ("deals", "people")] == [3, 4]
    rows = {"filter": {"data__name": "mine"}}
    reading = {"permission": "records:read", "pipelines": ["deals"], "rows": rows}
    people = {"permission": "records:read", "pipelines": ["people"]}
    related = {"permission": "relationships:read", "pipelines": [str(wants)]}
    cases: list[tuple[list[dict[str, Any]], int]] = [
        ([reading, people, related], 1), ([reading, people], 0), ([reading, related], 0),
    ]  # fmt: skip
    for at, (grants, expected) in enumerate(cases):
        one = tenant.user(tenant.role(f"role{at}", grants)).api
        assert figures(one)["relationship_count"] == expected
    gone = api.get(f"/relationships/?source_record_id={ada}&target_record_id={mine}").json["results"][0]
    assert api.delete(f"/relationships/{gone['id']}/").status_code == 204
    assert figures(api)["relationship_count"] == 2
