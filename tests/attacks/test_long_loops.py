"""Requests whose work grows with their input pause for other requests, and are bounded."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from flask import Flask

from oneo import pacing
from oneo.app import create_app
from oneo.blueprints.openapi.yaml_text import to_yaml
from oneo.fields.domains import ascii_domain
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.registry import kind_named
from tests import databases
from tests.api import Api, assert_problem
from tests.attacks.conftest import Scene
from tests.effort import effort
from tests.factories.tenant import TestTenant


def pipeline(api: Api, *fields: dict[str, Any], name: str = "Deals") -> str:
    made = api.post("/pipelines/", {"name": name, "fields": list(fields)})
    assert made.status_code == 201, made.text
    slug: str = made.json["slug"]
    return slug


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every step is a pause, as if each took as long as a slice; what is noted is how long each sleeps."""
    noted: list[float] = []
    monkeypatch.setattr(pacing, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", noted.append)
    return noted


# -- loops pause -------------------------------------------------------------------------------------------------------


def test_a_large_json_value_pauses_while_it_is_checked(pauses: list[float]) -> None:
    kind_named("json", {"max_bytes": 1_000_000}).from_json([1] * 50_000)
    assert len(pauses) >= 50_000 // 128


def test_the_place_of_a_fault_in_a_json_value_is_named() -> None:
    with pytest.raises(InvalidValue) as refused:
        kind_named("json", {}).from_json({"a/b": [1, {"c": "x\0"}]})
    assert refused.value.where == "/a~1b/1/c"


def test_bulk_writes_pause_for_each_row(api: Api, pauses: list[float]) -> None:
    slug = pipeline(api, {"name": "Name", "field_type": "text"})
    pauses.clear()
    rows = [{"data": {"name": f"n{at}"}} for at in range(500)]
    assert api.post(f"/pipelines/{slug}/records/bulk_create/", rows).status_code == 201
    assert len(pauses) >= 500


def test_graphql_pauses_between_objects(api: Api, pauses: list[float]) -> None:
    for at in range(40):
        pipeline(api, name=f"P{at}")
    pauses.clear()
    found = api.post("/graphql", {"query": "{ pipelines { id name fields { slug } } }"})
    assert found.status_code == 200, found.text
    assert len(pauses) >= 10


def test_a_domain_is_encoded_once_and_only_when_it_can_be_one() -> None:
    name = "bücher-" + "ä" * 40 + ".example"
    ascii_domain(name)
    with effort() as again:
        ascii_domain(name)
    assert again.calls < 10
    with pytest.raises(ValueError, match="253"):
        ascii_domain("ä" * 100_000)


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bounded(database_address: str) -> Flask:
    limits = {"max_bulk_cells": 10, "max_pipelines": 3, "max_fields": 4}
    return create_app(databases.settings(database_address, **limits))


@pytest.fixture
def small(bounded: Flask, tenant: TestTenant) -> Api:
    """The tenant's administrator, where little is allowed."""
    return Api(bounded, tenant.api.token)


def texts(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"name": f"f{at}", "field_type": "text"} for at in range(start, start + count)]


def test_a_bulk_call_takes_a_bounded_number_of_values(small: Api) -> None:
    slug = pipeline(small, *texts(2))
    path = f"/pipelines/{slug}/records/bulk_create/"
    row = {"data": {"f0": "x", "f1": "y"}}
    assert small.post(path, [row] * 5).status_code == 201
    problem = assert_problem(small.post(path, [row] * 6), 422, "VALIDATION_FAILED")
    assert [fault["code"] for fault in problem["errors"]] == ["TOO_MANY_VALUES"]
    assert small.get(f"/pipelines/{slug}/records/").json["count"] == 5


