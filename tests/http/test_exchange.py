"""Manners of every exchange: methods, slashes, media types, request ids, CORS, headers (conventions: HTTP)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from oneo.app import create_app
from tests import databases
from tests.api import Api, assert_problem
from tests.architecture.walk import routes
from tests.factories.tenant import TestTenant
from tests.http.hostile import assert_problem_shape, assert_tells_nothing

ORIGIN = "https://app.example"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


# -- methods and addresses ---------------------------------------------------------------------------------------------


def test_each_address_answers_with_and_without_a_slash_and_never_redirects(tenant: TestTenant) -> None:
    for route in routes(tenant.app):
        path = route.path()
        both = [path.rstrip("/"), path.rstrip("/") + "/"]
        found = [Api(tenant.app).request(route.method, each).status_code for each in both]
        assert found[0] == found[1], route.name
        assert not 300 <= found[0] < 400, route.name


def test_head_says_what_get_would(tenant: TestTenant) -> None:
    for path in ("/users/", f"/users/{tenant.admin.id}/", "/tenants/settings/", "/users/types/admin"):
        get, head = tenant.api.get(path), tenant.api.request("HEAD", path)
        assert head.status_code == get.status_code == 200
        assert head.data == b""
        for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
            assert head.headers.get(name) == get.headers.get(name), name


def test_other_methods_are_refused_with_those_that_there_are(app: Flask, tenant: TestTenant) -> None:
    known: dict[str, set[str]] = {}
    for route in routes(app):
        known.setdefault(route.path().rstrip("/") + "/", set()).add(route.method)
    for path, methods in known.items():
        for method in {*METHODS, "TRACE", "BREW"} - methods:
            for each in (path, path.rstrip("/")):
                refused = tenant.api.request(method, each)
                assert_problem(refused, 405, "METHOD_NOT_ALLOWED")
                assert methods <= {name.strip() for name in refused.headers["Allow"].split(",")}, path


def test_options_lists_the_methods(app: Flask) -> None:
    for path in ("/users/", "/auth/login/", "/tenants/settings"):
        found = Api(app).request("OPTIONS", path)
        assert found.status_code in {200, 204}
        assert "OPTIONS" in found.headers["Allow"]
        assert found.data == b""


@pytest.mark.parametrize("path", [
    "/api", "/api/v1//", "/api/v2/users/", "/api/v1/nonsense/", "/api/v1//users/",
    "/api/v1/users/../users/", "/api/v1/users/%2e%2e/users/", "/api/v1/users.json", "/.env", "/.git/config",
    "/static/x",
    "/api/v1/users/%00", "/%FF", "/api/v1/users/;a=b", "/swagger-ui", "/openapi.yml", "/console", "/favicon.ico",
])  # fmt: skip
def test_nothing_is_at_other_addresses(app: Flask, path: str) -> None:
    found = app.test_client().get(path)
    assert found.status_code in {400, 404}, path
    assert_problem_shape(found)


def test_a_second_slash_at_the_end_is_another_address(app: Flask, tenant: TestTenant) -> None:
    for route in routes(app):
        path = route.path().rstrip("/")
        for slashes in ("//", "///", "////", "/%2F"):
            found = tenant.api.request(route.method, path + slashes)
            assert found.status_code == 404, f"{route.method} {path}{slashes}: {found.status_code}"


# -- media types -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("accept", "status"), [
    ("*/*", 200), ("application/json", 200), ("application/*", 200), ("application/json;q=0.1", 200), ("", 200),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200), ("application/problem+json", 200),
    ("text/html", 406), ("application/xml", 406), ("image/png, text/*", 406), ("application/json;q=0", 406),
    ("nonsense", 406), ("*/*;q=0", 406),
])  # fmt: skip
def test_only_json_can_be_produced(tenant: TestTenant, accept: str, status: int) -> None:
    found = tenant.api.get("/users/", headers={"Accept": accept})
    assert found.status_code == status, found.text
    if status == 406:
        assert assert_problem(found, 406, "NOT_ACCEPTABLE")["produced"] == ["application/json"]
    else:
        assert found.content_type == "application/json"


# -- request ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["abc", "A-1_2.3:4", "x" * 128, "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4"])
def test_a_request_id_is_used_as_it_was_sent(app: Flask, asked: str) -> None:
    found = Api(app).get("/users/", headers={"X-Request-Id": asked})
    assert found.headers["X-Request-Id"] == asked
    assert found.json["request_id"] == asked


@pytest.mark.parametrize("asked", ["", "a b", "x" * 129, "<script>", "a,b", "ä", '"a"', "../x", "a\tb"])
def test_a_request_id_that_is_none_is_replaced(app: Flask, asked: str) -> None:
    found = Api(app).get("/users/", headers={"X-Request-Id": asked.encode().decode("latin-1")})
    assert re.fullmatch(r"[0-9a-f]{32}", found.headers["X-Request-Id"])
    assert found.json["request_id"] == found.headers["X-Request-Id"]


def test_every_request_has_an_id_of_its_own(app: Flask) -> None:
    found = [Api(app).get("/users/").headers["X-Request-Id"] for _ in range(20)]
    assert len(set(found)) == 20


# -- headers of every answer -------------------------------------------------------------------------------------------


def test_every_answer_is_private_and_taken_as_what_it_says(tenant: TestTenant) -> None:
    for found in (
        tenant.api.get("/users/"), Api(tenant.app).get("/users/"), tenant.api.get("/nonsense/"),
        tenant.api.post("/users/", {}), tenant.api.request("OPTIONS", "/users/"), Api(tenant.app).get("/openapi.json"),
    ):  # fmt: skip
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert "Authorization" in found.headers["Vary"]
        assert found.headers["Cache-Control"] == ("no-store" if found.status_code >= 400 else "private, no-cache")
        assert "Server" not in found.headers
        assert "Set-Cookie" not in found.headers


def test_secrets_are_never_stored_on_the_way(tenant: TestTenant) -> None:
    made = tenant.api.post("/auth/api-keys/", {"name": "one"})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    login = Api(tenant.app).post(
        "/auth/login/", {"email": tenant.admin.email, "password": tenant.admin.password, "tenant": tenant.slug}
    )
    assert login.headers["Cache-Control"] == "no-store"


def test_a_preference_for_little_never_swallows_a_secret(tenant: TestTenant) -> None:
    minimal = {"Prefer": "return=minimal"}
    login = Api(tenant.app).post(
        "/auth/login/", {"email": tenant.admin.email, "password": tenant.admin.password, "tenant": tenant.slug},
        headers=minimal,
    )  # fmt: skip
    assert login.status_code == 200
    assert login.json["access_token"]
    assert tenant.api.post("/auth/api-keys/", {"name": "one"}, headers=minimal).json["key"]


# -- other origins -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crossing(database_address: str) -> Flask:
    return create_app(databases.settings(database_address, cors_origins=(ORIGIN,)))


def _preflight(app: Flask, origin: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    return Api(app).request("OPTIONS", "/users/", headers=asked)


def test_other_origins_are_not_let_in_unless_named(app: Flask, crossing: Flask, tenant: TestTenant) -> None:
    strangers = [(app, ORIGIN)]
    strangers += [(crossing, name) for name in ("https://evil.example", "null", "https://app.example.evil")]
    for served, origin in strangers:
        plain = Api(served, tenant.api.token).get("/users/", headers={"Origin": origin})
        for found in (plain, _preflight(served, origin)):
            assert "Access-Control-Allow-Origin" not in found.headers


def test_a_named_origin_is_let_in_without_credentials(crossing: Flask, tenant: TestTenant) -> None:
    asked = _preflight(crossing, ORIGIN)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in asked.headers["Access-Control-Allow-Methods"]
    for name in ("Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "Content-Type"):
        assert name in asked.headers["Access-Control-Allow-Headers"]
    for path in ("/users/", "/nonsense/"):
        found = Api(crossing, tenant.api.token).get(path, headers={"Origin": ORIGIN})
        assert found.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in found.headers["Vary"]
        for name in ("ETag", "Location", "Link", "RateLimit", "X-Request-Id", "Content-Disposition"):
            assert name in found.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in found.headers


def test_any_origin_may_be_let_in(database_address: str, tenant: TestTenant) -> None:
    app = create_app(databases.settings(database_address, cors_origins=("*",)))
    found = Api(app, tenant.api.token).get("/users/", headers={"Origin": "https://any.example"})
    assert found.headers["Access-Control-Allow-Origin"] == "*"


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_failure_of_ours_tells_nothing(database_address: str) -> None:
    app = create_app(databases.settings(database_address))

    def fail() -> str:
        raise RuntimeError("SELECT secret FROM users; password=hunter2 /oneo/store/x.py")

    app.add_url_rule("/fails", view_func=fail)
    found = app.test_client().get("/fails")
    assert found.status_code == 500
    assert_problem_shape(found)
    assert_tells_nothing(found)
    assert "hunter2" not in found.text
