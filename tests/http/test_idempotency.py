"""Idempotency-Key: a repeated write is done once and answered alike (conventions: Idempotency-Key; threats 9, 69)."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2
import pytest

from tests.api import Api, assert_problem
from tests.architecture.catalogue import connected, rows
from tests.factories.tenant import TestTenant
from tests.http.hostile import assert_problem_shape

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
KEPT = "SELECT key, status FROM idempotency_keys WHERE tenant_id = %s"


def _create(api: Api, email: str = "once@a.example", key: str = KEY, path: str = "/users/", **headers: str) -> Any:
    return api.post(path, {"email": email}, headers={"Idempotency-Key": key, **headers})


def _count(tenant: TestTenant, email: str) -> int:
    count: int = tenant.api.get(f"/users/?email__exact={email}").json["count"]
    return count


def test_a_repeated_write_is_answered_as_the_first_was(tenant: TestTenant) -> None:
    first, second = _create(tenant.api), _create(tenant.api)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    for name in ("Location", "ETag", "Content-Type"):
        assert first.headers[name] == second.headers[name]
    assert first.headers["Idempotency-Replayed"] == "false"
    assert second.headers["Idempotency-Replayed"] == "true"
    assert _count(tenant, "once@a.example") == 1
    assert len([event for event in tenant.api.events() if event["subject_id"] == first.json["id"]]) == 1


def test_every_kind_of_write_can_be_repeated(tenant: TestTenant) -> None:
    user = tenant.user()
    path = f"/users/{user.id}/"
    for method, body, status in (("PATCH", {"name": "B"}, 200), ("DELETE", None, 204)):
        answers = [
            tenant.api.request(method, path, json=body, headers={"Idempotency-Key": f"{method}-1"}) for _ in range(2)
        ]
        assert [found.status_code for found in answers] == [status, status]
        assert answers[0].data == answers[1].data
        assert answers[1].headers["Idempotency-Replayed"] == "true"
    restored = [tenant.api.post(f"{path}restore/", headers={"Idempotency-Key": "r"}) for _ in range(2)]
    assert [found.status_code for found in restored] == [200, 200]
    types = [event["type"] for event in tenant.api.events() if event["subject_id"] == str(user.id)]
    assert types == ["user.created", "user.updated", "user.deleted", "user.restored"]


def test_a_minimal_answer_is_replayed_as_such(tenant: TestTenant) -> None:
    answers = [_create(tenant.api, Prefer="return=minimal") for _ in range(2)]
    for found in answers:
        assert (found.status_code, found.data) == (201, b"")
        assert found.headers["Preference-Applied"] == "return=minimal"
        assert "Content-Type" not in found.headers


@pytest.mark.parametrize("change", ["body", "path", "query", "method"])
def test_another_request_cannot_use_the_key(tenant: TestTenant, change: str) -> None:
    first = _create(tenant.api)
    assert first.status_code == 201
    path = f"/users/{first.json['id']}/"
    method, other_path, body = {
        "body": ("POST", "/users/", {"email": "twice@a.example"}),
        "path": ("POST", "/users/types/", {"email": "once@a.example"}),
        "query": ("POST", "/users/?a=1", {"email": "once@a.example"}),
        "method": ("DELETE", path, None),
    }[change]
    refused = tenant.api.request(method, other_path, json=body, headers={"Idempotency-Key": KEY})
    assert_problem(refused, 422, "IDEMPOTENCY_KEY_REUSED")
    assert_problem_shape(refused)
    assert tenant.api.get(path).status_code == 200
    assert _count(tenant, "twice@a.example") == 0


def test_users_and_tenants_do_not_meet(tenant: TestTenant, other: TestTenant) -> None:
    colleague = tenant.user("admin")
    made = [_create(tenant.api), _create(colleague.api, "colleague@a.example"), _create(other.api)]
    assert [found.status_code for found in made] == [201, 201, 201]
    assert len({found.json["id"] for found in made}) == 3
    assert all(found.headers["Idempotency-Replayed"] == "false" for found in made)


def test_a_request_that_is_still_running_is_not_repeated(database_address: str, tenant: TestTenant) -> None:
    """The first one is stopped by a real lock on the row that it wants, in another connection."""
    user = tenant.user()
    path, headers = f"/users/{user.id}/", {"Idempotency-Key": KEY}
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(tenant.api.patch(path, {"name": "A"}, headers=headers)))
    blocker = psycopg2.connect(database_address)
    rows(blocker, "SELECT id FROM users WHERE id = %s FOR UPDATE", (str(user.id),))
    first.start()
    _wait_until_blocked(database_address)
    meanwhile = tenant.api.patch(path, {"name": "A"}, headers=headers)
    assert_problem(meanwhile, 409, "IDEMPOTENCY_IN_PROGRESS")
    elsewhere = tenant.user("admin").api.patch(f"/users/{tenant.user().id}/", {"name": "A"}, headers=headers)
    assert elsewhere.status_code == 200
    blocker.rollback()
    blocker.close()
    first.join(timeout=20)
    assert [found.status_code for found in answers] == [200]
    again = tenant.api.patch(path, {"name": "A"}, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


def test_many_at_once_make_one(tenant: TestTenant) -> None:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(_create(tenant.api))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert {found.status_code for found in answers} <= {201, 409}
    made = [found for found in answers if found.status_code == 201]
    assert len({found.json["id"] for found in made}) == 1
    assert len([found for found in made if found.headers["Idempotency-Replayed"] == "false"]) == 1
    assert all(found.json["code"] == "IDEMPOTENCY_IN_PROGRESS" for found in answers if found.status_code == 409)
    assert _count(tenant, "once@a.example") == 1


def test_a_refused_write_leaves_no_key(database_address: str, tenant: TestTenant) -> None:
    taken = _create(tenant.api, tenant.admin.email)
    assert_problem(taken, 409, "EMAIL_TAKEN")
    assert_problem(_create(tenant.api, "no address"), 422, "VALIDATION_FAILED")
    with connected(database_address) as connection:
        assert rows(connection, KEPT, (str(tenant.id),)) == []
    assert _create(tenant.api).status_code == 201
    with connected(database_address) as connection:
        assert rows(connection, KEPT, (str(tenant.id),)) == [(KEY, 201)]


def test_a_right_that_was_lost_is_not_lent_by_a_key(tenant: TestTenant) -> None:
    manager = tenant.user(tenant.role("makers", [{"permission": "users:create"}, {"permission": "users:read"}]))
    plain = {"email": "plain@a.example", "user_types": [tenant.role("plain", [])]}
    first = manager.api.post("/users/", plain, headers={"Idempotency-Key": KEY})
    assert first.status_code == 201, first.text
    tenant.api.patch(f"/users/{manager.id}/", {"user_types": ["viewer"]})
    assert_problem(manager.api.post("/users/", plain, headers={"Idempotency-Key": KEY}), 403, "PERMISSION_DENIED")
    tenant.api.delete(f"/users/{manager.id}/")
    assert_problem(manager.api.post("/users/", plain, headers={"Idempotency-Key": KEY}), 401, "TOKEN_REVOKED")


def test_a_key_is_forgotten_after_a_day(database_address: str, tenant: TestTenant) -> None:
    first = _create(tenant.api)
    with connected(database_address) as connection:
        rows(
            connection, "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE tenant_id = %s",
            (str(tenant.id),),
        )  # fmt: skip
    second = _create(tenant.api, "later@a.example")
    assert second.status_code == 201
    assert second.json["id"] != first.json["id"]
    with connected(database_address) as connection:
        assert rows(connection, KEPT, (str(tenant.id),)) == [(KEY, 201)]


@pytest.mark.parametrize("key", [
    "", " ", '"', '""', '"a', 'a"', 'a"b', "a b", "a,b", "x" * 256, f'"{"x" * 256}"', "a\tb", "é",
])  # fmt: skip
def test_a_malformed_key_is_refused(tenant: TestTenant, key: str) -> None:
    refused = _create(tenant.api, key=key.encode().decode("latin-1"))
    assert_problem(refused, 400, "MALFORMED_REQUEST")
    assert_problem_shape(refused)
    assert _count(tenant, "once@a.example") == 0


@pytest.mark.parametrize("key", [
    KEY, f'"{KEY}"', "a", "x" * 255, f'"{"x" * 255}"', '"with a space"', "!#$%&'()*+-./:;<=>?@[]^_`{|}~",
])  # fmt: skip
def test_a_key_may_be_quoted_or_plain(tenant: TestTenant, key: str) -> None:
    assert _create(tenant.api, key=key).status_code == 201
    assert _create(tenant.api, key=key).headers["Idempotency-Replayed"] == "true"


def test_quotes_are_no_part_of_the_key(tenant: TestTenant) -> None:
    assert _create(tenant.api, key="a").headers["Idempotency-Replayed"] == "false"
    assert _create(tenant.api, key='"a"').headers["Idempotency-Replayed"] == "true"


def test_secrets_and_readings_are_never_kept(database_address: str, tenant: TestTenant) -> None:
    headers = {"Idempotency-Key": KEY}
    keys = [tenant.api.post("/auth/api-keys/", {"name": "k"}, headers=headers).json["key"] for _ in range(2)]
    assert keys[0] != keys[1]
    assert "Idempotency-Replayed" not in tenant.api.get("/users/", headers=headers).headers
    with connected(database_address) as connection:
        assert rows(connection, KEPT, (str(tenant.id),)) == []


def _wait_until_blocked(address: str) -> None:
    """Until a request waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with connected(address) as connection:
        for _ in range(200):
            if rows(connection, waiting):
                return
            rows(connection, "SELECT pg_sleep(0.02)")
    raise AssertionError("nothing waited")
