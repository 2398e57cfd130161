"""User types: named sets of grants, checked before they are stored (checklist 24, 48; threats 7, 20, 21, 22, 65)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from oneo.access import policy
from oneo.access.permissions import P
from oneo.ids import new_id
from tests.api import SOME_ID, Api, assert_problem
from tests.factories import pipeline as factory
from tests.factories.tenant import TestTenant, TestUser
from tests.threads import together

SHAPER = [{"permission": f"user_types:{action}"} for action in ("read", "create", "update", "delete")]


def shaper(tenant: TestTenant, *also: dict[str, Any]) -> TestUser:
    """Somebody who may do everything to user types, and what is given."""
    return tenant.user(tenant.role("shaper", [*SHAPER, *also]))


def make(api: Api, *grants: dict[str, Any], name: str = "Sales") -> dict[str, Any]:
    answer = api.post("/users/types/", {"name": name, "grants": list(grants)})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def pipeline(tenant: TestTenant, slug: str) -> str:
    found: str = factory.pipeline(tenant.api, slug.title(), [{"name": "Stage", "field_type": "text"}])["id"]
    return found


def test_a_type_is_made_read_changed_and_removed(tenant: TestTenant) -> None:
    api = tenant.api
    made = api.post("/users/types/", {"name": "Sales Team", "grants": [{"permission": "users:read"}]})
    assert made.status_code == 201, made.text
    role = made.json
    assert (role["slug"], role["version"], role["is_shipped"]) == ("sales_team", 1, False)
    assert role["grants"] == [
        {"permission": "users:read", "pipelines": None, "rows": "all", "hidden_fields": [], "read_only_fields": []}
    ]
    assert made.headers["Location"] == f"/api/v1/users/types/{role['id']}/"
    assert api.get(f"/users/types/{role['id']}/").json == api.get("/users/types/sales_team/").json == role
    changed = api.patch("/users/types/sales_team/", {"name": "Sellers", "grants": []}, headers={"If-Match": '"1"'})
    assert (changed.json["slug"], changed.json["name"], changed.json["grants"]) == ("sales_team", "Sellers", [])
    assert api.delete("/users/types/sales_team/").status_code == 204
    assert_problem(api.get("/users/types/sales_team/"), 404, "USER_TYPE_NOT_FOUND")
    assert_problem(api.get(f"/users/types/{role['id']}/"), 404, "USER_TYPE_NOT_FOUND")
    types = [event["type"] for event in api.events() if event["subject_id"] == role["id"]]
    assert types == ["user_type.created", "user_type.updated", "user_type.deleted"]


def test_the_shipped_types_are_there_from_the_start(settled: TestTenant) -> None:
    rows = settled.api.get("/users/types/?ordering=slug").json["results"]
    assert [(row["slug"], row["is_shipped"]) for row in rows] == [
        ("admin", True), ("manager", True), ("member", True), ("viewer", True),
    ]  # fmt: skip
    names = {grant["permission"] for row in rows for grant in row["grants"]}
    assert names <= {"*", *P}


@pytest.mark.parametrize("slug", ["manager", "member", "viewer"])
def test_shipped_types_are_ordinary(tenant: TestTenant, slug: str) -> None:
    """ADR 0003."""
    changed = tenant.api.patch(f"/users/types/{slug}/", {"name": "Other", "grants": [{"permission": "users:read"}]})
    assert changed.status_code == 200, changed.text
    assert tenant.api.delete(f"/users/types/{slug}/").status_code == 204


def test_the_administrator_s_type_is_fixed(tenant: TestTenant) -> None:
    """ADR 0003: a tenant cannot lock itself out."""
    before = tenant.api.get("/users/types/admin/").json
    for grants in ([], [{"permission": "*"}], [{"permission": "users:read"}]):
        assert_problem(tenant.api.patch("/users/types/admin/", {"grants": grants}), 409, "USER_TYPE_SHIPPED")
    assert_problem(tenant.api.delete("/users/types/admin/"), 409, "USER_TYPE_SHIPPED")
    assert tenant.api.get("/users/types/admin/").json == before
    assert tenant.api.patch("/users/types/admin/", {"name": "Boss"}).json["name"] == "Boss"


def test_a_type_that_somebody_has_is_not_removed(tenant: TestTenant) -> None:
    tenant.role("sales", [])
    users = [tenant.user("sales") for _ in range(2)]
    problem = assert_problem(tenant.api.delete("/users/types/sales/"), 409, "USER_TYPE_IN_USE")
    assert problem["user_count"] == 2
    for user in users:
        tenant.api.delete(f"/users/{user.id}/")
    assert tenant.api.delete("/users/types/sales/").status_code == 204
    restored = tenant.api.post(f"/users/{users[0].id}/restore/")
    assert restored.json["user_types"] == [], "what is gone gives nothing any more"


def test_a_slug_is_free_again_after_removal(tenant: TestTenant) -> None:
    tenant.role("sales", [])
    assert_problem(tenant.api.post("/users/types/", {"name": "Sales", "grants": []}), 409, "SLUG_TAKEN")
    assert tenant.api.delete("/users/types/sales/").status_code == 204
    assert make(tenant.api)["slug"] == "sales"


@pytest.mark.parametrize(
    "body",
    [{"name": "???"}, {"name": "x", "slug": "Sales"}, {"name": "x", "slug": "1st"}, {"name": "x", "slug": "a__b"},
     {"name": "x", "slug": "a-b"}, {"name": "x", "slug": "a" * 49}, {"name": "x", "slug": SOME_ID},
     {"name": "x", "slug": ""}, {"name": "x", "slug": "é"}, {"name": ""}, {"name": "x" * 101}, {"name": None}, {},
     {"name": "x", "description": "x" * 1001}, {"name": "x", "is_shipped": True}, {"name": "x", "id": SOME_ID},
     {"name": "x", "tenant_id": SOME_ID}, {"name": "x", "version": 3}, {"name": "x", "created_by": None},
     {"name": "x", "grants": None}, {"name": "x", "grants": {}}, {"name": "x", "grants": ["users:read"]},
     {"name": "x", "grants": [{"permission": "users:read"}] * 501}],
    ids=lambda body: str(body)[:60],
)  # fmt: skip
def test_a_type_of_another_shape_is_refused(settled: TestTenant, body: dict[str, Any]) -> None:
    """Threat 21."""
    assert_problem(settled.api.post("/users/types/", body), 422, "VALIDATION_FAILED")
    assert settled.api.get("/users/types/").json["count"] == 4


@pytest.mark.parametrize("body", [{"slug": "other"}, {"is_shipped": False}, {"version": 1}, {"id": SOME_ID}])
def test_what_is_fixed_is_not_taken_from_a_body(settled: TestTenant, body: dict[str, Any]) -> None:
    assert_problem(settled.api.patch("/users/types/viewer/", body), 422, "VALIDATION_FAILED")


# -- grants ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "pointer", "code"),
    [
        ({"permission": "users:raed"}, "/grants/0/permission", "UNKNOWN_PERMISSION"),
        ({"permission": "users:*"}, "/grants/0/permission", "UNKNOWN_PERMISSION"),
        ({"permission": "**"}, "/grants/0/permission", "UNKNOWN_PERMISSION"),
        ({"permission": ""}, "/grants/0/permission", "INVALID_VALUE"),
        ({"permission": None}, "/grants/0/permission", "INVALID_VALUE"),
        ({}, "/grants/0/permission", "REQUIRED"),
        ({"permission": "users:read", "rows": "own"}, "/grants/0/rows", "NOT_PER_ROW"),
        ({"permission": "records:create", "rows": "own"}, "/grants/0/rows", "NOT_PER_ROW"),
        ({"permission": "*", "rows": "own"}, "/grants/0/rows", "NOT_PER_ROW"),
        ({"permission": "records:read", "rows": "mine"}, "/grants/0/rows", "INVALID_VALUE"),
        ({"permission": "records:read", "rows": None}, "/grants/0/rows", "INVALID_VALUE"),
        ({"permission": "records:read", "rows": {"filter": []}}, "/grants/0/rows", "INVALID_VALUE"),
        ({"permission": "records:read", "rows": {"filter": {}, "x": 1}}, "/grants/0/rows", "INVALID_VALUE"),
        ({"permission": "users:read", "pipelines": []}, "/grants/0/pipelines", "NOT_PER_PIPELINE"),
        ({"permission": "*", "pipelines": []}, "/grants/0/pipelines", "NOT_PER_PIPELINE"),
        ({"permission": "records:read", "pipelines": ["nothing"]}, "/grants/0/pipelines/0", "PIPELINE_NOT_FOUND"),
        ({"permission": "records:read", "pipelines": "deals"}, "/grants/0/pipelines", "INVALID_VALUE"),
        ({"permission": "users:read", "hidden_fields": ["a"]}, "/grants/0/hidden_fields", "NO_FIELDS"),
        ({"permission": "*", "read_only_fields": ["a"]}, "/grants/0/read_only_fields", "NO_FIELDS"),
        ({"permission": "records:read", "hidden_fields": [""]}, "/grants/0/hidden_fields/0", "INVALID_VALUE"),
        ({"permission": "records:read", "hidden_fields": "a"}, "/grants/0/hidden_fields", "INVALID_VALUE"),
        ({"permission": "users:read", "allow": True}, "/grants/0/allow", "UNKNOWN_FIELD"),
    ],
)
def test_a_grant_that_means_nothing_is_refused(
    settled: TestTenant, grant: dict[str, Any], pointer: str, code: str
) -> None:
    """A grant that is not understood must not be stored: it might come to mean something."""
    answers = [
        settled.api.post("/users/types/", {"name": "Sales", "grants": [grant]}),
        settled.api.patch("/users/types/viewer/", {"grants": [grant]}),
    ]
    for answer in answers:
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]


def test_a_misspelt_permission_is_answered_with_the_nearest(settled: TestTenant) -> None:
    problem = settled.api.post("/users/types/", {"name": "x", "grants": [{"permission": "users:raed"}]}).json
    assert problem["errors"][0]["suggestion"] == "users:read"


def test_pipelines_are_named_by_slug_or_id_and_kept_by_id(tenant: TestTenant) -> None:
    deals, leads = pipeline(tenant, "deals"), pipeline(tenant, "leads")
    made = make(tenant.api, {"permission": "records:read", "pipelines": ["leads", deals, "deals"]})
    assert made["grants"][0]["pipelines"] == sorted([deals, leads])


def test_pipelines_of_another_tenant_do_not_exist(tenant: TestTenant, other: TestTenant) -> None:
    """Threat 7, and 2: the answer is the same as for one that nobody has."""
    theirs = pipeline(other, "deals")
    for name in (theirs, "deals", str(new_id())):
        body = {"name": "x", "grants": [{"permission": "records:read", "pipelines": [name]}]}
        problem = assert_problem(tenant.api.post("/users/types/", body), 422, "VALIDATION_FAILED")
        assert problem["errors"][0]["code"] == "PIPELINE_NOT_FOUND"
        assert "suggestion" not in problem["errors"][0]


def test_a_grant_is_kept_as_it_was_given(tenant: TestTenant) -> None:
    grant = {
        "permission": "records:update", "pipelines": None, "rows": {"filter": {"status": "open"}},
        "hidden_fields": ["salary", "notes"], "read_only_fields": ["stage", "stage"],
    }  # fmt: skip
    assert make(tenant.api, grant)["grants"] == [
        {**grant, "hidden_fields": ["notes", "salary"], "read_only_fields": ["stage"]}
    ]


# -- nobody grants what they do not hold -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grant",
    [{"permission": "*"}, {"permission": "users:update"}, {"permission": "records:read"},
     {"permission": "records:read", "rows": "own"}, {"permission": "tenant:update"}],
)  # fmt: skip
def test_what_one_does_not_hold_cannot_be_granted(tenant: TestTenant, grant: dict[str, Any]) -> None:
    """Threat 20: neither in a new type, nor in one's own, nor in another."""
    weak = shaper(tenant)
    tenant.role("plain", [])
    for answer in (
        weak.api.post("/users/types/", {"name": "Mine", "grants": [grant]}),
        weak.api.patch("/users/types/shaper/", {"grants": [*SHAPER, grant]}),
        weak.api.patch("/users/types/plain/", {"grants": [grant]}),
    ):
        problem = assert_problem(answer, 403, "PERMISSION_DENIED")
        assert problem["permission"] == grant["permission"]
    assert tenant.api.get("/users/types/shaper/").json["version"] == 1
    assert tenant.api.get("/users/types/plain/").json["grants"] == []


