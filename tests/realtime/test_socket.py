"""The journey of a change to its subscribers, over real sockets: connecting, subscribing, resuming, leaving."""

from __future__ import annotations

import time
from typing import Any

import pytest

from oneo.delivery.subscriptions import MAX_SUBSCRIPTIONS
from tests.factories.tenant import TestTenant
from tests.realtime.client import POLLING, UPGRADE, WEBSOCKET, Listener, change, token_of

ENVELOPE = [
    "seq", "id", "type", "event_type", "tenant_id", "occurred_at", "actor", "subject_id", "pipeline_id", "version",
    "changed_fields", "data", "old", "reason",
]  # fmt: skip


# -- the journey -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADE])
def test_a_change_reaches_a_subscriber(url: str, tenant: TestTenant, transports: tuple[str, ...]) -> None:
    with Listener(url, token_of(tenant.api), transports=transports) as listener:
        answer = listener.call("subscribe", {"topic": "users"})
        assert answer == {"ok": True, "subscription": answer["subscription"], "seq": tenant.api.events()[-1]["seq"]}
        user = tenant.user()
        change(tenant, user, "Ada")
        created, updated = listener.wait_for_events(2)
    assert list(created) == [*ENVELOPE, "user_id", "subscription"]
    assert (created["type"], created["event_type"]) == ("user.created", "created")
    assert (updated["type"], updated["event_type"]) == ("user.updated", "updated")
    assert {event["user_id"] for event in (created, updated)} == {str(user.id)}
    assert {event["subscription"] for event in (created, updated)} == {answer["subscription"]}
    assert (updated["data"]["name"], updated["old"]["name"]) == ("Ada", "")
    assert created["seq"] > answer["seq"]
    logged = {event["seq"]: event for event in tenant.api.events()}
    for event in (created, updated):
        assert {name: event[name] for name in ENVELOPE} == logged[event["seq"]]


def test_a_change_arrives_soon(tenant: TestTenant, listener: Listener) -> None:
    user = tenant.user()
    listener.subscribe()
    spent = []
    for number in range(10):
        started = time.time()
        tenant.api.patch(f"/users/{user.id}/", {"name": f"n{number}"})
        listener.wait_for_events(number + 1)
        spent.append(listener.heard[-1][0] - started)
    assert sorted(spent)[5] < 0.2


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
def test_who_returns_misses_nothing(url: str, tenant: TestTenant, transports: tuple[str, ...]) -> None:
    user = tenant.user()
    with Listener(url, token_of(tenant.api), transports=transports) as listener:
        listener.subscribe()
        first = change(tenant, user, "one")
        listener.wait_for_events(1)
    missed = [change(tenant, user, f"missed {number}") for number in range(40)]
    with Listener(url, token_of(tenant.api), transports=transports) as listener:
        answer = listener.call("subscribe", {"topic": "users", "after": first})
        live = change(tenant, user, "live")
        listener.wait_for_events(41)
        time.sleep(0.3)
        assert listener.numbers() == [*missed, live]
        assert answer["seq"] == missed[-1]
        assert "resync" not in answer


def test_reading_can_begin_at_the_very_first_event(tenant: TestTenant, listener: Listener) -> None:
    tenant.user()
    listener.subscribe(after=0)
    expected = [event["seq"] for event in tenant.api.events() if event["type"].startswith("user.")]
    seen = listener.wait_for_events(len(expected) - 1)
    time.sleep(0.2)
    assert [event["seq"] for event in seen] == expected[1:]
    assert all(not event["data"].get("is_system") for event in seen)


@pytest.mark.parametrize("after", [10**6, 2**63 - 1])
def test_a_number_out_of_reach_is_told(tenant: TestTenant, listener: Listener, after: int) -> None:
    answer = listener.call("subscribe", {"topic": "users", "after": after})
    assert answer["ok"]
    assert answer["resync"] is True
    listener.wait_for(lambda: listener.notices("resync"))
    notice = {"subscription": answer["subscription"], "after": after, "seq": answer["seq"]}
    assert listener.notices("resync") == [notice]
    tenant.user()
    assert listener.wait_for_events(1)[0]["seq"] == answer["seq"] + 1


