"""Relationships over real sockets (checklist 61-63; threats 25, 26)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.factories.pipeline import deals, record
from tests.factories.relationship import link, relationship_type
from tests.factories.tenant import TestTenant
from tests.realtime.client import POLLING, WEBSOCKET, Listener, token_of


def heard(listener: Listener) -> list[Any]:
    return listener.notices("relationship_event")


@pytest.fixture
def ends(tenant: TestTenant) -> tuple[str, str]:
    deals(tenant.api)
    relationship_type(tenant, "employs")
    one, two = (record(tenant.api, "deals", {"name": name})["id"] for name in ("One", "Two"))
    return one, two


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
def test_a_change_of_a_relationship_reaches_a_subscriber(
    url: str, tenant: TestTenant, ends: tuple[str, str], transports: tuple[str, ...]
) -> None:
    """Checklist 75, over sockets."""
    with Listener(url, token_of(tenant.api), transports=transports) as listener:
        listener.subscribe("relationships", filter={"status": "PENDING"})
        listener.subscribe(f"record:{ends[1]}:relationships")
        made = link(tenant.api, "employs", *ends)
        pending = link(tenant.api, "employs", ends[1], ends[0], status="PENDING")
        listener.wait_for(lambda: len(heard(listener)) == 3)
        events = heard(listener)
    ids = [event["relationship_id"] for event in events]
    assert sorted(ids) == sorted([made["id"], pending["id"], pending["id"]])
    first = events[ids.index(made["id"])]
    assert (first["source_record_id"], first["target_record_id"], first["event_type"]) == (*ends, "created")
    assert first["data"] == made


def test_who_returns_misses_nothing(url: str, tenant: TestTenant, ends: tuple[str, str]) -> None:
    made = link(tenant.api, "employs", *ends)
    topic = f"record:{ends[0]}:relationships"
    with Listener(url, token_of(tenant.api)) as listener:
        last = listener.call("subscribe", {"topic": topic})["seq"]
    for tenth in range(1, 6):
        tenant.api.patch(f"/relationships/{made['id']}/", {"strength": tenth / 10})
    with Listener(url, token_of(tenant.api)) as listener:
        listener.subscribe(topic, after=last)
        tenant.api.delete(f"/relationships/{made['id']}/")
        listener.wait_for(lambda: len(heard(listener)) == 6)
        time.sleep(0.2)
        assert [event["data"]["strength"] for event in heard(listener)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
        assert [event["event_type"] for event in heard(listener)] == [*["updated"] * 5, "deleted"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"topic": "record:*:relationships"}, "RECORD_NOT_FOUND"),
        ({"topic": "relationships:*"}, "TOPIC_NOT_FOUND"),
        ({"topic": "relationships", "filter": {"data__role": 1}}, "VALIDATION_FAILED"),
    ],
)
def test_what_cannot_be_told_is_refused(listener: Listener, body: Any, code: str) -> None:
    answer = listener.call("subscribe", body)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert listener.call("subscribe", {"topic": "relationships"})["ok"]


def test_rights_that_end_silence_soon(url: str, tenant: TestTenant, ends: tuple[str, str]) -> None:
    made = link(tenant.api, "employs", *ends)
    role = tenant.role("reader", [{"permission": "records:read"}, {"permission": "relationships:read"}])
    with Listener(url, token_of(tenant.user(role).api)) as listener:
        listener.subscribe("relationships")
        for tenth in range(1, 10):
            tenant.api.patch(f"/relationships/{made['id']}/", {"strength": tenth / 10})
            if tenth == 5:
                listener.wait_for(lambda: len(heard(listener)) == 5)
                assert tenant.api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
        listener.wait_for(lambda: listener.notices("unsubscribed"), seconds=2)
        time.sleep(0.3)
        assert len(heard(listener)) == 5