def test_a_type_that_may_do_more_than_oneself_is_not_touched(tenant: TestTenant) -> None:
    """Taking rights away from an administrator's type is a way to more of one's own."""
    weak = shaper(tenant)
    bodies: tuple[dict[str, Any], ...] = ({"grants": []}, {"name": "x"})
    for body in bodies:
        assert_problem(weak.api.patch("/users/types/manager/", body), 403, "PERMISSION_DENIED")
    assert_problem(weak.api.delete("/users/types/manager/"), 403, "PERMISSION_DENIED")
    assert_problem(weak.api.patch("/users/types/admin/", {"name": "x"}), 403, "PERMISSION_DENIED")


def test_what_one_holds_can_be_granted(tenant: TestTenant) -> None:
    weak = shaper(tenant, {"permission": "records:read", "rows": "own", "hidden_fields": ["salary"]})
    made = make(
        weak.api, {"permission": "records:read", "rows": "own", "hidden_fields": ["salary"]}, SHAPER[0], name="Mine"
    )
    assert weak.api.patch(f"/users/types/{made['id']}/", {"grants": [SHAPER[1]]}).status_code == 200
    assert weak.api.delete(f"/users/types/{made['id']}/").status_code == 204


@pytest.mark.parametrize(
    "grant",
    [
        {"permission": "records:read"},
        {"permission": "records:read", "rows": "own"},
        {"permission": "records:read", "hidden_fields": ["salary"]},
        {"permission": "records:read", "rows": "own", "hidden_fields": ["notes"]},
        {"permission": "records:read", "rows": {"filter": {}}, "hidden_fields": ["salary"]},
    ],
)
def test_what_is_hidden_from_oneself_is_not_shown_to_others(tenant: TestTenant, grant: dict[str, Any]) -> None:
    weak = shaper(tenant, {"permission": "records:read", "rows": "own", "hidden_fields": ["salary"]})
    answer = weak.api.post("/users/types/", {"name": "Mine", "grants": [grant]})
    assert_problem(answer, 403, "PERMISSION_DENIED")


