"""Users: adding, changing, removing, restoring; who may (checklist 23; threats 20, 21)."""

from __future__ import annotations

from tests.api import assert_problem
from tests.factories.tenant import TestTenant


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
