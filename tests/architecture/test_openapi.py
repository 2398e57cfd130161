"""The document as a whole: valid, complete, stable, and the same as the snapshot in docs/ (checklist 29)."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from oneo.access.permissions import LOGGED_IN, PUBLIC, SESSION, P
from oneo.app import create_app
from oneo.blueprints.openapi.document import build
from oneo.blueprints.openapi.operations import Operation, operations
from oneo.blueprints.openapi.schemas import operations_of, reachable
from tests import databases
from tests.architecture.sources import DOCS

SNAPSHOT = DOCS / "openapi.json"
NAME = re.compile(r"[a-z]+(_[a-z]+)+|login|logout|refresh")
COMPONENT = re.compile(r"[A-Z][A-Za-z]*")
DOCUMENTED_ELSEWHERE = {
    "/graphql": "has a schema of its own",
    "/healthz": "is for whoever runs the server",
    "/readyz": "is for whoever runs the server",
    "/version": "is for whoever runs the server",
    "/metrics": "is for whoever runs the server",
    "/.well-known/api-catalog": "leads to this document",
    "": "leads to this document",
    "/api/v1": "leads to this document",
    "/docs": "is a page",
    "/docs/assets/<version>/<name>": "belongs to a page",
    "/openapi.json": "is this document",
    "/api/v1/openapi.json": "is this document",
    "/api/v1/openapi.yaml": "is this document",
    "/api/v1/errors/<code>": "is what problems lead to",
}


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    return build(app)


@pytest.fixture(scope="module")
def described(app: Flask, document: dict[str, Any]) -> list[Operation]:
    return list(operations(app, document))


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert COMPONENT.fullmatch(name), f"{name}: two shapes have one name"


def test_building_the_application_warns_of_nothing(database_address: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        build(create_app(databases.settings(database_address)))


def test_every_route_is_an_operation(app: Flask, described: list[Operation]) -> None:
    known = {(operation.path, operation.method) for operation in described}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            elsewhere = rule.rule.rstrip("/") in DOCUMENTED_ELSEWHERE
            assert ((path, method.lower()) in known) != elsewhere, f"{method} {rule.rule}"


def test_every_operation_has_a_name_a_summary_and_a_tag(document: dict[str, Any]) -> None:
    found = list(operations_of(document))
    twice = [name for name, count in Counter(said["operationId"] for said in found).items() if count > 1]
    assert not twice
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for said in found:
        assert NAME.fullmatch(said["operationId"])
        assert said["summary"].endswith("."), said["operationId"]
        assert tags[said["tags"][0]].endswith("."), said["tags"]


def test_every_operation_says_who_may_call_it(document: dict[str, Any], described: list[Operation]) -> None:
    assert document["security"] == [{"bearerAuth": []}, {"apiKeyAuth": []}]
    for operation in described:
        said = operation.body
        assert (said.get("security") == []) == (operation.permission is PUBLIC), operation.path
        keyless = said.get("security") == [{"bearerAuth": []}]
        assert keyless == (operation.permission is SESSION), operation.path
        if isinstance(operation.permission, P):
            assert said["x-permission"] == operation.permission.value
        else:
            assert operation.permission in {PUBLIC, LOGGED_IN, SESSION}
            assert "x-permission" not in said


def test_problems_follow_from_what_an_operation_takes(described: list[Operation]) -> None:
    for operation in described:
        statuses, where = set(operation.body["responses"]), f"{operation.method} {operation.path}"
        assert {"400", "406", "429", "5XX"} <= statuses, where
        assert "default" not in statuses, where
        if not operation.is_public:
            assert "401" in statuses, where
        if isinstance(operation.permission, P) or operation.permission is SESSION:
            assert "403" in statuses, where
        if operation.path_parameters:
            assert "404" in statuses, where
        if "requestBody" in operation.body:
            assert {"413", "415", "422"} <= statuses, where


def test_every_problem_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, response in document["components"]["responses"].items():
        assert list(response["content"]) == ["application/problem+json"], name
        assert response["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert "Codes: `" in response["description"], name


def test_requests_and_answers_share_no_component(document: dict[str, Any]) -> None:
    said = list(operations_of(document))
    sent = reachable(document, [operation.get("requestBody") for operation in said])
    received = reachable(document, [operation["responses"] for operation in said])
    assert not {name for name in sent & received if name.startswith("schemas/")}
    for name in sent:
        section, _, key = name.partition("/")
        assert document["components"][section][key].get("additionalProperties") is False, f"{name} takes anything"


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        said = [item, *(operation for operation in item.values() if "responses" in operation)]
        found = [parameter for each in said for parameter in each.get("parameters", ())]
        for parameter in (parameter for parameter in found if "$ref" not in parameter):
            assert len(parameter.get("description", "")) > 5, f"{path}: {parameter['name']}"
    for parameter in document["components"]["parameters"].values():
        assert parameter["description"]


def test_every_body_has_an_example_that_is_true(document: dict[str, Any]) -> None:
    for where, media in _bodies(document):
        examples = [media["example"]] if "example" in media else [case["value"] for case in media["examples"].values()]
        validator = Draft202012Validator({**media["schema"], "components": document["components"]})
        for example in examples:
            assert not list(validator.iter_errors(example)), f"{where}: {example}"


def test_versions_are_documented_where_views_use_them(described: list[Operation]) -> None:
    by_name = {operation.body["operationId"]: operation for operation in described}
    assert _takes(by_name["update_user"]) == {"IfMatch", "IdempotencyKey", "Prefer"}
    assert _takes(by_name["delete_user"]) == {"IfMatch", "IdempotencyKey"}
    assert _takes(by_name["get_user"]) == {"IfNoneMatch"}
    assert _takes(by_name["list_users"]) == {"IfNoneMatch"}
    assert _takes(by_name["login"]) == set()
    assert "ETag" in by_name["get_user"].body["responses"]["200"]["headers"]
    assert "Location" in by_name["create_user"].body["responses"]["201"]["headers"]
    assert "304" in by_name["list_users"].body["responses"]
    assert "304" not in by_name["list_sessions"].body["responses"]


def test_the_snapshot_is_this_document(document: dict[str, Any]) -> None:
    """After a change that is meant: UPDATE_SNAPSHOTS=1 pytest tests/architecture/test_openapi.py"""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert SNAPSHOT.read_text(encoding="utf-8") == text, "run this test with UPDATE_SNAPSHOTS=1 if the change is meant"


def _bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each media type of each body, but those that are not JSON."""
    answers = {name: {"responses": {"": said}} for name, said in document["components"]["responses"].items()}
    for name, said in [*((said["operationId"], said) for said in operations_of(document)), *answers.items()]:
        for body in (said.get("requestBody", {}), *said["responses"].values()):
            for media_type, media in body.get("content", {}).items():
                if media_type.endswith("json") and "schema" in media:
                    yield name, media


def _takes(operation: Operation) -> set[str]:
    references = [found["$ref"] for found in operation.body.get("parameters", ()) if "$ref" in found]
    return {reference.rpartition("/")[2] for reference in references}
