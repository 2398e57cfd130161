"""Twelve at once relate records: no constraint is broken, somebody wins, nobody waits in a circle (threats 64-67)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from oneo.operations.link_locks import MOST_SINGLE
from tests.api import Reply
from tests.factories.pipeline import deals, record
from tests.factories.relationship import relationship_types
from tests.factories.tenant import TestTenant
from tests.operations.link_ground import Ground
from tests.operations.link_model import Link, Rule, State, faults
from tests.threads import together

pytestmark = [pytest.mark.usefixtures("no_indexer"), pytest.mark.timeout(7200)]
ROUNDS = [pytest.param(2, id="some"), pytest.param(500, id="500", marks=pytest.mark.prove)]
WRITERS = 12
Work = Callable[[], Reply]

KINDS: dict[str, tuple[tuple[Rule, ...], Callable[[int], str], int]] = {
    "most at a source": ((Rule("x", "CARDINALITY", most=1),), lambda n: f"x a1 b{n}", 1),
    "most at a target": ((Rule("x", "CARDINALITY", most=1, per="target"),), lambda n: f"x b{n} a1", 1),
    "one to one": (
        (Rule("x", "CARDINALITY", most=1), Rule("x", "CARDINALITY", most=1, per="target")),
        lambda n: f"x a{n % 2} b{n // 2 % 2}", 2,
    ),
    "three at most": ((Rule("x", "CARDINALITY", most=3),), lambda n: f"x a1 b{n}", 3),
    "both ends": ((Rule("x", "CARDINALITY", most=1),), lambda n: f"x b{n} a1 both" if n % 2 else f"x a1 b{n}", 1),
    "exclusive types": (
        (Rule("x", "EXCLUSIVITY", types=("y",)),), lambda n: f"{'xy'[n % 2]} a1 b{n}", 1,
    ),
    "exclusive pair": (
        (Rule("x", "EXCLUSIVITY", per="pair", types=("y",)),),
        lambda n: f"{'xy'[n % 2]} " + ("a1 b1" if n % 3 else "b1 a1"), 1,
    ),
    "one parent": ((Rule("x", "HIERARCHY"),), lambda n: f"x b{n} a1", 1),
    "circle of three": ((Rule("x", "HIERARCHY", single=False),), lambda n: f"x a{n % 3} a{(n + 1) % 3}", 2),
    "two steps deep": (
        (Rule("x", "HIERARCHY", single=False, depth=2),), lambda n: f"x a{n % 4} a{n % 4 + 1}", 3,
    ),
    "duplicates": ((), lambda _: "x a1 b1", 1),
    "duplicates either way round": ((), lambda n: "x a1 b1 both" if n % 2 else "x b1 a1 both", 1),
    "duplicates in time": ((), lambda n: f"x a1 b1 {n % 3 + 1}-{n % 3 + 3}", 2),
}  # fmt: skip


def restart(ground: Ground) -> None:
    """New records under the same names."""
    ground.ids.clear()


def prepared(ground: Ground, texts: Sequence[str]) -> list[Work]:
    """Requests to make these, whose records are there."""
    bodies = [ground.body(text) for text in texts]
    return [partial(ground.api.post, "/relationships/", body) for body in bodies]


def assert_whole(ground: Ground, rules: Sequence[Rule], answers: Sequence[Reply]) -> int:
    """No answer is a surprise and no rule is broken; how many relationships there are."""
    strange = [answer.text for answer in answers if answer.status_code not in {200, 201, 204, 409}]
    assert strange == []
    names = {record_id: name for name, record_id in ground.ids.items()}
    types = {slug: name for name, slug in ground.slugs.items()}
    state: State = {}
    asked = f"source_record_id__in={','.join(names)}&page_size=1000"
    for row in ground.api.get(f"/relationships/?{asked}").json["results"]:
        lo, hi = (_moment(row[key]) for key in ("effective_from", "effective_until"))
        source, target = (names[row[f"{end}_record_id"]] for end in ("source", "target"))
        kind, both = types[row["relationship_type"]], row["is_bidirectional"]
        state[row["id"]] = Link(kind, source, target, row["status"], both, lo, hi)
    assert faults(rules, state) == set(), state
    return len([link for link in state.values() if link.status == "ACTIVE"])


def _moment(text: str | None) -> int:
    return int(text[:4]) - 2100 if text else 99


def assert_dense(tenant: TestTenant) -> None:
    after, last = 0, 0
    while events := tenant.api.events(after):
        numbers = [event["seq"] for event in events]
        assert numbers == list(range(last + 1, last + len(numbers) + 1))
        after = last = numbers[-1]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_twelve_who_want_the_same_place(tenant: TestTenant, kind: str, rounds: int) -> None:
    rules, text, most = KINDS[kind]
    ground = Ground(tenant, *rules)
    for _ in range(rounds):
        restart(ground)
        answers = together(prepared(ground, [text(n) for n in range(WRITERS)]))
        there = assert_whole(ground, rules, answers)
        won = Counter(answer.status_code for answer in answers)[201]
        assert 1 <= won == there <= most, kind
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("how", ["on", "back", "from", "both"])
def test_others_come_while_one_comes_back(tenant: TestTenant, how: str, rounds: int) -> None:
    """Activated, restored, moved in time or turned both ways, while others are made; one place for all."""
    rule = Rule("x", "CARDINALITY", most=1, per="target")
    ground = Ground(tenant, rule)
    for _ in range(rounds):
        restart(ground)
        works: list[Work] = []
        for n in range(WRITERS // 2):
            if how == "from":
                ground.play(f"w{n} = x b{n} a1 {n + 1}-{n + 2}")
                works.append(partial(ground.act, f"w{n}", "until", "99"))
            elif how == "both":
                ground.play(f"w{n} = x a1 b{n}")
                works.append(partial(ground.act, f"w{n}", "both"))
            else:
                ground.play(f"w{n} = x b{n} a1\nw{n} {'off' if how == 'on' else 'del'}")
                works.append(partial(ground.act, f"w{n}", how))
        late = "8-" if how == "from" else "1-"
        works += prepared(ground, [f"x b{n + 20} a1 {late}" for n in range(WRITERS // 2)])
        answers = together(works)
        assert_whole(ground, [rule], answers)
        assert len([answer for answer in answers if answer.status_code in {200, 201}]) == 1
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("on_delete", ["restrict", "detach", "keep"])
def test_records_are_removed_while_others_relate_them(tenant: TestTenant, on_delete: str, rounds: int) -> None:
    """Nothing is related to a record that is not there."""
    ground = Ground(tenant, on_delete=dict.fromkeys("xyz", on_delete))
    for _ in range(rounds):
        restart(ground)
        works = prepared(ground, [f"x a1 b{n}" if n % 2 else f"x b{n} a1" for n in range(WRITERS - 1)])
        works.append(partial(ground.api.delete, f"/records/{ground.ids['a1']}/"))
        answers = together(works)
        assert_whole(ground, [], answers)
        won = len([answer for answer in answers if answer.status_code == 201])
        gone = answers[-1].status_code == 204
        there = ground.api.get(f"/relationships/?source_record_id={ground.ids['a1']}").json["count"]
        there += ground.api.get(f"/relationships/?target_record_id={ground.ids['a1']}").json["count"]
        assert there == (0 if gone else won)
        if on_delete == "restrict":
            assert gone is (won == 0)
        else:
            assert gone
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("on_delete", ["detach", "keep"])
def test_what_others_need_does_not_go_with_records(tenant: TestTenant, on_delete: str, rounds: int) -> None:
    """Two records at whose relationships others hang, removed while these are made; and both of the last two."""
    rules = (
        Rule("x", "DEPENDENCY", requires="y", where="target"),
        Rule("z", "CARDINALITY", least=1, per="target"),
    )
    ground = Ground(tenant, *rules, on_delete=dict.fromkeys("xyz", on_delete))
    for _ in range(rounds):
        restart(ground)
        ground.play("y a1 b1\ny a2 b1\nz a1 b2\nz a2 b2")
        works = prepared(ground, [f"x a{n} b1" for n in range(10, 10 + WRITERS - 2)])
        works += [partial(ground.api.delete, f"/records/{ground.ids[name]}/") for name in ("a1", "a2")]
        answers = together(works)
        assert_whole(ground, rules[:1], answers)
        left = ground.api.get(f"/relationships/?target_record_id={ground.ids['b2']}").json["count"]
        assert left >= 1
        assert Counter(answer.status_code for answer in answers[-2:])[204] == 1
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("how", ["off", "del", "until 2", "many"])
def test_what_others_need_does_not_end_while_they_come(tenant: TestTenant, how: str, rounds: int) -> None:
    """Deactivated, removed, cut short or changed among many, while others are made that need it."""
    rule = Rule("x", "DEPENDENCY", requires="y", where="target")
    ground = Ground(tenant, rule)
    for _ in range(rounds):
        restart(ground)
        ground.play("one = y a1 b1")
        entry = {"id": ground.made["one"], "status": "INACTIVE"}
        many = partial(ground.api.post, "/relationships/bulk_update/", [entry])
        end: Work = many if how == "many" else partial(ground.act, "one", *how.split())
        ended, *answers = together([end, *prepared(ground, [f"x a{n} b1 3-4" for n in range(2, WRITERS + 1)])])
        assert_whole(ground, [rule], answers)
        won = Counter(answer.status_code for answer in answers)[201]
        assert (ended.status_code in {200, 204}) is (won == 0), ended.text
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_record_comes_back_while_others_take_its_places(tenant: TestTenant, rounds: int) -> None:
    rule = Rule("x", "CARDINALITY", most=1, per="target")
    ground = Ground(tenant, rule, on_delete={"x": "keep"})
    for _ in range(rounds):
        restart(ground)
        ground.play("x a1 b1")
        assert ground.api.delete(f"/records/{ground.ids['a1']}/").status_code == 204
        works = prepared(ground, [f"x a{n + 2} b1" for n in range(WRITERS - 1)])
        works.append(partial(ground.api.post, f"/records/{ground.ids['a1']}/restore/"))
        answers = together(works)
        assert assert_whole(ground, [rule], answers) == 1
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_many_types_and_records_at_once_wait_in_no_circle(tenant: TestTenant, rounds: int) -> None:
    """Bulks over the same records in any order, beside single writes and removals; one so large that it is alone."""
    rules = (
        Rule("x", "CARDINALITY", most=2), Rule("y", "HIERARCHY", single=False),
        Rule("z", "DEPENDENCY", requires="x"),
    )  # fmt: skip
    ground = Ground(tenant, *rules, on_delete=dict.fromkeys("xyz", "detach"))
    for turn in range(-(-rounds // 5)):
        restart(ground)
        names = [f"a{n}" for n in range(6)]
        pairs = [(one, two) for one in names for two in names if one != two]
        works: list[Work] = []
        for n in range(WRITERS - 3):
            texts = [f"{'xyz'[(at + n) % 3]} {one} {two}" for at, (one, two) in enumerate(pairs)]
            texts = texts[n * 5 % 30 :] + texts[: n * 5 % 30]
            entries = [ground.body(text) for text in (texts if n % 2 else texts[::-1])] * (8 if n == 0 else 1)
            mode = ("partial", "atomic")[n // 2 % 2]
            works.append(partial(ground.api.post, f"/relationships/bulk_create/?mode={mode}", entries))
        works += prepared(ground, ["y a5 a0"])
        works += [partial(ground.api.delete, f"/records/{ground.ids[name]}/") for name in ("a4", "a5")]
        answers = together(works)
        strange = [a.text for a in answers if a.status_code not in {200, 201, 204, 400, 409, 422}]
        assert strange == [], turn
        assert_whole(ground, rules, [])
    assert_dense(tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_who_changes_types_and_who_writes_about_very_many_wait_in_no_circle(
    tenant: TestTenant, rounds: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More types than are locked one by one. What waited in a circle would be in the log."""
    api = tenant.api
    caplog.set_level("WARNING", "oneo.events")
    monkeypatch.setattr(logging.getLogger("oneo"), "propagate", True)
    deals(api)
    names = relationship_types(tenant, MOST_SINGLE + 20)
    for turn in range(-(-rounds // 10)):
        one, two, three, four = (record(api, "deals", {"name": "x"})["id"] for _ in range(4))
        field = {"name": f"Field {turn}", "field_type": "text"}
        needs = {"constraint_type": "DEPENDENCY", "constraint_metadata": {"source_status": "active"}}
        excludes = {"constraint_type": "EXCLUSIVITY", "constraint_metadata": {"types": ["t7"]}}

        def link(name: str, source: str, target: str) -> dict[str, str]:
            return {"relationship_type": name, "source_record_id": source, "target_record_id": target}

        works: list[Work] = [
            partial(api.post, "/relationships/types/t7/constraints/", needs),
            partial(api.post, "/relationships/types/t8/constraints/", excludes),
            partial(api.post, "/relationships/types/t7/fields/", field),
            partial(api.post, "/pipelines/deals/fields/", field),
            partial(api.patch, "/relationships/types/t8/", {"description": f"{turn}"}),
            partial(api.patch, f"/records/{three}/", {"status": f"s{turn}"}),
            partial(api.delete, f"/records/{one}/"),
            partial(api.delete, f"/records/{two}/"),
            partial(api.post, "/relationships/", link("t7", one, three)),
            partial(api.post, "/relationships/", link("t8", three, two)),
            partial(api.post, "/relationships/bulk_create/", [link(name, four, three) for name in names]),
            partial(api.post, f"/records/{two}/restore/"),
        ]
        answers = together(works)
        assert [a.text for a in answers if a.status_code not in {200, 201, 204, 400, 404, 409, 422, 503}] == []
        for name in ("t7", "t8"):
            for made in api.get(f"/relationships/types/{name}/constraints/").json["results"]:
                api.delete(f"/relationships/types/{name}/constraints/{made['id']}/")
    assert "does not answer" not in caplog.text
    assert_dense(tenant)