def test_a_tenant_has_a_bounded_number_of_pipelines(small: Api) -> None:
    slugs = [pipeline(small, name=f"P{at}") for at in range(3)]
    refused = assert_problem(small.post("/pipelines/", {"name": "One more"}), 409, "LIMIT_REACHED")
    assert refused["limit"] == 3
    assert_problem(small.post(f"/pipelines/{slugs[0]}/clone/", {}), 409, "LIMIT_REACHED")
    gone = small.get(f"/pipelines/{slugs[0]}/").json["id"]
    assert small.delete(f"/pipelines/{slugs[0]}/").status_code == 204
    pipeline(small, name="In its place")
    assert_problem(small.post(f"/pipelines/{gone}/restore/"), 409, "LIMIT_REACHED")


def test_a_tenant_has_a_bounded_number_of_fields(small: Api) -> None:
    assert_problem(small.post("/pipelines/", {"name": "Wide", "fields": texts(5)}), 409, "LIMIT_REACHED")
    slug = pipeline(small, *texts(4))
    assert_problem(small.post(f"/pipelines/{slug}/fields/", texts(1, 4)[0]), 409, "LIMIT_REACHED")
    assert small.delete(f"/pipelines/{slug}/fields/f0/").status_code == 204
    assert small.post(f"/pipelines/{slug}/fields/", texts(1, 4)[0]).status_code == 201


# -- documents ---------------------------------------------------------------------------------------------------------


def test_yaml_is_encoded_piece_by_piece() -> None:
    document = {"items": [{"a": 1, "b": [f"x{at}"]} for at in range(5_000)]}
    assert to_yaml(document).count(b"\n") == 1 + 3 * 5_000


def post(scene: Scene, path: str, body: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {scene.attacker.api.token}", "Content-Type": "application/json"}
    return requests.post(f"{scene.url}/api/v1{path}", data=json.dumps(body), headers=headers, timeout=120)


def get(scene: Scene, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {scene.attacker.api.token}"}
    return requests.get(f"{scene.url}{path}", headers=headers, timeout=120)


WIDE: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "json nodes": (
        [{"name": "J", "field_type": "json", "field_config": {"max_bytes": 1_000_000}}],
        [{"data": {"j": [1] * 100_000}}] * 9,
    ),
    "international domains": (
        [{"name": "E", "field_type": "email"}],
        [{"data": {"e": f"a@{'ä' * 20}{at}.{'ö' * 40}.{'ü' * 40}.example"}} for at in range(800)],
    ),
    "patterns": (
        [{"name": "T", "field_type": "text", "field_config": {"max_length": 1_000, "pattern": "(a|b|ab)*c{1,20}z"}}],
        [{"data": {"t": "ab" * 500}}] * 2_000,
    ),
    "telephones": (
        [{"name": f"P{at}", "field_type": "phone"} for at in range(20)],
        [{"data": {f"p{at}": f"+4420794{row:04d}{at:02d}"[:13] for at in range(20)}} for row in range(800)],
    ),
    "decimals and addresses": (
        [*({"name": f"D{at}", "field_type": "decimal"} for at in range(10)),
         *({"name": f"U{at}", "field_type": "url"} for at in range(10))],
        [{"data": {f"d{at}": "1234567890.12" for at in range(10)}
          | {f"u{at}": f"https://b\\u00fccher{row}.example/{'p' * 200}" for at in range(10)}} for row in range(800)],
    ),
}  # fmt: skip


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WIDE)
def test_a_wide_bulk_write_disturbs_nobody(scene: Scene, name: str) -> None:
    fields, rows = WIDE[name]
    slug = pipeline(scene.attacker.api, *fields)
    with scene.undisturbed():
        for _ in range(2):
            found = post(scene, f"/pipelines/{slug}/records/bulk_create/?mode=dry_run", rows)
            assert found.status_code in {200, 201, 400, 422}, found.text[:500]
        time.sleep(1)


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_document_of_a_large_tenant_disturbs_nobody(scene: Scene, form: str) -> None:
    for at in range(20):
        pipeline(scene.attacker.api, *texts(200), name=f"P{at}")
    with scene.undisturbed():
        assert get(scene, f"/api/v1/openapi.{form}").status_code == 200
        time.sleep(1)
