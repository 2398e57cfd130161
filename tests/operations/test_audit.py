"""The audit log: filters, order, pages, and who may read it (checklist 27; threats 1, 17, 56)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from tests.api import Api, assert_problem
from tests.factories.tenant import TenantFactory, TestTenant


@pytest.fixture(scope="module")
def busy(owner_app: Flask, app: Flask) -> TestTenant:
    """A tenant in which a few things have happened."""
    tenant = TenantFactory(owner_app, app).create()
    user = tenant.user("admin")
    for at in range(4):
        made = user.api.post("/users/", {"email": f"user{at}@example.com"})
        assert made.status_code == 201, made.text
        tenant.api.patch(f"/users/{made.json['id']}/", {"name": f"User {at}"})
    tenant.api.post("/users/types/", {"name": "Sales"})
    return tenant


def results(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/admin/audit/{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["results"])


def test_the_newest_stands_first_and_nothing_is_missing(busy: TestTenant) -> None:
    numbers = [event["seq"] for event in results(busy.api, "?page_size=1000")]
    assert numbers == list(range(len(numbers), 0, -1))


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("?type=user.created", lambda event: event["type"] == "user.created"),
        ("?type__in=user.created,user_type.created", lambda event: event["type"].endswith(".created")
         and event["type"].startswith("user")),
        ("?type__not=user.created", lambda event: event["type"] != "user.created"),
        ("?type__startswith=user_type.", lambda event: event["type"].startswith("user_type.")),
        ("?actor_kind=system", lambda event: event["actor"]["kind"] == "system"),
        ("?seq__gt=5&seq__lte=9", lambda event: 5 < event["seq"] <= 9),
        ("?seq=7", lambda event: event["seq"] == 7),
        ("?occurred_before=2000-01-01", lambda _: False),
        ("?occurred_after=2000-01-01", lambda _: True),
        ('?filter={"or":[{"seq":1},{"type":{"contains":"USER_TYPE"}}]}',
         lambda event: event["seq"] == 1 or event["type"].startswith("user_type")),
        ('?filter={"not":{"actor_kind":"system"}}', lambda event: event["actor"]["kind"] != "system"),
    ],
)  # fmt: skip
def test_a_filter_leaves_exactly_what_it_says(busy: TestTenant, query: str, test: Any) -> None:
    everything = results(busy.api, "?page_size=1000")
    expected = [event["seq"] for event in everything if test(event)]
    assert [event["seq"] for event in results(busy.api, f"{query}&page_size=1000")] == expected


def test_events_of_one_subject_and_of_one_actor(busy: TestTenant) -> None:
    everything = results(busy.api, "?page_size=1000")
    for key, name in (("subject_id", "subject_id"), ("actor_id", "actor")):
        for event in everything[:5]:
            value = event["subject_id"] if key == "subject_id" else event["actor"]["id"]
            found = results(busy.api, f"?{key}={value}&page_size=1000")
            expected = [
                other["seq"]
                for other in everything
                if (other["subject_id"] if name == "subject_id" else other["actor"]["id"]) == value
            ]
            assert [other["seq"] for other in found] == expected


def test_a_span_of_time_is_cut_at_its_ends(busy: TestTenant) -> None:
    everything = results(busy.api, "?page_size=1000&ordering=seq")
    edge = everything[6]["occurred_at"]
    after, before = results(busy.api, f"?occurred_at__gte={edge}"), results(busy.api, f"?occurred_at__lt={edge}")
    assert {event["seq"] for event in after} | {event["seq"] for event in before} == {e["seq"] for e in everything}
    assert not {event["seq"] for event in after} & {event["seq"] for event in before}
    moment = datetime.fromisoformat(edge)
    assert all(datetime.fromisoformat(event["occurred_at"]) < moment for event in before)


@pytest.mark.parametrize("ordering", ["-seq", "seq", "type", "-actor_kind,seq", "occurred_at"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_walk_by_cursor_meets_each_event_once(busy: TestTenant, ordering: str, size: int) -> None:
    expected = [event["seq"] for event in results(busy.api, f"?ordering={ordering}&page_size=1000")]
    seen: list[int] = []
    cursor: str | None = f"/api/v1/admin/audit/?cursor=&ordering={ordering}&page_size={size}"
    while cursor:
        page = busy.api.get(cursor.removeprefix("http://localhost")).get_json()
        assert (page["pages"], page["current_page"]) == (None, None)
        seen += [event["seq"] for event in page["results"]]
        cursor = page["next"]
    assert seen == expected


def test_what_happens_during_a_walk_is_neither_met_twice_nor_skipped(tenant: TestTenant) -> None:
    """Threat 70."""
    api = tenant.api
    tenant.user()
    expected = [event["seq"] for event in results(api, "?ordering=seq&page_size=1000")]
    seen: list[int] = []
    cursor: str | None = "/api/v1/admin/audit/?cursor=&ordering=seq&page_size=2"
    for turn in range(100):
        if not cursor:
            break
        page = api.get(cursor.removeprefix("http://localhost")).get_json()
        seen += [event["seq"] for event in page["results"]]
        cursor = page["next"]
        if turn < 3:
            assert api.post("/users/", {"email": f"late{turn}@example.com"}).status_code == 201
    assert seen == [*expected, *range(expected[-1] + 1, expected[-1] + 4)]


@pytest.mark.parametrize(
    "query",
    ["?typ=user.created", "?type__like=x", "?seq=one", "?seq__gt=1;DROP", "?occurred_at__gt=yesterday", "?actor_id=me",
     "?ordering=data", "?ordering=-password_hash", "?search=x", "?data__name=x", "?cursor=x", "?page=0", "?page=-1",
     "?page_size=1001", "?tenant_id=x", "?fields=password_hash", "?count=all", "?filter={",
     '?filter={"tenant_id":"x"}'],
)  # fmt: skip
def test_what_is_not_understood_is_refused(settled: TestTenant, query: str) -> None:
    """Threat 56: an ignored filter widens the result."""
    answer = settled.api.get(f"/admin/audit/{query}")
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_cursor_is_good_for_its_own_list_only(busy: TestTenant, other: TestTenant) -> None:
    following = busy.api.get("/admin/audit/?cursor=&page_size=2").get_json()["next"]
    path = following.removeprefix("http://localhost")
    assert busy.api.get(path).status_code == 200
    for api, address in (
        (busy.api, f"{path}&ordering=seq"),
        (busy.api, f"{path}&type=user.created"),
        (busy.api, path.replace("/admin/audit/", "/users/")),
        (other.api, path),
    ):
        assert_problem(api.get(address), 400, "INVALID_CURSOR")


def test_the_log_is_for_those_who_may_read_it(tenant: TestTenant) -> None:
    reader = tenant.user(tenant.role("auditor", [{"permission": "audit:read"}]))
    everything_else = tenant.user(tenant.role("rest", [{"permission": "users:read"}, {"permission": "tenant:update"}]))
    assert results(reader.api) != []
    assert_problem(everything_else.api.get("/admin/audit/"), 403, "PERMISSION_DENIED")
    assert_problem(Api(tenant.app).get("/admin/audit/"), 401, "AUTHENTICATION_REQUIRED")


def test_the_log_is_one_tenant_s(busy: TestTenant, other: TestTenant) -> None:
    """Threat 1."""
    ours = {event["id"] for event in results(busy.api, "?page_size=1000")}
    theirs = results(other.api, "?page_size=1000")
    assert not ours & {event["id"] for event in theirs}
    assert {event["tenant_id"] for event in theirs} == {str(other.id)}
    assert results(other.api, f"?actor_id={busy.admin.id}") == []
