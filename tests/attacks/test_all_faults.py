"""A body with faults of several stages is answered with all of them in one request, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant


@dataclass(frozen=True)
class Case:
    """`faults` are pairs of pointer and code; `{...}` in paths and bodies names things of the ground."""

    method: str
    path: str
    body: dict[str, Any]
    faults: set[tuple[str, str]]


USER = {"email": "new@acme.example", "user_types": ["member"]}
TYPE = {"relationship_type": "owns", "source_record_id": "{record}", "target_record_id": "{record}"}
CASES = {
    "user": Case("POST", "/users/", {
        "email": "no address", "name": 5, "timezone": "Mars/Base", "locale": "!", "password": "short",
        "user_types": ["member", 7, "nobody"], "nickname": "x",
    }, {
        ("/email", "INVALID_EMAIL"), ("/name", "INVALID_VALUE"), ("/timezone", "UNKNOWN_TIMEZONE"),
        ("/locale", "INVALID_LOCALE"), ("/password", "PASSWORD_TOO_SHORT"), ("/user_types/1", "INVALID_VALUE"),
        ("/user_types/2", "USER_TYPE_NOT_FOUND"), ("/nickname", "UNKNOWN_FIELD"),
    }),
    "user without an address": Case("POST", "/users/", {"timezone": "Mars/Base"}, {
        ("/email", "REQUIRED"), ("/timezone", "UNKNOWN_TIMEZONE"),
    }),
    "user with a taken address": Case("POST", "/users/", {"email": "{email}", "is_active": "yes"}, {
        ("/email", "EMAIL_TAKEN"), ("/is_active", "INVALID_VALUE"),
    }),
    "changed user": Case("PATCH", "/users/{user}/", {
        "email": "{email}", "is_active": 1, "user_types": ["nobody"], "timezone": "Mars/Base", "password": "short",
    }, {
        ("/email", "EMAIL_TAKEN"), ("/is_active", "INVALID_VALUE"), ("/user_types/0", "USER_TYPE_NOT_FOUND"),
        ("/timezone", "UNKNOWN_TIMEZONE"), ("/password", "PASSWORD_TOO_SHORT"),
    }),
    "profile": Case("PATCH", "/auth/user/profile/", {"name": 5, "timezone": "Mars/Base"}, {
        ("/name", "INVALID_VALUE"), ("/timezone", "UNKNOWN_TIMEZONE"),
    }),
    "API key": Case("POST", "/auth/api-keys/", {"scopes": [1, "records:fly"]}, {
        ("/name", "REQUIRED"), ("/scopes/0", "INVALID_VALUE"), ("/scopes/1", "UNKNOWN_PERMISSION"),
    }),
    "record": Case("POST", "/pipelines/deals/records/", {
        "status": "", "color": "red", "data": {"amount": "much", "stage": "shut", "owner": SOME_ID, "code": "A1",
        "x": 1},
    }, {
        ("/status", "INVALID_VALUE"), ("/color", "UNKNOWN_FIELD"), ("/data/amount", "WRONG_TYPE"),
        ("/data/stage", "NOT_A_CHOICE"), ("/data/owner", "USER_NOT_FOUND"), ("/data/code", "NOT_UNIQUE"),
        ("/data/x", "UNKNOWN_FIELD"), ("/data/name", "REQUIRED"),
    }),
    "record with a bad title": Case("POST", "/pipelines/deals/records/", {"title": 5, "data": {"stage": "shut"}}, {
        ("/title", "INVALID_VALUE"), ("/data/stage", "NOT_A_CHOICE"),
    }),
    "record whose data is no object": Case("POST", "/pipelines/deals/records/", {"title": "x", "status": 1,
    "data": 5}, {
        ("/status", "INVALID_VALUE"), ("/data", "INVALID_VALUE"),
    }),
    "changed record": Case("PATCH", "/records/{record}/", {"status": 5, "data": {"name": None, "code": "A1", "x": 1}}, {
        ("/status", "INVALID_VALUE"), ("/data/name", "REQUIRED"), ("/data/code", "NOT_UNIQUE"),
        ("/data/x", "UNKNOWN_FIELD"),
    }),
    "replaced record": Case("PUT", "/records/{record}/", {"status": 5, "data": {"stage": "shut"}}, {
        ("/status", "INVALID_VALUE"), ("/data/name", "REQUIRED"), ("/data/stage", "NOT_A_CHOICE"),
    }),
    "pipeline": Case("POST", "/pipelines/", {
        "slug": "deals", "color": "red", "template": "nothing", "fields": [
            {"name": "Size", "field_type": "tiny", "is_unique": 1},
            {"field_type": "number", "field_config": {"most": 1}},
            "no field",
            {"name": "", "slug": "A B", "field_type": "text", "field_config": {"min_length": 5, "max_length": 1}},
        ],
    }, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/color", "INVALID_VALUE"),
        ("/template", "TEMPLATE_NOT_FOUND"),
        ("/fields/0/field_type", "UNKNOWN_FIELD_TYPE"), ("/fields/0/is_unique", "INVALID_VALUE"),
        ("/fields/1/name", "REQUIRED"), ("/fields/1/field_config/most", "UNKNOWN_OPTION"),
        ("/fields/2", "INVALID_VALUE"), ("/fields/3/name", "INVALID_VALUE"), ("/fields/3/slug", "INVALID_SLUG"),
        ("/fields/3/field_config/min_length", "CONTRADICTION"),
    }),
    "pipeline whose fields have one slug": Case("POST", "/pipelines/", {
        "name": "Twins", "icon": "", "title_field": "nothing",
        "fields": [{"name": "A", "field_type": "text"}, {"name": "A", "field_type": "text"}],
    }, {
        ("/icon", "INVALID_VALUE"), ("/title_field", "NOT_A_TITLE"), ("/fields/1/slug", "SLUG_TAKEN"),
    }),
    "changed pipeline": Case("PATCH", "/pipelines/deals/", {
        "name": "", "slug": "export", "title_field": "tags", "is_active": "yes",
    }, {
        ("/name", "INVALID_VALUE"), ("/slug", "INVALID_SLUG"), ("/title_field", "NOT_A_TITLE"),
        ("/is_active", "INVALID_VALUE"),
    }),
    "replaced pipeline": Case("PUT", "/pipelines/deals/", {"slug": "other", "title_field": "tags"}, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/title_field", "NOT_A_TITLE"),
    }),
    "field": Case("POST", "/pipelines/deals/fields/", {
        "slug": "amount", "field_type": "json", "field_config": {"most": 1}, "is_unique": True, "display_order": -1,
    }, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/field_config/most", "UNKNOWN_OPTION"),
        ("/is_unique", "NOT_POSSIBLE"), ("/display_order", "INVALID_VALUE"),
    }),
    "changed field": Case("PATCH", "/pipelines/deals/fields/amount/", {
        "name": "", "field_config": {"most": 1}, "display_order": -1,
    }, {
        ("/name", "INVALID_VALUE"), ("/field_config/most", "UNKNOWN_OPTION"), ("/display_order", "INVALID_VALUE"),
    }),
    "template": Case("POST", "/pipelines/deals/templates/", {"slug": "sales_deals", "description": 5}, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/description", "INVALID_VALUE"),
    }),
    "user type": Case("POST", "/users/types/", {
        "slug": "member", "description": 5, "grants": [
            {"rows": "all"},
            {"permission": "records:fly", "rows": "some"},
            {"permission": "records:read", "pipelines": ["deals", 7, "nothing"], "hidden_fields": ["A B", 1],
             "rows": {"filter": {"data__size": 1}}},
            "no grant",
            {"permission": "users:read", "rows": "own", "extra": 1},
        ],
    }, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/description", "INVALID_VALUE"),
        ("/grants/0/permission", "REQUIRED"), ("/grants/1/permission", "UNKNOWN_PERMISSION"),
        ("/grants/1/rows", "INVALID_VALUE"), ("/grants/2/pipelines/1", "INVALID_VALUE"),
        ("/grants/2/pipelines/2", "PIPELINE_NOT_FOUND"), ("/grants/2/hidden_fields/0", "INVALID_SLUG"),
        ("/grants/2/hidden_fields/1", "INVALID_VALUE"), ("/grants/2/rows/filter/data__size", "UNKNOWN_FIELD"),
        ("/grants/3", "INVALID_VALUE"), ("/grants/4/rows", "NOT_PER_ROW"), ("/grants/4/extra", "UNKNOWN_FIELD"),
    }),
    "changed user type": Case("PATCH", "/users/types/member/", {
        "name": "", "grants": [{"permission": "records:fly"}, {}],
    }, {
        ("/name", "INVALID_VALUE"), ("/grants/0/permission", "UNKNOWN_PERMISSION"),
        ("/grants/1/permission", "REQUIRED"),
    }),
    "relationship type": Case("POST", "/relationships/types/", {
        "slug": "deals", "source_pipeline": "nothing", "target_pipeline": 5, "cardinality": "some",
        "fields": [{"field_type": "tiny"}],
    }, {
        ("/name", "REQUIRED"), ("/slug", "SLUG_TAKEN"), ("/source_pipeline", "PIPELINE_NOT_FOUND"),
        ("/target_pipeline", "INVALID_VALUE"), ("/cardinality", "INVALID_VALUE"), ("/fields/0/name", "REQUIRED"),
        ("/fields/0/field_type", "UNKNOWN_FIELD_TYPE"),
    }),
    "changed relationship type": Case("PATCH", "/relationships/types/owns/", {
        "name": "", "slug": "deals", "source_pipeline": "nothing", "on_delete": "explode",
    }, {
        ("/name", "INVALID_VALUE"), ("/slug", "SLUG_TAKEN"), ("/source_pipeline", "PIPELINE_NOT_FOUND"),
        ("/on_delete", "INVALID_VALUE"),
    }),
    "constraint": Case("POST", "/relationships/types/owns/constraints/", {
        "constraint_type": "CARDINALITY", "min_instances": -1, "source_pipeline": "nothing",
        "constraint_metadata": {"per": "nobody", "most": 1}, "is_required": "yes",
    }, {
        ("/min_instances", "INVALID_VALUE"), ("/source_pipeline", "PIPELINE_NOT_FOUND"),
        ("/constraint_metadata/per", "NOT_A_CHOICE"), ("/constraint_metadata/most", "UNKNOWN_OPTION"),
        ("/is_required", "INVALID_VALUE"),
    }),
    "constraint of no kind": Case("POST", "/relationships/types/owns/constraints/", {
        "constraint_type": "WISH", "target_pipeline": "nothing", "constraint_metadata": {"per": "nobody"},
    }, {
        ("/constraint_type", "INVALID_VALUE"), ("/target_pipeline", "PIPELINE_NOT_FOUND"),
    }),
    "relationship": Case("POST", "/relationships/", {
        "relationship_type": "owns", "source_record_id": "x", "target_record_id": SOME_ID, "status": "GONE",
        "effective_from": "2026-02-01", "effective_until": "2026-01-01", "strength": 2, "is_bidirectional": "no",
        "metadata": 5, "data": {"since": "never", "x": 1}, "reason": 5, "color": "red",
    }, {
        ("/source_record_id", "INVALID_VALUE"), ("/target_record_id", "RECORD_NOT_FOUND"), ("/status", "INVALID_VALUE"),
        ("/effective_until", "VALIDATION_FAILED"), ("/strength", "INVALID_VALUE"),
        ("/is_bidirectional", "INVALID_VALUE"),
        ("/metadata", "INVALID_VALUE"), ("/data/since", "INVALID_DATE"), ("/data/x", "UNKNOWN_FIELD"),
        ("/reason", "INVALID_VALUE"), ("/color", "UNKNOWN_FIELD"),
    }),
    "relationship without a type": Case("POST", "/relationships/", {
        "source_record_id": "{record}", "target_record_id": SOME_ID, "effective_from": "soon", "strength": "strong",
    }, {
        ("/relationship_type", "REQUIRED"), ("/target_record_id", "RECORD_NOT_FOUND"),
        ("/effective_from", "INVALID_VALUE"), ("/strength", "INVALID_VALUE"),
    }),
    "relationship that is there": Case("POST", "/relationships/", {**TYPE, "strength": 2, "reason": 5}, {
        ("", "DUPLICATE_RELATIONSHIP"), ("/strength", "INVALID_VALUE"), ("/reason", "INVALID_VALUE"),
    }),
    "relationship that is only asked about": Case("POST", "/relationships/validate/", {
        "relationship_type": "nothing", "source_record_id": "{record}", "target_record_id": SOME_ID, "reason": 5,
    }, {
        ("/relationship_type", "RELATIONSHIP_TYPE_NOT_FOUND"), ("/target_record_id", "RECORD_NOT_FOUND"),
        ("/reason", "INVALID_VALUE"),
    }),
    "changed relationship": Case("PATCH", "/relationships/{link}/", {
        "status": "GONE", "strength": 2, "metadata": 5, "data": {"since": "never"}, "reason": 5,
        "effective_from": "2026-02-01", "effective_until": "2026-01-01",
    }, {
        ("/status", "INVALID_VALUE"), ("/strength", "INVALID_VALUE"), ("/metadata", "INVALID_VALUE"),
        ("/data/since", "INVALID_DATE"), ("/reason", "INVALID_VALUE"), ("/effective_until", "VALIDATION_FAILED"),
    }),
    "settings": Case("PATCH", "/tenants/settings/", {"name": "", "timezone": "Mars/Base", "currency": "eur"}, {
        ("/name", "INVALID_VALUE"), ("/timezone", "UNKNOWN_TIMEZONE"), ("/currency", "INVALID_CURRENCY"),
    }),
    "comment": Case("POST", "/records/{record}/comments/", {"body": " ", "parent_id": SOME_ID}, {
        ("/body", "INVALID_VALUE"), ("/parent_id", "COMMENT_NOT_FOUND"),
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def ground(settled: TestTenant) -> tuple[TestTenant, dict[str, str]]:
    api = settled.api
    deals(api)
    api.post("/pipelines/", {"name": "Other"})
    record(api, "deals", {"name": "The one with the code", "code": "A1"})
    record_id = record(api, "deals", {"name": "A deal"})["id"]
    since = {"name": "Since", "field_type": "date"}
    assert api.post("/relationships/types/", {"name": "Owns", "fields": [since]}).status_code == 201
    body = {key: text.format(record=record_id) for key, text in TYPE.items()}
    link = api.post("/relationships/", body)
    assert link.status_code == 201, link.text
    user = settled.user()
    names = {
        "record": record_id, "link": link.json["id"], "user": str(user.id),
        "email": api.get("/auth/user/profile/").json["email"],
    }  # fmt: skip
    return settled, names


def _named(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _named(value, names) for key, value in part.items()}
    if isinstance(part, str) and part.startswith("{"):
        return part.format(**names)
    return part


def _last_seq(api: Api) -> int:
    found: int = api.get("/admin/audit/?page_size=1&ordering=-seq").json["results"][0]["seq"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_faults_of_every_stage_are_answered_together(name: str, ground: tuple[TestTenant, dict[str, str]]) -> None:
    tenant, names = ground
    case = CASES[name]
    before = _last_seq(tenant.api)
    answer = tenant.api.request(case.method, case.path.format(**names), json=_named(case.body, names))
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert {(fault["pointer"], fault["code"]) for fault in problem["errors"]} == case.faults
    assert _last_seq(tenant.api) == before, "something was written"


def test_a_bulk_entry_has_all_its_faults(ground: tuple[TestTenant, dict[str, str]]) -> None:
    tenant, _ = ground
    entry = {"status": 5, "color": "red", "data": {"stage": "shut", "x": 1}}
    answer = tenant.api.post("/pipelines/deals/records/bulk_create/?mode=atomic", [entry])
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert {fault["pointer"] for fault in problem["errors"]} == {
        "/0/status", "/0/color", "/0/data/stage", "/0/data/x", "/0/data/name"
    }  # fmt: skip
    links = [{"relationship_type": "owns", "source_record_id": 5, "target_record_id": SOME_ID, "x": 1, "strength": 2}]
    (result,) = tenant.api.post("/relationships/bulk_create/", links).json["results"]
    assert {fault["field"] for fault in result["errors"]} >= {"source_record_id", "x", "strength"}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/users/", {"email": "{email}"}, "EMAIL_TAKEN"),
        ("/users/types/", {"name": "Member"}, "SLUG_TAKEN"),
        ("/pipelines/", {"name": "Deals"}, "SLUG_TAKEN"),
        ("/pipelines/", {"name": "New", "fields": [{"name": "A", "field_type": "text"}] * 2}, "SLUG_TAKEN"),
        ("/pipelines/deals/fields/", {"name": "Amount", "field_type": "text"}, "SLUG_TAKEN"),
        ("/pipelines/deals/templates/", {"name": "x", "slug": "sales_deals"}, "SLUG_TAKEN"),
    ],
)
def test_a_name_that_is_taken_and_nothing_else_is_a_conflict(
    path: str, body: dict[str, Any], code: str, ground: tuple[TestTenant, dict[str, str]]
) -> None:
    tenant, names = ground
    problem = assert_problem(tenant.api.post(path, _named(body, names)), 409, code)
    assert [fault["code"] for fault in problem["errors"]] == [code]
