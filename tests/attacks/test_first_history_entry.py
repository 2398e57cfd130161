"""The first entry of a history has everything that the object began with, without fields hidden from the caller."""

from __future__ import annotations

from typing import Any

from tests.api import Api
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, own_field, relationship_type
from tests.factories.tenant import TestTenant

CANARY = "canary-7f3a"


def _made(tenant: TestTenant) -> dict[str, Any]:
    pipeline(tenant.api, "People", [{"name": "Name", "field_type": "text"}])
    knows = relationship_type(tenant, "knows")
    for slug in ("place", "secret"):
        own_field(tenant, knows, slug)
    ada, jun = (record(tenant.api, "people", {"name": name})["id"] for name in ("Ada", "Jun"))
    return link(
        tenant.api, "knows", ada, jun, metadata={"n": 1}, data={"place": "Oslo", "secret": CANARY},
        effective_from="2026-01-02T00:00:00Z", reason="They met.",
    )  # fmt: skip


def _first_changes(api: Api, made: dict[str, Any]) -> dict[str, Any]:
    listed = api.get(f"/relationships/{made['id']}/history/")
    assert listed.status_code == 200, listed.text
    first = listed.json["results"][-1]
    assert (first["operation"], first["reason"], first["changed_fields"]) == ("CREATED", "They met.", [])
    assert all(change["old"] is None for change in first["changes"])
    return {change["field"]: change["new"] for change in first["changes"]}


def test_a_relationship_s_first_entry_has_its_ends_and_values(tenant: TestTenant) -> None:
    made = _made(tenant)
    parts = ("relationship_type_id", "relationship_type", "source_record_id", "source_pipeline_id", "target_record_id",
             "target_pipeline_id", "status", "is_bidirectional", "effective_from", "strength", "metadata")  # fmt: skip
    expected = {name: made[name] for name in parts} | {"data.place": "Oslo", "data.secret": CANARY}
    assert made["effective_until"] is None
    assert _first_changes(tenant.api, made) == expected
    tenant.api.patch(f"/relationships/{made['id']}/", {"strength": 0.5, "data": {"place": "Rome"}})
    latest = tenant.api.get(f"/relationships/{made['id']}/history/").json["results"][0]
    assert latest["changes"] == [
        {"field": "strength", "old": 1, "new": 0.5}, {"field": "data.place", "old": "Oslo", "new": "Rome"},
    ]  # fmt: skip
    assert _first_changes(tenant.api, made) == expected


def test_hidden_fields_are_absent_from_the_first_entry(tenant: TestTenant) -> None:
    made = _made(tenant)
    grants: list[dict[str, Any]] = [
        {"permission": "records:read"}, {"permission": "relationships:read", "hidden_fields": ["secret"]},
    ]  # fmt: skip
    weak = tenant.user(tenant.role("weak", grants)).api
    changes = _first_changes(weak, made)
    assert changes["data.place"] == "Oslo"
    assert "data.secret" not in changes
    assert CANARY not in weak.get(f"/relationships/{made['id']}/history/").text


def test_a_record_s_first_entry_has_its_values(api: Api) -> None:
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}])
    made = record(api, "people", {"name": "Ada"}, status="new", title="Countess")
    first = api.get(f"/records/{made['id']}/history/").json["results"][-1]
    assert {change["field"]: change["new"] for change in first["changes"]} == {
        "title": "Countess", "status": "new", "data.name": "Ada",
    }  # fmt: skip
