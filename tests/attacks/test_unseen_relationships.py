"""Refusals do not count, name or describe relationships that the caller may not read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relationship_type
from tests.factories.tenant import TestTenant

FIELDS: list[dict[str, Any]] = [{"name": "Name", "field_type": "text"}]


def relate(api: Api, kind: str, source: str, target: str) -> Any:
    body = {"relationship_type": kind, "source_record_id": source, "target_record_id": target}
    return api.post("/relationships/", body)


@pytest.fixture
def people(tenant: TestTenant) -> dict[str, str]:
    """One of them is hidden from all but the administrator."""
    pipeline(tenant.api, "People", FIELDS)
    return {
        name: record(tenant.api, "people", {"name": name}, status="hidden" if name == "dan" else "active")["id"]
        for name in ("ada", "bob", "cleo", "dan")
    }


@pytest.fixture
def caller(tenant: TestTenant, people: dict[str, str]) -> Api:
    """Removes and relates what has the status `active`; does not read relationships of the type `secret`."""
    relationship_type(tenant, "secret", "people", "people", on_delete="restrict")
    relationship_type(tenant, "knows", "people", "people", on_delete="restrict")
    rows = {"filter": {"status": "active"}}
    knows = tenant.api.get("/relationships/types/knows/").json["id"]
    plain = ("records:delete", "pipelines:read", "pipelines:update", "relationships:create")
    grants: list[dict[str, Any]] = [{"permission": permission} for permission in plain]
    grants.append({"permission": "records:read", "rows": rows})
    grants.append({"permission": "relationships:read", "pipelines": [knows]})
    return tenant.user(tenant.role("caller", grants)).api


def test_thing_in_use_counts_relationships_that_the_caller_reads(
    tenant: TestTenant, caller: Api, people: dict[str, str]
) -> None:
    for kind, target in (("secret", "bob"), ("knows", "dan")):
        assert relate(tenant.api, kind, people["ada"], people[target]).status_code == 201
    found = assert_problem(caller.delete(f"/records/{people['ada']}/"), 409, "THING_IN_USE")
    assert (found["relationships"], found["relationship_types"]) == (0, {})
    assert relate(tenant.api, "knows", people["ada"], people["cleo"]).status_code == 201
    found = assert_problem(caller.delete(f"/records/{people['ada']}/"), 409, "THING_IN_USE")
    assert (found["relationships"], found["relationship_types"]) == (1, {"knows": 1})


def test_a_crowded_record_is_described_by_its_limit_alone(
    tenant: TestTenant, caller: Api, people: dict[str, str]
) -> None:
    body = {"constraint_type": "CARDINALITY", "max_instances": 2, "constraint_metadata": {"per": "source"}}
    assert tenant.api.post("/relationships/types/knows/constraints/", body).status_code == 201
    for target in ("bob", "dan"):
        assert relate(tenant.api, "knows", people["ada"], people[target]).status_code == 201
    problem = assert_problem(relate(caller, "knows", people["ada"], people["cleo"]), 409, "CONSTRAINT_VIOLATION")
    message = "The source has as many such relationships at the same time as it may have: 2."
    assert [found["message"] for found in problem["violations"]] == [message]


def test_a_constraint_that_does_not_fit_is_refused_without_a_count(
    tenant: TestTenant, caller: Api, people: dict[str, str]
) -> None:
    for target in ("bob", "cleo", "dan"):
        assert relate(tenant.api, "knows", people["ada"], people[target]).status_code == 201
    body = {"constraint_type": "CARDINALITY", "max_instances": 1, "constraint_metadata": {"per": "source"}}
    path = "/relationships/types/knows/constraints/"
    problem = assert_problem(caller.post(path, body), 409, "CONSTRAINT_VIOLATION")
    assert "relationships" not in problem
    assert len(problem["violations"]) == len(problem["errors"]) == 1
    whole = assert_problem(tenant.api.post(path, body), 409, "CONSTRAINT_VIOLATION")
    assert whole["relationships"] == 3


def test_a_duplicate_of_an_unseen_type_is_not_named(tenant: TestTenant, caller: Api, people: dict[str, str]) -> None:
    made = relate(tenant.api, "secret", people["ada"], people["bob"]).json["id"]
    body = {
        "relationship_type": "secret", "source_record_id": people["ada"], "target_record_id": people["bob"],
    }  # fmt: skip
    answer = caller.post("/relationships/validate/", body)
    assert answer.json["violations"][0]["code"] == "DUPLICATE_RELATIONSHIP"
    assert made not in answer.text
    assert made in tenant.api.post("/relationships/validate/", body).text