def test_each_subscription_is_told_until_it_ends(tenant: TestTenant, listener: Listener) -> None:
    one, two = listener.subscribe(), listener.subscribe()
    user = tenant.user()
    listener.wait_for_events(2)
    assert sorted(event["subscription"] for event in listener.events()) == sorted([one, two])
    assert listener.call("unsubscribe", {"subscription": one}) == {"ok": True}
    again = listener.call("unsubscribe", {"subscription": one})
    assert again["error"]["code"] == "SUBSCRIPTION_NOT_FOUND"
    change(tenant, user, "x")
    listener.wait_for_events(3)
    listener.call("unsubscribe", {"subscription": two})
    change(tenant, user, "y")
    time.sleep(0.5)
    assert [event["subscription"] for event in listener.events()[2:]] == [two]


def test_what_is_refused_is_told_to_nobody(tenant: TestTenant, listener: Listener) -> None:
    user = tenant.user()
    listener.subscribe()
    assert tenant.api.post("/users/", {"email": user.email}).status_code == 409
    assert tenant.api.patch(f"/users/{user.id}/", {"name": "x", "timezone": "Nowhere"}).status_code == 422
    assert tenant.api.patch(f"/users/{user.id}/", {"name": "x"}, headers={"If-Match": '"9"'}).status_code == 412
    last = change(tenant, user, "right")
    assert listener.wait_for_events(1)[0]["seq"] == last


# -- what cannot be understood -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        (), (None,), ("users",), (5,), ([],), (["users"],), ({},), ({"topic": None},), ({"topic": 5},),
        ({"topic": ["users"]},), ({"topic": {"name": "users"}},), ({"topic": "users", "room": "x"},),
        ({"topic": "users", "after": -1},), ({"topic": "users", "after": "5"},), ({"topic": "users", "after": 1.5},),
        ({"topic": "users", "after": True},), ({"topic": "users", "after": 2**63},),
        ({"topic": "users", "filter": {"name": "x"}},), ({"topic": "users", "filter": "x"},),
        ({"topic": "users"}, {"topic": "users"}), ({"topic": "USERS"},), ({"topic": "users "},), ({"topic": ""},),
        ({"topic": "x" * 10_000},), ({"topic": "users'; DROP TABLE users; --"},), ({"__proto__": {}},),
    ],
)  # fmt: skip
def test_a_malformed_subscription_is_refused(listener: Listener, arguments: tuple[Any, ...]) -> None:
    answer = listener.call("subscribe", *arguments)
    assert answer["ok"] is False
    assert answer["error"]["code"] in {"VALIDATION_FAILED", "TOPIC_NOT_FOUND"}
    assert answer["error"]["message"]
    assert len(str(answer)) < 2_000
    assert listener.call("subscribe", {"topic": "users"})["ok"]


@pytest.mark.parametrize("filter_", [None, {}])
def test_a_filter_that_asks_for_nothing_is_taken(listener: Listener, filter_: Any) -> None:
    assert listener.call("subscribe", {"topic": "users", "filter": filter_, "after": None})["ok"]


@pytest.mark.parametrize("arguments", [(), (5,), ({},), ({"subscription": 5},), ({"subscription": "x", "y": 1},)])
def test_a_malformed_end_is_refused(listener: Listener, arguments: tuple[Any, ...]) -> None:
    assert listener.call("unsubscribe", *arguments)["error"]["code"] == "VALIDATION_FAILED"


@pytest.mark.parametrize("event", ["message", "json", "error", "ping", "*", "", "users", "x" * 1_000])
def test_unknown_messages_are_refused(listener: Listener, event: str) -> None:
    assert listener.call(event, {"topic": "users"})["error"]["code"] == "UNKNOWN_MESSAGE"


def test_subscriptions_of_a_connection_are_limited(tenant: TestTenant, listener: Listener) -> None:
    opened = {listener.subscribe() for _ in range(MAX_SUBSCRIPTIONS)}
    assert len(opened) == MAX_SUBSCRIPTIONS
    for _ in range(10):
        assert listener.call("subscribe", {"topic": "users"})["error"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
    listener.call("unsubscribe", {"subscription": opened.pop()})
    listener.subscribe()
