"""Bodies made to have very many faults: answered soon, and shortly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import Api
from tests.effort import effort
from tests.factories.pipeline import deals

HEAP = {f"amoun{at}": at for at in range(20_000)}
FIELD = {"name": "Size", "field_type": "text"}
GRANT = {"permission": "records:read", "pipelines": ["deals"], "rows": {"filter": {f"data__{k}": 1 for k in HEAP}}}
BODIES: list[tuple[str, str, Any, int]] = [
    ("POST", "/users/", HEAP, 422),
    ("POST", "/pipelines/deals/records/", {"data": HEAP}, 422),
    ("POST", "/pipelines/deals/fields/", {**FIELD, "field_config": HEAP}, 422),
    ("POST", "/pipelines/deals/fields/", {**FIELD, **HEAP}, 422),
    ("POST", "/pipelines/deals/records/bulk_delete/", {"filter": HEAP}, 422),
    ("POST", "/pipelines/deals/records/bulk_delete/", {"filter": {"and": [{}] * 20_000}}, 422),
    ("POST", "/pipelines/deals/records/bulk_create/?mode=atomic", [{"data": {"a": 1, "b": 2}}] * 5_000, 422),
    ("POST", "/users/types/", {"name": "Many", "grants": [GRANT]}, 422),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BODIES, ids=range(len(BODIES)))
def test_very_many_faults_are_answered_shortly(api: Api, method: str, path: str, body: Any, status: int) -> None:
    deals(api)
    with effort() as spent:
        answer = api.request(method, path, json=body)
    assert spent.calls < 1_500_000
    assert answer.status_code == status, answer.text[:500]
    assert len(answer.data) < 100_000
    assert 1 <= len(answer.json["errors"]) <= 100
    if len(answer.json["errors"]) == 100:
        assert answer.json["errors_left_out"] > 4_000


def test_what_is_left_out_is_counted(api: Api) -> None:
    deals(api)
    problem = api.post("/pipelines/deals/records/", {"data": {"name": "x", **{f"k{at}": 1 for at in range(130)}}}).json
    assert (len(problem["errors"]), problem["errors_left_out"]) == (100, 30)
    few = api.post("/pipelines/deals/records/", {"data": {"name": "x", "amuont": 1}}).json
    assert few["errors"][0]["suggestion"] == "amount"
    assert "errors_left_out" not in few


def test_entries_with_many_faults_are_each_named(api: Api) -> None:
    deals(api)
    bad = {f"k{at}": at for at in range(20)}
    with effort() as spent:
        answer = api.post("/pipelines/deals/records/bulk_create/", [{"data": {"name": "x", **bad}}] * 5_000)
    assert spent.calls < 3_000_000
    assert [found["index"] for found in answer.json["errors"]] == list(range(5_000))
    assert answer.json["errors"][0]["errors"]["general"] == ["There are 19 more faults."]
    assert len(answer.data) < 1_000_000


def test_graphql_suggests_no_names(api: Api) -> None:
    deals(api)
    query = """{ records(pipelineId: "deals", filters: {data__amuont: 1}) { nodes { id } } }"""
    (error,) = api.post("/graphql", {"query": query}).json["errors"]
    assert error["extensions"]["errors"][0]["code"] == "UNKNOWN_FIELD"
    assert "data__amount" not in json.dumps(error)


def test_a_filter_in_graphql_is_read_no_further_than_it_may_go(api: Api) -> None:
    deals(api)
    query = 'query($f: RecordFilters) { records(pipelineId: "deals", filters: $f) { nodes { id } } }'
    answer = api.post("/graphql", {"query": query, "variables": {"f": HEAP}})
    assert len(answer.data) < 20_000
    assert "at most 100 conditions" in json.dumps(answer.json["errors"])
