"""A route honours the conditional headers that its OpenAPI operation names, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from oneo.blueprints.openapi.document import build
from oneo.blueprints.openapi.operations import Operation, operations
from oneo.http.exchange import IF_MATCH, IF_NONE_MATCH, PREFER
from tests.architecture.walk import Route, routes
from tests.factories.tenant import TestTenant
from tests.test_tenants_matrix import VALID, furnish

MALFORMED = {IF_MATCH: '"1', IF_NONE_MATCH: '"1'}
"""A route that reads one of these refuses it."""
BODIES: dict[str, Any] = {
    **VALID,
    "users.create_user": {"email": "another@acme.example"},
    "user types.create_user_type": {"name": "Another"},
    "pipelines.create_pipeline": {"name": "Another"},
    "relationship types.create_relationship_type": {"name": "Another"},
    "tenants.update_settings": {"name": "Another"},
    "auth.update_profile": {"name": "Another"},
}
ENDS_ACCESS = {"auth.logout"}
NEEDS_A_QUERY = {"users.explain_permission", "traversal.traverse_relationships", "traversal.find_shortest_path"}


@pytest.fixture(scope="module")
def documented(app: Flask) -> dict[tuple[str, str], Operation]:
    found = operations(app, build(app))
    return {(operation.body["operationId"], operation.method): operation for operation in found}


def _names(operation: Operation) -> set[str]:
    references = [parameter.get("$ref", "") for parameter in operation.body.get("parameters", ())]
    names = {"IfMatch": IF_MATCH, "IfNoneMatch": IF_NONE_MATCH, "Prefer": PREFER}
    return {header for name, header in names.items() if f"#/components/parameters/{name}" in references}


def _described(app: Flask) -> list[tuple[Route, Operation]]:
    found = {(operation.path, operation.method): operation for operation in operations(app, build(app))}
    pairs = []
    for route in routes(app):
        path = route.rule.rule
        for name in route.rule.arguments:
            for kind in ("uuid", "string", "name"):
                path = path.replace(f"<{kind}:{name}>", f"{{{name}}}")
        operation = found.get((path, route.method.lower()))
        if operation is not None and not route.is_public:
            pairs.append((route, operation))
    return pairs


def test_a_malformed_header_is_refused_where_it_is_documented_and_nowhere_else(tenant: TestTenant) -> None:
    things = furnish(tenant)
    ids = {name: found[0] for name, found in things.ids.items()}
    checked = set()
    for route, operation in _described(tenant.app):
        if route.rule.endpoint in NEEDS_A_QUERY:
            continue
        query = "?effective_at=2026-01-01T00:00:00Z" if route.rule.endpoint.startswith("traversal.") else ""
        for header, text in MALFORMED.items():
            if route.method == "DELETE" and header == IF_NONE_MATCH:
                continue
            documented = header in _names(operation)
            if route.writes and not documented:
                continue
            answer = tenant.api.request(
                route.method, route.path(ids) + query, json=BODIES.get(route.rule.endpoint), headers={header: text}
            )
            refused = answer.status_code == 400 and answer.json["code"] == "MALFORMED_REQUEST"
            assert refused == documented, f"{route.name} {header}: {answer.status_code} {answer.text[:300]}"
            checked.add(header)
    assert checked == set(MALFORMED)


def test_a_preference_is_applied_where_it_is_documented_and_nowhere_else(tenant: TestTenant) -> None:
    things = furnish(tenant)
    ids = {name: found[0] for name, found in things.ids.items()}
    applied = 0
    for route, operation in _described(tenant.app):
        if route.method not in {"POST", "PUT", "PATCH"} or route.rule.endpoint in ENDS_ACCESS:
            continue
        body = BODIES.get(route.rule.endpoint)
        answer = tenant.api.request(route.method, route.path(ids), json=body, headers={PREFER: "return=minimal"})
        assert answer.status_code < 500, f"{route.name}: {answer.text}"
        if answer.status_code < 300:
            documented = PREFER in _names(operation)
            assert ("Preference-Applied" in answer.headers) == documented, route.name
            applied += documented
            assert str(answer.status_code) in operation.body["responses"], route.name
    assert applied > 12


@pytest.mark.parametrize("name", ["update_relationship", "replace_relationship"])
def test_a_relationship_is_changed_as_its_document_says(
    name: str, documented: dict[tuple[str, str], Operation]
) -> None:
    method = "patch" if name == "update_relationship" else "put"
    operation = documented[name, method]
    assert _names(operation) == {IF_MATCH, PREFER}
    assert {"204", "412"} <= operation.body["responses"].keys()
    assert "ETag" in operation.body["responses"]["200"]["headers"]


def test_a_view_cannot_honour_what_it_does_not_declare(tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    view = tenant.app.view_functions["users.get_user"]
    monkeypatch.delattr(view, "exchange")
    monkeypatch.setitem(tenant.app.config, "PROPAGATE_EXCEPTIONS", True)
    assert tenant.api.get(f"/users/{tenant.admin.id}/").status_code == 500
