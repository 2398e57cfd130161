"""GraphQL over HTTP: one journey, media types and statuses, who may ask, what errors tell."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from oneo.operations.tenants import set_tenant_status
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant

NEW = "application/graphql-response+json"
OLD = "application/json"
USER = "id email name isActive userTypes timezone locale createdAt updatedAt deletedAt createdById updatedById version"
PERMISSIONS = (
    "userId isAdministrator permissions {permission grants {permission pipelines rows hiddenFields readOnlyFields}} "
    "catalogue {permission about perPipeline perRow}"
)


def ask(api: Api, query: Any, *, accept: str = NEW, **members: Any) -> Any:
    return api.post("/graphql", {"query": query, **members}, headers={"Accept": accept})


def data(api: Api, query: str, **members: Any) -> Any:
    answer = ask(api, query, **members)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json
    return answer.json["data"]


def snake(name: str) -> str:
    plain = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return {"created_by_id": "created_by", "updated_by_id": "updated_by"}.get(plain, plain)


def as_rest(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(name): as_rest(inner) for name, inner in value.items()}
    return [as_rest(inner) for inner in value] if isinstance(value, list) else value


# -- the journey -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user_type", ["admin", "viewer"])
def test_the_profile_is_the_same_in_rest_and_graphql(tenant: TestTenant, user_type: str) -> None:
    api = tenant.user(user_type).api
    found = data(api, f"{{currentUser {{{USER}}}}}")["currentUser"]
    assert as_rest(found) == api.get("/auth/user/profile/").json


@pytest.mark.parametrize("user_type", ["admin", "member"])
def test_permissions_are_the_same_in_rest_and_graphql(tenant: TestTenant, user_type: str) -> None:
    api = tenant.user(user_type).api
    found = as_rest(data(api, f"{{userPermissions {{{PERMISSIONS}}}}}")["userPermissions"])
    found["permissions"] = {entry["permission"]: entry["grants"] for entry in found["permissions"]}
    assert found == api.get("/users/permissions/").json


def test_variables_fragments_directives_and_names_work(api: Api) -> None:
    query = """
        query First($short: Boolean!) { me: currentUser { ...Who timezone @skip(if: $short) } }
        query Second { __typename }
        fragment Who on User { email }
    """
    shown = data(api, query, variables={"short": True}, operationName="First")
    assert shown == {"me": {"email": api.get("/auth/user/profile/").json["email"]}}
    assert data(api, query, operationName="Second") == {"__typename": "Query"}


def test_queries_may_be_sent_by_get(anyone: Api) -> None:
    query = quote("query A($no: Boolean!) {currentUser {email @skip(if: $no) version}}")
    variables = quote('{"no": true}')
    answer = anyone.get(f"/graphql?query={query}&variables={variables}&operationName=A")
    assert (answer.status_code, answer.json) == (200, {"data": {"currentUser": {"version": 1}}})
    assert anyone.get(f"/graphql/?query={quote('{__typename}')}").json == {"data": {"__typename": "Query"}}


# -- who may ask -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["{__schema{types{name}}}", "{__typename}", "{", "{nothing}", 5, None])
@pytest.mark.parametrize("token", [None, "x", "a.b.c"])
def test_without_a_token_nothing_is_answered(app: Flask, query: Any, token: str | None) -> None:
    answer = ask(Api(app, token), query)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(answer.json) == {"errors"}
    assert answer.json["errors"][0]["code"] in {"AUTHENTICATION_REQUIRED", "TOKEN_INVALID"}


@pytest.mark.parametrize("query", ["{currentUser{id}}", "{__schema{types{name}}}", "{nothing}", "{", ""])
def test_after_logout_the_next_request_is_refused(tenant: TestTenant, query: str) -> None:
    api = tenant.user().api
    data(api, "{currentUser{id}}")
    assert api.post("/auth/logout/").status_code == 204
    answer = ask(api, query)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (401, "TOKEN_REVOKED")


def test_deactivation_and_suspension_count_at_once(tenant: TestTenant, owner_app: Flask) -> None:
    user = tenant.user()
    data(user.api, "{currentUser{id}}")
    assert tenant.api.patch(f"/users/{user.id}/", {"is_active": False}).status_code == 200
    assert ask(user.api, "{userPermissions{userId}}").status_code == 401
    from oneo.actor import system_actor

    data(tenant.api, "{currentUser{id}}")
    with owner_app.app_context():
        set_tenant_status(system_actor(tenant.id), "suspended")
    assert ask(tenant.api, "{__typename}").status_code == 401


def test_a_changed_role_counts_at_once(tenant: TestTenant) -> None:
    user = tenant.user("viewer")
    query = "{userPermissions{isAdministrator}}"
    assert data(user.api, query) == {"userPermissions": {"isAdministrator": False}}
    assert tenant.api.patch(f"/users/{user.id}/", {"user_types": ["admin"]}).status_code == 200
    assert data(user.api, query) == {"userPermissions": {"isAdministrator": True}}


def test_each_tenant_sees_itself(tenant: TestTenant, other: TestTenant) -> None:
    query = "{currentUser{email}}"
    assert data(tenant.api, query)["currentUser"]["email"] == tenant.admin.email
    assert data(other.api, query)["currentUser"]["email"] == other.admin.email


# -- requests and statuses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "members", "status", "code"),
    [
        ("{", {}, 400, "GRAPHQL_SYNTAX_ERROR"),
        ("type A {a: Int}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("{nothing}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("{currentUser}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("{...A} fragment A on Query {...A}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("query A {__typename} query B {__typename}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("query A {__typename}", {"operationName": "C"}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("query A($a: Boolean!) {a: __typename @skip(if: $a)}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("query A($a: Boolean!) {a: __typename @skip(if: $a)}", {"variables": {"a": 1}}, 422,
         "GRAPHQL_VALIDATION_FAILED"),
        ("mutation {a}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {a}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ],
)  # fmt: skip
def test_faulty_documents(anyone: Api, query: str, members: dict[str, Any], status: int, code: str) -> None:
    """By the newer media type they have a status of their own, by the older one 200; the body is the same."""
    newer, older = ask(anyone, query, **members), ask(anyone, query, accept=OLD, **members)
    assert (newer.status_code, newer.content_type) == (status, f"{NEW}; charset=utf-8")
    assert (older.status_code, older.content_type) == (200, f"{OLD}; charset=utf-8")
    for answer in (newer, older):
        assert set(answer.json) == {"errors"}
        error = answer.json["errors"][0]
        assert (error["code"], error["extensions"]["code"]) == (code, code)
        assert error["message"]
        assert error["extensions"]["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", OLD, 400, "MALFORMED_JSON"),
        (b"", OLD, 400, "MALFORMED_JSON"),
        (b'{"query":"{__typename}","query":"{a}"}', OLD, 400, "MALFORMED_JSON"),
        (b'[{"query":"{__typename}"}]', OLD, 400, "MALFORMED_REQUEST"),
        (b'"{__typename}"', OLD, 400, "MALFORMED_REQUEST"),
        (b"{}", OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":""}', OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":["a"]}', OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":"{__typename}","variables":[1]}', OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":"{__typename}","variables":"{}"}', OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":"{__typename}","operationName":1}', OLD, 422, "VALIDATION_FAILED"),
        (b'{"query":"{__typename}","extensions":1}', OLD, 422, "VALIDATION_FAILED"),
        (b"{__typename}", "application/graphql", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"query":"{__typename}"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"query={__typename}", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"query":"{__typename}"}', "multipart/form-data; boundary=a", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"query":"{__typename}"}', "application/json; charset=latin-1", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"query":"{__typename}"}', "", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
@pytest.mark.parametrize("accept", [NEW, OLD])
def test_malformed_requests(anyone: Api, body: bytes, content_type: str, status: int, code: str, accept: str) -> None:
    answer = anyone.request("POST", "/graphql", data=body, headers={"Accept": accept, "Content-Type": content_type})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (status, code), answer.text
    assert answer.content_type == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, NEW), ("*/*", NEW), ("application/*", NEW), (NEW, NEW), (OLD, OLD),
        (f"{NEW}, {OLD}", NEW), (f"{NEW}; charset=utf-8, {OLD}; charset=utf-8", NEW),
        (f"{NEW};q=0.5, {OLD}", OLD), (f"{OLD}, */*;q=0.1", OLD), (f"{NEW};q=0, */*", OLD), ("text/html, */*", NEW),
    ],
)  # fmt: skip
def test_the_media_type_is_the_one_asked_for(anyone: Api, accept: str | None, answered: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = anyone.post("/graphql", {"query": "{__typename}"}, headers=headers)
    assert (answer.status_code, answer.content_type) == (200, f"{answered}; charset=utf-8")


def test_other_media_types_and_methods_are_refused(anyone: Api) -> None:
    assert_problem(ask(anyone, "{__typename}", accept="text/html"), 406, "NOT_ACCEPTABLE")
    for method in ("PUT", "PATCH", "DELETE"):
        refused = anyone.request(method, "/graphql", json={"query": "{__typename}"})
        assert refused.status_code == 405
        assert {"GET", "POST"} <= set(refused.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("query", ["mutation {a}", "subscription {a}"])
def test_only_queries_may_be_sent_by_get(anyone: Api, query: str) -> None:
    refused = anyone.get(f"/graphql?query={quote(query)}")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [("", 422), ("query=", 422), ("query={a", 400), ("query={__typename}&query={__typename}", 400),
     ("query={__typename}&variables={", 400), ("query={__typename}&variables=[]", 422)],
)  # fmt: skip
def test_faulty_parameters(anyone: Api, parameters: str, status: int) -> None:
    assert anyone.get(f"/graphql?{parameters}").status_code == status


def test_nothing_is_suggested(anyone: Api) -> None:
    for query in ("{currentUsr{id}}", "{currentUser{emial}}", "{currentUser{id @skp}}", "{... on Usr{id}}",
                  '{__type(nam: "a"){name}}', "query($a: Bolean){a: __typename @skip(if: $a)}"):  # fmt: skip
        answer = ask(anyone, query)
        assert answer.status_code == 422
        assert "mean" not in answer.text
        assert "'currentUser'" not in answer.text
        assert "'email'" not in answer.text
