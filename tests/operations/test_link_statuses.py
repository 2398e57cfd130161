"""Statuses that relationships need are not taken away from under them (contract 5; checklist 65; threats 18, 67)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.api import Api, Reply, assert_problem
from tests.factories.tenant import TestTenant
from tests.operations.link_ground import Ground
from tests.operations.link_model import Rule
from tests.threads import together

ENDS = [pytest.param("source", "a1", id="source"), pytest.param("target", "b1", id="target")]
ROUNDS = [pytest.param(5, id="some"), pytest.param(500, id="500", marks=pytest.mark.prove)]


def signed(tenant: TestTenant, end: str = "source", **more: Any) -> Ground:
    """Relationships of the type x need the status won at this end; a1, a2 and b1 have it."""
    ground = Ground(tenant, Rule("x", "DEPENDENCY", statuses=((end, "won"),), **more))
    for name in ("a1", "a2", "b1"):
        set_status(ground, name, "won")
    return ground


def set_status(ground: Ground, name: str, status: str, api: Api | None = None) -> Reply:
    return (api or ground.api).patch(f"/records/{ground.ids[name]}/", {"status": status})


def status_of(ground: Ground, name: str) -> str:
    return str(ground.api.get(f"/records/{ground.ids[name]}/").json["status"])


@pytest.mark.parametrize(("end", "name"), ENDS)
def test_a_status_that_is_needed_stays(tenant: TestTenant, end: str, name: str) -> None:
    ground = signed(tenant, end)
    ground.play("one = x a1 b1")
    path = f"/records/{ground.ids[name]}/"
    seq = ground.api.events()[-1]["seq"]
    for answer in (set_status(ground, name, "lost"), ground.api.request("PUT", path, json={"data": {}})):
        problem = assert_problem(answer, 409, "CONSTRAINT_VIOLATION")
        assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
            ("/status", "CONSTRAINT_VIOLATION")
        ]
        assert [(found["constraint_type"], found["field_path"]) for found in problem["violations"]] == [
            ("DEPENDENCY", "status")
        ]
        assert "'won'" in problem["errors"][0]["message"]
    assert ground.api.events()[-1]["seq"] == seq
    assert ground.api.patch(path, {"status": "won", "title": "T"}).status_code == 200
    assert_problem(ground.api.patch(path, {"status": "lost"}, headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")


@pytest.mark.parametrize("ending", ["one off", "one del", "one until 0"])
def test_it_may_go_when_nothing_needs_it_any_more(tenant: TestTenant, ending: str) -> None:
    ground = signed(tenant)
    past = {"effective_from": "2000-01-01T00:00:00Z"}
    made = ground.api.post("/relationships/", {**ground.body("x a1 b1"), **past})
    ground.made["one"] = made.json["id"]
    assert set_status(ground, "a1", "lost").status_code == 409
    if ending == "one until 0":
        ended = {"effective_until": "2001-01-01T00:00:00Z"}
        assert ground.api.patch(f"/relationships/{ground.made['one']}/", ended).status_code == 200
    else:
        ground.play(ending)
    assert set_status(ground, "a1", "lost").status_code == 200


def test_what_only_comes_needs_it_already(tenant: TestTenant) -> None:
    ground = signed(tenant)
    ground.play("one = x a1 b1 2-3")
    assert set_status(ground, "a1", "lost").status_code == 409


def test_other_records_types_and_ends_are_free(tenant: TestTenant) -> None:
    ground = signed(tenant, scope="a")
    ground.play("x a1 b1\n y a2 b1\n x b2 a2")
    for name in ("b1", "b2", "a2"):
        assert set_status(ground, name, "lost").status_code == 200
    assert set_status(ground, "a1", "lost").status_code == 409


def test_many_at_once_are_told_which_keep_theirs(tenant: TestTenant) -> None:
    ground = signed(tenant)
    ground.play("x a1 b1")
    slug, (kept, free) = ground.ids.places["a"], (ground.ids[name] for name in ("a1", "a2"))
    entries = [{"id": kept, "status": "lost"}, {"id": free, "status": "lost"}]
    path = f"/pipelines/{slug}/records"
    dry = ground.api.patch(f"{path}/bulk_update/?mode=dry_run", entries)
    assert [error["index"] for error in dry.json["errors"]] == [0]
    atomic = assert_problem(ground.api.patch(f"{path}/bulk_update/?mode=atomic", entries), 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in atomic["errors"]] == [("/0/status", "CONSTRAINT_VIOLATION")]
    assert (status_of(ground, "a1"), status_of(ground, "a2")) == ("won", "won")
    upserted = ground.api.post(f"{path}/bulk_upsert/", [entries[0], {"status": "new"}])
    assert [(error["index"], list(error["errors"])) for error in upserted.json["errors"]] == [(0, ["status"])]
    partial_ = ground.api.patch(f"{path}/bulk_update/", entries)
    assert [(error["index"], list(error["errors"])) for error in partial_.json["errors"]] == [(0, ["status"])]
    assert (status_of(ground, "a1"), status_of(ground, "a2")) == ("won", "lost")


def test_who_sees_neither_type_nor_record_is_told_of_neither(tenant: TestTenant) -> None:
    """Threat 18: the type is not named, and of a record beyond his rows there is nothing to tell."""
    ground = signed(tenant)
    ground.play("x a1 b1")
    rights = [{"permission": f"records:{verb}"} for verb in ("read", "update")]
    plain = tenant.user(tenant.role("plain", rights)).api
    assert ground.slugs["x"].title() not in set_status(ground, "a1", "lost", plain).text
    assert ground.slugs["x"].title() in set_status(ground, "a1", "lost").text
    own = tenant.user(tenant.role("own", [{**right, "rows": "own"} for right in rights])).api
    assert_problem(set_status(ground, "a1", "lost", own), 404, "RECORD_NOT_FOUND")


def test_what_sleeps_does_not_come_back_without_it(tenant: TestTenant) -> None:
    ground = Ground(tenant, Rule("x", "DEPENDENCY", statuses=(("source", "won"),)), on_delete={"x": "keep"})
    set_status(ground, "a1", "won")
    ground.play("x a1 b1")
    assert ground.api.delete(f"/records/{ground.ids['b1']}/").status_code == 204
    assert set_status(ground, "a1", "lost").status_code == 200
    assert_problem(ground.api.post(f"/records/{ground.ids['b1']}/restore/"), 409, "CONSTRAINT_VIOLATION")


@pytest.mark.usefixtures("no_indexer")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_constraint_that_is_being_made_holds_for_who_waits_for_it(tenant: TestTenant, rounds: int) -> None:
    """Changes of statuses that other constraints speak of, and relationships, with and without a transaction of their
    own: who passed the gate before the constraint was there passes it again.
    """
    ground = signed(tenant)
    path = f"/pipelines/{ground.ids.places['a']}/records/bulk_update/?mode=atomic"
    for at in range(rounds):
        slug, single = f"new_{at}", f"single_{at}"
        for name in (slug, single):
            assert ground.api.post("/relationships/types/", {"name": name, "slug": name}).status_code == 201
        ground.ids.clear()
        for name in ("a1", "a2"):
            set_status(ground, name, "won")
            made = ground.api.post("/relationships/", {**ground.body(f"x {name} b1"), "relationship_type": slug})
            assert made.status_code == 201, made.text
        makes = f"/relationships/types/{slug}/constraints/"
        needs: dict[str, Any] = {"constraint_type": "DEPENDENCY", "constraint_metadata": {"source_status": "won"}}
        limit = {"constraint_type": "CARDINALITY", "max_instances": 1}
        two = [{**ground.body(f"x a1 b{n}"), "relationship_type": single} for n in (2, 3)]
        key = {"Idempotency-Key": f"once-{at}"}
        work = [
            partial(ground.api.post, makes, needs),
            partial(set_status, ground, "a1", "lost"),
            partial(ground.api.patch, path, [{"id": ground.ids["a2"], "status": "lost"}]),
            partial(ground.api.post, f"/relationships/types/{single}/constraints/", limit),
            partial(ground.api.post, "/relationships/bulk_create/", two),
            partial(ground.api.post, "/relationships/", {**two[0], "target_record_id": ground.ids["b4"]}, headers=key),
        ]
        answers = together(work)
        assert {answer.status_code for answer in answers} <= {200, 201, 400, 409, 422}, [one.text for one in answers]
        if answers[0].status_code == 201:
            assert (status_of(ground, "a1"), status_of(ground, "a2")) == ("won", "won")
        if answers[3].status_code == 201:
            assert ground.api.get(f"/relationships/?relationship_type={single}").json["count"] <= 1


@pytest.mark.usefixtures("no_indexer")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_relating_and_taking_the_status_away_exclude_each_other(tenant: TestTenant, rounds: int) -> None:
    """One by one, many at once and with new records beside: nobody waits in a circle."""
    ground = signed(tenant)
    path = f"/pipelines/{ground.ids.places['a']}/records"
    for _ in range(rounds):
        ground.ids.clear()
        for name in ("a1", "a2"):
            set_status(ground, name, "won")
        lost = [{"id": ground.ids[name], "status": "lost"} for name in ("a1", "a2")]
        bodies = [ground.body(f"x a{1 + at % 2} b{at}") for at in range(6)]
        work = [partial(ground.api.post, "/relationships/", body) for body in bodies]
        work += [partial(set_status, ground, name, "lost") for name in ("a1", "a2")]
        work += [partial(ground.api.patch, f"{path}/bulk_update/", lost)]
        work += [partial(ground.api.post, f"{path}/bulk_upsert/", [*lost, {"status": "new"}])] * 3
        answers = together(work)
        assert {answer.status_code for answer in answers} <= {200, 201, 400, 409}, [one.text for one in answers]
        for name in ("a1", "a2"):
            asked = f"source_record_id={ground.ids[name]}&count=exact"
            related = ground.api.get(f"/relationships/?{asked}").json["count"]
            assert (status_of(ground, name) == "won") is (related > 0)
