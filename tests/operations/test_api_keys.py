"""API keys: shown once, never stronger than their owner, gone at once (checklist 47; threats 20, 22, 46, 50)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import ApiKey
from oneo.operations.tenants import set_tenant_status
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.tenant import PASSWORD, TestTenant

READER = [{"permission": "users:read"}, {"permission": "audit:read"}]


def make(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/auth/api-keys/", {"name": "key", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def keyed(tenant: TestTenant, key: dict[str, Any]) -> Api:
    return Api(tenant.app, key["key"])


def test_a_key_is_shown_once(tenant: TestTenant) -> None:
    key = make(tenant.api, name="Nightly export", scopes=["users:read", "audit:read"], expires_in_days=30)
    assert list(key) == ["id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at", "key"]
    assert key["key"].startswith(f"oneo_{tenant.slug}_")
    assert key["scopes"] == ["audit:read", "users:read"]
    assert key["last_used_at"] is None
    (row,) = tenant.api.get("/auth/api-keys/").json["results"]
    assert row == {name: value for name, value in key.items() if name != "key"}
    assert key["key"][-49:] not in tenant.api.get("/auth/api-keys/").text
    assert keyed(tenant, key).get("/users/").status_code == 200


def test_a_repeated_request_makes_another_key_and_shows_no_old_one(tenant: TestTenant) -> None:
    """Answers that show a secret are not kept for repetition."""
    headers = {"Idempotency-Key": "the-same"}
    keys = [tenant.api.post("/auth/api-keys/", {"name": "key"}, headers=headers).json["key"] for _ in range(2)]
    assert keys[0] != keys[1]


def test_a_key_without_scopes_may_what_its_owner_may(tenant: TestTenant) -> None:
    user = tenant.user(tenant.role("reader", READER))
    key = keyed(tenant, make(user.api))
    assert key.get("/users/").status_code == 200
    assert key.get("/admin/audit/").status_code == 200
    assert_problem(key.post("/users/", {"email": "a@example.com"}), 403, "PERMISSION_DENIED")
    ours, theirs = key.get("/users/permissions/").json, user.api.get("/users/permissions/").json
    assert ours == theirs


def test_scopes_leave_only_what_they_name(tenant: TestTenant) -> None:
    key = keyed(tenant, make(tenant.api, scopes=["users:read"]))
    assert key.get("/users/").status_code == 200
    for method, path, body in (
        ("GET", "/admin/audit/", None),
        ("POST", "/users/", {"email": "a@example.com"}),
        ("PATCH", f"/users/{tenant.admin.id}/", {"name": "x"}),
        ("DELETE", f"/users/{tenant.admin.id}/", None),
        ("PATCH", "/tenants/settings/", {"name": "x"}),
        ("GET", "/users/types/", None),
    ):
        assert_problem(key.request(method, path, json=body), 403, "PERMISSION_DENIED")
    assert key.get("/users/permissions/").json["is_administrator"] is False
    assert list(key.get("/users/permissions/").json["permissions"]) == ["users:read"]


def test_a_key_without_any_scope_may_nothing(tenant: TestTenant) -> None:
    key = keyed(tenant, make(tenant.api, scopes=[]))
    assert_problem(key.get("/users/"), 403, "PERMISSION_DENIED")
    assert key.get("/users/permissions/").json["permissions"] == {}


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        (["users:create"], "NOT_HELD"),
        (["users:read", "records:purge"], "NOT_HELD"),
        (["*"], "UNKNOWN_PERMISSION"),
        (["users"], "UNKNOWN_PERMISSION"),
        (["users:*"], "UNKNOWN_PERMISSION"),
        (["USERS:READ"], "UNKNOWN_PERMISSION"),
        ([""], "UNKNOWN_PERMISSION"),
    ],
)
def test_scopes_that_the_owner_does_not_hold_are_refused(tenant: TestTenant, scopes: list[str], code: str) -> None:
    user = tenant.user(tenant.role("reader", READER))
    answer = user.api.post("/auth/api-keys/", {"name": "key", "scopes": scopes})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [fault["code"] for fault in problem["errors"]] == [code]
    assert user.api.get("/auth/api-keys/").json["count"] == 0


def test_a_misspelt_scope_is_answered_with_the_nearest(settled: TestTenant) -> None:
    problem = settled.api.post("/auth/api-keys/", {"name": "key", "scopes": ["user:read"]}).json
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["suggestion"]) == ("/scopes/0", "users:read")


def test_a_key_loses_what_its_owner_loses_at_the_next_request(tenant: TestTenant) -> None:
    """Threat 22."""
    user = tenant.user(tenant.role("reader", READER))
    keys = [keyed(tenant, make(user.api, scopes=scopes)) for scopes in (None, ["users:read"])]
    assert [key.get("/users/").status_code for key in keys] == [200, 200]
    changed = tenant.api.patch("/users/types/reader/", {"grants": [{"permission": "audit:read"}]})
    assert changed.status_code == 200, changed.text
    assert [key.get("/users/").status_code for key in keys] == [403, 403]
    tenant.api.patch("/users/types/reader/", {"grants": READER})
    assert [key.get("/users/").status_code for key in keys] == [200, 200]


def test_a_narrow_key_does_not_grow_with_its_owner(tenant: TestTenant) -> None:
    user = tenant.user(tenant.role("reader", READER))
    key = keyed(tenant, make(user.api, scopes=["users:read"]))
    tenant.api.patch(f"/users/{user.id}/", {"user_types": ["admin"]})
    assert key.get("/users/").status_code == 200
    assert_problem(key.get("/admin/audit/"), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("scopes", [None, ["users:read"]])
def test_a_key_cannot_make_keys(tenant: TestTenant, scopes: list[str] | None) -> None:
    key = keyed(tenant, make(tenant.api, scopes=scopes))
    assert_problem(key.post("/auth/api-keys/", {"name": "another"}), 403, "SESSION_REQUIRED")
    assert tenant.api.get("/auth/api-keys/").json["count"] == 1


@pytest.mark.parametrize("body", [{"password": "four other words of mine"}, {"email": "mine@example.com"}])
def test_a_narrow_key_is_no_way_into_its_owner_s_account(tenant: TestTenant, body: dict[str, str]) -> None:
    """Threat 20: a key that may change users must not set the password of an administrator, its owner or another."""
    second = tenant.user("admin")
    key = keyed(tenant, make(tenant.api, scopes=["users:read", "users:update", "users:create", "users:delete"]))
    for user_id, code in ((tenant.admin.id, "SESSION_REQUIRED"), (second.id, "PERMISSION_DENIED")):
        assert_problem(key.patch(f"/users/{user_id}/", body), 403, code)
        assert_problem(key.delete(f"/users/{user_id}/"), 403, code)
    made = key.post("/users/", {"email": "b@example.com", "user_types": ["admin"]})
    assert_problem(made, 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("scopes", [None, ["users:read", "users:update", "users:delete"]])
def test_its_owner_s_account_is_beyond_a_key(tenant: TestTenant, scopes: list[str] | None) -> None:
    """Not his sessions, his profile, his password, nor his other keys; not even for a key that may all that he may."""
    key, other_key = keyed(tenant, make(tenant.api, scopes=scopes)), make(tenant.api)
    laptop = tenant.logged_in(tenant.admin.id, tenant.admin.email)
    before = tenant.api.get("/auth/user/profile/").json
    own, change = (
        f"/users/{tenant.admin.id}/",
        {"current_password": PASSWORD, "new_password": "four other words of mine"},
    )
    for method, path, body in (
        ("POST", "/auth/logout/", None), ("POST", "/auth/user/password/", change),
        ("PATCH", "/auth/user/profile/", {"name": "Mallory"}),
        ("GET", "/auth/sessions/", None), ("DELETE", "/auth/sessions/", None),
        ("DELETE", f"/auth/sessions/{laptop.session_id}/", None), ("DELETE", f"/auth/sessions/{SOME_ID}/", None),
        ("GET", "/auth/api-keys/", None), ("POST", "/auth/api-keys/", {"name": "another", "scopes": []}),
        ("DELETE", f"/auth/api-keys/{other_key['id']}/", None), ("DELETE", f"/auth/api-keys/{SOME_ID}/", None),
        ("PATCH", own, {"password": "four other words of mine"}), ("PATCH", own, {"name": "Mallory"}),
        ("DELETE", own, None),
    ):  # fmt: skip
        assert_problem(key.request(method, path, json=body), 403, "SESSION_REQUIRED")
    assert laptop.api.get("/auth/user/profile/").json == before
    assert key.get("/auth/user/profile/").json == before, "a key may know whose it is"
    assert tenant.api.get("/auth/api-keys/").json["count"] == 2


def test_a_key_may_revoke_itself(tenant: TestTenant) -> None:
    """A program that has leaked its key can end it without a login."""
    made = make(tenant.api, scopes=[])
    assert keyed(tenant, made).delete(f"/auth/api-keys/{made['id']}/").status_code == 204
    assert_problem(keyed(tenant, made).get("/auth/user/profile/"), 401, "TOKEN_REVOKED")


# -- the end of a key --------------------------------------------------------------------------------------------------


def test_a_revoked_key_stops_at_once(tenant: TestTenant) -> None:
    key = make(tenant.api)
    assert keyed(tenant, key).get("/users/").status_code == 200
    assert tenant.api.delete(f"/auth/api-keys/{key['id']}/").status_code == 204
    assert_problem(keyed(tenant, key).get("/users/"), 401, "TOKEN_REVOKED")
    assert_problem(tenant.api.delete(f"/auth/api-keys/{key['id']}/"), 404, "API_KEY_NOT_FOUND")
    assert tenant.api.get("/auth/api-keys/").json["count"] == 0
    types = [event["type"] for event in tenant.api.events() if event["subject_id"] == key["id"]]
    assert types == ["api_key.created", "api_key.revoked"]


def test_a_revoked_key_that_no_process_remembers_is_unknown(app: Flask, tenant: TestTenant) -> None:
    key = make(tenant.api)
    tenant.api.delete(f"/auth/api-keys/{key['id']}/")
    assert_problem(keyed(tenant, key).get("/users/"), 401, "TOKEN_INVALID")


def test_an_expired_key_stops(in_app: Flask, tenant: TestTenant) -> None:
    key = make(tenant.api, expires_in_days=1)
    assert keyed(tenant, key).get("/users/").status_code == 200
    ends = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert timedelta(hours=23, minutes=59) < ends < timedelta(days=1, minutes=1)
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(update(ApiKey).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert_problem(keyed(tenant, key).get("/users/"), 401, "TOKEN_REVOKED")


def test_a_key_rests_while_its_owner_or_tenant_does(owner_app: Flask, tenant: TestTenant) -> None:
    user = tenant.user("admin")
    key = keyed(tenant, make(user.api))
    assert key.get("/users/").status_code == 200
    tenant.api.patch(f"/users/{user.id}/", {"is_active": False})
    assert_problem(key.get("/users/"), 401, "TOKEN_REVOKED")
    tenant.api.patch(f"/users/{user.id}/", {"is_active": True})
    assert key.get("/users/").status_code == 200
    for status, expected in (("suspended", 401), ("active", 200)):
        with owner_app.app_context():
            set_tenant_status(system_actor(tenant.id), status)
        assert key.get("/users/").status_code == expected, status
    tenant.api.delete(f"/users/{user.id}/")
    assert_problem(key.get("/users/"), 401, "TOKEN_REVOKED")


@pytest.mark.parametrize("whose", ["a colleague's", "another tenant's", "nobody's"])
def test_keys_of_others_are_neither_seen_nor_revoked(tenant: TestTenant, other: TestTenant, whose: str) -> None:
    """Threats 1, 2."""
    colleague = tenant.user()
    keys = {"a colleague's": make(colleague.api), "another tenant's": make(other.api)}
    key_id = keys[whose]["id"] if whose in keys else new_id()
    problem = assert_problem(tenant.api.delete(f"/auth/api-keys/{key_id}/"), 404, "API_KEY_NOT_FOUND")
    assert problem["detail"] == "There is no such API key."
    assert tenant.api.get("/auth/api-keys/").json["results"] == []
    assert tenant.api.get(f"/auth/api-keys/?id={key_id}").json["results"] == []
    assert keyed(tenant, keys["a colleague's"]).get("/auth/user/profile/").status_code == 200
    assert keyed(other, keys["another tenant's"]).get("/auth/user/profile/").status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"name": None}, {"name": "x" * 201}, {}, {"name": "key", "expires_in_days": 0},
     {"name": "key", "expires_in_days": -1}, {"name": "key", "expires_in_days": 3651},
     {"name": "key", "expires_in_days": 10**30}, {"name": "key", "expires_in_days": "1"},
     {"name": "key", "expires_in_days": 1.5}, {"name": "key", "expires_in_days": True},
     {"name": "key", "scopes": "users:read"}, {"name": "key", "scopes": [None]}, {"name": "key", "scopes": {}},
     {"name": "key", "scopes": ["users:read"] * 101}, {"name": "key", "user_id": SOME_ID},
     {"name": "key", "tenant_id": SOME_ID}, {"name": "key", "id": SOME_ID},
     {"name": "key", "secret_hash": "x"}, {"name": "key", "key": "x"}, {"name": "key", "revoked_at": None}],
    ids=str,
)  # fmt: skip
def test_a_key_of_another_shape_is_refused(settled: TestTenant, body: dict[str, Any]) -> None:
    """Threat 21."""
    assert_problem(settled.api.post("/auth/api-keys/", body), 422, "VALIDATION_FAILED")
    assert settled.api.get("/auth/api-keys/").json["count"] == 0
