"""Many relationships in one call: as if each had come alone, earlier ones first."""

from __future__ import annotations

import random

import pytest

from tests.factories.tenant import TestTenant
from tests.operations.link_ground import Ground
from tests.operations.link_model import Rule

RULES: dict[str, tuple[Rule, ...]] = {
    "nothing but twins": (),
    "two at a source": (Rule("x", "CARDINALITY", most=2),),
    "one at a target, of two types": (Rule("x", "EXCLUSIVITY", types=("y",), per="target"),),
    "what is needed, which is one at its source": (
        Rule("x", "DEPENDENCY", requires="y", where="source"),
        Rule("y", "CARDINALITY", most=1),
    ),
    "a hierarchy of two steps": (Rule("x", "HIERARCHY", depth=2), Rule("y", "CARDINALITY", most=1, per="target")),
    "a hierarchy that excludes others": (Rule("x", "HIERARCHY"), Rule("x", "EXCLUSIVITY", types=("y",), per="target")),
}


def texts(chance: random.Random, number: int) -> list[str]:
    found = []
    for _ in range(number):
        source, target = chance.sample([f"a{at}" for at in range(7)], 2)
        window = chance.choice(["", "", "1-3", "2-4", "3-"])
        way = chance.choice(["", "", "", "both"])
        found.append(f"{chance.choice('xy')} {source} {target} {window} {way}")
    return found


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", RULES)
def test_many_are_what_they_would_be_one_by_one(settled: TestTenant, name: str, seed: int) -> None:
    """Checklist 4.8, 74: per-index results of a partial bulk, however many exclude each other."""
    together, alone = Ground(settled, *RULES[name]), Ground(settled, *RULES[name])
    wanted = texts(random.Random(f"{name} {seed}"), 60)
    if "hierarchy" in name:
        wanted = [text.replace("both", "") for text in wanted]
    answer = together.bulk(wanted)
    assert answer.status_code == 201, answer.text
    found = [result["success"] for result in answer.json["results"]]
    assert found == [alone.create(text).status_code == 201 for text in wanted]
    assert 3 < sum(found) < 57


def test_many_are_activated_as_if_one_by_one(settled: TestTenant) -> None:
    together, alone = (Ground(settled, Rule("x", "CARDINALITY", most=2)) for _ in range(2))
    wanted = [text.replace("y ", "x ") for text in texts(random.Random(7), 40)]
    rows = [[ground.create(f"{text} INACTIVE").json["id"] for text in wanted] for ground in (together, alone)]
    entries = [{"id": found, "status": "ACTIVE"} for found in rows[0]]
    results = together.api.post("/relationships/bulk_update/", entries).json["results"]
    expected = [alone.api.post(f"/relationships/{found}/activate/").status_code == 200 for found in rows[1]]
    assert [result["success"] for result in results] == expected
    assert 5 < sum(expected) < 35


def test_a_long_chain_is_made_in_one_call(settled: TestTenant) -> None:
    """Every way up and every way down is looked at."""
    ground = Ground(settled, Rule("x", "HIERARCHY", depth=400))
    answer = ground.bulk([f"x a{at} a{at + 1}" for at in range(400)], mode="atomic")
    assert answer.status_code == 201, answer.text[:500]
    for text, code in (("x a400 a401", "CONSTRAINT_VIOLATION"), ("x a400 a0", "CIRCULAR_RELATIONSHIP")):
        assert ground.create(text).json["code"] == code
