"""Who may connect, who hears of what, and when it ends."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_jwt_extended import create_access_token, create_refresh_token

from oneo.access import tokens
from oneo.actor import system_actor
from oneo.ids import new_id
from oneo.operations.tenants import set_tenant_status
from tests.factories.tenant import TestTenant, TestUser
from tests.realtime.client import POLLING, WEBSOCKET, Listener, change, token_of

# -- who may connect ---------------------------------------------------------------------------------------------------


def _claims(tenant: TestTenant, **changes: Any) -> dict[str, Any]:
    return {"tid": str(tenant.id), "sid": str(tenant.admin.session_id), "ver": 1, **changes}


def test_without_a_valid_token_nobody_connects(url: str, app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    user = str(tenant.admin.id)
    with app.app_context():
        forged = {
            "TOKEN_EXPIRED": create_access_token(
                user, additional_claims=_claims(tenant), expires_delta=timedelta(seconds=-1)
            ),
            "TOKEN_INVALID": create_refresh_token(user, additional_claims=_claims(tenant, rid=str(new_id()))),
            "TOKEN_REVOKED": create_access_token(user, additional_claims=_claims(tenant, tid=str(other.id))),
        }
    for code, token in forged.items():
        assert Listener(url, token).refused() == code
    assert Listener(url, "x.y.z").refused() == "TOKEN_INVALID"
    assert Listener(url, token_of(tenant.api)[:-2]).refused() == "TOKEN_INVALID"
    assert Listener(url).refused() == "AUTHENTICATION_REQUIRED"
    assert Listener(f"{url}?token={token_of(tenant.api)}").refused() == "AUTHENTICATION_REQUIRED"
    for auth in ("token", ["token"], {"token": None}, {"token": 5}, {"token": ["x"]}, {"jwt": token_of(tenant.api)}):
        assert Listener(url, auth=auth).refused() == "TOKEN_INVALID"


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
def test_the_token_may_stand_in_the_header(url: str, tenant: TestTenant, transports: tuple[str, ...]) -> None:
    headers = {"Authorization": f"Bearer {tenant.api.token}"}
    with Listener(url, headers=headers, transports=transports) as listener:
        listener.subscribe()
        tenant.user()
        listener.wait_for_events(1)
    assert Listener(url, headers={"Authorization": "Basic eDp5"}).refused() == "TOKEN_INVALID"


def test_an_api_key_connects_within_its_scopes(url: str, tenant: TestTenant) -> None:
    may = tenant.api.post("/auth/api-keys/", {"name": "reader", "scopes": ["users:read"]}).json
    may_not = tenant.api.post("/auth/api-keys/", {"name": "other", "scopes": ["records:read"]}).json
    with Listener(url, may["key"]) as listener:
        listener.subscribe()
        tenant.user()
        listener.wait_for_events(1)
        assert tenant.api.delete(f"/auth/api-keys/{may['id']}/").status_code == 204
        assert listener.wait_until_closed() == "TOKEN_REVOKED"
    with Listener(url, may_not["key"]) as listener:
        assert listener.call("subscribe", {"topic": "users"})["error"]["code"] == "PERMISSION_DENIED"
    assert Listener(url, may["key"]).refused() == "TOKEN_REVOKED"


# -- rights at delivery ------------------------------------------------------------------------------------------------


def test_without_the_permission_there_is_no_subscription(url: str, tenant: TestTenant) -> None:
    role = tenant.role("blind", [{"permission": "records:read"}])
    with Listener(url, token_of(tenant.user(role).api)) as listener:
        refused = listener.call("subscribe", {"topic": "users", "after": 0})
        assert refused["ok"] is False
        assert refused["error"]["code"] == "PERMISSION_DENIED"
        assert refused["error"]["permission"] == "users:read"
        tenant.user()
        time.sleep(0.4)
        assert listener.heard == []


def test_a_grant_that_is_taken_away_silences_at_once(url: str, tenant: TestTenant) -> None:
    role = tenant.role("reader", [{"permission": "users:read"}])
    user = tenant.user(role)
    with Listener(url, token_of(user.api)) as listener:
        subscription = listener.subscribe()
        change(tenant, user, "before")
        listener.wait_for_events(1)
        assert tenant.api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
        listener.wait_for(lambda: listener.notices("unsubscribed"), seconds=2)
        assert listener.notices("unsubscribed")[0]["subscription"] == subscription
        assert listener.notices("unsubscribed")[0]["code"] == "PERMISSION_DENIED"
        change(tenant, user, "after")
        time.sleep(0.4)
        assert len(listener.events()) == 1
        assert listener.client.connected
        assert listener.call("subscribe", {"topic": "users"})["error"]["code"] == "PERMISSION_DENIED"
        tenant.api.patch(f"/users/types/{role}/", {"grants": [{"permission": "users:read"}]})
        listener.subscribe()


def test_other_rights_may_change_without_a_break(url: str, tenant: TestTenant) -> None:
    user = tenant.user("viewer")
    with Listener(url, token_of(user.api)) as listener:
        listener.subscribe()
        assert tenant.api.patch(f"/users/{user.id}/", {"user_types": ["manager"]}).status_code == 200
        change(tenant, user, "manager")
        assert [event["type"] for event in listener.wait_for_events(2)] == ["user.updated"] * 2
        assert listener.notices("unsubscribed") == []


def _log_out(tenant: TestTenant, user: TestUser, _owner: Flask) -> Any:
    return user.api.post("/auth/logout/")


def _deactivate(tenant: TestTenant, user: TestUser, _owner: Flask) -> Any:
    return tenant.api.patch(f"/users/{user.id}/", {"is_active": False})


def _delete(tenant: TestTenant, user: TestUser, _owner: Flask) -> Any:
    return tenant.api.delete(f"/users/{user.id}/")


def _reset_password(tenant: TestTenant, user: TestUser, _owner: Flask) -> Any:
    return tenant.api.patch(f"/users/{user.id}/", {"password": "another-horse-battery-staple"})


def _suspend(tenant: TestTenant, _user: TestUser, owner: Flask) -> Any:
    with owner.app_context():
        set_tenant_status(system_actor(tenant.id), "suspended")


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
@pytest.mark.parametrize("end", [_log_out, _deactivate, _delete, _reset_password, _suspend])
def test_who_is_shut_out_hears_no_more(
    url: str, app: Flask, owner_app: Flask, tenant: TestTenant, end: Any, transports: tuple[str, ...]
) -> None:
    user, written = tenant.user(), tenant.user()
    with Listener(url, token_of(user.api), transports=transports) as listener:
        listener.subscribe()
        change(tenant, written, "before")
        listener.wait_for_events(1)
        ended = end(tenant, user, owner_app)
        assert ended is None or ended.status_code in {200, 204}
        at = time.time()
        reason = listener.wait_until_closed()
        assert reason == "TOKEN_REVOKED"
        for number in range(3):
            tenant.api.patch(f"/users/{written.id}/", {"name": f"after {number}"})
        time.sleep(0.3)
        assert all(when - at < 2.0 for when, _, _ in listener.heard)
        assert "after" not in str(listener.events())
    assert Listener(url, token_of(user.api)).refused() == "TOKEN_REVOKED"


def test_a_password_change_keeps_its_own_session_and_api_keys_and_ends_all_others(url: str, tenant: TestTenant) -> None:
    user = tenant.user("admin", password="seven plain words of mine here")
    elsewhere = tenant.logged_in(user.id, user.email)
    key = elsewhere.api.post("/auth/api-keys/", {"name": "sync", "scopes": ["users:read"]}).json["key"]
    with (
        Listener(url, token_of(user.api)) as own, Listener(url, token_of(elsewhere.api)) as other,
        Listener(url, key) as machine,
    ):  # fmt: skip
        for listener in (own, other, machine):
            listener.subscribe()
        body = {"current_password": "seven plain words of mine here", "new_password": "four other words of mine"}
        assert user.api.post("/auth/user/password/", body).status_code == 204
        assert other.wait_until_closed() == "TOKEN_REVOKED"
        change(tenant, user, "after")
        own.wait_for(lambda: "after" in str(own.events()))
        machine.wait_for(lambda: "after" in str(machine.events()))
        assert own.notices("closing") == machine.notices("closing") == []
    assert Listener(url, token_of(elsewhere.api)).refused() == "TOKEN_REVOKED"


def test_a_token_that_runs_out_ends_its_connection(url: str, app: Flask, tenant: TestTenant) -> None:
    with app.app_context():
        token = create_access_token(
            str(tenant.admin.id), additional_claims=_claims(tenant), expires_delta=timedelta(seconds=2)
        )
        expires_at = tokens.read_access(token).expires_at
    user = tenant.user()
    with Listener(url, token) as listener:
        listener.subscribe()
        number = 0
        while listener.client.connected and time.time() < expires_at + 3:
            change(tenant, user, f"n{number}")
            number += 1
            time.sleep(0.1)
        assert listener.wait_until_closed() == "TOKEN_EXPIRED"
        assert listener.events()
        assert listener.heard[-1][0] < expires_at + 1


# -- tenants -----------------------------------------------------------------------------------------------------------


def test_another_tenant_hears_nothing(url: str, tenant: TestTenant, other: TestTenant) -> None:
    with Listener(url, token_of(other.api)) as stranger, Listener(url, token_of(tenant.api)) as listener:
        listener.subscribe()
        own = stranger.subscribe(after=0)
        stranger.wait_for_events(1)
        for room in (str(tenant.id), tenant.slug, listener.client.sid, "users", f"users:{tenant.id}", "*", "", "/",
                     f"tenant_{tenant.id}", "global_records", f"record_events_{tenant.admin.id}"):  # fmt: skip
            for event in ("join", "join_room", "enter_room", "room"):
                assert stranger.call(event, {"room": room, "topic": room})["error"]["code"] == "UNKNOWN_MESSAGE"
            if room != "users":
                assert stranger.call("subscribe", {"topic": room})["error"]["code"] == "TOPIC_NOT_FOUND"
        tenant.user()
        listener.wait_for_events(1)
        time.sleep(0.3)
        assert {event["tenant_id"] for event in stranger.events()} == {str(other.id)}
        assert {event["subscription"] for event in stranger.events()} == {own}
