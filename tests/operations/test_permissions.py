"""What one may do, and why (checklist 25, 42; contract 2: permissions/, permissions/explain/)."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.access.permissions import P
from oneo.ids import new_id
from tests.api import SOME_ID, Api, assert_problem
from tests.factories import pipeline as factory
from tests.factories.tenant import TestTenant


def pipeline(tenant: TestTenant, slug: str) -> str:
    found: str = factory.pipeline(tenant.api, slug.title(), [{"name": "Stage", "field_type": "text"}])["id"]
    return found


def grant(permission: str, **details: Any) -> dict[str, Any]:
    """As the API shows one."""
    return {
        "permission": permission, "pipelines": None, "rows": "all", "hidden_fields": [], "read_only_fields": [],
        **details,
    }  # fmt: skip


def explain(api: Api, query: str) -> dict[str, Any]:
    answer = api.get(f"/users/permissions/explain/?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_one_s_own_set_and_all_that_there_is(tenant: TestTenant) -> None:
    tenant.role("reader", [{"permission": "users:read"}, {"permission": "records:read", "rows": "own"}])
    tenant.role("editor", [{"permission": "records:read", "hidden_fields": ["salary"]}])
    user = tenant.user("reader", "editor")
    found = user.api.get("/users/permissions/").json
    assert (found["user_id"], found["is_administrator"]) == (str(user.id), False)
    own, hiding = grant("records:read", rows="own"), grant("records:read")
    assert set(found["permissions"]) == {"users:read", "records:read"}
    assert found["permissions"]["users:read"] == [grant("users:read")]
    assert own in found["permissions"]["records:read"]
    assert hiding in found["permissions"]["records:read"]
    assert [entry["permission"] for entry in found["catalogue"]] == list(P)
    for entry in found["catalogue"]:
        assert entry["about"].endswith(".")
        assert entry["per_pipeline"] or not entry["per_row"]


def test_an_administrator_s_set_has_everything(settled: TestTenant) -> None:
    found = settled.api.get("/users/permissions/").json
    assert found["is_administrator"] is True
    assert list(found["permissions"]) == list(P)
    assert found["permissions"]["records:purge"] == [grant("*")]


def test_somebody_without_types_has_nothing(tenant: TestTenant) -> None:
    user = tenant.user(tenant.role("nothing", []))
    assert user.api.get("/users/permissions/").json["permissions"] == {}


def test_the_set_is_the_present_one(tenant: TestTenant) -> None:
    """Threat 22."""
    user = tenant.user(tenant.role("reader", []))
    tenant.api.patch("/users/types/reader/", {"grants": [{"permission": "users:read"}]})
    assert list(user.api.get("/users/permissions/").json["permissions"]) == ["users:read"]


# -- why ---------------------------------------------------------------------------------------------------------------


def test_what_is_granted_is_explained_by_the_types_that_grant_it(tenant: TestTenant) -> None:
    tenant.role("reader", [{"permission": "records:read", "rows": "own"}, {"permission": "users:read"}])
    tenant.role("editor", [{"permission": "records:update"}])
    user = tenant.user("reader", "editor")
    assert explain(user.api, "action=records:read") == {
        "action": "records:read",
        "pipeline_id": None,
        "record_id": None,
        "allowed": True,
        "reason": "A grant covers this.",
        "granted_by": [{"user_type": "reader", "grant": grant("records:read", rows="own")}],
        "limited_by_key": False,
    }


def test_what_is_not_granted_is_explained_too(tenant: TestTenant) -> None:
    user = tenant.user("viewer")
    found = explain(user.api, "action=users:delete")
    assert (found["allowed"], found["granted_by"]) == (False, [])
    assert found["reason"] == "No grant of users:delete covers this."


def test_an_administrator_is_explained_by_his_type(settled: TestTenant) -> None:
    found = explain(settled.api, "action=records:purge")
    assert found["granted_by"] == [{"user_type": "admin", "grant": grant("*")}]


def test_a_pipeline_is_asked_about_by_slug_or_id(tenant: TestTenant) -> None:
    deals, leads = pipeline(tenant, "deals"), pipeline(tenant, "leads")
    tenant.role("sales", [{"permission": "pipelines:read_all"}, {"permission": "records:read", "pipelines": ["deals"]}])
    user = tenant.user("sales")
    for name, allowed in (("deals", True), (deals, True), ("leads", False), (leads, False)):
        found = explain(user.api, f"action=records:read&pipeline={name}")
        assert found["allowed"] is allowed, name
        assert found["pipeline_id"] == (deals if allowed else leads)
        assert len(found["granted_by"]) == allowed


@pytest.mark.parametrize("name", ["hidden", "another tenant's", "nobody's", "nothing"])
def test_a_pipeline_that_one_may_not_see_is_not_there(tenant: TestTenant, other: TestTenant, name: str) -> None:
    """Threats 2, 17: asking for an explanation is no way to find out what there is."""
    pipeline(tenant, "deals")
    named = {
        "hidden": pipeline(tenant, "hidden"),
        "another tenant's": pipeline(other, "deals"),
        "nobody's": str(new_id()),
        "nothing": "nothing",
    }[name]
    user = tenant.user(tenant.role("sales", [{"permission": "pipelines:read", "pipelines": ["deals"]}]))
    answer = user.api.get(f"/users/permissions/explain/?action=records:read&pipeline={named}")
    assert assert_problem(answer, 404, "PIPELINE_NOT_FOUND")["detail"] == "There is no such pipeline."


def test_a_record_is_explained_by_the_rows_that_grants_are_for(tenant: TestTenant) -> None:
    pipeline(tenant, "deals")
    rule = {"filter": {"data__stage": "open"}}
    tenant.role("seller", [{"permission": "records:read"}, {"permission": "records:update", "rows": rule}])
    user = tenant.user("seller")
    for stage, allowed in (("open", True), ("won", False)):
        made = factory.record(tenant.api, "deals", {"stage": stage})
        found = explain(user.api, f"action=records:update&record={made['id']}")
        assert (found["allowed"], found["record_id"]) == (allowed, made["id"])
    assert found["reason"] == "The grants of records:update are for other records."


def test_a_record_that_one_may_not_see_is_not_there(tenant: TestTenant, other: TestTenant) -> None:
    pipeline(tenant, "deals")
    pipeline(other, "deals")
    user = tenant.user(tenant.role("seller", [{"permission": "records:read", "rows": "own"}]))
    theirs = [factory.record(api, "deals", {})["id"] for api in (tenant.api, other.api)]
    for record_id in (*theirs, SOME_ID, "no id"):
        answer = user.api.get(f"/users/permissions/explain/?action=records:read&record={record_id}")
        assert_problem(answer, 404, "RECORD_NOT_FOUND")


def test_a_key_is_explained_as_narrowed(tenant: TestTenant) -> None:
    made = tenant.api.post("/auth/api-keys/", {"name": "key", "scopes": ["users:read"]}).json
    found = explain(Api(tenant.app, made["key"]), "action=users:update")
    assert (found["allowed"], found["limited_by_key"]) == (False, True)
    assert found["granted_by"] == [{"user_type": "admin", "grant": grant("*")}], "the owner would be allowed"


@pytest.mark.parametrize(
    "query", ["", "action=", "action=users:raed", "action=*", "action=users:read&action=users:update",
              "action=users:read&actor=x", "action=users:read&pipeline="],
)  # fmt: skip
def test_an_unclear_question_is_refused(settled: TestTenant, query: str) -> None:
    assert_problem(settled.api.get(f"/users/permissions/explain/?{query}"), 400, "INVALID_PARAMETER")


def test_a_misspelt_action_is_answered_with_the_nearest(settled: TestTenant) -> None:
    problem = settled.api.get("/users/permissions/explain/?action=users:raed").json
    assert problem["errors"][0]["suggestion"] == "users:read"
