"""Relationships in plain Python: a list of them, and what is wrong with it, looked for at every moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

ENDLESS = 99
OTHER = {"source": "target", "target": "source"}


@dataclass(frozen=True)
class Rule:
    """A constraint of a type; `scope` is the pipeline that its source must be of."""

    type: str
    kind: str
    least: int = 0
    most: int | None = None
    scope: str | None = None
    per: str = "source"
    types: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    requires: str = ""
    where: str = "pair"
    statuses: tuple[tuple[str, str], ...] = ()
    parent: str = "source"
    single: bool = True
    depth: int | None = None


@dataclass(frozen=True)
class Link:
    """Between two records, whose pipelines are the first letters of their names."""

    type: str
    source: str
    target: str
    status: str
    both: bool
    lo: int
    hi: int
    deleted: bool = False
    asleep: bool = False

    def stands(self, moment: int) -> bool:
        return self.alive and self.status == "ACTIVE" and self.lo <= moment < self.hi

    @property
    def alive(self) -> bool:
        return not self.deleted and not self.asleep

    def at(self, end: str) -> set[str]:
        """The records of which it is one more relationship."""
        return {getattr(self, end)} | ({getattr(self, OTHER[end])} if self.both else set())

    @property
    def ways(self) -> set[tuple[str, str]]:
        return {(self.source, self.target)} | ({(self.target, self.source)} if self.both else set())


State = dict[str, Link]


def moments(links: Iterable[Link]) -> list[int]:
    return sorted({moment for link in links for moment in (link.lo, link.hi)} - {ENDLESS})


def faults(rules: Sequence[Rule], state: State) -> set[str]:
    """Codes of all that is wrong, whoever did it."""
    found = {"DUPLICATE_RELATIONSHIP"} if _has_duplicates(state.values()) else set()
    for rule in rules:
        broken: set[str] = set()
        for moment in moments(state.values()):
            standing = [link for link in state.values() if link.stands(moment)]
            broken |= set(_BROKEN[rule.kind](rule, standing))
        if "CIRCULAR_RELATIONSHIP" in broken:
            broken.discard("TOO_DEEP")
        found |= {"CONSTRAINT_VIOLATION" if code == "TOO_DEEP" else code for code in broken}
    return found


def too_few(rules: Sequence[Rule], before: State, after: State, gone: Iterable[str] = ()) -> set[str]:
    """The code, where a relationship that leaves leaves less than there must be."""
    for rule in rules:
        for key, was in before.items() if rule.least else ():
            now = after.get(key)
            for moment in moments([*before.values(), *after.values()]):
                if not counts(rule, was) or not was.stands(moment):
                    continue
                left = now.at(rule.per) if now is not None and now.stands(moment) else set()
                for record in was.at(rule.per) - left - set(gone):
                    there = [link for link in after.values() if link.stands(moment) and counts(rule, link)]
                    if sum(record in link.at(rule.per) for link in there) < rule.least:
                        return {"CONSTRAINT_VIOLATION"}
    return set()


def counts(rule: Rule, link: Link) -> bool:
    return (
        link.type in {rule.type, *rule.types}
        and (rule.scope is None or link.source.startswith(rule.scope))
        and (not rule.targets or link.target in rule.targets)
    )


def _has_duplicates(links: Iterable[Link]) -> bool:
    live = [link for link in links if link.alive and link.status in {"ACTIVE", "PENDING"}]
    return any(
        one.type == two.type and one.ways & two.ways and one.lo < two.hi and two.lo < one.hi
        for one, two in combinations(live, 2)
    )


def _crowd(rule: Rule, standing: Sequence[Link], places: Callable[[Link], set[Any]], most: int) -> Iterator[str]:
    crowds: dict[Any, int] = {}
    for link in standing:
        for place in places(link) if counts(rule, link) else ():
            crowds[place] = crowds.get(place, 0) + 1
    if any(crowd > most for crowd in crowds.values()):
        yield "CONSTRAINT_VIOLATION"


def _cardinality(rule: Rule, standing: Sequence[Link]) -> Iterator[str]:
    if rule.most is not None:
        yield from _crowd(rule, standing, lambda link: link.at(rule.per), rule.most)


def _exclusivity(rule: Rule, standing: Sequence[Link]) -> Iterator[str]:
    def places(link: Link) -> set[Any]:
        return {frozenset((link.source, link.target))} if rule.per == "pair" else link.at(rule.per)

    yield from _crowd(rule, standing, places, 1)


def _dependency(rule: Rule, standing: Sequence[Link]) -> Iterator[str]:
    for link in standing:
        if not counts(rule, link):
            continue
        ways = {way for one in standing if one.type == rule.requires for way in one.ways}
        if rule.where in {"pair", "reversed"}:
            wanted = (link.source, link.target) if rule.where == "pair" else (link.target, link.source)
            met = wanted in ways
        else:
            end = 0 if rule.where == "source" else 1
            met = getattr(link, rule.where) in {way[end] for way in ways}
        if not met:
            yield "CONSTRAINT_VIOLATION"


def _hierarchy(rule: Rule, standing: Sequence[Link]) -> Iterator[str]:
    child = OTHER[rule.parent]
    steps = [(getattr(link, rule.parent), getattr(link, child)) for link in standing if counts(rule, link)]
    if rule.single:
        yield from _crowd(rule, standing, lambda link: {getattr(link, child)}, 1)
    longest = 0
    paths = [[parent, below] for parent, below in steps]
    while paths:
        path = paths.pop()
        if path[-1] in path[:-1]:
            yield "CIRCULAR_RELATIONSHIP"
            continue
        longest = max(longest, len(path) - 1)
        paths += [[*path, below] for parent, below in steps if parent == path[-1]]
    if rule.depth is not None and longest > rule.depth:
        yield "TOO_DEEP"


_BROKEN = {
    "CARDINALITY": _cardinality, "EXCLUSIVITY": _exclusivity, "DEPENDENCY": _dependency, "HIERARCHY": _hierarchy,
}  # fmt: skip


def without_record(state: State, record: str, on_delete: dict[str, str]) -> State | None:
    """When a record is removed; None where that must not be."""
    after = dict(state)
    for key, link in state.items():
        if not link.alive or record not in {link.source, link.target}:
            continue
        what = on_delete[link.type]
        if what == "restrict" and link.source != link.target:
            return None
        after[key] = replace(link, deleted=True) if what == "detach" else replace(link, asleep=True)
    return after


def with_record(state: State, gone: Iterable[str]) -> State:
    """When a record is back, and those that are gone are not."""
    return {
        key: replace(link, asleep=False) if not {link.source, link.target} & set(gone) else link
        for key, link in state.items()
    }
