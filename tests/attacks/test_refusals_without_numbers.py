"""A refusal tells how many records stand in the way, and which, only to callers who read all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relationship_type
from tests.factories.tenant import TestTenant

FIELDS: list[dict[str, Any]] = [
    {"name": "Salary", "field_type": "number"},
    {"name": "Code", "field_type": "text"},
    {"name": "Stage", "field_type": "select", "field_config": {"choices": ["open", "won"]}},
]
SHAPING: list[dict[str, Any]] = [{"permission": "pipelines:read"}, {"permission": "pipelines:update"}]
READERS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "own rows": [{"permission": "records:read", "rows": "own"}],
    "some rows": [{"permission": "records:read", "rows": {"filter": {"data__salary": {"gte": 5}}}}],
    "all rows": [{"permission": "records:read"}],
}


@pytest.fixture
def ids(tenant: TestTenant) -> list[str]:
    pipeline(tenant.api, "People", FIELDS)
    rows = [{"salary": 1, "code": "x", "stage": "won"}, {"salary": 9, "code": "x", "stage": "won"}]
    return [record(tenant.api, "people", row)["id"] for row in [*rows, {}]]


@pytest.mark.parametrize("reading", READERS)
@pytest.mark.parametrize(
    ("method", "slug", "body"),
    [
        ("PATCH", "salary", {"field_config": {"min": 5}}),
        ("PATCH", "salary", {"field_type": "date"}),
        ("PATCH", "salary", {"is_required": True}),
        ("PATCH", "stage", {"field_config": {"choices": ["open"]}}),
        ("PATCH", "code", {"is_unique": True}),
        ("DELETE", "salary", None),
        ("POST", "", {"name": "New", "field_type": "text", "is_required": True}),
    ],
)
def test_field_in_use_has_numbers_for_readers_of_all_records(
    tenant: TestTenant, ids: list[str], reading: str, method: str, slug: str, body: Any
) -> None:
    api = tenant.user(tenant.role("shaper", [*SHAPING, *READERS[reading]])).api
    path = f"/pipelines/people/fields/{slug}/" if slug else "/pipelines/people/fields/"
    problem = assert_problem(api.request(method, path, json=body), 409, "FIELD_IN_USE")
    if reading == "all rows":
        assert problem["records"] > 0
        assert set(problem["examples"]) <= set(ids)
    else:
        assert not {"records", "examples"} & problem.keys()
        assert not any(record_id in str(problem) for record_id in ids)


@pytest.mark.parametrize("told", [False, True])
def test_relationship_type_in_use_has_numbers_for_readers_of_all(
    tenant: TestTenant, ids: list[str], told: bool
) -> None:
    pipeline(tenant.api, "Things", FIELDS)
    relationship_type(tenant, "knows", "people", "people")
    body = {"relationship_type": "knows", "source_record_id": ids[0], "target_record_id": ids[1]}
    assert tenant.api.post("/relationships/", body).status_code == 201
    reading = [{"permission": "records:read"}, *([{"permission": "relationships:read"}] if told else [])]
    api = tenant.user(tenant.role("shaper", [*SHAPING, *reading])).api
    answer = api.patch("/relationships/types/knows/", {"target_pipeline": "things"})
    problem = assert_problem(answer, 409, "RELATIONSHIP_TYPE_IN_USE")
    assert ("relationships" in problem, "examples" in problem) == (told, told)


# -- removed fields that are hidden ------------------------------------------------------------------------------------


@pytest.fixture
def blind(tenant: TestTenant, ids: list[str]) -> Api:
    """Shapes pipelines and reads all records, without the salary, whose field has been removed."""
    hiding = [{**grant, "hidden_fields": ["salary"]} for grant in (*SHAPING, {"permission": "records:read"})]
    api = tenant.user(tenant.role("blind", hiding)).api
    assert tenant.api.delete("/pipelines/people/fields/salary/?force=true").status_code == 204
    return api


def test_a_removed_field_stays_hidden(tenant: TestTenant, blind: Api) -> None:
    removed = "/pipelines/people/fields/deleted/"
    field = tenant.api.get(removed).json["results"][0]
    assert (blind.get(removed).json["count"], "salary" in blind.get(removed).text) == (0, False)
    for name in ("salary", field["id"]):
        restored = blind.post(f"/pipelines/people/fields/{name}/restore/")
        assert_problem(restored, 404, "FIELD_NOT_FOUND")
    assert tenant.api.post("/pipelines/people/fields/salary/restore/").status_code == 200


def test_a_removed_field_that_is_not_hidden_is_restored(tenant: TestTenant, blind: Api) -> None:
    assert blind.delete("/pipelines/people/fields/code/?force=true").status_code == 204
    assert [found["slug"] for found in blind.get("/pipelines/people/fields/deleted/").json["results"]] == ["code"]
    assert blind.post("/pipelines/people/fields/code/restore/").json["slug"] == "code"
