"""A parameter that a route does not take is refused in every route, reads and writes alike: none is passed over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.api import Api, assert_problem
from tests.architecture.walk import Route, routes
from tests.factories import pipeline as factory
from tests.factories.tenant import TestTenant, open_session
from tests.test_tenants_matrix import VALID, furnish_once_more

OF_PAGES = {"documents", "probes"}
"""What is fetched by browsers and probes, which add parameters of their own."""


def _routes(app: Flask) -> Iterator[Route]:
    for route in routes(app):
        in_api = route.rule.rule.startswith("/api/v1/") and route.rule.endpoint.partition(".")[0] not in OF_PAGES
        if in_api and route.method != "HEAD":
            yield route


def test_every_route_refuses_a_parameter_that_it_does_not_take(app: Flask, tenant: TestTenant) -> None:
    ids, tried = furnish_once_more(tenant), 0
    before = len(tenant.api.events())
    for route in _routes(app):
        api = Api(app, open_session(app, tenant.id, tenant.admin.id)[1])
        body = VALID.get(route.rule.endpoint, {}) if route.writes else None
        answer = api.request(route.method, route.path(ids) + "?nonsense=1", json=body)
        assert answer.status_code == 400, f"{route.name}: {answer.status_code} {answer.text}"
        told = [(fault["pointer"], fault["code"]) for fault in answer.json["errors"] if fault["pointer"] == "/nonsense"]
        assert told == [("/nonsense", "UNKNOWN_PARAMETER")], f"{route.name}: {answer.text}"
        tried += 1
    assert tried > 90
    added = tenant.api.events()[before:]
    assert {event["type"] for event in added} == {"session.created"}


@pytest.mark.parametrize("query", ["force=", "force=maybe", "force=true&force=true", "forse=true"])
def test_force_is_asked_for_aloud(tenant: TestTenant, query: str) -> None:
    factory.pipeline(tenant.api, "Items", [{"name": "It", "field_type": "text"}])
    factory.record(tenant.api, "items", {"it": "a"})
    answer = tenant.api.patch(f"/pipelines/items/fields/it/?{query}", {"field_type": "number"})
    assert_problem(answer, 400, "INVALID_PARAMETER")
    assert_problem(tenant.api.patch("/pipelines/items/fields/it/", {"force": True}), 422, "VALIDATION_FAILED")
    assert tenant.api.get("/pipelines/items/fields/it/").json["field_type"] == "text"
