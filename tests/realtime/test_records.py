"""Records and pipelines over real sockets (checklist 61-63; threats 25, 26)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant
from tests.realtime.client import POLLING, WEBSOCKET, Listener, token_of


def heard(listener: Listener, name: str = "record_event") -> list[Any]:
    return listener.notices(name)


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
def test_a_change_of_a_record_reaches_a_subscriber(url: str, tenant: TestTenant, transports: tuple[str, ...]) -> None:
    found = deals(tenant.api)
    with Listener(url, token_of(tenant.api), transports=transports) as listener:
        listener.subscribe("pipeline:deals", filter={"data__stage": "won"})
        listener.subscribe("schema")
        record(tenant.api, "deals", {"name": "Lost", "stage": "lost"})
        won = record(tenant.api, "deals", {"name": "Won", "stage": "won"})
        assert tenant.api.patch("/pipelines/deals/", {"name": "Sales"}).status_code == 200
        listener.wait_for(lambda: heard(listener) and heard(listener, "pipeline_event"))
        event, shape = heard(listener)[0], heard(listener, "pipeline_event")[0]
    assert (event["record_id"], event["pipeline_id"], event["event_type"]) == (won["id"], found["id"], "created")
    assert event["data"] == won
    assert (shape["pipeline_id"], shape["type"], shape["data"]["name"]) == (found["id"], "pipeline.updated", "Sales")


def test_who_returns_misses_nothing(url: str, tenant: TestTenant) -> None:
    deals(tenant.api)
    made = record(tenant.api, "deals", {"name": "One", "amount": 0})
    with Listener(url, token_of(tenant.api)) as listener:
        last = listener.call("subscribe", {"topic": f"record:{made['id']}"})["seq"]
    for amount in range(1, 6):
        tenant.api.patch(f"/records/{made['id']}/", {"data": {"amount": amount}})
    with Listener(url, token_of(tenant.api)) as listener:
        listener.subscribe(f"record:{made['id']}", after=last)
        tenant.api.delete(f"/records/{made['id']}/")
        listener.wait_for(lambda: len(heard(listener)) == 6)
        time.sleep(0.2)
        assert [event["data"]["data"]["amount"] for event in heard(listener)] == [1, 2, 3, 4, 5, 5]
        assert [event["event_type"] for event in heard(listener)] == [*["updated"] * 5, "deleted"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"topic": "pipeline:deals", "filter": {"data__nothing": 1}}, "VALIDATION_FAILED"),
        ({"topic": "records", "filter": {"data__amount": 1}}, "VALIDATION_FAILED"),
        ({"topic": "pipeline:deals", "filter": 5}, "VALIDATION_FAILED"),
        ({"topic": "pipeline:deals'; DROP TABLE records; --"}, "PIPELINE_NOT_FOUND"),
        ({"topic": "pipeline:*"}, "PIPELINE_NOT_FOUND"),
        ({"topic": "record:*"}, "RECORD_NOT_FOUND"),
        ({"topic": "records:*"}, "TOPIC_NOT_FOUND"),
        ({"topic": "schema", "filter": {"name": "x"}}, "VALIDATION_FAILED"),
    ],
)
def test_what_cannot_be_told_is_refused(tenant: TestTenant, listener: Listener, body: Any, code: str) -> None:
    deals(tenant.api)
    answer = listener.call("subscribe", body)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert code != "VALIDATION_FAILED" or answer["error"]["errors"][0]["pointer"].startswith("/filter")
    assert listener.call("subscribe", {"topic": "pipeline:deals"})["ok"]


def test_rights_that_end_under_writers_silence_soon(url: str, tenant: TestTenant) -> None:
    deals(tenant.api)
    made = record(tenant.api, "deals", {"name": "One", "amount": 0})
    role = tenant.role("reader", [{"permission": "records:read"}])
    with Listener(url, token_of(tenant.user(role).api)) as listener:
        listener.subscribe("records")
        for amount in range(1, 25):
            tenant.api.patch(f"/records/{made['id']}/", {"data": {"amount": amount}})
            if amount == 10:
                listener.wait_for(lambda: len(heard(listener)) == 10)
                assert tenant.api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
        listener.wait_for(lambda: listener.notices("unsubscribed"), seconds=2)
        time.sleep(0.3)
        assert len(heard(listener)) == 10
