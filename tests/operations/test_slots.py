"""Index slots: how many there are, how they are given out, emptied and filled, while people write and read
(checklist 89)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.extensions import db
from oneo.operations import slots
from oneo.store import message
from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

pytestmark = pytest.mark.usefixtures("no_indexer")


def pending(tenant: TestTenant) -> list[tuple[UUID, str]]:
    with tenant.app.app_context():
        return slots.pending(system_actor(tenant.id))


def advance(tenant: TestTenant, slot: tuple[UUID, str]) -> bool:
    with tenant.app.app_context():
        return slots.advance(system_actor(tenant.id), *slot)


def settle(tenant: TestTenant) -> None:
    """Does what the background does, until nothing is left to do."""
    for slot in pending(tenant):
        while advance(tenant, slot):
            pass
    assert pending(tenant) == []


def rows(tenant: TestTenant, columns: str, where: str = "true") -> list[Any]:
    """What the table holds, in the order of ids."""
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        sql = f"SELECT {columns} FROM records WHERE tenant_id = %s AND {where} ORDER BY id"
        return message.execute(work.connection, sql, (tenant.id,))


def index_of(api: Api, slug: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/pipelines/items/fields/{slug}/").json["index"]
    return found


LIMITS = [("text", 8), ("number", 8), ("date", 4)]


@pytest.mark.parametrize(("kind", "most"), LIMITS)
def test_fields_beyond_the_slots_are_not_indexed(tenant: TestTenant, kind: str, most: int) -> None:
    api = tenant.api
    fields = [{"name": f"F{n}", "field_type": kind} for n in range(most + 1)]
    made = pipeline(api, "Items", fields)["fields"]
    assert [field["is_indexed"] for field in made] == [True] * most + [False]
    assert [field["version"] for field in made] == [1] * (most + 1)
    last = f"/pipelines/items/fields/f{most}/"
    assert "emptying" not in assert_problem(api.patch(last, {"is_indexed": True}), 409, "NO_SLOT_LEFT")
    one_more = {"name": "More", "field_type": kind, "is_indexed": True}
    assert_problem(api.post("/pipelines/items/fields/", one_more), 409, "NO_SLOT_LEFT")
    assert api.post("/pipelines/items/fields/", {**one_more, "is_indexed": False}).json["is_indexed"] is False
    value = {"text": "x", "number": 5, "date": "2026-01-31"}[kind]
    added = record(api, "items", {f"f{n}": value for n in range(most + 1)})
    assert api.patch("/pipelines/items/fields/f0/", {"is_indexed": False}).json["is_indexed"] is False
    problem = assert_problem(api.patch(last, {"is_indexed": True}), 409, "NO_SLOT_LEFT")
    assert (problem["emptying"], "being emptied" in problem["detail"]) == (1, True)
    settle(tenant)
    slot = {"text": "t1", "number": "n1", "date": "d1"}[kind]
    assert rows(tenant, slot) == [(None,)]
    assert api.patch(last, {"is_indexed": True}).json["index"] == {"state": "filling", "done": 0, "total": 1}
    settle(tenant)
    assert index_of(api, f"f{most}") == {"state": "ready", "done": 1, "total": 1}
    assert rows(tenant, slot) != [(None,)]
    for n in range(most + 1):
        assert api.get(f"/pipelines/items/records/?data__f{n}={value}").json["results"] == [added]


def test_there_are_four_unique_fields(api: Api) -> None:
    fields = [{"name": f"F{n}", "field_type": "json" if n > 4 else "text", "is_unique": n < 4} for n in range(6)]
    pipeline(api, "Items", fields)
    assert_problem(api.patch("/pipelines/items/fields/f4/", {"is_unique": True}), 409, "NO_SLOT_LEFT")
    more = {"name": "More", "field_type": "number", "is_unique": True}
    assert_problem(api.post("/pipelines/items/fields/", more), 409, "NO_SLOT_LEFT")
    whole = {"name": "All", "fields": [{**more, "slug": f"u{n}"} for n in range(5)]}
    assert_problem(api.post("/pipelines/", whole), 409, "NO_SLOT_LEFT")
    assert_problem(api.get("/pipelines/all/"), 404, "PIPELINE_NOT_FOUND")


def test_a_unique_slot_is_emptied_before_another_field_gets_it(tenant: TestTenant) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": f"F{n}", "field_type": "text", "is_unique": n < 4} for n in range(5)])
    record(api, "items", {"f0": "same"})
    assert api.patch("/pipelines/items/fields/f0/", {"is_unique": False}).status_code == 200
    assert record(api, "items", {"f0": "same"})
    assert_problem(api.patch("/pipelines/items/fields/f4/", {"is_unique": True}), 409, "NO_SLOT_LEFT")
    settle(tenant)
    assert api.patch("/pipelines/items/fields/f4/", {"is_unique": True}).status_code == 200
    assert record(api, "items", {"f4": "same"})
    assert_problem(api.post("/pipelines/items/records/", {"data": {"f4": "same"}}), 409, "VALUE_TAKEN")


def test_a_removed_field_is_restored_without_an_index_when_none_is_left(tenant: TestTenant) -> None:
    api = tenant.api
    made = pipeline(api, "Items", [{"name": f"F{n}", "field_type": "text"} for n in range(8)])["fields"]
    added = record(api, "items", {"f0": "a"})
    assert api.delete("/pipelines/items/fields/f0/?force=true").status_code == 204
    restored = api.post(f"/pipelines/items/fields/{made[0]['id']}/restore/")
    assert restored.status_code == 200, restored.text
    assert (restored.json["is_indexed"], restored.json["index"]) == (False, None)
    assert api.get("/pipelines/items/records/?data__f0=a").json["results"] == [added]
    settle(tenant)
    assert api.patch("/pipelines/items/fields/f0/", {"is_indexed": True}).status_code == 200


def asked(api: Api) -> list[Any]:
    """Answers that must be the same before, while and after a slot is filled."""
    answers = []
    conditions: list[dict[str, Any]] = [
        {"data__n": {"gt": 3}}, {"data__n": 5}, {"data__n": None}, {"not": {"data__n": {"lte": 2}}},
        {"data__n": {"in": [1, 2]}}, {},
    ]  # fmt: skip
    for condition in conditions:
        for ordering in ("data__n", "-data__n", "data__n,created_at"):
            sent = {"ordering": ordering, "page_size": "1000", "filter": json.dumps(condition)}
            found = api.get("/pipelines/items/records/", query_string=sent)
            assert found.status_code == 200, found.text
            answers.append([row["data"].get("n") for row in found.json["results"]])
    return answers


def test_answers_are_right_while_a_slot_fills_and_people_write(
    tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "BATCH", 5)
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "number", "is_indexed": False}])
    made = [record(api, "items", {"n": n % 7} if n % 4 else {}) for n in range(22)]
    gone = made.pop(3)
    assert api.delete(f"/records/{gone['id']}/").status_code == 204
    before = asked(api)
    assert api.patch("/pipelines/items/fields/n/", {"is_indexed": True}).json["index"]["state"] == "filling"
    assert asked(api) == before
    [slot] = pending(tenant)
    batches = 0
    while advance(tenant, slot):
        batches += 1
        progress = index_of(api, "n")
        assert (progress["state"], progress["total"]) == ("filling", 16)
        assert 3 * batches <= progress["done"] <= 5 * batches
        for target in (made[0], made[-1]):
            assert api.patch(f"/records/{target['id']}/", {"data": {"n": batches % 7}}).status_code == 200
        record(api, "items", {"n": 6})
        there = [n for (n,) in rows(tenant, "(data->>'n')::int", "deleted_at IS NULL") if n is not None]
        assert [n for n in asked(api)[15] if n is not None] == sorted(there)
    assert batches >= 4
    while_filling = asked(api)
    while advance(tenant, slot):
        pass
    assert pending(tenant) == []
    assert index_of(api, "n")["state"] == "ready"
    assert asked(api) == while_filling
    assert [n for n in rows(tenant, "n1 IS NOT DISTINCT FROM (data->>'n')::float8") if not n[0]] == []
    indexed = [event for event in api.events() if event["type"] == "field.indexed"]
    assert len(indexed) == 1
    assert api.post(f"/records/{gone['id']}/restore/").status_code == 200


def test_a_slot_is_filled_anew_when_its_field_changes_meanwhile(
    tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "BATCH", 3)
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "text", "is_indexed": False}])
    for n in range(10):
        record(api, "items", {"n": str(n)})
    assert api.patch("/pipelines/items/fields/n/", {"is_indexed": True}).status_code == 200
    [first] = pending(tenant)
    assert advance(tenant, first)
    assert api.patch("/pipelines/items/fields/n/", {"field_type": "number"}).status_code == 200
    assert {name for _, name in pending(tenant)} == {"t1", "n1"}
    assert asked(api)[0] == [4, 5, 6, 7, 8, 9]
    settle(tenant)
    assert rows(tenant, "t1, n1") == [(None, n) for n in range(10)]
    assert asked(api)[0] == [4, 5, 6, 7, 8, 9]
    assert api.delete("/pipelines/items/fields/n/?force=true").status_code == 204
    [second] = pending(tenant)
    assert advance(tenant, second)
    settle(tenant)
    assert rows(tenant, "n1") == [(None,)] * 10


def test_nothing_is_left_of_a_slot_that_two_workers_end_at_once(tenant: TestTenant) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "text", "is_indexed": False}])
    record(api, "items", {"n": "a"})
    assert api.patch("/pipelines/items/fields/n/", {"is_indexed": True}).status_code == 200
    [slot] = pending(tenant)
    assert [advance(tenant, slot) for _ in range(3)] == [False, False, False]
    assert [event["type"] for event in api.events()].count("field.indexed") == 1


def test_a_pipeline_with_many_fields_is_made_by_as_many_statements_as_with_one(app: Flask, api: Api) -> None:
    sent: list[str] = []

    def note(*args: Any) -> None:
        sent.append(args[2])

    def made_by(count: int) -> int:
        sent.clear()
        fields = [{"name": f"N{n}", "field_type": "text", "is_unique": n < 2} for n in range(count)]
        pipeline(api, f"Of {count}", fields)
        return len(sent)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert 0 < made_by(1) == made_by(30)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
