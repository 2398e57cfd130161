"""What each kind of constraint means, step by step (contract 5; checklist 65-67). A script says what is done, and after
`!` with which code it is refused; before a relationship is made, `validate` says the same.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import assert_problem
from tests.factories.tenant import TestTenant
from tests.operations.link_ground import Ground
from tests.operations.link_model import Rule

DUPLICATE, BROKEN, CIRCLE = "DUPLICATE_RELATIONSHIP", "CONSTRAINT_VIOLATION", "CIRCULAR_RELATIONSHIP"


def most(number: int, per: str = "source", **more: Any) -> Rule:
    return Rule("x", "CARDINALITY", most=number, per=per, **more)


def least(number: int, per: str = "source") -> Rule:
    return Rule("x", "CARDINALITY", least=number, per=per)


def one_of(per: str, **more: Any) -> Rule:
    return Rule("x", "EXCLUSIVITY", per=per, types=("y",), **more)


def needs(where: str) -> Rule:
    return Rule("x", "DEPENDENCY", requires="y", where=where)


def tree(**more: Any) -> Rule:
    return Rule("x", "HIERARCHY", **more)


CASES: dict[str, tuple[Rule, str]] = {
    "at most two at a source": (most(2), f"""
        one = x a1 b1
        two = x a1 b2
        x a1 b3 ! {BROKEN}
        x a2 b3
        y a1 b3
        one off
        three = x a1 b3
        one on ! {BROKEN}
        three del
        one on
        three back ! {BROKEN}
    """),
    "at most one at a target": (most(1, "target"), f"""
        x a1 b1
        x a2 b1 ! {BROKEN}
        x a1 b2
    """),
    "as many as there are at one moment": (most(2), f"""
        x a1 b1 1-3
        x a1 b2 3-5
        x a1 b3 5-7
        x a1 b4 1-7
        x a1 b5 2-4 ! {BROKEN}
        x a1 b5 6-8 ! {BROKEN}
        x a1 b5 7-9
        long = x a1 b6 8-9
        long from 6 ! {BROKEN}
        long from 7
        x a1 b7 8- ! {BROKEN}
        x a1 b7 9-
    """),
    "windows that touch do not count together": (most(1), f"""
        one = x a1 b1 1-3
        x a1 b2 3-5
        one until 4 ! {BROKEN}
        one until 2
        x a1 b3 2-3
    """),
    "those that wait or rest do not count until they are activated": (most(1), f"""
        one = x a1 b1 PENDING
        two = x a1 b2 INACTIVE
        x a1 b3
        one on ! {BROKEN}
        two on ! {BROKEN}
    """),
    "those that go both ways count at both ends": (most(1), f"""
        one = x a1 b1 both
        x b1 a2 ! {BROKEN}
        x a2 b1
        one off
        two = x b1 a2
        one on ! {BROKEN}
        two del
        one on
        three = x a3 b3
        x b3 a4
        three both ! {BROKEN}
        x a5 a5 both
    """),
    "between records of the named pipeline alone": (most(1, scope="a"), f"""
        x a1 b1
        x a1 b2 ! {BROKEN}
        x b1 a1
        x b1 a2
    """),
    "at least one stays at a target": (least(1, "target"), f"""
        one = x a1 b1
        one off ! {BROKEN}
        one del ! {BROKEN}
        one until 5 ! {BROKEN}
        one from 2 ! {BROKEN}
        two = x a2 b1
        one off
        two del ! {BROKEN}
        one on
        two until 5
        one del ! {BROKEN}
        one from 5
        one from 6 ! {BROKEN}
    """),
    "one takes over from the other": (least(1), f"""
        one = x a1 b1 1-5
        two = x a1 b2 3-
        one until 3
        one until 2 ! {BROKEN}
        two from 4 ! {BROKEN}
        one del ! {BROKEN}
    """),
    "one of two types at a source": (one_of("source"), f"""
        one = x a1 b1 1-4
        y a1 b2 3-5 ! {BROKEN}
        y a1 b2 4-5
        z a1 b2
        x a2 b1
        one until 5 ! {BROKEN}
    """),
    "one of two types at a target": (one_of("target"), f"""
        x a1 b1
        y a2 b1 ! {BROKEN}
        x a2 b1 ! {BROKEN}
        y a1 b2
    """),
    "one of two types between two records, however they lie": (one_of("pair"), f"""
        one = x a1 b1
        y a1 b1 ! {BROKEN}
        y b1 a1 ! {BROKEN}
        y a1 b2
        one off
        y b1 a1
        one on ! {BROKEN}
    """),
    "one of some targets": (one_of("source", targets=("b1", "b2")), f"""
        x a1 b1
        x a1 b3
        x a1 b2 ! {BROKEN}
        y a1 b2 ! {BROKEN}
        x a2 b2
    """),
    "another one between the same, the same way round": (needs("pair"), f"""
        x a1 b1 ! {BROKEN}
        y b1 a1
        x a1 b1 ! {BROKEN}
        needed = y a1 b1 1-5
        x a1 b1 ! {BROKEN}
        x a1 b1 2-6 ! {BROKEN}
        one = x a1 b1 2-4
        one until 6 ! {BROKEN}
        needed off ! {BROKEN}
        needed del ! {BROKEN}
        needed until 3 ! {BROKEN}
        needed from 3 ! {BROKEN}
        needed until 4
        one off
        needed off
        one on ! {BROKEN}
        needed on
        one on
        one del
        needed del
        one back ! {BROKEN}
    """),
    "either way round where it goes both ways": (needs("pair"), """
        y b1 a1 both
        x a1 b1
    """),
    "one after the other will do": (needs("pair"), f"""
        early = y a1 b1 1-3
        late = y a1 b1 3-
        x a1 b1 2-
        late from 4 ! {BROKEN}
        early until 2 ! {BROKEN}
        early from 2
    """),
    "what waits is not there yet": (needs("pair"), f"""
        there = y a1 b1 PENDING
        one = x a1 b1 PENDING
        one on ! {BROKEN}
        there on
        one on
    """),
    "another one between the same, the other way round": (needs("reversed"), f"""
        y a1 b1
        x a1 b1 ! {BROKEN}
        x b1 a1
    """),
    "another one at the source": (needs("source"), f"""
        one = y a1 b1
        x a2 b1 ! {BROKEN}
        x a1 b2
        two = y a1 b3
        one del
        two off ! {BROKEN}
    """),
    "another one at the target": (needs("target"), f"""
        one = y a1 b1
        x a1 b2 ! {BROKEN}
        x a2 b1
        one del ! {BROKEN}
    """),
    "nobody is above himself": (tree(), f"""
        x a1 a1 ! {CIRCLE}
        x a1 a2
        x a2 a1 ! {CIRCLE}
        x a2 a3
        x a3 a1 ! {CIRCLE}
    """),
    "nobody is above himself at any moment": (tree(single=False), f"""
        one = x a1 a2 1-3
        x a2 a1 3-5
        x a2 a1 2-3 ! {CIRCLE}
        one until 4 ! {CIRCLE}
        two = x a2 a3 1-3
        x a3 a1 1-2 ! {CIRCLE}
        x a3 a1 3-4
        two until 4
        one until 4 ! {CIRCLE}
    """),
    "one parent": (tree(), f"""
        one = x a1 a3 1-4
        x a2 a3 ! {BROKEN}
        x a2 a3 4-
        one until 5 ! {BROKEN}
        x a1 a4
    """),
    "one parent, who is the target": (tree(parent="target"), f"""
        x a3 a1
        x a3 a2 ! {BROKEN}
        x a4 a1
        x a1 a3 ! {CIRCLE}
    """),
    "several parents": (tree(single=False), """
        x a1 a3
        x a2 a3
    """),
    "steps from top to bottom": (tree(depth=3), f"""
        x a2 a3
        x a4 a5
        x a3 a4
        x a5 a6 ! {BROKEN}
        x a1 a2 ! {BROKEN}
        x a4 a6
        x b1 b2
        x b2 a2 ! {BROKEN}
    """),
    "steps that stand together": (tree(depth=2), f"""
        x a1 a2 1-3
        x a3 a4 3-5
        middle = x a2 a3 2-4
        x a4 a5 3-4 ! {BROKEN}
        x a4 a5 4-5
        middle until 5 ! {BROKEN}
    """),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_constraint_means_what_it_says(settled: TestTenant, name: str) -> None:
    rule, script = CASES[name]
    Ground(settled, rule).play(script)


@pytest.mark.parametrize("length", [2, 3, 10])
def test_a_circle_of_any_length_is_refused(settled: TestTenant, length: int) -> None:
    ground = Ground(settled, tree())
    steps = [f"x a{at} a{at + 1}" for at in range(1, length)]
    ground.play("\n".join([*steps, f"x a{length} a1 ! {CIRCLE}"]))
    assert ground.bulk([f"x b{at} b{at % length + 1}" for at in range(1, length + 1)], "atomic").status_code == 422


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_record_has_the_status_that_is_needed(settled: TestTenant, end: str) -> None:
    ground = Ground(settled, Rule("x", "DEPENDENCY", statuses=((end, "won"),)))
    ground.play(f"x a1 b1 ! {BROKEN}")
    said = ground.validate("x a1 b1")
    assert [found["action"] for found in said["suggestions"]] == ["change_record_status"]
    assert said["violations"][0]["field_path"] == f"{end}_record_id"
    ground.api.patch(f"/records/{ground.ids['a1' if end == 'source' else 'b1']}/", {"status": "won"})
    ground.play("x a1 b1")


BULKS: dict[str, tuple[tuple[Rule, ...], list[str], list[bool]]] = {
    "the earlier of two wins": ((most(1),), ["x a1 b1", "x a1 b2", "x a2 b1"], [True, False, True]),
    "twins": ((), ["x a1 b1 both", "x b1 a1", "x a1 b2"], [True, False, True]),
    "the needed one first": ((needs("pair"),), ["y a1 b1", "x a1 b1"], [True, True]),
    "the needed one is refused": ((needs("pair"), one_of("target")), ["x b9 b1", "y a1 b1"], [False, True]),
    "an end of a circle": ((tree(),), ["x a1 a2", "x a2 a3", "x a3 a1"], [True, True, False]),
    "only what fits between": ((most(1),), ["x a1 b1 1-3", "x a1 b2 2-4", "x a1 b3 3-5"], [True, False, True]),
    "everything is refused": ((tree(),), ["x a1 a1", "x a2 a2"], [False, False]),
    "too deep": ((tree(depth=1),), ["x a1 a2", "x a2 a3"], [True, False]),
}


@pytest.mark.parametrize("name", BULKS)
def test_of_many_those_that_fit_are_made(settled: TestTenant, name: str) -> None:
    rules, texts, verdicts = BULKS[name]
    ground = Ground(settled, *rules)
    trial = ground.bulk(texts, "dry_run").json["results"]
    whole = ground.bulk(texts, "atomic")
    found = ground.api.get(f"/relationships/?relationship_type__in={','.join(ground.slugs.values())}").json["count"]
    if all(verdicts):
        assert (whole.status_code, found) == (201, len(texts))
        return
    assert (whole.status_code, found) == (422, 0)
    results = ground.bulk(texts).json["results"]
    assert [result["success"] for result in results] == verdicts
    assert [result["success"] for result in trial] == verdicts


def test_of_many_changes_none_counts_on_one_that_is_refused(settled: TestTenant) -> None:
    """One would make room by ending, and may not end."""
    ground = Ground(settled, most(1, "target"), Rule("z", "DEPENDENCY", requires="x"))
    ground.play("one = x a1 b1\nz a1 b1\ntwo = x a2 b1 INACTIVE")
    entries = [{"id": ground.made["one"], "status": "INACTIVE"}, {"id": ground.made["two"], "status": "ACTIVE"}]
    results = ground.api.post("/relationships/bulk_update/", entries).json["results"]
    assert [result["success"] for result in results] == [False, False]
    assert [result["errors"][0]["code"] for result in results] == [BROKEN, BROKEN]


def test_of_many_changes_those_that_stay_are_counted(settled: TestTenant) -> None:
    """Threat 64: what is changed in the same call, and goes on as before, is there."""
    ground = Ground(settled, most(1, "target"), needs("pair"))
    ground.play("needed = y a1 b1\none = x a1 b1\ntwo = x a2 b1 INACTIVE\ny a2 b1")
    stays = {"id": ground.made["one"], "strength": 0.5}
    for entry in ({"id": ground.made["two"], "status": "ACTIVE"}, {"id": ground.made["needed"], "status": "INACTIVE"}):
        results = ground.api.post("/relationships/bulk_update/", [stays, entry]).json["results"]
        assert [result["success"] for result in results] == [True, False], entry


def test_two_change_places_at_once(settled: TestTenant) -> None:
    ground = Ground(settled, most(1, "target"), least(1, "target"))
    ground.play("one = x a1 b1\ntwo = x a2 b1 INACTIVE")
    entries = [{"id": ground.made["two"], "status": "ACTIVE"}, {"id": ground.made["one"], "status": "INACTIVE"}]
    answer = ground.api.post("/relationships/bulk_update/?mode=atomic", entries)
    assert answer.status_code == 200, answer.text


def test_everything_that_is_wrong_is_said_at_once(settled: TestTenant) -> None:
    ground = Ground(settled, most(1), Rule("x", "EXCLUSIVITY", per="target", types=("z",)), needs("pair"), tree())
    ground.play("y a1 b1\nx a1 b1\nz a2 b2")
    before = settled.api.events()[-1]["seq"]
    body = {**ground.body("x b1 a1"), "strength": 7}
    said = settled.api.post("/relationships/validate/", body).json
    kinds = [(found["code"], found["constraint_type"]) for found in said["violations"]]
    assert sorted(kinds, key=str) == sorted(
        [("INVALID_VALUE", None), (BROKEN, "DEPENDENCY"), (CIRCLE, "HIERARCHY")], key=str
    )  # fmt: skip
    said = ground.validate("x a1 b2")
    assert sorted(found["constraint_type"] for found in said["violations"]) == [
        "CARDINALITY", "DEPENDENCY", "EXCLUSIVITY",
    ]  # fmt: skip
    assert {found["severity"] for found in said["violations"]} == {"ERROR"}
    assert settled.api.events(before) == []


def test_suggestions_mend(settled: TestTenant) -> None:
    """Each is done, and then it is valid."""
    ground = Ground(settled, most(1), needs("pair"))

    def actions(text: str) -> list[str]:
        return [found["action"] for found in ground.validate(text)["suggestions"]]

    [action] = actions("x a1 b1")
    assert action == f"create:{ground.slugs['y']}"
    ground.play("y a1 b1\none = x a1 b1 1-3\ny a1 b2")
    assert actions("x a1 b2 1-9") == ["end_existing", "change_dates"]
    assert actions("x a1 b2 3-9") == []
    there = f"update:{ground.made['one']}"
    assert there in actions("x a1 b1 2-9")
    ground.play("one off")
    assert actions("x a1 b2 1-9") == []
    assert actions("x a1 b1 2-9") == []
    settled.api.patch(f"/records/{ground.ids['b1']}/", {"status": "inactive"})
    assert actions("x a1 b1 2-9") == ["activate_record"]
    settled.api.patch(f"/records/{ground.ids['b1']}/", {"status": "active"})
    assert actions("x a1 b1 2-9") == []


def test_what_goes_both_ways_is_in_no_hierarchy(settled: TestTenant) -> None:
    ground = Ground(settled, tree(single=False))
    problem = assert_problem(ground.create("x a1 b1 both"), 422, "VALIDATION_FAILED")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
        ("/is_bidirectional", "CONTRADICTION")
    ]
    assert [found["field_path"] for found in ground.validate("x a1 b1 both")["violations"]] == ["is_bidirectional"]
    ground.play("one = x a1 b1")
    assert_problem(ground.act("one", "both"), 422, "VALIDATION_FAILED")
    entry = {"id": ground.made["one"], "is_bidirectional": True}
    bulk = ground.api.post("/relationships/bulk_update/", [entry])
    assert [found["errors"][0]["field"] for found in bulk.json["results"]] == ["is_bidirectional"]


def test_no_hierarchy_is_made_of_what_goes_both_ways(settled: TestTenant) -> None:
    ground = Ground(settled)
    ground.play("one = x a1 b1 both INACTIVE")
    path, asked = f"/relationships/types/{ground.slugs['x']}/constraints/", {"constraint_type": "HIERARCHY"}
    problem = assert_problem(ground.api.post(path, asked), 409, "CONSTRAINT_VIOLATION")
    assert problem["relationships"] == 1
    assert problem["violations"][0]["message"] == "Relationships of a hierarchy go one way."
    assert ground.api.patch(f"/relationships/{ground.made['one']}/", {"is_bidirectional": False}).status_code == 200
    assert ground.api.post(path, asked).status_code == 201


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
def test_what_went_both_ways_does_not_come_back_into_a_hierarchy(settled: TestTenant, status: str) -> None:
    ground = Ground(settled)
    ground.play(f"""
        one = x a1 b1 both {status}
        two = x a2 b2
        one del
        two del
    """)
    ground.constrain(tree())
    problem = assert_problem(ground.act("one", "back"), 409, "CONSTRAINT_VIOLATION")
    found = problem["violations"]
    assert [(one["constraint_type"], one["field_path"]) for one in found] == [("HIERARCHY", "is_bidirectional")]
    assert problem["errors"][0]["message"] == "Relationships of a hierarchy go one way."
    ground.play("two back")
