"""Relationships under constraints against a model in memory, by steps in any order (threats 64-67)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.api import Api, Reply
from tests.factories.tenant import TestTenant
from tests.operations.link_ground import TYPES, Ground, year
from tests.operations.link_model import ENDLESS, Link, Rule, State, faults, too_few, with_record, without_record
from tests.operations.machine import run

RECORDS = ("a1", "a2", "b1", "b2")
ends, types, flags = st.sampled_from(("source", "target")), st.sampled_from(TYPES), st.booleans()
spans = st.tuples(st.integers(1, 5), st.sampled_from([2, 3, 4, 6, ENDLESS])).filter(lambda span: span[0] < span[1])
statuses = st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "PENDING", "INACTIVE"])
scopes = st.sampled_from([None, None, "a", "b"])
links = st.builds(
    lambda type_, source, target, status, span, *, both: Link(type_, source, target, status, both, *span),
    types, st.sampled_from(RECORDS), st.sampled_from(RECORDS), statuses, spans, both=flags,
)  # fmt: skip
changes = st.fixed_dictionaries({}, optional={"status": statuses, "both": flags, "span": spans})
rules = st.one_of(
    st.builds(Rule, types, st.just("CARDINALITY"), least=st.integers(0, 1), most=st.sampled_from([None, 1, 2]),
              scope=scopes, per=ends),
    st.builds(Rule, types, st.just("EXCLUSIVITY"), scope=scopes, per=st.sampled_from(("source", "target", "pair")),
              types=st.lists(types, max_size=2).map(tuple), targets=st.sampled_from([(), (), ("a1", "b2")])),
    st.builds(Rule, types, st.just("DEPENDENCY"), scope=scopes, requires=types,
              where=st.sampled_from(("pair", "reversed", "source", "target"))).filter(lambda r: r.type != r.requires),
    st.builds(Rule, types, st.just("HIERARCHY"), parent=ends, single=flags, depth=st.sampled_from([None, 1, 2])),
)  # fmt: skip


class Links(RuleBasedStateMachine):
    """`model` has the relationships by their ids; `gone` are the records that are removed."""

    tenant: TestTenant

    @initialize(
        chosen=st.lists(rules, min_size=1, max_size=3),
        on_delete=st.fixed_dictionaries({name: st.sampled_from(("restrict", "detach", "keep")) for name in TYPES}),
    )
    def start(self, chosen: list[Rule], on_delete: dict[str, str]) -> None:
        self.api: Api = self.tenant.api
        self.chosen, self.on_delete = chosen, on_delete
        self.one_way = {found.type for found in chosen if found.kind == "HIERARCHY"}
        self.model: State = {}
        self.gone: set[str] = set()
        self.ground = Ground(self.tenant, *chosen, on_delete=on_delete)
        self.ids, self.slugs = self.ground.ids, self.ground.slugs

    # -- what is sent and what should come of it -----------------------------------------------------------------------

    def body(self, link: Link) -> dict[str, Any]:
        return {
            "relationship_type": self.slugs[link.type], "source_record_id": self.ids[link.source],
            "target_record_id": self.ids[link.target], "status": link.status, "is_bidirectional": link.both,
            "effective_from": year(link.lo), "effective_until": year(link.hi),
        }  # fmt: skip

    def fitting(self, link: Link) -> Link:
        return replace(link, both=False) if link.type in self.one_way else link

    def wrong(self, after: State, gone: set[str] | None = None) -> set[str]:
        """Codes of what stands against it."""
        return faults(self.chosen, after) | too_few(self.chosen, self.model, after, gone or ())

    def settle(self, answer: Reply, after: State, good: int, *, dead: bool = False) -> bool:
        """It has been done if nothing stands against it."""
        wrong = {"INACTIVE_THING"} if dead else self.wrong(after)
        if wrong:
            assert answer.status_code == 409, (answer.text, wrong)
            assert answer.json["code"] in wrong, (answer.text, wrong)
            return False
        assert answer.status_code == good, answer.text
        self.model = after
        return True

    def pick(self, number: int) -> str:
        return list(self.model)[number % len(self.model)]

    def changed(self, key: str, change: Mapping[str, Any]) -> Link:
        was = self.model[key]
        span = change.get("span", (was.lo, was.hi))
        both = change.get("both", was.both)
        return self.fitting(
            replace(was, status=change.get("status", was.status), both=both, lo=span[0], hi=span[1])
        )  # fmt: skip

    def patch(self, link: Link, change: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"strength": 0.5}
        if "span" in change:
            body |= {"effective_from": year(link.lo), "effective_until": year(link.hi)}
        if "status" in change:
            body["status"] = link.status
        if "both" in change:
            body["is_bidirectional"] = link.both
        return body

    # -- steps ---------------------------------------------------------------------------------------------------------

    @rule(link=links, asked=flags)
    def create(self, link: Link, *, asked: bool) -> None:
        link = self.fitting(link)
        dead = bool({link.source, link.target} & self.gone)
        if asked:
            wrong = {"INACTIVE_THING"} if dead else self.wrong({**self.model, "new": link})
            answer = self.api.post("/relationships/validate/", self.body(link))
            assert {found["code"] for found in answer.json["violations"]} == wrong, answer.text
            assert answer.json["is_valid"] is not bool(wrong)
        answer = self.api.post("/relationships/", self.body(link))
        key = answer.json.get("id", "new")
        self.settle(answer, {**self.model, key: link}, 201, dead=dead)

    @precondition(lambda self: self.model)
    @rule(number=st.integers(0, 99), change=changes)
    def update(self, number: int, change: dict[str, Any]) -> None:
        key = self.pick(number)
        link = self.changed(key, change)
        answer = self.api.patch(f"/relationships/{key}/", self.patch(link, change))
        self.stand_or(answer, key, link)

    @precondition(lambda self: self.model)
    @rule(number=st.integers(0, 99), status=st.sampled_from(["ACTIVE", "INACTIVE"]))
    def switch(self, number: int, status: str) -> None:
        key = self.pick(number)
        verb = "activate" if status == "ACTIVE" else "deactivate"
        answer = self.api.post(f"/relationships/{key}/{verb}/")
        self.stand_or(answer, key, replace(self.model[key], status=status))

    def stand_or(self, answer: Reply, key: str, link: Link) -> None:
        if not self.model[key].alive:
            assert answer.status_code == 404, answer.text
            return
        self.settle(answer, {**self.model, key: link}, 200)

    @precondition(lambda self: self.model)
    @rule(number=st.integers(0, 99))
    def delete(self, number: int) -> None:
        key = self.pick(number)
        answer = self.api.delete(f"/relationships/{key}/")
        if not self.model[key].alive:
            assert answer.status_code == 404, answer.text
            return
        self.settle(answer, {**self.model, key: replace(self.model[key], deleted=True)}, 204)

    @precondition(lambda self: any(link.deleted for link in self.model.values()))
    @rule(number=st.integers(0, 99))
    def restore(self, number: int) -> None:
        removed = [key for key, link in self.model.items() if link.deleted]
        key = removed[number % len(removed)]
        link = replace(self.model[key], deleted=False)
        answer = self.api.post(f"/relationships/{key}/restore/")
        self.settle(answer, {**self.model, key: link}, 200, dead=bool({link.source, link.target} & self.gone))

    @rule(entries=st.lists(links, min_size=1, max_size=5), mode=st.sampled_from(["partial", "atomic", "dry_run"]))
    def bulk_create(self, entries: list[Link], mode: str) -> None:
        entries = [self.fitting(link) for link in entries if not {link.source, link.target} & self.gone]
        answer = self.api.post(f"/relationships/bulk_create/?mode={mode}", [self.body(link) for link in entries])
        wanted = {f"new {at}": link for at, link in enumerate(entries)}
        self.settle_many(answer, mode, wanted)

    @precondition(lambda self: any(link.alive for link in self.model.values()))
    @rule(
        picks=st.dictionaries(st.integers(0, 5), changes, min_size=1, max_size=4),
        mode=st.sampled_from(["partial", "atomic", "dry_run"]),
    )
    def bulk_update(self, picks: dict[int, dict[str, Any]], mode: str) -> None:
        alive = [key for key, link in self.model.items() if link.alive]
        chosen = {alive[at % len(alive)]: change for at, change in picks.items()}
        wanted = {key: self.changed(key, change) for key, change in chosen.items()}
        entries = [{"id": key, **self.patch(wanted[key], change)} for key, change in chosen.items()]
        answer = self.api.post(f"/relationships/bulk_update/?mode={mode}", entries)
        self.settle_many(answer, mode, wanted)

    def settle_many(self, answer: Reply, mode: str, wanted: State) -> None:
        """All if that breaks nothing; else some, and together they break nothing."""
        wrong = self.wrong({**self.model, **wanted})
        if mode == "atomic" and wrong:
            assert answer.status_code == 422, answer.text
            return
        verdicts = [result["success"] for result in answer.json["results"]]
        assert wrong or all(verdicts), answer.text
        written = {key: link for (key, link), good in zip(wanted.items(), verdicts, strict=True) if good}
        after = {**self.model, **written}
        assert not self.wrong(after), (answer.text, self.wrong(after))
        if "new 0" in wanted and all(found.kind != "DEPENDENCY" for found in self.chosen):
            for key, link in wanted.items():
                assert key in written or self.wrong({**after, key: link}), answer.text
        if mode != "dry_run":
            shown = {result["index"]: result for result in answer.json["results"]}
            keys = {f"new {at}": (found.get("relationship") or {}).get("id") for at, found in shown.items()}
            self.model = {**self.model, **{keys.get(key) or key: link for key, link in written.items()}}

    @rule(name=st.sampled_from(RECORDS))
    def remove_record(self, name: str) -> None:
        if name in self.gone:
            return
        answer = self.api.delete(f"/records/{self.ids[name]}/")
        after = without_record(self.model, name, self.on_delete)
        if after is None:
            assert (answer.status_code, answer.json["code"]) == (409, "THING_IN_USE"), answer.text
            return
        wrong = self.wrong(after, {name})
        if wrong:
            assert (answer.status_code, answer.json["code"]) == (409, "CONSTRAINT_VIOLATION"), answer.text
            return
        assert answer.status_code == 204, answer.text
        self.model, self.gone = after, self.gone | {name}

    @precondition(lambda self: self.gone)
    @rule(number=st.integers(0, 9))
    def restore_record(self, number: int) -> None:
        name = sorted(self.gone)[number % len(self.gone)]
        answer = self.api.post(f"/records/{self.ids[name]}/restore/")
        if self.settle(answer, with_record(self.model, self.gone - {name}), 200):
            self.gone -= {name}

    def teardown(self) -> None:
        """What there is, is what the model has."""
        if not hasattr(self, "ground"):
            return
        slugs = ",".join(self.slugs.values())
        found = self.api.get(f"/relationships/?relationship_type__in={slugs}&page_size=1000").json["results"]
        names = {record_id: name for name, record_id in self.ids.items()}
        shown = {
            row["id"]: (
                names[row["source_record_id"]], names[row["target_record_id"]], row["status"], row["is_bidirectional"],
                row["effective_from"][:4], (row["effective_until"] or "")[:4],
            )
            for row in found
        }  # fmt: skip
        assert shown == {
            key: (
                link.source, link.target, link.status, link.both, year(link.lo)[:4],  # type: ignore[index]
                (year(link.hi) or "")[:4],
            )
            for key, link in self.model.items()
            if link.alive
        }  # fmt: skip


def test_relationships_do_what_the_model_does(settled: TestTenant) -> None:
    run(Links, settled, examples=6, steps=30)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_relationships_do_what_the_model_does_for_thousands_of_steps(settled: TestTenant) -> None:
    run(Links, settled, examples=300, steps=60)
