"""JSON Schema of a pipeline's records: true of what is answered and of what is taken (contract 2; checklist
37)."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api import Api, assert_problem
from tests.factories.kinds import EVERY_KIND, VALUES, every_kind
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant

PATH = "/pipelines/things/schema/"
MEDIA_TYPE = "application/schema+json"


def schema(api: Api, path: str = PATH) -> dict[str, Any]:
    found = api.get(path)
    assert found.status_code == 200, found.text
    assert found.content_type == MEDIA_TYPE
    body: dict[str, Any] = found.get_json(force=True)
    Draft202012Validator.check_schema(body)
    return body


def _faults(body: dict[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator(body, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [fault.json_path for fault in validator.iter_errors(value)]


def test_it_is_the_schema_of_what_is_answered(api: Api, tenant: TestTenant) -> None:
    made = every_kind(api, description="All there is.")
    shown = record(api, "things", {**VALUES, "owner": str(tenant.admin.id)})
    body = schema(api)
    assert body["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert body["$id"].startswith(f"http://localhost/api/v1/pipelines/{made['id']}/schema/?revision=")
    assert (body["title"], body["description"]) == ("Things", "All there is.")
    data = body["properties"]["data"]
    assert list(data["properties"]) == [field["name"].lower() for field in EVERY_KIND]
    assert data["required"] == ["name", "stage"]
    assert data["additionalProperties"] is False
    assert (data["properties"]["name"]["title"], data["properties"]["name"]["description"]) == (
        "Name", "What it is called.",
    )  # fmt: skip
    assert set(body["properties"]) == set(body["required"]) == set(shown)
    assert _faults(body, shown) == []
    assert _faults(body, record(api, "things", {"name": "Least", "stage": "open"})) == []


@pytest.mark.parametrize(
    ("slug", "value"),
    [("name", 1), ("mail", "nobody"), ("phone", "12"), ("count", -1), ("count", 1.5), ("share", 101), ("active", "yes"),
     ("born", "31.1.2026"), ("stage", "shut"), ("tags", ["new"]), ("owner", "me"), ("code", "ab"), ("nome", "x")],
)  # fmt: skip
def test_it_refuses_what_the_server_refuses(api: Api, slug: str, value: Any) -> None:
    every_kind(api)
    data = schema(api)["properties"]["data"]
    assert _faults(data, {"name": "x", "stage": "open", slug: value}) != []
    refused = api.post("/pipelines/things/records/", {"data": {"name": "x", "stage": "open", slug: value}})
    assert_problem(refused, 422, "VALIDATION_FAILED")


def test_hidden_fields_are_not_in_it_and_closed_ones_are_marked(api: Api, tenant: TestTenant) -> None:
    made = every_kind(api)
    limited = tenant.role("limited", [
        {"permission": "pipelines:read", "hidden_fields": ["amount", "name"]},
        {"permission": "records:update", "read_only_fields": ["stage"]},
    ])  # fmt: skip
    found = tenant.user(limited).api.get(f"/pipelines/{made['id']}/schema/")
    data = found.get_json(force=True)["properties"]["data"]
    assert "amount" not in found.text.lower()
    assert data["required"] == ["stage"]
    assert [slug for slug, part in data["properties"].items() if part.get("readOnly")] == ["stage"]


def test_a_new_shape_is_a_new_revision_with_a_new_tag(api: Api, tenant: TestTenant) -> None:
    every_kind(api)
    first = api.get(PATH)
    tag = first.headers["ETag"]
    again = api.get(PATH, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    hidden = tenant.role("limited", [{"permission": "pipelines:read", "hidden_fields": ["extra"]}])
    assert tenant.user(hidden).api.get(PATH, headers={"If-None-Match": tag}).status_code == 200
    assert api.patch("/pipelines/things/fields/notes/", {"name": "Remarks"}).status_code == 200
    changed = api.get(PATH, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    revisions = [found.get_json(force=True)["$id"].partition("revision=")[2] for found in (first, changed)]
    assert int(revisions[1]) > int(revisions[0])
    assert changed.get_json(force=True)["properties"]["data"]["properties"]["notes"]["title"] == "Remarks"


def test_pipelines_that_look_alike_have_tags_of_their_own(api: Api, tenant: TestTenant, other: TestTenant) -> None:
    deals(api)
    deals(other.api)
    tag = api.get("/pipelines/deals/schema/").headers["ETag"]
    assert other.api.get("/pipelines/deals/schema/", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("accept", [MEDIA_TYPE, "application/json", "*/*", "application/schema+json;q=0.9, text/html"])
def test_it_is_given_to_who_asks_for_schemas_or_json(api: Api, accept: str) -> None:
    deals(api)
    assert api.get("/pipelines/deals/schema/", headers={"Accept": accept}).content_type == MEDIA_TYPE


def test_other_media_types_are_not_made(api: Api) -> None:
    deals(api)
    problem = assert_problem(
        api.get("/pipelines/deals/schema/", headers={"Accept": "text/html"}), 406, "NOT_ACCEPTABLE"
    )
    assert problem["produced"] == [MEDIA_TYPE, "application/json"]


def test_who_may_not_see_the_pipeline_gets_no_schema(api: Api, tenant: TestTenant) -> None:
    deals(api)
    assert_problem(api.get("/pipelines/nothing/schema/"), 404, "PIPELINE_NOT_FOUND")
    records = tenant.user(tenant.role("records", [{"permission": "records:read"}])).api
    assert_problem(records.get("/pipelines/deals/schema/"), 403, "PERMISSION_DENIED")
