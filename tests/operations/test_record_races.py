"""Many writers at once: nobody's change is lost, and no rule is broken (threats 65, 68, 70)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models.record import SLOT_NAMES
from oneo.operations import slots
from oneo.store import message
from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.threads import together

ROUNDS = [pytest.param(1, id="once"), pytest.param(20, id="often", marks=pytest.mark.prove)]
Work = Callable[[], Any]
pytestmark = pytest.mark.usefixtures("no_indexer")


def statuses(works: list[Work]) -> list[int]:
    return sorted(answer.status_code for answer in together(works))


def versions(api: Api, record_id: str) -> list[int]:
    """Of its events, one after the other."""
    found = api.get(f"/admin/audit/?subject_id={record_id}&ordering=seq&page_size=1000")
    assert found.status_code == 200, found.text
    return [event["version"] for event in found.json["results"]]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_one_of_twelve_with_the_same_version_wins(tenant: TestTenant, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "number"}])
    found = record(api, "items", {"n": -1})["id"]
    for turn in range(1, rounds + 1):
        tag = {"If-Match": f'"{turn}"'}
        works = [
            partial(api.patch, f"/records/{found}/", {"data": {"n": 100 * turn + n}}, headers=tag) for n in range(12)
        ]
        answers = together(works)
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 11
        won = next(answer.json for answer in answers if answer.status_code == 200)
        assert won["version"] == turn + 1
        assert api.get(f"/records/{found}/").json == won
        lost = next(answer for answer in answers if answer.status_code == 412)
        assert assert_problem(lost, 412, "VERSION_MISMATCH")["differing_fields"] == ["data.n"]
    assert versions(api, found) == list(range(1, rounds + 2))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_disjoint_changes_all_survive(tenant: TestTenant, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": f"F{n}", "field_type": "number"} for n in range(12)])
    found = record(api, "items", {})["id"]
    for turn in range(rounds):
        works = [partial(api.patch, f"/records/{found}/", {"data": {f"f{n}": turn}}) for n in range(12)]
        answers = together(works)
        assert [answer.status_code for answer in answers] == [200] * 12
        assert sorted(answer.json["version"] for answer in answers) == [12 * turn + n for n in range(2, 14)]
        assert api.get(f"/records/{found}/").json["data"] == {f"f{n}": turn for n in range(12)}
    assert versions(api, found) == list(range(1, 12 * rounds + 2))
    events = [event for event in api.events() if event["subject_id"] == found]
    state: dict[str, Any] = {}
    for event in events[1:]:
        [slug] = [name.removeprefix("data.") for name in event["changed_fields"]]
        assert event["old"]["data"][slug] == state.get(slug)
        state[slug] = event["data"]["data"][slug]
        assert event["data"]["data"] == state


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_counter_by_comparing_and_swapping_is_exact(tenant: TestTenant, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "number"}])
    found = record(api, "items", {"n": 0})["id"]

    def add(times: int) -> None:
        while times:
            seen = api.get(f"/records/{found}/")
            body = {"data": {"n": seen.json["data"]["n"] + 1}}
            times -= (
                api.patch(f"/records/{found}/", body, headers={"If-Match": seen.headers["ETag"]}).status_code == 200
            )

    together([partial(add, 5 * rounds)] * 4)
    assert api.get(f"/records/{found}/").json["data"] == {"n": 20 * rounds}


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("way", ["create", "update", "restore"])
def test_one_of_eight_gets_a_unique_value(tenant: TestTenant, way: str, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": "Code", "field_type": "text", "is_unique": True}])
    for turn in range(rounds):
        body = {"data": {"code": f"c{turn}"}}
        works: list[Work] = []
        for _ in range(8):
            if way == "create":
                works.append(partial(api.post, "/pipelines/items/records/", body))
            elif way == "update":
                works.append(partial(api.patch, f"/records/{record(api, 'items', {})['id']}/", body))
            else:
                found = record(api, "items", body["data"])["id"]
                assert api.delete(f"/records/{found}/").status_code == 204
                works.append(partial(api.post, f"/records/{found}/restore/"))
        assert statuses(works) == [201 if way == "create" else 200] + [409] * 7
        assert api.get(f"/pipelines/items/records/?data__code__exact=c{turn}").json["count"] == 1
    made = [event for event in api.events() if event["type"] == f"record.{way}d"]
    assert len(made) >= rounds


@pytest.mark.parametrize("rounds", ROUNDS)
def test_one_of_eight_gets_a_slug(tenant: TestTenant, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [])
    for turn in range(rounds):
        body = {"name": "Same", "slug": f"s{turn}", "field_type": "text"}
        assert statuses([partial(api.post, "/pipelines/items/fields/", body) for _ in range(8)]) == [201] + [409] * 7
        body = {"name": "Same", "slug": f"s{turn}"}
        assert statuses([partial(api.post, "/pipelines/", body) for _ in range(8)]) == [201] + [409] * 7
    listed = api.get("/pipelines/items/fields/?page_size=1000").json["results"]
    assert len({field["graphql_name"] for field in api.get("/pipelines/?page_size=1000").json["results"]}) == rounds + 1
    assert len([field for field in listed if field["is_indexed"]]) == min(rounds, 8)


def _settle(tenant: TestTenant) -> None:
    """What the background does."""
    with tenant.app.app_context():
        actor = system_actor(tenant.id)
        for place, name in slots.pending(actor):
            while slots.advance(actor, place, name):
                pass


def _slots_are_true(tenant: TestTenant, expression: str) -> None:
    """Once the background is done, every slot that a field has holds its values, and every other one nothing."""
    _settle(tenant)
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        held = message.execute(work.connection, "SELECT slot FROM slots WHERE tenant_id = %s", (tenant.id,))
        for name in SLOT_NAMES:
            wanted = expression if (name,) in held else "NULL"
            sql = f"SELECT count(*) FROM records WHERE tenant_id = %s AND {name} IS DISTINCT FROM {wanted}"
            assert message.execute(work.connection, sql, (tenant.id,)) == [(0,)], name


@pytest.mark.parametrize("rounds", ROUNDS)
def test_writers_beside_a_change_of_the_schema_break_nothing(tenant: TestTenant, rounds: int) -> None:
    """A field is made required, indexed, another type and back while others write and read."""
    api = tenant.api
    pipeline(api, "Items", [{"name": "It", "field_type": "text", "is_indexed": False}])
    made = [record(api, "items", {"it": str(n)})["id"] for n in range(6)]
    path, seen = "/pipelines/items/fields/it/", []

    def write(number: int) -> None:
        for at in range(6 * rounds):
            data: Any = [{"it": str(at)}, {"it": at}, {}][(number + at) % 3]
            sent = api.post("/pipelines/items/records/", {"data": data})
            changed = api.patch(f"/records/{made[number]}/", {"data": {"it": data.get("it")}})
            listed = api.get("/pipelines/items/records/?data__it__gt=3&ordering=-data__it")
            seen.extend([sent, changed, listed])

    def shape() -> None:
        for _ in range(rounds):
            for body in (
                {"is_indexed": True}, {"field_type": "number"}, {"is_required": True, "default": 7},
                {"is_indexed": False}, {"field_type": "text"}, {"is_required": False}, {"is_indexed": True},
                {"field_type": "number"}, {"is_required": True, "default": 7},
            ):  # fmt: skip
                answer = api.patch(path + ("?force=true" if body == {"field_type": "number"} else ""), body)
                assert answer.status_code == 200, answer.text
            _settle(tenant)  # slots that were given back and not emptied are nobody's

    works: list[Work] = [partial(write, number) for number in range(4)]
    together([*works, shape])
    assert {answer.status_code for answer in seen} <= {200, 201, 400, 422}, [
        a.text for a in seen if a.status_code > 422
    ]
    rows = api.get("/pipelines/items/records/?page_size=1000").json["results"]
    assert [row for row in rows if not isinstance(row["data"].get("it"), int)] == []
    _slots_are_true(tenant, "(data->>'it')::float8")
    assert {
        row["id"] for row in api.get("/pipelines/items/records/?data__it__exists=true&page_size=1000").json["results"]
    } == {row["id"] for row in rows}
    for row in rows:
        assert versions(api, row["id"]) == list(range(1, row["version"] + 1))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_no_record_is_missed_while_a_slot_fills(
    tenant: TestTenant, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    monkeypatch.setattr(slots, "BATCH", 3)
    api = tenant.api
    pipeline(api, "Items", [{"name": "N", "field_type": "number", "is_indexed": False}])
    made = [record(api, "items", {"n": n})["id"] for n in range(24)]

    def write(number: int) -> list[int]:
        found = []
        for at in range(8 * rounds):
            found.append(api.patch(f"/records/{made[(number * 7 + at) % 24]}/", {"data": {"n": at}}).status_code)
            found.append(api.post("/pipelines/items/records/", {"data": {"n": at}}).status_code)
        return found

    def fill() -> list[int]:
        with tenant.app.app_context():
            actor = system_actor(tenant.id)
            for _ in range(2 * rounds):
                assert api.patch("/pipelines/items/fields/n/", {"is_indexed": True}).status_code == 200
                for place, name in slots.pending(actor):
                    while slots.advance(actor, place, name):
                        pass
                assert api.patch("/pipelines/items/fields/n/", {"is_indexed": False}).status_code == 200
        return []

    works: list[Callable[[], list[int]]] = [*(partial(write, number) for number in range(3)), fill]
    assert {status for found in together(works) for status in found} == {200, 201}
    assert api.patch("/pipelines/items/fields/n/", {"is_indexed": True}).status_code == 200
    assert api.get("/pipelines/items/fields/n/").json["index"]["state"] == "filling"
    _slots_are_true(tenant, "(data->>'n')::float8")


@pytest.mark.parametrize("rounds", ROUNDS)
def test_unique_beside_writers_leaves_no_two_alike(tenant: TestTenant, rounds: int) -> None:
    api = tenant.api
    pipeline(api, "Items", [{"name": "Code", "field_type": "text"}])
    for turn in range(rounds):
        works: list[Work] = [
            partial(api.post, "/pipelines/items/records/", {"data": {"code": f"{turn}-{n % 4}"}}) for n in range(8)
        ]
        works.append(partial(api.patch, "/pipelines/items/fields/code/", {"is_unique": True}))
        answers = together(works)
        assert {answer.status_code for answer in answers} <= {200, 201, 409}
        rows = api.get("/pipelines/items/records/?page_size=1000").json["results"]
        codes = [row["data"]["code"] for row in rows]
        if api.get("/pipelines/items/fields/code/").json["is_unique"]:
            assert len(set(codes)) == len(codes)
        for row in rows:
            assert api.delete(f"/records/{row['id']}/").status_code == 204
        assert api.patch("/pipelines/items/fields/code/", {"is_unique": False}).status_code == 200
        _slots_are_true(tenant, "data->>'code'")


def test_readers_outlast_a_burst_of_new_revisions(tenant: TestTenant) -> None:
    pipeline(tenant.api, "Items", [{"name": "N", "field_type": "number"}])

    def renew() -> None:
        for _ in range(20):
            for _ in range(8):
                with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
                    work.renew_schema()
            time.sleep(0.05)

    def read() -> set[int]:
        return {tenant.api.get("/pipelines/items/records/").status_code for _ in range(100)}

    assert together([renew, read, read])[1:] == [{200}, {200}]
