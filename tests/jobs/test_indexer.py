"""Index slots that fill while the server serves."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask

from oneo.actor import system_actor
from oneo.operations import slots
from tests.api import Api
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant

FIELDS: list[dict[str, Any]] = [
    {"name": "Amount", "field_type": "number", "is_indexed": False},
    {"name": "Note", "field_type": "text", "is_indexed": False},
]
ROWS = 4_500
LIST = "/pipelines/things/records/?ordering=-data__amount&page_size=5&fields=data__amount&data__amount__lte=4000"


def fill(api: Api) -> None:
    pipeline(api, "Things", FIELDS)
    entries = [{"data": {"amount": at} if at % 3 else {}} for at in range(ROWS)]
    made = api.post("/pipelines/things/records/bulk_create/", entries, headers={"Prefer": "return=minimal"})
    assert made.json["created_count"] == ROWS


def index_of(api: Api) -> Any:
    return api.get("/pipelines/things/fields/amount/").json["index"]


def wait_until_ready(api: Api) -> Any:
    for _ in range(200):
        found = index_of(api)
        if found["state"] == "ready":
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_an_index_fills_beside_the_requests_and_lists_stay_the_same(api: Api) -> None:
    fill(api)
    before = api.get(LIST).json
    changed = api.patch("/pipelines/things/fields/amount/", {"is_indexed": True})
    assert changed.status_code == 200, changed.text
    assert (changed.json["index"]["state"], changed.json["index"]["total"]) == ("filling", 3_000)
    assert api.get(LIST).json == before
    made = api.post("/pipelines/things/records/", {"data": {"amount": 3_999.5}})
    assert made.status_code == 201
    found = wait_until_ready(api)
    assert found["done"] >= found["total"] == 3_000
    after = api.get(LIST).json
    assert [row["data"]["amount"] for row in after["results"]] == [4_000, 3_999.5, 3_998, 3_997, 3_995]
    assert after["count"] == before["count"] + 1
    assert "field.indexed" in [event["type"] for event in api.events(after=ROWS)]


def test_a_slot_is_emptied_before_another_field_has_it(app: Flask, tenant: TestTenant) -> None:
    api = tenant.api
    fill(api)
    actor = system_actor(tenant.id)
    assert api.patch("/pipelines/things/fields/amount/", {"is_indexed": True}).status_code == 200
    wait_until_ready(api)
    assert api.patch("/pipelines/things/fields/amount/", {"is_indexed": False}).json["index"] is None
    made = api.post("/pipelines/things/fields/", {"name": "Size", "field_type": "number"})
    assert made.json["index"]["state"] == "ready"
    with app.app_context():
        for _ in range(200):
            if not slots.pending(actor):
                break
            api.get("/pipelines/things/")
            time.sleep(0.05)
        assert slots.pending(actor) == []
    assert api.get("/pipelines/things/records/?data__size__exists=true").json["count"] == 0
