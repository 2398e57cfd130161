"""Users: adding, changing, removing, restoring; who may do that to whom (checklist 23; threats 7, 20, 21, 65)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from oneo.actor import system_user_id
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.tenant import TestTenant, TestUser

PASSWORD = "four other words of mine"
KEEPER = [{"permission": f"users:{action}"} for action in ("read", "create", "update", "delete")]


def keeper(tenant: TestTenant) -> TestUser:
    """Somebody who may do everything to users, and nothing else."""
    return tenant.user(tenant.role("keeper", KEEPER))


def make(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/users/", {"email": "ada@example.com", "user_types": ["viewer"], **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_user_is_created_read_changed_deleted_and_restored(tenant: TestTenant) -> None:
    api = tenant.api
    made = api.post("/users/", {"email": "Ada@Example.COM", "name": "Ada", "user_types": ["member"]})
    assert made.status_code == 201, made.text
    user = made.json
    assert user["email"] == "ada@example.com"
    assert user["user_types"] == ["member"]
    assert made.headers["Location"] == f"/api/v1/users/{user['id']}/"
    assert api.get(made.headers["Location"]).json == user

    changed = api.patch(f"/users/{user['id']}/", {"name": "Ada L.", "user_types": ["manager", "viewer"]})
    assert changed.status_code == 200, changed.text
    assert changed.json["version"] == user["version"] + 1
    assert changed.json["user_types"] == ["manager", "viewer"]

    assert api.delete(f"/users/{user['id']}/").status_code == 204
    assert_problem(api.get(f"/users/{user['id']}/"), 404, "USER_NOT_FOUND")
    assert [found["id"] for found in api.get("/users/deleted/").json["results"]] == [user["id"]]
    restored = api.post(f"/users/{user['id']}/restore/")
    assert restored.status_code == 200, restored.text
    assert restored.json["deleted_at"] is None
    types = [event["type"] for event in api.events() if event["subject_id"] == user["id"]]
    assert types == ["user.created", "user.updated", "user.deleted", "user.restored"]


def test_a_user_without_wishes_gets_what_is_usual(tenant: TestTenant) -> None:
    made = tenant.api.post("/users/", {"email": "ada@example.com"}).json
    shown = {name: made[name] for name in ("name", "is_active", "user_types", "timezone", "locale", "version")}
    assert shown == {
        "name": "", "is_active": True, "user_types": ["member"], "timezone": "UTC", "locale": "en", "version": 1,
    }  # fmt: skip
    assert made["created_by"] == made["updated_by"] == str(tenant.admin.id)


def test_who_changed_a_user_last_is_kept(tenant: TestTenant) -> None:
    user, second = make(tenant.api), tenant.user("admin")
    changed = second.api.patch(f"/users/{user['id']}/", {"user_types": ["member"]}).json
    assert (changed["created_by"], changed["updated_by"]) == (str(tenant.admin.id), str(second.id))


@pytest.mark.parametrize(
    "email",
    ["", "a", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "ada @example.com", "ada@exa mple.com",
     "ada@example..com", "ada@.example.com", "ada@example.com.", "ada@-example.com", "ada@example-.com", "a@b.c\n",
     "ada@example.com,eve@example.com", "ada@example.com;eve@example.com", "<ada@example.com>", "ada@[127.0.0.1]",
     "Ada <ada@example.com>", '"ada"@example.com', "ada@example.com\r\nBcc: eve@example.com", "x" * 65 + "@example.com",
     ".ada@example.com", "ada.@example.com", "ada..lovelace@example.com",
     "ada@" + "x" * 64 + ".com", "ada@" + "x." * 130 + "com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(settled: TestTenant, email: str) -> None:
    problem = assert_problem(settled.api.post("/users/", {"email": email}), 422, "VALIDATION_FAILED")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/email"]


def test_an_address_is_taken_in_any_case_and_free_again_after_deletion(tenant: TestTenant) -> None:
    user = make(tenant.api, email="ada@example.com")
    again = tenant.api.post("/users/", {"email": "ADA@Example.com"})
    assert [fault["pointer"] for fault in assert_problem(again, 409, "EMAIL_TAKEN")["errors"]] == ["/email"]
    second = make(tenant.api, email="second@example.com")
    moved = tenant.api.patch(f"/users/{second['id']}/", {"email": " ada@example.com"})
    assert_problem(moved, 409, "EMAIL_TAKEN")
    assert tenant.api.delete(f"/users/{user['id']}/").status_code == 204
    assert tenant.api.patch(f"/users/{second['id']}/", {"email": "ada@example.com"}).status_code == 200
    assert_problem(tenant.api.post(f"/users/{user['id']}/restore/"), 409, "EMAIL_TAKEN")


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"user_types": ["no_such_type"]}, [("/user_types/0", "USER_TYPE_NOT_FOUND")]),
        ({"user_types": ["viewer", "vewer"]}, [("/user_types/1", "USER_TYPE_NOT_FOUND")]),
        ({"user_types": [SOME_ID]}, [("/user_types/0", "USER_TYPE_NOT_FOUND")]),
        ({"user_types": []}, [("/user_types", "INVALID_VALUE")]),
        ({"user_types": "viewer"}, [("/user_types", "INVALID_VALUE")]),
        ({"user_types": [None]}, [("/user_types/0", "INVALID_VALUE")]),
        ({"password": "short"}, [("/password", "PASSWORD_TOO_SHORT")]),
        ({"password": "passwordpassword1"}, [("/password", "PASSWORD_TOO_COMMON")]),
        ({"password": "adalovelaceadalovelace", "name": "adalovelace"}, [("/password", "PASSWORD_TOO_COMMON")]),
        ({"is_active": "yes"}, [("/is_active", "INVALID_VALUE")]),
        ({"is_active": None}, [("/is_active", "INVALID_VALUE")]),
        ({"timezone": "Mars/Olympus", "locale": "??", "email": "nobody"},
         [("/email", "INVALID_EMAIL"), ("/timezone", "UNKNOWN_TIMEZONE"), ("/locale", "INVALID_LOCALE")]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_said_at_once(
    settled: TestTenant, body: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    answer = settled.api.post("/users/", {"email": "ada@example.com", **body})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == faults
    assert settled.api.get("/users/").json["count"] == 1


def test_types_are_named_by_slug_or_id_and_once(tenant: TestTenant) -> None:
    viewer = tenant.api.get("/users/types/viewer/").json["id"]
    assert make(tenant.api, user_types=[viewer, "viewer", "member"])["user_types"] == ["member", "viewer"]


OWN_BY_THE_SERVER: tuple[dict[str, Any], ...] = (
    {"id": SOME_ID}, {"tenant_id": SOME_ID}, {"created_by": SOME_ID}, {"updated_by": SOME_ID},
    {"version": 7}, {"is_system": True}, {"created_at": "2000-01-01T00:00:00Z"}, {"updated_at": None},
    {"deleted_at": "2000-01-01T00:00:00Z"}, {"password_hash": "x"}, {"roles": ["admin"]}, {"is_superuser": True},
    {"grants": [{"permission": "*"}]}, {"role_ids": [SOME_ID]},
)  # fmt: skip


@pytest.mark.parametrize("body", OWN_BY_THE_SERVER, ids=str)
def test_what_the_server_keeps_is_not_taken_from_a_body(tenant: TestTenant, body: dict[str, Any]) -> None:
    """Threats 6, 21."""
    assert_problem(tenant.api.post("/users/", {"email": "a@example.com", **body}), 422, "VALIDATION_FAILED")
    user = make(tenant.api)
    answer = tenant.api.patch(f"/users/{user['id']}/", {"name": "x", **body})
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert tenant.api.get(f"/users/{user['id']}/").json == user


# -- who may do what to whom -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [
        (["read"], {"GET"}),
        (["create"], {"POST"}),
        (["update"], {"PATCH"}),
        (["delete"], {"DELETE", "RESTORE"}),
        (["read", "delete"], {"GET", "DELETED", "DELETE", "RESTORE"}),
    ],
)
def test_each_permission_opens_its_own_doors(tenant: TestTenant, actions: list[str], allowed: set[str]) -> None:
    plain = tenant.user(tenant.role("nothing", []))
    caller = tenant.user(tenant.role("doors", [{"permission": f"users:{action}"} for action in actions])).api
    calls: dict[str, Callable[[], TestResponse]] = {
        "GET": lambda: caller.get(f"/users/{plain.id}/"),
        "POST": lambda: caller.post("/users/", {"email": "new@example.com", "user_types": ["nothing"]}),
        "PATCH": lambda: caller.patch(f"/users/{plain.id}/", {"name": "New"}),
        "DELETED": lambda: caller.get("/users/deleted/"),
        "DELETE": lambda: caller.delete(f"/users/{plain.id}/"),
        "RESTORE": lambda: caller.post(f"/users/{plain.id}/restore/"),
    }
    statuses = {name: call().status_code for name, call in calls.items()}
    assert {name for name, status in statuses.items() if status < 300} == allowed, statuses
    assert {status for name, status in statuses.items() if name not in allowed} == {403}


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"name": "x"}),
        ("PATCH", {"password": PASSWORD}),
        ("PATCH", {"email": "mine@example.com"}),
        ("PATCH", {"is_active": False}),
        ("PATCH", {"user_types": ["keeper"]}),
        ("DELETE", None),
    ],
)
@pytest.mark.parametrize("target", ["admin", "manager"])
def test_nobody_changes_a_person_who_may_do_more(
    tenant: TestTenant, target: str, method: str, body: dict[str, Any] | None
) -> None:
    """Threat 20: resetting an administrator's password is being the administrator."""
    strong, weak = tenant.user(target), keeper(tenant)
    before = tenant.api.get(f"/users/{strong.id}/").json
    assert_problem(weak.api.request(method, f"/users/{strong.id}/", json=body), 403, "PERMISSION_DENIED")
    assert tenant.api.get(f"/users/{strong.id}/").json == before


