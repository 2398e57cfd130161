"""Relationships as they were stored at a moment: the second axis of time (contract 5; threats 13, 18)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.api import Api, Reply, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, own_field, relationship_type
from tests.factories.tenant import TestTenant


def related(tenant: TestTenant) -> dict[str, Any]:
    """Somebody who knows somebody, with two fields of the relationship."""
    pipeline(tenant.api, "People", [{"name": "Name", "field_type": "text"}])
    knows = relationship_type(tenant, "knows")
    for slug in ("place", "secret"):
        own_field(tenant, knows, slug)
    ada, jun = (record(tenant.api, "people", {"name": name})["id"] for name in ("Ada", "Jun"))
    return link(tenant.api, "knows", ada, jun, metadata={"n": 1}, data={"place": "Oslo", "secret": "canary"})


def as_of(api: Api, link_id: str, moment: str, query: str = "") -> Reply:
    return api.get(f"/relationships/{link_id}/?as_of={quote(moment)}{query}")


def test_each_state_is_shown_as_it_was(tenant: TestTenant) -> None:
    made, api = related(tenant), tenant.api
    path = f"/relationships/{made['id']}/"
    changes = {"strength": 0.5, "metadata": {"n": None}, "data": {"place": "Rome"}, "effective_until": "2100-01-01"}
    states = [made, api.patch(path, changes).json, api.post(f"{path}deactivate/").json]
    for state in states:
        assert as_of(api, made["id"], state["updated_at"]).json == state
    assert [state["version"] for state in states] == [1, 2, 3]
    picked = as_of(api, made["id"], made["created_at"], "&fields=strength,source_record_id&reverse=true")
    assert picked.json == {"source_record_id": made["target_record_id"], "strength": 1}
    assert_problem(as_of(api, made["id"], "2020-01-01"), 404, "RELATIONSHIP_NOT_FOUND")
    assert api.delete(path).status_code == 204
    gone = api.get("/relationships/deleted/").json["results"][0]["deleted_at"]
    assert_problem(as_of(api, made["id"], gone), 404, "RELATIONSHIP_NOT_FOUND")
    assert as_of(api, made["id"], states[2]["updated_at"]).json == states[2]


def test_what_is_hidden_now_is_hidden_then(tenant: TestTenant) -> None:
    made = related(tenant)
    grants: list[dict[str, Any]] = [
        {"permission": "records:read"}, {"permission": "relationships:read", "hidden_fields": ["secret"]},
    ]  # fmt: skip
    weak = tenant.user(tenant.role("weak", grants)).api
    shown = as_of(weak, made["id"], made["created_at"])
    assert (shown.status_code, shown.json["data"]) == (200, {"place": "Oslo"})
    rule = {"filter": {"data__name": "Ada"}}
    one: list[dict[str, Any]] = [{"permission": "records:read", "rows": rule}, {"permission": "relationships:read"}]
    blind = tenant.user(tenant.role("blind", one)).api
    assert_problem(as_of(blind, made["id"], made["created_at"]), 404, "RELATIONSHIP_NOT_FOUND")


def test_moments_to_come_and_records_beside_are_refused(tenant: TestTenant) -> None:
    made = related(tenant)
    for moment, query in (("2190-01-01", ""), ("soon", ""), (made["created_at"], "&include=source")):
        assert_problem(as_of(tenant.api, made["id"], moment, query), 400, "INVALID_PARAMETER")
