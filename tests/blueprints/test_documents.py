"""The document that is served, to whom, and how it is kept; the pages around it (checklist 29, 30)."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from oneo.app import create_app
from oneo.blueprints.openapi import document
from oneo.errors import CATALOGUE
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant

JSON_PATHS = ("/api/v1/openapi.json", "/openapi.json", "/api/v1/openapi.json/", "/openapi.json/")
PAGES = ("/docs", "/api/v1/errors/NOT_FOUND")
ASSET = re.compile(r'(?:href|src)="(/docs/assets/[^"]+)"')


@pytest.fixture(scope="module")
def closed(database_address: str) -> Flask:
    return create_app(databases.settings(database_address, docs_public=False))


@pytest.fixture
def anybody(app: Flask) -> Api:
    return Api(app)


@pytest.mark.parametrize("path", JSON_PATHS)
def test_the_document_is_served_as_json(anybody: Api, path: str) -> None:
    found = anybody.get(path)
    assert found.status_code == 200
    assert found.content_type == "application/json"
    assert found.json["info"]["title"] == "Oneo CRM API"
    assert found.json["info"]["version"] == "1.0.0"
    assert found.json["openapi"].startswith("3.1.")


def test_the_yaml_says_the_same(anybody: Api) -> None:
    found = anybody.get("/api/v1/openapi.yaml")
    assert found.content_type == "application/yaml"
    assert yaml.safe_load(found.text) == anybody.get("/api/v1/openapi.json").json


def test_the_document_is_not_sent_twice(anybody: Api) -> None:
    etag = anybody.get("/api/v1/openapi.json").headers["ETag"]
    again = anybody.get("/api/v1/openapi.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


def test_a_closed_document_needs_a_token_that_counts(closed: Flask, tenant: TestTenant) -> None:
    for path in (*JSON_PATHS, "/api/v1/openapi.yaml"):
        assert_problem(Api(closed).get(path), 401, "AUTHENTICATION_REQUIRED")
        assert Api(closed, tenant.api.token).get(path).status_code == 200
    assert tenant.api.post("/auth/logout/").status_code == 204
    assert_problem(Api(closed, tenant.api.token).get("/api/v1/openapi.json"), 401, "TOKEN_REVOKED")


def test_a_token_that_does_not_count_is_refused_although_the_document_is_open(app: Flask) -> None:
    assert_problem(Api(app, "nonsense").get("/api/v1/openapi.json"), 401, "TOKEN_INVALID")


def test_an_embedding_application_has_the_last_word(database_address: str) -> None:
    app = create_app(databases.settings(database_address))

    def rename(made: dict[str, Any]) -> None:
        made["info"]["title"] = "Ours"

    document.steps(app).append(rename)
    assert Api(app).get("/openapi.json").json["info"]["title"] == "Ours"


def test_a_program_finds_the_document_from_the_host(anybody: Api) -> None:
    found = anybody.get("/.well-known/api-catalog")
    assert found.content_type == "application/linkset+json"
    for links in ("service-desc", "service-doc", "status"):
        for link in orjson.loads(found.data)["linkset"][0][links]:
            assert anybody.get(link["href"]).content_type.startswith(link["type"])


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/"])
def test_an_index_says_where_things_are(client: FlaskClient, path: str) -> None:
    found = client.get(path)
    assert (found.status_code, found.content_type) == (200, "application/json")
    index = orjson.loads(found.data)
    assert (index.pop("title"), index.pop("version")) == ("Oneo CRM API", "1.0.0")
    assert index.pop("rest") == "/api/v1/"
    for name, address in index.items():
        assert client.options(address).status_code == 200, name


@pytest.mark.parametrize("path", PAGES)
def test_pages_allow_a_browser_nothing_but_what_is_served_here(anybody: Api, path: str) -> None:
    page = anybody.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_assets_are_ours_and_kept_for_ever(anybody: Api) -> None:
    addresses = ASSET.findall(anybody.get("/docs").text)
    assert len(addresses) >= 4
    for address in addresses:
        found = anybody.get(address)
        assert found.status_code == 200, address
        assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert found.content_type.startswith(("text/css", "text/javascript", "image/png"))


@pytest.mark.parametrize("name", ["other.js", "..%2f__init__.py", "swagger-ui.js.map", "docs.html"])
def test_nothing_else_is_served_as_an_asset(anybody: Api, name: str) -> None:
    base = ASSET.findall(anybody.get("/docs").text)[0].rpartition("/")[0]
    assert_problem(anybody.get(f"{base}/{name}"), 404, "NOT_FOUND")


def test_an_asset_of_another_version_is_not_there(anybody: Api) -> None:
    assert_problem(anybody.get("/docs/assets/0/pages.css"), 404, "NOT_FOUND")


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_the_type_of_a_problem_leads_to_its_page(anybody: Api, code: str) -> None:
    error = CATALOGUE[code]
    found = anybody.get(f"/api/v1/errors/{code}")
    assert found.status_code == 200
    assert found.json["code"] == code
    assert found.json["title"] == error.title
    assert found.json["status"] == error.status
    assert len(found.json["about"]) > 20
    page = anybody.get(f"/api/v1/errors/{code}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.content_type == "text/html; charset=utf-8"
    assert f"<h1>{code}</h1>" in page.text


@pytest.mark.parametrize("code", ["NOPE", "<script>alert(1)</script>", "%00", "a" * 5000])
def test_there_is_no_page_for_other_codes(anybody: Api, code: str) -> None:
    found = anybody.get(f"/api/v1/errors/{code}", headers={"Accept": "text/html"})
    assert found.status_code in {400, 404}
    assert found.content_type == "application/problem+json"
