"""Guessing passwords, spending other people's limits, and taking an account over from an open session."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from limits import RateLimitItemPerSecond
from werkzeug.test import TestResponse

from oneo.access.tokens import new_key_secret, spell_key
from oneo.app import create_app
from oneo.http import login_throttle
from oneo.ids import new_id
from oneo.store import identity
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import PASSWORD, TestTenant
from tests.threads import together

USER, PEER, LOGIN = 20, 6, 3
WIDE = 5 * LOGIN
WRONG = "four wrong words here"
NEW_PASSWORD = "four other words of mine"


def limited(database_address: str, **overrides: Any) -> Flask:
    chosen = {
        "rate_limits": True, "rate_limit_user": f"{USER} per minute", "rate_limit_peer": f"{PEER} per minute",
        "rate_limit_login": f"{LOGIN} per 5 minutes", **overrides,
    }  # fmt: skip
    return create_app(databases.settings(database_address, **chosen))


def attempt(
    app: Flask, tenant: TestTenant, *, password: str = WRONG, email: str = "", peer: str = "192.0.2.1"
) -> TestResponse:
    body = {"tenant": tenant.slug, "email": email or tenant.admin.email, "password": password}
    return Api(app).post("/auth/login/", body, environ_overrides={"REMOTE_ADDR": peer})


def _status(app: Flask, tenant: TestTenant, email: str) -> int:
    return attempt(app, tenant, email=email).status_code


# -- other people's limits ---------------------------------------------------------------------------------------------


def test_a_revoked_token_does_not_use_up_its_owners_limit(database_address: str, tenant: TestTenant) -> None:
    app = limited(database_address)
    revoked = tenant.logged_in(tenant.admin.id, tenant.admin.email)
    assert Api(app, revoked.api.token).get("/auth/user/profile/").status_code == 200
    assert revoked.api.post("/auth/logout/").status_code == 204
    found = [Api(app, revoked.api.token).get("/auth/user/profile/").status_code for _ in range(2 * USER)]
    assert set(found) == {401, 429}
    answer = Api(app, tenant.api.token).get("/auth/user/profile/", environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
    assert answer.status_code == 200
    assert f"r={USER - 2}" in answer.headers["RateLimit"], "only the two answered requests counted"


def test_a_wrong_api_key_over_the_limit_does_not_reach_the_database(
    database_address: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = limited(database_address)
    looked_up: list[UUID] = []
    load = identity.load_principal

    def counted(tenant_id: UUID, *arguments: Any) -> Any:
        looked_up.append(tenant_id)
        return load(tenant_id, *arguments)

    monkeypatch.setattr(identity, "load_principal", counted)
    keys = [spell_key(tenant.slug, new_id(), new_key_secret()) for _ in range(3 * PEER)]
    found = [Api(app, key).get("/users/").status_code for key in keys]
    assert found == [401] * PEER + [429] * 2 * PEER
    assert len(looked_up) == PEER


def test_a_genuine_credential_gives_back_what_its_address_was_charged(
    database_address: str, tenant: TestTenant
) -> None:
    app = limited(database_address)
    users = [tenant.user() for _ in range(3 * PEER)]
    found = [Api(app, user.api.token).get("/auth/user/profile/").status_code for user in users]
    assert found == [200] * len(users)


# -- guessing ----------------------------------------------------------------------------------------------------------


def test_attempts_sent_at_once_are_counted_before_they_are_tried(database_address: str, tenant: TestTenant) -> None:
    app = limited(database_address, rate_limit_peer="10000 per minute")
    found = together([lambda: attempt(app, tenant).status_code] * 24)
    assert sorted(found) == [401] * LOGIN + [429] * (24 - LOGIN)
    accounts = [f"user{at}@example.com" for at in range(40)]
    found = together([partial(_status, app, tenant, email) for email in accounts])
    assert found.count(401) == WIDE - LOGIN


def test_many_addresses_slow_an_account_down_and_do_not_lock_it(
    database_address: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = limited(database_address, rate_limit_peer="10000 per minute")
    monkeypatch.setattr(login_throttle, "SLOW_LANE", RateLimitItemPerSecond(1, 300))
    home = "203.0.113.1"
    assert attempt(app, tenant, password=PASSWORD, peer=home).status_code == 200
    for at in range(2 * WIDE):
        attempt(app, tenant, peer=f"192.0.2.{at // LOGIN}")
    refused = assert_problem(attempt(app, tenant, peer="198.51.100.9"), 429, "RATE_LIMITED")
    assert refused["violated_policies"] == ["login-slow"]
    assert attempt(app, tenant, password=PASSWORD, peer=home).status_code == 200, "a device that is known"
    (limiter,) = app.extensions["limiter"]
    limiter.storage.clear(next(key for key in limiter.storage._windows if "login-slow" in key))
    assert attempt(app, tenant, password=PASSWORD, peer="198.51.100.9").status_code == 200, "a few seconds later"


def test_no_email_address_stands_for_a_password_change(database_address: str, tenant: TestTenant) -> None:
    app = limited(database_address, rate_limit_peer="10000 per minute")
    for at in range(2 * WIDE):
        attempt(app, tenant, email=f"password:{tenant.admin.id}", peer=f"192.0.2.{at}")
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert Api(app, tenant.api.token).post("/auth/user/password/", change).status_code == 204


# -- one's own account -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"password": NEW_PASSWORD}, {"email": "mine@example.com"}], ids=["password", "email"])
def test_users_confirm_changes_of_their_own_login(tenant: TestTenant, body: dict[str, str]) -> None:
    path = f"/users/{tenant.admin.id}/"
    refused = assert_problem(tenant.api.patch(path, body), 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/current_password", "REQUIRED")]
    wrong = tenant.api.patch(path, {**body, "current_password": WRONG})
    assert_problem(wrong, 401, "CREDENTIALS_INVALID")
    assert tenant.api.get(path).json["version"] == 1
    assert tenant.api.patch(path, {**body, "current_password": PASSWORD}).status_code == 200


def test_confirmations_by_a_user_update_are_limited_like_logins(database_address: str, tenant: TestTenant) -> None:
    api = Api(limited(database_address), tenant.api.token)
    body = {"email": "mine@example.com", "current_password": WRONG}
    found = [api.patch(f"/users/{tenant.admin.id}/", body).status_code for _ in range(LOGIN + 2)]
    assert found == [401] * LOGIN + [429] * 2


def test_the_unchanged_address_of_ones_own_needs_no_confirmation(tenant: TestTenant) -> None:
    body = {"email": tenant.admin.email.upper(), "name": "Ada"}
    assert tenant.api.patch(f"/users/{tenant.admin.id}/", body).status_code == 200


# -- one account for one address, zones that exist ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "twin",
    [
        "ren\u0065\u0301e@example.com",
        "\uff32EN\u00c9E@example.com",
        "ren\u00e9e\uff20example.com",
        " RENÉE@EXAMPLE.COM",
    ],
)
def test_unicode_twins_of_an_address_are_one_account(tenant: TestTenant, twin: str) -> None:
    user = {"email": "renée@example.com", "user_types": ["viewer"], "password": NEW_PASSWORD}
    assert tenant.api.post("/users/", user).status_code == 201
    assert_problem(tenant.api.post("/users/", {"email": twin}), 409, "EMAIL_TAKEN")
    assert attempt(tenant.app, tenant, email=twin, password=NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "right/UTC", "posix/UTC"])
def test_a_time_zone_must_be_known_to_the_database(tenant: TestTenant, zone: str) -> None:
    answer = tenant.api.patch("/tenants/settings/", {"timezone": zone})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["errors"][0]["code"] == "UNKNOWN_TIMEZONE"
    assert tenant.api.get("/admin/analytics/").status_code == 200
