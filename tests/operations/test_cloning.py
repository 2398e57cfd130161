"""Clones of pipelines (checklist 13; threats 13, 38)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import DEAL_FIELDS, deals, pipeline, record
from tests.factories.tenant import TestTenant

COPIED = ("name", "slug", "description", "field_type", "field_config", "is_required", "is_unique", "is_indexed",
          "display_order", "is_visible_in_list")  # fmt: skip


def clone(api: Api, source: str = "deals", **body: Any) -> dict[str, Any]:
    made = api.post(f"/pipelines/{source}/clone/", body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


def _fields(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [{key: field[key] for key in COPIED} for field in found["fields"]]


def test_a_clone_is_what_its_source_is_without_records(api: Api, tenant: TestTenant) -> None:
    source = deals(
        api, description="Ours", pipeline_type="sales", icon="star", color="#112233", settings={"view": ["board"]}
    )
    record(api, "deals", {"name": "One"})
    colleague = tenant.user("admin")
    answer = colleague.api.post("/pipelines/deals/clone/", {})
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert answer.headers["Location"] == f"/api/v1/pipelines/{made['id']}/"
    assert answer.headers["ETag"] == '"1"'
    assert (made["name"], made["slug"], made["record_count"]) == ("Deals (Copy)", "deals_copy", 0)
    same = ("description", "pipeline_type", "icon", "color", "settings", "title_field")
    assert {key: made[key] for key in same} == {key: source[key] for key in same}
    assert _fields(made) == _fields(source)
    assert made["created_by"] == {field["created_by"] for field in made["fields"]}.pop() == str(colleague.id)
    assert not {field["id"] for field in made["fields"]} & {field["id"] for field in source["fields"]}
    assert colleague.api.get(answer.headers["Location"]).json == made
    assert record(api, "deals_copy", {"name": "Two", "code": "x"})["title"] == "Two"
    types = [event["type"] for event in api.events() if event["actor"]["id"] == str(colleague.id)]
    assert types == ["pipeline.created"] + ["field.created"] * len(DEAL_FIELDS)


def test_the_settings_of_a_clone_are_its_own(api: Api) -> None:
    deals(api, settings={"a": {"b": 1}})
    made = clone(api)
    assert api.patch(f"/pipelines/{made['id']}/", {"settings": {"a": {"b": 2}}}).status_code == 200
    assert api.get("/pipelines/deals/").json["settings"] == {"a": {"b": 1}}


@pytest.mark.parametrize("sent", [{}, {"data": b""}, {"json": {}}], ids=["nothing", "no bytes", "an object"])
def test_the_body_may_be_left_out(api: Api, sent: dict[str, Any]) -> None:
    deals(api)
    assert api.request("POST", "/pipelines/deals/clone/", **sent).json["name"] == "Deals (Copy)"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Leads", "leads"), ("Deals", "deals_2"), ("Templates", "templates_2"), ("Exact", "exact_2"), ("交易", "deals_2"),
     ("d" * 200, "d" * 48), ("</script>\u202e'\"%s", "script_s")],
)  # fmt: skip
def test_the_slug_is_made_from_the_name(api: Api, name: str, slug: str) -> None:
    deals(api)
    made = clone(api, name=name)
    assert (made["name"], made["slug"]) == (name, slug)


def test_numbers_make_slugs_free(api: Api) -> None:
    deals(api)
    assert [clone(api)["slug"] for _ in range(3)] == ["deals_copy", "deals_copy_2", "deals_copy_3"]
    long = pipeline(api, "Long", [], slug="x" * 48)
    assert [clone(api, long["id"], name="x" * 60)["slug"] for _ in range(2)] == ["x" * 46 + "_2", "x" * 46 + "_3"]


def test_a_long_name_makes_room_for_the_mark(api: Api) -> None:
    made = clone(api, pipeline(api, "n" * 200, [], slug="n")["slug"])
    assert made["name"] == "n" * 193 + " (Copy)"


def test_hidden_and_removed_fields_are_not_copied(api: Api, tenant: TestTenant) -> None:
    deals(api, title_field="code")
    record(api, "deals", {"name": "One", "amount": 5})
    assert api.delete("/pipelines/deals/fields/amount/?force=true").status_code == 204
    limited = tenant.role("limited", [
        {"permission": "pipelines:create"}, {"permission": "pipelines:read", "hidden_fields": ["code", "tags"]},
    ])  # fmt: skip
    answer = tenant.user(limited).api.post("/pipelines/deals/clone/", {"name": "Mine"})
    assert answer.status_code == 201, answer.text
    found = api.get("/pipelines/mine/").json
    assert [field["slug"] for field in found["fields"]] == ["name", "stage", "closes", "owner"]
    assert found["title_field"] is None


def test_a_clone_needs_both_permissions(api: Api, tenant: TestTenant) -> None:
    deals(api)
    reader = tenant.user(tenant.role("reader", [{"permission": "pipelines:read"}])).api
    assert_problem(reader.post("/pipelines/deals/clone/", {}), 403, "PERMISSION_DENIED")
    maker = tenant.user(tenant.role("maker", [{"permission": "pipelines:create"}])).api
    assert_problem(maker.post("/pipelines/deals/clone/", {}), 404, "PIPELINE_NOT_FOUND")
    sees = tenant.role("sees", [{"permission": "pipelines:create"}, {"permission": "pipelines:read_all"}])
    assert_problem(tenant.user(sees).api.post("/pipelines/deals/clone/", {}), 403, "PERMISSION_DENIED")
    assert_problem(api.post(f"/pipelines/{SOME_ID}/clone/", {}), 404, "PIPELINE_NOT_FOUND")
    assert api.get("/pipelines/").json["count"] == 1


@pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"name": 1}, {"name": "x" * 201}, {"nome": "x"}, []])
def test_a_wrong_body_makes_nothing(api: Api, body: Any) -> None:
    deals(api)
    assert_problem(api.post("/pipelines/deals/clone/", body), 422, "VALIDATION_FAILED")
    assert api.get("/pipelines/").json["count"] == 1


def test_a_taken_slug_says_so(api: Api) -> None:
    deals(api)
    assert_problem(api.post("/pipelines/", {"name": "Deals"}), 409, "SLUG_TAKEN")


@pytest.mark.parametrize("name", [" ", "\t\n"])
def test_a_name_is_not_blank(api: Api, name: str) -> None:
    deals(api)
    field = {"name": name, "slug": "more", "field_type": "text"}
    for path, body in (("deals/clone/", {"name": name}), ("", {"name": name, "slug": "x"}), ("deals/fields/", field)):
        problem = assert_problem(api.post(f"/pipelines/{path}", body), 422, "VALIDATION_FAILED")
        assert [fault["pointer"] for fault in problem["errors"]] == ["/name"]
    assert_problem(api.patch("/pipelines/deals/", {"name": name}), 422, "VALIDATION_FAILED")