def test_two_types_of_one_s_own_do_not_make_a_third_that_shows_more(tenant: TestTenant) -> None:
    """One type reads all, another hides the salary: together they hide it, so it is not to be had by granting."""
    tenant.role("hiding", [{"permission": "records:read", "hidden_fields": ["salary"]}])
    tenant.role("reading", [{"permission": "records:read"}, *SHAPER])
    weak = tenant.user("hiding", "reading")
    answer = weak.api.post("/users/types/", {"name": "Mine", "grants": [{"permission": "records:read"}]})
    assert_problem(answer, 403, "PERMISSION_DENIED")
    make(weak.api, {"permission": "records:read", "hidden_fields": ["salary"]}, name="Hiding too")


@pytest.mark.parametrize(
    ("action", "allowed"), [("read", {"GET"}), ("create", {"POST"}), ("update", {"PATCH"}), ("delete", {"DELETE"})]
)
def test_each_permission_opens_its_own_door(tenant: TestTenant, action: str, allowed: set[str]) -> None:
    caller = tenant.user(tenant.role("one_door", [{"permission": f"user_types:{action}"}])).api
    tenant.role("plain", [])
    statuses = {
        "GET": caller.get("/users/types/plain/").status_code,
        "POST": caller.post("/users/types/", {"name": "New", "grants": []}).status_code,
        "PATCH": caller.patch("/users/types/plain/", {"name": "x"}).status_code,
        "DELETE": caller.delete("/users/types/plain/").status_code,
    }
    assert {name for name, status in statuses.items() if status < 300} == allowed, statuses
    assert {status for name, status in statuses.items() if name not in allowed} == {403}