def test_nobody_restores_a_person_who_may_do_more(tenant: TestTenant) -> None:
    strong, weak = tenant.user("admin"), keeper(tenant)
    tenant.api.delete(f"/users/{strong.id}/")
    assert_problem(weak.api.post(f"/users/{strong.id}/restore/"), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("types", [["admin"], ["manager"], ["keeper", "admin"], ["member"]])
def test_nobody_gives_a_type_that_may_do_more_than_himself(tenant: TestTenant, types: list[str]) -> None:
    """Threat 20: neither to a new user, nor to another, nor to oneself."""
    weak = keeper(tenant)
    plain = make(tenant.api, email="plain@example.com", user_types=["keeper"])
    made = weak.api.post("/users/", {"email": "new@example.com", "user_types": types})
    assert_problem(made, 403, "PERMISSION_DENIED")
    for user_id in (plain["id"], weak.id):
        answer = weak.api.patch(f"/users/{user_id}/", {"user_types": types})
        assert_problem(answer, 403, "PERMISSION_DENIED")
        assert tenant.api.get(f"/users/{user_id}/").json["user_types"] == ["keeper"]


def test_the_usual_type_is_no_way_around(tenant: TestTenant) -> None:
    """Who names no type gets `member`, and may not give that either when it may do more than himself."""
    weak = keeper(tenant)
    assert_problem(weak.api.post("/users/", {"email": "new@example.com"}), 403, "PERMISSION_DENIED")


def test_people_of_the_same_rights_may_change_each_other(tenant: TestTenant) -> None:
    weak = keeper(tenant)
    plain = make(tenant.api, user_types=["keeper"])
    assert weak.api.patch(f"/users/{plain['id']}/", {"name": "x", "password": PASSWORD}).status_code == 200
    assert weak.api.patch(f"/users/{weak.id}/", {"name": "x"}).status_code == 200
    assert make(weak.api, email="new@example.com", user_types=["keeper"])["user_types"] == ["keeper"]
    assert weak.api.delete(f"/users/{plain['id']}/").status_code == 204
    assert weak.api.post(f"/users/{plain['id']}/restore/").status_code == 200


def test_people_whose_types_hide_fields_may_change_each_other(tenant: TestTenant) -> None:
    """Their grants count together: one of their types alone would show more than they see."""
    tenant.role("hiding", [*KEEPER, {"permission": "records:read", "hidden_fields": ["salary"]}])
    tenant.role("reading", [{"permission": "records:read"}])
    one, two = (tenant.user("hiding", "reading") for _ in range(2))
    assert one.api.patch(f"/users/{two.id}/", {"name": "x"}).status_code == 200
    only = one.api.patch(f"/users/{two.id}/", {"user_types": ["reading"]})
    assert_problem(only, 403, "PERMISSION_DENIED")
    assert one.api.patch(f"/users/{two.id}/", {"user_types": ["hiding"]}).status_code == 200


def test_a_change_of_types_works_at_the_next_request(tenant: TestTenant) -> None:
    """Threat 22."""
    user = tenant.user("viewer")
    assert user.api.post("/users/", {"email": "a@example.com"}).status_code == 403
    tenant.api.patch(f"/users/{user.id}/", {"user_types": ["admin"]})
    assert user.api.post("/users/", {"email": "a@example.com"}).status_code == 201
    tenant.api.patch(f"/users/{user.id}/", {"user_types": ["viewer"]})
    assert user.api.post("/users/", {"email": "b@example.com"}).status_code == 403


def test_the_system_s_user_is_not_there(settled: TestTenant) -> None:
    path = f"/users/{system_user_id(settled.id)}/"
    assert_problem(settled.api.get(path), 404, "USER_NOT_FOUND")
    assert_problem(settled.api.patch(path, {"password": PASSWORD}), 404, "USER_NOT_FOUND")
    assert_problem(settled.api.delete(path), 404, "USER_NOT_FOUND")
    assert settled.api.get("/users/").json["count"] == 1


def test_a_deleted_user_is_changed_by_restoring_only(tenant: TestTenant) -> None:
    user = make(tenant.api)
    path = f"/users/{user['id']}/"
    assert_problem(tenant.api.post(path + "restore/"), 404, "USER_NOT_FOUND")
    assert tenant.api.delete(path).status_code == 204
    assert_problem(tenant.api.delete(path), 404, "USER_NOT_FOUND")
    assert_problem(tenant.api.patch(path, {"name": "x"}), 404, "USER_NOT_FOUND")
    assert user["id"] not in {row["id"] for row in tenant.api.get("/users/").json["results"]}
    assert tenant.api.post(path + "restore/").json["user_types"] == ["viewer"]


def test_if_match_guards_deletion_too(tenant: TestTenant) -> None:
    user = make(tenant.api)
    path = f"/users/{user['id']}/"
    stale = tenant.api.delete(path, headers={"If-Match": '"9"'})
    assert assert_problem(stale, 412, "VERSION_MISMATCH")["version"] == 1
    tenant.api.patch(path, {"name": "Another"})
    problem = assert_problem(tenant.api.delete(path, headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")
    assert (problem["version"], problem["differing_fields"]) == (2, ["name"])
    assert tenant.api.delete(path, headers={"If-Match": '"2"'}).status_code == 204
