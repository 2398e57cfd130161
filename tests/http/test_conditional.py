"""ETag, If-None-Match, If-Match and Prefer on things with a version (conventions: Concurrency; threats 8, 68)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, assert_problem
from tests.architecture.walk import routes
from tests.factories.tenant import TestTenant
from tests.http.hostile import assert_problem_shape

MALFORMED = ("", "1", '"1', '1"', "'1'", '"1" "2"', '"1",,"2"', "W/1", 'w/"1"', '"1"x', "* ,", '"a\x01b"', ",")
TAGGED_LISTS = ("/users/", "/users/types/", "/users/deleted/", "/admin/audit/")


@pytest.fixture
def path(tenant: TestTenant) -> str:
    return f"/users/{tenant.user().id}/"


def _get(api: Api, path: str, tag: str) -> Any:
    return api.get(path, headers={"If-None-Match": tag})


def _patch(api: Api, path: str, tag: str, body: dict[str, Any] | None = None) -> Any:
    return api.patch(path, body or {"name": "New"}, headers={"If-Match": tag})


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_version_is_the_tag_of_its_object(tenant: TestTenant, path: str) -> None:
    found = tenant.api.get(path)
    assert found.headers["ETag"] == f'"{found.json["version"]}"'
    for tag in (found.headers["ETag"], "*", f'"x", {found.headers["ETag"]}', f"W/{found.headers['ETag']}"):
        again = _get(tenant.api, path, tag)
        assert (again.status_code, again.data) == (304, b""), tag
        assert again.headers["ETag"] == found.headers["ETag"]
        assert "Content-Type" not in again.headers
    assert _get(tenant.api, path, '"999"').status_code == 200
    tenant.api.patch(path, {"name": "Changed"})
    assert _get(tenant.api, path, found.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("list_path", TAGGED_LISTS)
def test_a_list_is_not_sent_again_until_something_happens(tenant: TestTenant, list_path: str) -> None:
    tag = tenant.api.get(list_path).headers["ETag"]
    assert tag.startswith('W/"')
    assert _get(tenant.api, list_path, tag).status_code == 304
    assert _get(tenant.api, f"{list_path}?page_size=1", tag).status_code == 200
    anything = _get(tenant.api, list_path, "*")
    assert (anything.status_code, anything.data, anything.headers["ETag"]) == (304, b"", tag)
    assert_problem(_get(tenant.api, f"{list_path}?nonsense=1", "*"), 400, "INVALID_PARAMETER")
    tenant.user()
    assert _get(tenant.api, list_path, tag).status_code == 200


def test_a_list_is_tagged_for_one_caller_alone(tenant: TestTenant, other: TestTenant) -> None:
    tag = tenant.api.get("/users/").headers["ETag"]
    assert _get(tenant.user("admin").api, "/users/", tag).status_code == 200
    assert _get(other.api, "/users/", tag).status_code == 200


def test_a_tag_outlives_no_right(tenant: TestTenant) -> None:
    user = tenant.user("viewer")
    tag = user.api.get("/users/").headers["ETag"]
    tenant.api.patch(f"/users/{user.id}/", {"user_types": [tenant.role("blind", [])]})
    assert_problem(_get(user.api, "/users/", tag), 403, "PERMISSION_DENIED")
    tenant.api.delete(f"/users/{user.id}/")
    assert_problem(_get(user.api, "/users/", tag), 401, "TOKEN_REVOKED")


def test_what_changes_without_an_event_has_no_tag(tenant: TestTenant) -> None:
    for path in ("/auth/sessions/", "/auth/api-keys/"):
        assert "ETag" not in tenant.api.get(path).headers


def test_routes_are_tagged_as_the_document_says(tenant: TestTenant) -> None:
    paths = tenant.api.get("/openapi.json").json["paths"]
    ids = {"user_id": tenant.admin.id, "user_type": "admin"}
    asking = {
        "explain_permission",
        "traverse_relationships",
        "find_shortest_path",
    }  # nothing is answered without a query
    for route in routes(tenant.app):
        rule = route.rule.rule.replace("<uuid:", "{").replace("<string:", "{").replace(">", "}")
        said = paths.get(rule, {}).get("get") if route.method == "GET" else None
        if said is None or not set(route.rule.arguments) <= ids.keys() or said["operationId"] in asking:
            continue
        found = tenant.api.get(route.path(ids))
        assert found.status_code == 200, route.name
        assert ("ETag" in found.headers) == ("ETag" in said["responses"]["200"]["headers"]), route.name
        again = _get(tenant.api, route.path(ids), found.headers.get("ETag", '"1"'))
        anything = _get(tenant.api, route.path(ids), "*")
        expected = 304 if "304" in said["responses"] else 200
        assert (again.status_code, anything.status_code) == (expected, expected), route.name


@pytest.mark.parametrize("tag", MALFORMED)
def test_malformed_tags_are_refused(tenant: TestTenant, path: str, tag: str) -> None:
    before = tenant.api.get(path).json
    for refused in (
        _patch(tenant.api, path, tag),
        tenant.api.delete(path, headers={"If-Match": tag}),
        _get(tenant.api, path, tag),
        _get(tenant.api, "/users/", tag),
    ):
        assert_problem(refused, 400, "MALFORMED_REQUEST")
        assert_problem_shape(refused)
    assert tenant.api.get(path).json == before


# -- changing ----------------------------------------------------------------------------------------------------------


def test_a_stale_change_is_refused_with_the_present_version(tenant: TestTenant, path: str) -> None:
    tag = tenant.api.get(path).headers["ETag"]
    first = _patch(tenant.api, path, tag, {"name": "First"})
    assert first.status_code == 200
    assert first.headers["ETag"] == f'"{first.json["version"]}"' != tag
    refused = _patch(tenant.api, path, tag, {"name": "Second"})
    assert assert_problem(refused, 412, "VERSION_MISMATCH")["version"] == first.json["version"]
    assert tenant.api.get(path).json["name"] == "First"
    assert_problem(tenant.api.delete(path, headers={"If-Match": tag}), 412, "VERSION_MISMATCH")
    assert tenant.api.delete(path, headers={"If-Match": first.headers["ETag"]}).status_code == 204


def test_any_of_several_versions_will_do(tenant: TestTenant, path: str) -> None:
    assert _patch(tenant.api, path, '"7", "1", "9"').status_code == 200
    assert _patch(tenant.api, path, "*", {"name": "Other"}).status_code == 200
    assert _patch(tenant.api, path, ' "3" ', {"name": "Third"}).status_code == 200


def test_a_weak_tag_is_no_proof_of_a_version(tenant: TestTenant, path: str) -> None:
    assert_problem(_patch(tenant.api, path, 'W/"1"'), 412, "VERSION_MISMATCH")
    assert_problem(_patch(tenant.api, path, '"one"'), 412, "VERSION_MISMATCH")
    assert_problem(_patch(tenant.api, path, f'"{10**30}"'), 412, "VERSION_MISMATCH")


def test_what_is_not_there_has_no_version_to_be_stale(tenant: TestTenant) -> None:
    missing = "/users/0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4/"
    for tag in ('"1"', "*"):
        assert_problem(_patch(tenant.api, missing, tag), 404, "USER_NOT_FOUND")


def test_every_route_that_promises_it_compares_versions(tenant: TestTenant) -> None:
    role = tenant.role("scratch", [])
    for path, body in (
        (f"/users/{tenant.user().id}/", {"name": "A"}), (f"/users/types/{role}/", {"description": "A"}),
        ("/tenants/settings/", {"locale": "de"}), ("/auth/user/profile/", {"name": "A"}),
    ):  # fmt: skip
        assert_problem(_patch(tenant.api, path, '"99"', body), 412, "VERSION_MISMATCH")
        assert _patch(tenant.api, path, tenant.api.get(path).headers["ETag"], body).status_code == 200


def test_a_change_of_nothing_leaves_the_version(tenant: TestTenant, path: str) -> None:
    before = tenant.api.get(path)
    same = tenant.api.patch(path, {"name": before.json["name"]})
    assert same.json == before.json
    assert _get(tenant.api, path, before.headers["ETag"]).status_code == 304


# -- preferring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefer", [
    "return=minimal", "Return=Minimal", "respond-async, return=minimal", "return=minimal; wait=1",
])  # fmt: skip
def test_a_changed_object_can_be_left_out(tenant: TestTenant, path: str, prefer: str) -> None:
    changed = tenant.api.patch(path, {"name": "A"}, headers={"Prefer": prefer})
    assert (changed.status_code, changed.data) == (204, b"")
    assert changed.headers["Preference-Applied"] == "return=minimal"
    assert changed.headers["ETag"] == tenant.api.get(path).headers["ETag"]
    assert "Content-Type" not in changed.headers


def test_a_created_object_can_be_left_out(tenant: TestTenant) -> None:
    made = tenant.api.post("/users/", {"email": "min@a.example"}, headers={"Prefer": "return=minimal"})
    assert (made.status_code, made.data) == (201, b"")
    assert made.headers["Preference-Applied"] == "return=minimal"
    assert tenant.api.get(made.headers["Location"]).json["email"] == "min@a.example"


@pytest.mark.parametrize("prefer", [
    "", "return=representation", "nonsense", "return", "=", ";;,,", "x" * 5000, "minimal",
])  # fmt: skip
def test_other_preferences_are_passed_over(tenant: TestTenant, path: str, prefer: str) -> None:
    changed = tenant.api.patch(path, {"name": "A"}, headers={"Prefer": prefer})
    assert changed.status_code == 200
    assert changed.json["name"] == "A"
    assert "Preference-Applied" not in changed.headers


def test_reading_is_never_minimal(tenant: TestTenant, path: str) -> None:
    assert tenant.api.get(path, headers={"Prefer": "return=minimal"}).json["id"]