def test_a_change_of_grants_works_at_the_next_request(tenant: TestTenant) -> None:
    """Threat 22."""
    user = tenant.user(tenant.role("reader", []))
    for grants, status in (([], 403), ([{"permission": "users:read"}], 200), ([], 403)):
        assert tenant.api.patch("/users/types/reader/", {"grants": grants}).status_code == 200
        assert user.api.get("/users/").status_code == status


# -- at once -----------------------------------------------------------------------------------------------------------


def test_the_same_slug_by_eight_at_once_is_taken_once(tenant: TestTenant) -> None:
    """Threat 65."""
    statuses = together([lambda: tenant.api.post("/users/types/", {"name": "Sales"}).status_code] * 8)
    assert sorted(statuses) == [201] + [409] * 7


@pytest.mark.parametrize("at", range(5))
def test_nobody_is_left_with_a_type_that_is_just_removed(app: Flask, tenant: TestTenant, at: int) -> None:
    """Either it is given first and stays, or it is removed first and cannot be given."""
    tenant.role("sales", [])

    def give() -> int:
        body = {"email": "new@example.com", "user_types": ["sales", "viewer"]}
        return tenant.api.post("/users/", body).status_code

    given, removed = together([give, lambda: tenant.api.delete("/users/types/sales/").status_code])
    assert (given, removed) in {(201, 409), (422, 204)}


