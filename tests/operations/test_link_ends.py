"""What becomes of relationships when records are removed, come back or are erased (checklist 65; threat 67)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.operations.constraints import lock_type
from tests.api import assert_problem
from tests.factories.pipeline import deals, record
from tests.factories.relationship import relationship_types
from tests.factories.tenant import TestTenant
from tests.operations.link_ground import Ground
from tests.operations.link_model import Rule

KEEP = {"x": "keep", "y": "keep", "z": "keep"}
DETACH = {"x": "detach", "y": "detach", "z": "detach"}


def remove(ground: Ground, name: str) -> int:
    return ground.api.delete(f"/records/{ground.ids[name]}/").status_code


def restore(ground: Ground, name: str) -> int:
    return ground.api.post(f"/records/{ground.ids[name]}/restore/").status_code


def remove_together(ground: Ground, *names: str) -> Any:
    path = f"/pipelines/{ground.ids.places[names[0][0]]}/records/bulk_delete/"
    return ground.api.post(path, {"ids": [ground.ids[name] for name in names]})


def listed(ground: Ground, name: str = "x") -> list[str]:
    found = ground.api.get(f"/relationships/?relationship_type={ground.slugs[name]}").json
    assert found["count"] == len(found["results"])
    return sorted(key for key, made in ground.made.items() for row in found["results"] if row["id"] == made)


@pytest.mark.parametrize("script", ["one = x a1 b1", "one = x b1 a1", "one = x b1 a1 PENDING", "one = x a1 b1 3-4"])
def test_a_record_in_use_stays(settled: TestTenant, script: str) -> None:
    ground = Ground(settled)
    ground.play(script)
    before = settled.api.events()[-1]["seq"]
    answer = ground.api.delete(f"/records/{ground.ids['a1']}/")
    found = assert_problem(answer, 409, "THING_IN_USE")
    assert (found["relationships"], found["relationship_types"]) == (1, {ground.slugs["x"]: 1})
    assert_problem(remove_together(ground, "a1", "a2"), 409, "THING_IN_USE")
    assert ground.api.get(f"/records/{ground.ids['a2']}/").status_code == 200, "none or all"
    ground.play("one del")
    assert remove(ground, "a1") == 204
    assert [event["type"] for event in settled.api.events(before)][-2:] == ["relationship.deleted", "record.deleted"]


def test_what_has_ended_holds_nobody(settled: TestTenant) -> None:
    """It comes back with its record all the same."""
    ground = Ground(settled)
    body = {**ground.body("x a1 b1"), "effective_from": "2001-01-01", "effective_until": "2002-01-01"}
    ground.made["old"] = ground.api.post("/relationships/", body).json["id"]
    assert remove(ground, "a1") == 204
    assert listed(ground) == []
    assert restore(ground, "a1") == 200
    assert listed(ground) == ["old"]


def test_records_that_go_together_do_not_hold_each_other(settled: TestTenant) -> None:
    ground = Ground(settled)
    ground.play("one = x a1 a2\ntwo = x a3 a3")
    assert remove_together(ground, "a1", "a2").json["deleted_count"] == 2
    assert remove(ground, "a3") == 204
    assert listed(ground) == []
    assert [restore(ground, name) for name in ("a2", "a3")] == [200, 200]
    assert listed(ground) == ["two"]
    assert restore(ground, "a1") == 200
    assert listed(ground) == ["one", "two"]
    assert remove(ground, "a1") == 409


def test_a_removed_record_takes_its_relationships_along(settled: TestTenant) -> None:
    ground = Ground(settled, on_delete=DETACH)
    ground.play("one = x a1 b1\ntwo = x b2 a1\nother = x a2 b1\ngone = x a1 b3\ngone del")
    before = settled.api.events()[-1]["seq"]
    assert remove(ground, "a1") == 204
    assert listed(ground) == ["other"]
    events = [event for event in settled.api.events(before) if event["type"] == "relationship.deleted"]
    assert {event["subject_id"] for event in events} == {ground.made["one"], ground.made["two"]}
    assert {event["reason"] for event in events} == {"record deleted"}
    assert all(event["data"]["status"] == "DELETED" and event["version"] == 2 for event in events)
    ground_back = ground.act("one", "back")
    assert_problem(ground_back, 409, "INACTIVE_THING")
    assert restore(ground, "a1") == 200
    assert listed(ground) == ["other"]
    ground.play("one back")
    assert listed(ground) == ["one", "other"]


@pytest.mark.parametrize("on_delete", [DETACH, KEEP], ids=["detach", "keep"])
@pytest.mark.parametrize(
    ("rule", "script"),
    [
        (Rule("x", "DEPENDENCY", requires="y", where="target"), "y a1 b1\nx a2 b1"),
        (Rule("y", "CARDINALITY", per="target", least=1), "y a1 b1"),
    ],
    ids=["dependency", "minimum"],
)
def test_others_keep_what_they_need(
    settled: TestTenant, rule: Rule, script: str, on_delete: dict[str, str]
) -> None:  # fmt: skip
    ground = Ground(settled, rule, on_delete=on_delete)
    ground.play(script)
    answer = ground.api.delete(f"/records/{ground.ids['a1']}/")
    assert_problem(answer, 409, "CONSTRAINT_VIOLATION")
    assert ground.api.get(f"/records/{ground.ids['a1']}/").status_code == 200
    assert ground.api.get(f"/relationships/?source_record_id={ground.ids['a1']}").json["count"] == 1
    ground.play("y a3 b1")
    assert remove(ground, "a1") == 204


def test_what_needs_and_what_is_needed_go_together(settled: TestTenant) -> None:
    rule = Rule("x", "DEPENDENCY", requires="y")
    for on_delete in (DETACH, KEEP, {"x": "detach", "y": "keep"}, {"x": "keep", "y": "detach"}):
        ground = Ground(settled, rule, Rule("y", "CARDINALITY", least=1), on_delete=on_delete)
        ground.play("y a1 b1\nx a1 b1")
        assert remove(ground, "a1") == 204, on_delete


def test_a_kept_relationship_is_out_of_sight_with_its_record(settled: TestTenant) -> None:
    ground = Ground(settled, on_delete=KEEP)
    ground.play("one = x a1 b1\ntwo = x b1 a1 PENDING")
    address = f"/relationships/{ground.made['one']}/"
    version = ground.api.get(address).json["version"]
    assert remove(ground, "b1") == 204
    assert listed(ground) == []
    for answer in (ground.api.get(address), ground.api.delete(address), ground.api.patch(address, {"strength": 0})):
        assert_problem(answer, 404, "RELATIONSHIP_NOT_FOUND")
    assert ground.api.get("/relationships/deleted/").text.count(ground.made["one"]) == 0
    assert restore(ground, "b1") == 200
    assert listed(ground) == ["one", "two"]
    assert ground.api.get(address).json["version"] == version


@pytest.mark.parametrize("order", [("a1", "b1"), ("b1", "a1")])
def test_a_kept_relationship_waits_for_both_its_records(settled: TestTenant, order: tuple[str, str]) -> None:
    ground = Ground(settled, on_delete=KEEP)
    ground.play("one = x a1 b1")
    assert [remove(ground, "a1"), remove(ground, "b1")] == [204, 204]
    assert restore(ground, order[0]) == 200
    assert listed(ground) == []
    assert restore(ground, order[1]) == 200
    assert listed(ground) == ["one"]


def test_a_place_that_was_taken_keeps_the_record_away(settled: TestTenant) -> None:
    ground = Ground(settled, Rule("x", "CARDINALITY", most=1, per="target"), on_delete=KEEP)
    ground.play("one = x a1 b1")
    assert remove(ground, "a1") == 204
    ground.play("two = x a2 b1")
    answer = ground.api.post(f"/records/{ground.ids['a1']}/restore/")
    assert_problem(answer, 409, "CONSTRAINT_VIOLATION")
    assert ground.api.get(f"/records/{ground.ids['a1']}/").status_code == 404
    ground.play("two off")
    assert restore(ground, "a1") == 200
    assert listed(ground) == ["one", "two"]


def test_what_needs_wakes_with_what_it_needs(settled: TestTenant) -> None:
    ground = Ground(settled, Rule("x", "DEPENDENCY", requires="y"), on_delete=KEEP)
    ground.play("y a1 b1\none = x a1 b1")
    assert remove(ground, "a1") == 204
    assert restore(ground, "a1") == 200
    assert listed(ground) == ["one"]


@pytest.mark.parametrize("on_delete", [DETACH, KEEP], ids=["detach", "keep"])
def test_an_erased_record_takes_all_of_its_relationships_along(settled: TestTenant, on_delete: dict[str, str]) -> None:
    """Those that are removed or sleep too; of all of them the log tells that they were."""
    ground = Ground(settled, on_delete=on_delete)
    ground.play("one = x a1 b1\ntwo = x b1 a1\ntwo del\nother = x a2 b1")
    ground.api.patch(f"/relationships/{ground.made['one']}/", {"metadata": {"secret": 1}, "reason": "hush"})
    assert remove(ground, "a1") == 204
    assert ground.api.delete(f"/records/{ground.ids['a1']}/?purge=true").status_code == 204
    events = [event for event in settled.api.events() if event["subject_id"] in ground.made.values()]
    for name in ("one", "two"):
        told = [event for event in events if event["subject_id"] == ground.made[name]]
        assert told[-1]["type"] == "relationship.purged"
        assert [event["version"] for event in told] == list(range(1, len(told) + 1))
        assert all((event["data"], event["old"], event["reason"]) == (None, None, None) for event in told)
    assert all(event["data"] for event in events if event["subject_id"] == ground.made["other"])
    assert listed(ground) == ["other"]
    assert ground.api.get("/relationships/deleted/").text.count(ground.made["two"]) == 0


def test_many_records_are_removed_with_what_joins_them(settled: TestTenant) -> None:
    """More than are locked one by one."""
    ground = Ground(settled, on_delete=DETACH)
    texts = [f"x a{at} b1" for at in range(1, 241)]
    rows = ground.api.post(f"/pipelines/{ground.ids.places['a']}/records/bulk_create/", [{"data": {}}] * 240).json
    ground.ids.update({f"a{at}": row["id"] for at, row in enumerate(rows["created"], 1)})
    assert ground.bulk(texts).json["summary"]["successful"] == 240
    answer = remove_together(ground, *[f"a{at}" for at in range(1, 239)])
    assert answer.json["deleted_count"] == 238, answer.text
    assert ground.api.get(f"/relationships/?target_record_id={ground.ids['b1']}").json["count"] == 2


@pytest.mark.parametrize("on_delete", [DETACH, KEEP], ids=["detach", "keep"])
def test_who_may_remove_a_record_needs_no_leave_for_its_relationships(
    tenant: TestTenant, on_delete: dict[str, str]
) -> None:  # fmt: skip
    ground = Ground(tenant, on_delete=on_delete)
    ground.play("one = x a1 b1")
    role = tenant.role("remover", [{"permission": "records:read"}, {"permission": "records:delete"}])
    weak = tenant.user(role).api
    assert weak.delete(f"/records/{ground.ids['a1']}/").status_code == 204
    assert listed(ground) == []


def test_who_sees_no_relationships_is_told_that_there_are_some(tenant: TestTenant) -> None:
    ground = Ground(tenant)
    ground.play("one = x a1 b1")
    role = tenant.role("remover", [{"permission": "records:read"}, {"permission": "records:delete"}])
    found = assert_problem(
        tenant.user(role).api.delete(f"/records/{ground.ids['a1']}/"), 409, "THING_IN_USE"
    )  # fmt: skip
    assert (found["relationships"], found["relationship_types"]) == (0, {}), "none that the caller sees"


@pytest.fixture
def crowded(tenant: TestTenant) -> TestTenant:
    """Has more relationship types than a target list has places."""
    deals(tenant.api)
    relationship_types(tenant, 1_700)
    return tenant


def test_records_come_and_go_beside_very_many_types(crowded: TestTenant) -> None:
    api = crowded.api
    one, two = (record(api, "deals", {"name": name})["id"] for name in ("One", "Two"))
    ends = {"source_record_id": one, "target_record_id": two}
    made = api.post("/relationships/bulk_create/", [{"relationship_type": f"t{n}", **ends} for n in range(1_700)])
    assert made.json["summary"] == {"total": 1_700, "successful": 1_700, "failed": 0}
    assert api.delete(f"/records/{one}/").status_code == 204
    assert api.get("/relationships/").json["count"] == 0
    assert api.post(f"/records/{one}/restore/").status_code == 200
    assert api.patch(f"/records/{two}/", {"status": "lost"}).status_code == 200


def test_who_removes_records_beside_very_many_types_waits_for_who_changes_one(
    crowded: TestTenant, database_address: str
) -> None:
    found = record(crowded.api, "deals", {"name": "One"})["id"]
    type_id = crowded.api.get("/relationships/types/t7/").json["id"]
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
    with ThreadPoolExecutor(1) as threads, closing(psycopg2.connect(database_address)) as watch, watch.cursor() as see:
        watch.autocommit = True
        with crowded.app.app_context(), unit(system_actor(crowded.id)) as work:
            lock_type(work, UUID(type_id))
            removal = threads.submit(crowded.api.delete, f"/records/{found}/")
            for _ in range(500):
                see.execute(waiting)
                if see.fetchone() != (0,):
                    break
                time.sleep(0.01)
            assert not removal.done()
        assert removal.result().status_code == 204
