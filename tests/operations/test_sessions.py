"""One's own sessions: seen and ended by their owner alone (checklist 2, 47; threats 1, 2, 49)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from oneo.app import create_app
from oneo.ids import new_id
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant, TestUser, open_session


def another_session(tenant: TestTenant, user: TestUser) -> tuple[str, Api]:
    session_id, token = open_session(tenant.app, tenant.id, user.id)
    return str(session_id), Api(tenant.app, token)


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/auth/sessions/{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["results"])


def test_a_user_sees_his_own_sessions_and_no_secret_of_theirs(tenant: TestTenant) -> None:
    user, second = tenant.user(), tenant.user()
    extra, _ = another_session(tenant, user)
    rows = listed(user.api)
    assert {row["id"] for row in rows} == {str(user.session_id), extra}
    assert {row["user_id"] for row in rows} == {str(user.id)}
    assert list(rows[0]) == ["id", "user_id", "agent", "peer", "created_at", "refreshed_at", "expires_at"]
    assert str(second.session_id) not in {row["id"] for row in rows}


def test_an_administrator_sees_only_his_own(tenant: TestTenant) -> None:
    tenant.user()
    assert [row["id"] for row in listed(tenant.api)] == [str(tenant.admin.session_id)]


def test_asking_for_the_sessions_of_another_finds_none(tenant: TestTenant, other: TestTenant) -> None:
    user = tenant.user()
    for stranger in (tenant.admin, other.admin):
        assert listed(user.api, f"?user_id={stranger.id}") == []
        assert listed(user.api, f"?id={stranger.session_id}") == []
        assert listed(user.api, f'?filter={{"or":[{{"user_id":"{stranger.id}"}}]}}') == []


def test_one_session_is_ended_at_once(tenant: TestTenant) -> None:
    user = tenant.user()
    session_id, device = another_session(tenant, user)
    assert device.get("/auth/user/profile/").status_code == 200
    assert user.api.delete(f"/auth/sessions/{session_id}/").status_code == 204
    assert_problem(device.get("/auth/user/profile/"), 401, "TOKEN_REVOKED")
    assert [row["id"] for row in listed(user.api)] == [str(user.session_id)]
    event = tenant.api.events()[-1]
    assert (event["type"], event["subject_id"]) == ("session.revoked", session_id)


def test_an_ended_session_is_not_found_again(tenant: TestTenant) -> None:
    user = tenant.user()
    session_id, _ = another_session(tenant, user)
    assert user.api.delete(f"/auth/sessions/{session_id}/").status_code == 204
    assert_problem(user.api.delete(f"/auth/sessions/{session_id}/"), 404, "SESSION_NOT_FOUND")


def test_the_session_in_use_can_be_ended_too(tenant: TestTenant) -> None:
    user = tenant.user()
    assert user.api.delete(f"/auth/sessions/{user.session_id}/").status_code == 204
    assert_problem(user.api.get("/auth/user/profile/"), 401, "TOKEN_REVOKED")


def test_all_others_are_ended_at_once_and_this_one_stays(tenant: TestTenant) -> None:
    user, bystander = tenant.user(), tenant.user()
    devices = [another_session(tenant, user)[1] for _ in range(3)]
    answer = user.api.delete("/auth/sessions/")
    assert (answer.status_code, answer.json) == (200, {"revoked": 3})
    assert [device.get("/auth/user/profile/").status_code for device in devices] == [401] * 3
    assert user.api.get("/auth/user/profile/").status_code == 200
    assert bystander.api.get("/auth/user/profile/").status_code == 200
    assert user.api.delete("/auth/sessions/").json == {"revoked": 0}


@pytest.mark.parametrize("whose", ["a colleague's", "the administrator's", "another tenant's", "nobody's"])
def test_sessions_of_others_are_not_there_to_be_ended(tenant: TestTenant, other: TestTenant, whose: str) -> None:
    """Threats 1, 2: the same answer for what is somebody's and what is nobody's."""
    user, colleague = tenant.user(), tenant.user()
    session_id = {
        "a colleague's": colleague.session_id,
        "the administrator's": tenant.admin.session_id,
        "another tenant's": other.admin.session_id,
        "nobody's": new_id(),
    }[whose]
    problem = assert_problem(user.api.delete(f"/auth/sessions/{session_id}/"), 404, "SESSION_NOT_FOUND")
    assert problem["detail"] == "There is no such session."
    for still in (colleague, tenant.admin, other.admin):
        assert still.api.get("/auth/user/profile/").status_code == 200


def test_an_ended_session_stops_in_another_process(database_address: str, app: Flask, tenant: TestTenant) -> None:
    """Threat 22: what one server remembers of a caller is not believed when another one has ended his session."""
    elsewhere = create_app(databases.settings(database_address))
    user = tenant.user()
    there = Api(elsewhere, user.api.token)
    assert there.get("/auth/user/profile/").status_code == 200
    assert user.api.delete(f"/auth/sessions/{user.session_id}/").status_code == 204
    assert_problem(there.get("/auth/user/profile/"), 401, "TOKEN_REVOKED")