@pytest.mark.parametrize("key", ["hidden_fields", "read_only_fields"])
@pytest.mark.parametrize("name", ["x'}'::text[])) OR true --", "a%sb", "a,b", 'a"b', "a}b", "Salary", "naïve"])
def test_only_slugs_name_fields(tenant: TestTenant, key: str, name: str) -> None:
    """They become part of SQL text, so nothing else may get that far."""
    grant = {"permission": "records:read", key: ["salary", name]}
    made = tenant.api.post("/users/types/", {"name": "x", "slug": "x", "grants": [grant]})
    problem = assert_problem(made, 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
        (f"/grants/0/{key}/1", "INVALID_SLUG")
    ]
    (parsed,) = policy.parse_grants([grant])
    assert getattr(parsed, key) == {"salary"}


@pytest.mark.parametrize(
    ("pipelines", "rule", "code"),
    [
        (["deals"], {"data__stage": "open"}, None),
        (["deals"], {"data__owner": "x"}, "UNKNOWN_FIELD"),
        (["deals"], {"data__stage": {"gte": 5}}, "WRONG_TYPE"),
        (None, {"data__stage": "open"}, None),
        (None, {"created_by": "$me"}, None),
        (None, {"data__nowhere": 1}, "UNKNOWN_FIELD"),
        (["deals"], {"stage": "open"}, "UNKNOWN_FIELD"),
    ],
)
def test_a_row_rule_is_one_that_can_be_read(
    tenant: TestTenant, pipelines: list[str] | None, rule: dict[str, Any], code: str | None
) -> None:
    pipeline(tenant, "deals")
    pipeline(tenant, "people")
    grants = [{"permission": "records:read", "pipelines": pipelines, "rows": {"filter": rule}}]
    answer = tenant.api.post("/users/types/", {"name": "Sales", "grants": grants})
    if code is None:
        assert answer.status_code == 201, answer.text
        return
    fault = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"][0]
    assert fault["code"] == code
    assert fault["pointer"].startswith("/grants/0/rows/filter/")
