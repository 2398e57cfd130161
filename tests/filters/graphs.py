"""Small random graphs of records, filters over them, and what these mean in plain Python."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

NOW = "2026-01-01T00:00:00Z"
MOMENTS = ["2019-06-01T00:00:00Z", "2020-06-01T00:00:00Z", "2022-01-01T00:00:00Z"]
ENDS: dict[str, tuple[str | None, str | None]] = {"a_to_b": ("as", "bs"), "a_to_a": ("as", "as"), "any": (None, None)}
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "exact": operator.eq,
}
_ALIASES = {"forward": "outbound", "reverse": "inbound"}


@dataclass(frozen=True)
class Node:
    number: int
    place: str
    n: int | None


@dataclass(frozen=True)
class Link:
    kind: str
    source: Node
    target: Node
    status: str
    since: str
    until: str | None
    both_ways: bool
    strength: float


@dataclass(frozen=True)
class Graph:
    nodes: list[Node]
    links: list[Link]


def random_graph(seed: int) -> Graph:
    draw = random.Random(seed)
    nodes = [Node(at, "as" if at < 5 else "bs", draw.choice([None, 0, 1, 2])) for at in range(9)]
    links = []
    for _ in range(40):
        kind = draw.choice(list(ENDS))
        source, target = (draw.choice([one for one in nodes if end in {None, one.place}]) for end in ENDS[kind])
        links.append(
            Link(
                kind, source, target, draw.choice(["ACTIVE", "ACTIVE", "INACTIVE"]),
                draw.choice(["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]),
                draw.choice([None, None, "2022-01-01T00:00:00Z"]), draw.random() < 0.3, draw.choice([0.5, 1.0]),
            )
        )  # fmt: skip
    return Graph(nodes, links)


def matches(graph: Graph, node: Node, asked: dict[str, Any]) -> bool:
    return all(_member(graph, node, key, value) for key, value in asked.items())


def _member(graph: Graph, node: Node, key: str, value: Any) -> bool:
    if key == "and":
        return all(matches(graph, node, part) for part in value)
    if key == "or":
        return any(matches(graph, node, part) for part in value)
    if key == "not":
        return not matches(graph, node, value)
    if key == "related":
        return all(_related(graph, node, one) for one in (value if isinstance(value, list) else [value]))
    numbers: dict[str, int] = value
    return node.n is not None and all(_SIGNS[sign](node.n, number) for sign, number in numbers.items())


def _related(graph: Graph, node: Node, asked: dict[str, Any]) -> bool:
    found = sum(_leads(graph, node, link, asked) for link in graph.links)
    if "count" in asked:
        return all(_SIGNS[sign](found, number) for sign, number in asked["count"].items())
    return bool((found > 0) == asked.get("exists", True))


def _leads(graph: Graph, node: Node, link: Link, asked: dict[str, Any]) -> bool:
    at = _moment(asked.get("effective_at", NOW))
    wanted = asked.get("link", {})
    if link.kind != asked["type"] or link.status not in wanted.get("status", {}).get("in", ["ACTIVE"]):
        return False
    if not _moment(link.since) <= at or (link.until is not None and at >= _moment(link.until)):
        return False
    if "strength" in wanted and not link.strength < wanted["strength"]["lt"]:
        return False
    direction = _ALIASES.get(asked.get("direction", "both"), asked.get("direction", "both"))
    ends = [(link.source, link.target, "outbound"), (link.target, link.source, "inbound")]
    return any(
        near == node and (direction in {"both", way} or link.both_ways) and _counts(graph, far, asked)
        for near, far, way in ends
    )


def _counts(graph: Graph, far: Node, asked: dict[str, Any]) -> bool:
    return far.place == asked.get("pipeline", far.place) and matches(graph, far, asked.get("filter", {}))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _beyond(kind: str, near: str | None, given: str | None) -> str | None:
    """The one pipeline that records at the other end are of."""
    if given or kind == "any":
        return given
    if kind == "a_to_a":
        return "as"
    return {"as": "bs", "bs": "as", None: None}[near]


@st.composite
def steps(draw: st.DrawFn, near: str | None, left: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["a_to_b", "any"] if near == "bs" else list(ENDS)))
    given = draw(st.sampled_from([None, "as", "bs"])) if kind == "any" else None
    asked: dict[str, Any] = {"type": kind} | ({"pipeline": given} if given else {})
    optional: dict[str, st.SearchStrategy[Any]] = {
        "direction": st.sampled_from(["outbound", "inbound", "both", "forward", "reverse"]),
        "filter": filters(_beyond(kind, near, given), left - 1),
        "effective_at": st.sampled_from(MOMENTS),
        "link": st.sampled_from([{"status": {"in": ["ACTIVE", "INACTIVE"]}}, {"strength": {"lt": 1}}]),
    }
    for key, values in optional.items():
        if draw(st.booleans()):
            asked[key] = draw(values)
    many = {"count": st.dictionaries(st.sampled_from(list(_SIGNS)), st.integers(0, 3), min_size=1, max_size=2)}
    return asked | draw(st.sampled_from([{}, {"exists": False}]) | st.fixed_dictionaries(many))


@st.composite
def filters(draw: st.DrawFn, near: str | None, left: int = 3, depth: int = 0) -> dict[str, Any]:
    shapes = ["plain"] if near else []
    shapes += ["related", "related", "two"] if left else []
    shapes += ["and", "or", "not"] if depth < 1 and shapes else []
    shape = draw(st.sampled_from(shapes or ["nothing"]))
    if shape == "nothing":
        return {}
    if shape == "plain":
        sign = draw(st.sampled_from(list(_SIGNS)))
        return {"data__n": {sign: draw(st.integers(0, 2))}}
    if shape == "related":
        return {"related": draw(steps(near, left))}
    if shape == "two":
        return {"related": [draw(steps(near, left)), draw(steps(near, 1))]}
    inner = filters(near, left, depth + 1)
    return {shape: draw(inner) if shape == "not" else draw(st.lists(inner, min_size=1, max_size=2))}
