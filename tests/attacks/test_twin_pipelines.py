"""Concurrent inserts into pipelines that differ only in their id are stored in the pipeline that was addressed."""

from __future__ import annotations

from tests.api import Api
from tests.factories.tenant import TestTenant
from tests.threads import together

THREADS = 12
ROUNDS = 25


def _twins(api: Api) -> list[str]:
    """The slugs of two pipelines of one name and the same fields."""
    slugs = ["twin_a", "twin_b"]
    for slug in slugs:
        made = api.post("/pipelines/", {"name": "Twin", "slug": slug})
        assert made.status_code == 201, made.text
        field = {"name": "Note", "slug": "note", "field_type": "text"}
        assert api.post(f"/pipelines/{slug}/fields/", field).status_code == 201
    return slugs


def _insert_from_threads(apis: list[Api], slugs: list[str]) -> None:
    """Each thread inserts into one pipeline of one tenant; every answer names the pipeline that was addressed."""
    targets = [(api, slug, api.get(f"/pipelines/{slug}/").json["id"]) for api in apis for slug in slugs]

    def insert(thread: int) -> list[str]:
        api, slug, pipeline_id = targets[thread % len(targets)]
        stored_in = []
        for _ in range(ROUNDS):
            answer = api.post(f"/pipelines/{slug}/records/", {"data": {"note": slug}})
            assert answer.status_code == 201, answer.text
            stored_in.append(answer.json["pipeline_id"])
        return [found for found in stored_in if found != pipeline_id]

    misplaced = together([lambda thread=thread: insert(thread) for thread in range(THREADS)])  # type: ignore[misc]
    assert [len(found) for found in misplaced] == [0] * THREADS


def test_concurrent_inserts_reach_the_pipeline_that_was_addressed(api: Api) -> None:
    slugs = _twins(api)
    _insert_from_threads([api], slugs)
    for slug in slugs:
        listed = api.get(f"/pipelines/{slug}/records/?page_size=1000").json
        assert listed["count"] == THREADS * ROUNDS // 2
        assert {record["data"]["note"] for record in listed["results"]} == {slug}


def test_concurrent_inserts_of_two_tenants_stay_apart(tenant: TestTenant, other: TestTenant) -> None:
    slugs = _twins(tenant.api)
    assert _twins(other.api) == slugs
    _insert_from_threads([tenant.api, other.api], slugs)
    counts = [owner.api.get(f"/pipelines/{slug}/records/").json["count"] for owner in (tenant, other) for slug in slugs]
    assert counts == [THREADS * ROUNDS // 4] * 4
