"""Traversal: which records can be reached from one along relationships, and by which way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import readable_groups, readable_types
from oneo.access.schema import find_pipeline, schema_of, sight_of
from oneo.actor import Actor
from oneo.errors import FaultList, InvalidParameter, RecordNotFound, ValidationFailed, pointer
from oneo.fields.dates import DateTime
from oneo.fields.scalars import Text
from oneo.filters.columns import Column
from oneo.filters.compile import compile_filter
from oneo.filters.data import COMMON
from oneo.filters.parse import Budget, parse_json
from oneo.filters.sql import TRUE, Sql, all_of
from oneo.filters.steps import STEPS
from oneo.models.relationship import STATUSES
from oneo.store import traversal as store
from oneo.store.link_sight import Group
from oneo.store.records import title_sql
from oneo.store.search import by_pipeline

MAX_DEPTH = 10
LIMIT, MAX_LIMIT = 1_000, 10_000
FORMATS = ("paths", "graph")
DIRECTIONS: Mapping[str, tuple[bool, bool]] = {
    "forward": (True, False), "reverse": (False, True), "both": (True, True), "outbound": (True, False),
    "inbound": (False, True),
}  # fmt: skip
"""Whether relationships are walked from source to target, and from target to source; in any case of letters."""
WALKED = tuple(status for status in STATUSES if status != "DELETED")


@dataclass(frozen=True, slots=True)
class Traversal:
    """What a face was asked. Types and pipelines are ids or slugs; None is all of them. `effective_at` None is now.
    Of a name that is None a fault is known.

    `filter` is about relationships and `record_filter` about each record on the way but the start, as JSON.
    """

    depth: int = 1
    direction: str = "both"
    relationship_types: Sequence[str | None] | None = None
    status: Sequence[str | None] | None = None
    include_inactive: bool = False
    effective_at: str | None = None
    filter: object = None
    record_filter: object = None
    pipelines: Sequence[str | None] | None = None
    limit: int = LIMIT
    format: str = "paths"


def traverse(
    actor: Actor, start: UUID, asked: Traversal, *, pipeline: str | None = None, faults: FaultList | None = None
) -> tuple[int, str]:
    """(the tenant's event number, JSON text). `faults` are those of a body that asks.

    Raises RecordNotFound, PipelineNotFound, StaleActor, InvalidParameter, or for a body ValidationFailed.
    """
    walk = walk_for(actor, asked, faults)
    if pipeline is not None:
        place = find_pipeline(actor, pipeline, P.RECORDS_READ).shape.id
        walk = replace(walk, sight=[Group(g.scope, [place]) for g in walk.sight if place in g.pipelines])
    return _found((store.graph_from if asked.format == "graph" else store.paths_from)(actor, walk, start))


def find_shortest_path(actor: Actor, start: UUID, end: UUID, asked: Traversal) -> tuple[int, str]:
    """As above; `limit` is how many records are looked at from either end."""
    return _found(store.path_between(actor, walk_for(actor, asked), start, end))


def _found(answer: store.Found) -> tuple[int, str]:
    if answer.body is None:
        raise RecordNotFound
    return answer.seq, answer.body


def walk_for(actor: Actor, asked: Traversal, of_body: FaultList | None = None) -> store.Walk:
    """What of that the caller may walk. Everything that is wrong with it is said at once: raises InvalidParameter, or
    ValidationFailed for a body.
    """
    policy.require(actor, P.RELATIONSHIPS_READ)
    policy.require(actor, P.RECORDS_READ)
    faults = of_body or FaultList()
    _check_ranges(asked, faults)
    types = {found.type.id: found.type.slug for found in readable_types(actor)}
    chosen = _chosen(types, asked.relationship_types, "relationship_types", faults)
    sight = readable_groups(actor)
    groups = _within(actor, sight, asked.pipelines, faults)
    statuses, moment = _statuses(asked, faults), _moment(asked.effective_at, faults)
    titles = _titles(actor, sight)
    budget = Budget()
    links = _condition(asked.filter, STEPS, "filter", faults, budget)
    records = _condition(asked.record_filter, _columns(titles), "record_filter", faults, budget)
    faults.check(ValidationFailed if of_body else InvalidParameter)
    outbound, inbound = DIRECTIONS[asked.direction.lower()]
    return store.Walk(
        types={key: slug for key, slug in types.items() if key in chosen}, outbound=outbound, inbound=inbound,
        links=all_of([store.in_force(statuses, moment), links]), sight=sight, groups=groups, records=records,
        titles=titles, depth=asked.depth, limit=asked.limit,
        keep=asked.filter is None and asked.record_filter is None,
    )  # fmt: skip


def _check_ranges(asked: Traversal, faults: FaultList) -> None:
    for name, value, most in (("depth", asked.depth, MAX_DEPTH), ("limit", asked.limit, MAX_LIMIT)):
        if not 1 <= value <= most:
            faults.add(pointer(name), "OUT_OF_RANGE", f"From 1 to {most:,} is expected.", allowed=("1", str(most)))
    _check_word("direction", asked.direction.lower(), DIRECTIONS, faults)
    _check_word("format", asked.format, FORMATS, faults)


def _check_word(name: str, word: str, known: Iterable[str], faults: FaultList, code: str = "INVALID_VALUE") -> None:
    if word not in known:
        faults.add(pointer(name), code, f"{word[:50]!r} is not known here.", allowed=known, near=(word, known))


def _chosen(
    slugs: Mapping[UUID, str], names: Sequence[str | None] | None, parameter: str, faults: FaultList
) -> set[UUID]:
    """Those that are named by id or slug. What the caller may not read is not there for him."""
    if names is None:
        return set(slugs)
    known = {name: key for key, slug in slugs.items() for name in (str(key), slug)}
    given = [name for name in names if name is not None]
    for name in given:
        if name.lower() not in known:
            of_types = parameter == "relationship_types"
            faults.add(
                pointer(parameter), "RELATIONSHIP_TYPE_NOT_FOUND" if of_types else "PIPELINE_NOT_FOUND",
                f"There is no such {'relationship type' if of_types else 'pipeline'}.",
                near=(name, slugs.values()),
            )  # fmt: skip
    return {known[name.lower()] for name in given if name.lower() in known}


def _within(
    actor: Actor, sight: list[Group], names: Sequence[str | None] | None, faults: FaultList
) -> list[Group]:  # fmt: skip
    """The groups of records that may be walked to."""
    if names is None:
        return sight
    pipelines = schema_of(actor).pipelines
    slugs = {key: pipelines[key].slug for group in sight for key in group.pipelines}
    chosen = _chosen(slugs, names, "pipelines", faults)
    kept = [Group(group.scope, [key for key in group.pipelines if key in chosen]) for group in sight]
    return [group for group in kept if group.pipelines]


def _statuses(asked: Traversal, faults: FaultList) -> list[str]:
    if asked.status is not None and asked.include_inactive:
        faults.add("/include_inactive", "CONTRADICTION", "Either the statuses are given or all of them are asked for.")
    names = [name.upper() for name in asked.status or ("ACTIVE",) if name is not None]
    for name in names:
        _check_word("status", name, WALKED, faults)
    return list(WALKED) if asked.include_inactive else sorted(set(names))


def _moment(text: str | None, faults: FaultList) -> str | None:
    try:
        return None if text is None else DateTime().from_json(text)
    except ValueError as error:
        faults.add("/effective_at", "INVALID_VALUE", str(error))
        return None


def _condition(
    asked: object, columns: Mapping[str, Column], parameter: str, faults: FaultList, budget: Budget
) -> Sql:  # fmt: skip
    if asked is None:
        return TRUE
    try:
        return compile_filter(parse_json(asked, columns, where=pointer(parameter), budget=budget), columns)
    except InvalidParameter as error:
        faults.take(error.faults, error.extra.get("errors_left_out", 0))
        return TRUE


def _titles(actor: Actor, sight: Sequence[Group]) -> str:
    """What records are called, as the caller sees it."""
    pipelines = schema_of(actor).pipelines
    shapes = [pipelines[key] for group in sight for key in group.pipelines]
    return by_pipeline("r", {s.id: title_sql(s, sight_of(actor, s).hidden) for s in shapes}, "NULL::text")


def _columns(titles: str) -> Mapping[str, Column]:
    """What all records have."""
    return {**COMMON, "title": Column(f"({titles})", Text())}
