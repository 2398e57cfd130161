"""Broken bodies on every route that takes one: refused at once, and nothing is done (threats 32, 35, 36)."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from flask import Flask

from oneo.app import create_app
from tests import databases
from tests.api import Api, assert_problem
from tests.effort import effort
from tests.factories.tenant import TestTenant
from tests.http.hostile import NOT_AN_OBJECT, NOT_JSON, OVERSIZE, Body, assert_problem_shape

ROUTES = (
    ("POST", "/users/"),
    ("PATCH", "/users/{user}/"),
    ("POST", "/users/types/"),
    ("PATCH", "/users/types/viewer/"),
    ("PATCH", "/tenants/settings/"),
    ("PATCH", "/auth/user/profile/"),
    ("POST", "/auth/login/"),
    ("POST", "/auth/refresh/"),
    ("POST", "/auth/user/password/"),
    ("POST", "/auth/api-keys/"),
)
ENOUGH = 1_000_000


def _send(api: Api, method: str, path: str, body: Body) -> None:
    with effort() as spent:
        response = api.request(method, path, data=body.data, content_type=body.content_type, headers=body.headers)
    assert spent.calls < ENOUGH
    assert response.status_code in body.statuses, f"{method} {path}: {response.status_code} {response.text[:500]}"
    if response.status_code >= 400:
        assert_problem_shape(response)


@pytest.mark.parametrize("body", [*NOT_JSON, *NOT_AN_OBJECT, OVERSIZE], ids=lambda body: body.name)
def test_a_broken_body_is_refused_and_nothing_is_done(tenant: TestTenant, body: Body) -> None:
    path = str(tenant.admin.id)
    before = tenant.api.get("/admin/audit/?page_size=1&count=exact").json["count"]
    for method, rule in ROUTES:
        _send(tenant.api, method, rule.replace("{user}", path), body)
    if 200 not in body.statuses:
        assert tenant.api.get("/admin/audit/?page_size=1&count=exact").json["count"] == before


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "us-ascii", "utf8"])
def test_json_says_that_it_is_utf8(tenant: TestTenant, charset: str) -> None:
    body = '{"name": "Ünï 名"}'.encode()
    if charset == "us-ascii":
        body = b'{"name": "\\u00dcn\\u00ef \\u540d"}'
    sent = tenant.api.request(
        "PATCH", "/auth/user/profile/", data=body, content_type=f"application/json; charset={charset}"
    )
    assert sent.status_code == 200, sent.text
    assert sent.json["name"] == "Ünï 名"


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json", "APPLICATION/JSON"])
def test_media_types_that_are_json(tenant: TestTenant, media_type: str) -> None:
    sent = tenant.api.request("PATCH", "/auth/user/profile/", data=b'{"name": "A"}', content_type=media_type)
    assert sent.status_code == 200, sent.text


@pytest.mark.parametrize(("encoding", "packed"), [
    ("gzip", gzip.compress(b'{"name": "Packed"}', mtime=0)),
    ("GZIP", gzip.compress(b'{"name": "Packed"}', mtime=0)),
    ("deflate", zlib.compress(b'{"name": "Packed"}')),
    ("identity", b'{"name": "Packed"}'),
])  # fmt: skip
def test_a_body_may_be_compressed(tenant: TestTenant, encoding: str, packed: bytes) -> None:
    sent = tenant.api.request(
        "PATCH", "/auth/user/profile/", data=packed, content_type="application/json",
        headers={"Content-Encoding": encoding},
    )  # fmt: skip
    assert sent.status_code == 200, sent.text
    assert sent.json["name"] == "Packed"


def test_what_is_said_of_a_body_that_is_no_json(tenant: TestTenant) -> None:
    cases = {
        b"": "EMPTY_BODY",
        b"{": "NOT_JSON",
        b'{"name": "\xff"}': "NOT_UTF8",
        b'{"name": 1, "name": 2}': "DUPLICATE_KEY",
        b'{"name": "\\u0000"}': "NUL_CHARACTER",
        b"[" * 65 + b"]" * 65: "TOO_DEEP",
        b"[0." + b"1" * 500 + b"]": "NUMBER_TOO_LONG",
        b"[-" + b"1" * 500 + b"]": "NUMBER_TOO_LONG",
        b"[1e309]": "NUMBER_TOO_LONG",
        b"[1e-400]": "NUMBER_TOO_LONG",
        b"[-0." + b"0" * 330 + b"1]": "NUMBER_TOO_LONG",
        b"[1e309": "NUMBER_TOO_LONG",
        b'["1e309", "\\q"]': "NOT_JSON",
    }
    for body, code in cases.items():
        sent = tenant.api.request("POST", "/users/", data=body, content_type="application/json")
        problem = assert_problem(sent, 400, "MALFORMED_JSON")
        assert [fault["code"] for fault in problem["errors"]] == [code]


def test_every_fault_of_a_body_is_said_at_once(tenant: TestTenant) -> None:
    body = {"email": 1, "name": ["a"], "is_active": "yes", "user_types": [], "nonsense": True}
    problem = assert_problem(tenant.api.post("/users/", body), 422, "VALIDATION_FAILED")
    assert {fault["pointer"] for fault in problem["errors"]} == {
        "/email", "/name", "/is_active", "/user_types", "/nonsense",
    }  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [
    ("name", 1), ("name", None), ("name", True), ("name", ["a"]), ("name", {"a": 1}), ("name", "x" * 201),
    ("is_active", "true"), ("is_active", 1), ("is_active", 0), ("is_active", None),
    ("user_types", "admin"), ("user_types", [1]), ("user_types", [None]), ("user_types", {"0": "admin"}),
    ("email", "no address"), ("email", "a@b"), ("email", "a b@c.example"),
    ("email", "@b.example"), ("email", "a@" + "b" * 250 + ".example"), ("email", 'a"<script>@b.example'),
    ("timezone", "Mars/Olympus"), ("timezone", "../../etc/passwd"), ("locale", "english please"),
    ("password", 123456789012345), ("password", ""), ("password", "short"), ("password", "x" * 1025),
])  # fmt: skip
def test_values_are_of_their_type_and_within_bounds(tenant: TestTenant, key: str, value: Any) -> None:
    refused = tenant.api.patch(f"/users/{tenant.admin.id}/", {key: value})
    problem = assert_problem(refused, 422, "VALIDATION_FAILED")
    assert_problem_shape(refused)
    assert problem["errors"][0]["pointer"].startswith(f"/{key}")


def test_the_limit_of_a_body_counts_what_comes_out(database_address: str, tenant: TestTenant) -> None:
    app: Flask = create_app(databases.settings(database_address, max_body_bytes=2000))
    api = Api(app, tenant.api.token)
    long = b'{"name": "' + b"a" * 1900 + b'"}'
    for body, headers, status in (
        (long, {}, 422),
        (b" " * 100 + long, {}, 413),
        (gzip.compress(long, mtime=0), {"Content-Encoding": "gzip"}, 422),
        (gzip.compress(b" " * 100 + long, mtime=0), {"Content-Encoding": "gzip"}, 413),
    ):
        sent = api.request("PATCH", "/auth/user/profile/", data=body, content_type="application/json", headers=headers)
        assert sent.status_code == status, sent.text


def test_a_body_where_none_is_expected_changes_nothing(tenant: TestTenant) -> None:
    for body in (NOT_JSON[2], NOT_AN_OBJECT[0]):
        found = tenant.api.request("GET", "/users/", data=body.data, content_type=body.content_type)
        assert found.status_code == 200
    user = tenant.user()
    gone = tenant.api.request("DELETE", f"/users/{user.id}/", data=b"{", content_type="application/json")
    assert gone.status_code == 204
