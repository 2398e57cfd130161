"""Traversal against networkx on random graphs: the same records, at the same depths, by ways that are there."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo.store import traversal
from tests.api import Api
from tests.factories.pipeline import pipeline
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 6
TYPES = ("knows", "likes", "owns")
SHAPES = ((12, 14), (30, 45), (30, 140), (60, 90))
"""Numbers of records and relationships: thin, middling, thick, wide."""


@dataclass(frozen=True)
class Edge:
    source: str
    target: str
    type: str
    status: str
    is_bidirectional: bool
    since: int
    until: int | None

    @property
    def columns(self) -> dict[str, Any]:
        until = None if self.until is None else BEGIN + timedelta(days=self.until)
        return {
            "status": self.status, "is_bidirectional": self.is_bidirectional, "effective_until": until,
            "effective_from": BEGIN + timedelta(days=self.since),
        }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    direction: str
    depth: int
    types: tuple[str, ...]
    statuses: tuple[str, ...]
    day: int

    @property
    def query(self) -> dict[str, Any]:
        return {
            "direction": self.direction, "depth": self.depth, "relationship_types": ",".join(self.types),
            "status": ",".join(self.statuses), "effective_at": (BEGIN + timedelta(days=self.day)).isoformat(),
            "limit": 10_000,
        }  # fmt: skip

    def walks(self, edge: Edge) -> set[str]:
        """In which directions the relationship may be walked."""
        valid = edge.since <= self.day and (edge.until is None or self.day < edge.until)
        if not valid or edge.type not in self.types or edge.status not in self.statuses:
            return set()
        ways = {"forward": {"OUTBOUND"}, "reverse": {"INBOUND"}, "both": {"OUTBOUND", "INBOUND"}}
        return ways["both" if edge.is_bidirectional else self.direction]

    def graph(self, world: World) -> nx.DiGraph:
        """What may be walked, as it is walked."""
        graph = nx.DiGraph()
        graph.add_nodes_from(world.nodes)
        for edge in world.edges.values():
            ways = self.walks(edge)
            graph.add_edges_from([(edge.source, edge.target)] if "OUTBOUND" in ways else [])
            graph.add_edges_from([(edge.target, edge.source)] if "INBOUND" in ways else [])
        return graph


@dataclass(frozen=True)
class World:
    api: Api
    nodes: list[str]
    edges: dict[str, Edge]


ASKED = st.builds(
    Asked,
    st.sampled_from(("forward", "reverse", "both")),
    st.integers(1, 10),
    st.sets(st.sampled_from(TYPES), min_size=1).map(tuple),
    st.sets(st.sampled_from(("ACTIVE", "INACTIVE", "PENDING")), min_size=1).map(tuple),
    st.integers(-1, DAYS + 1),
)


@pytest.fixture(scope="module")
def worlds(settled: TestTenant) -> list[World]:
    pipeline(settled.api, "Nodes", [{"name": "Name", "field_type": "text"}])
    types = {slug: relationship_type(settled, slug) for slug in TYPES}
    return [_world(settled, types, random.Random(seed), *shape) for seed, shape in enumerate(SHAPES)]


def _world(tenant: TestTenant, types: dict[str, UUID], chance: random.Random, records: int, count: int) -> World:
    made = tenant.api.post("/pipelines/nodes/records/bulk_create/", [{"data": {}}] * records)
    assert made.status_code == 201, made.text
    nodes = [found["id"] for found in made.json["created"]]
    drawn = [_edge(chance, nodes) for _ in range(count)]
    edges: dict[str, Edge] = {}
    for (kind, _), group in itertools.groupby(sorted(drawn, key=_alike), key=_alike):
        found = list(group)
        pairs = [(edge.source, edge.target) for edge in found]
        ids = relate(tenant, types[kind], pairs, **found[0].columns)
        edges |= dict(zip(map(str, ids), found, strict=True))
    return World(tenant.api, nodes, edges)


def _alike(edge: Edge) -> tuple[str, str]:
    return edge.type, str(edge.columns)


def _edge(chance: random.Random, nodes: list[str]) -> Edge:
    """Some from a record to itself, some beside another between the same records; most of them in force."""
    since = chance.randrange(DAYS) if chance.random() < 0.3 else -1
    until = since + chance.randrange(1, DAYS) if chance.random() < 0.3 else None
    status = chance.choice(("ACTIVE", "ACTIVE", "ACTIVE", "INACTIVE", "PENDING"))
    return Edge(
        chance.choice(nodes), chance.choice(nodes), chance.choice(TYPES), status, chance.random() < 0.2, since, until
    )  # fmt: skip


def check_path(world: World, asked: Asked, start: str, path: dict[str, Any]) -> None:
    """It is there, may be walked, and leads from the start to its target."""
    at = start
    for step in path["relationships"]:
        edge = world.edges[step["id"]]
        assert (step["source_record_id"], step["target_record_id"]) == (edge.source, edge.target)
        assert step["relationship_type"] == edge.type
        assert step["direction"] in asked.walks(edge)
        before, at_next = (edge.source, edge.target) if step["direction"] == "OUTBOUND" else (edge.target, edge.source)
        assert before == at
        at = at_next
    assert at == path["target"]["id"]
    assert len(path["relationships"]) == path["depth"]


several = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=[1, 3, traversal.FIRST])
def first(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many records of a level are gone on from before the others: nobody can tell."""
    monkeypatch.setattr(traversal, "FIRST", request.param)


@pytest.mark.usefixtures("first")
@several
@given(asked=ASKED, which=st.integers(0, len(SHAPES) - 1), at=st.integers(0, 999))
def test_walks_are_those_of_networkx(worlds: list[World], asked: Asked, which: int, at: int) -> None:
    world = worlds[which]
    start, graph = world.nodes[at % len(world.nodes)], asked.graph(world)
    expected = nx.single_source_shortest_path_length(graph, start, cutoff=asked.depth)
    del expected[start]
    query = {"start": start, **asked.query}
    found = world.api.get("/relationships/traverse/", query_string=query).json
    assert {path["target"]["id"]: path["depth"] for path in found["paths"]} == expected
    ways = [[step["id"] for step in path["relationships"]] for path in found["paths"]]
    assert ways == _in_order(world, asked, start)
    for path in found["paths"]:
        check_path(world, asked, start, path)
    used = {step["relationship_type"] for path in found["paths"] for step in path["relationships"]}
    assert found["statistics"] == {
        "total_paths": len(expected), "unique_records_found": len(expected),
        "max_depth_reached": max(expected.values(), default=0), "relationship_types_used": sorted(used),
    }  # fmt: skip
    assert found["truncated"] is False
    drawn = world.api.get("/relationships/traverse/", query_string={**query, "format": "graph"}).json
    assert {node["id"]: node["depth"] for node in drawn["nodes"]} == {start: 0, **expected}
    for edge in drawn["edges"]:
        assert edge["is_bidirectional"] is world.edges[edge["id"]].is_bidirectional
    assert sorted(edge["id"] for edge in drawn["edges"]) == sorted(_walked(world, asked, {start: 0, **expected}))


def _in_order(world: World, asked: Asked, start: str) -> list[list[str]]:
    """The way to each record: of a level in the order of the records before it, and then of the relationships."""
    ways: dict[str, list[str]] = {start: []}
    level = [start]
    for _ in range(asked.depth):
        before, level = level, []
        for at, key in itertools.product(before, sorted(world.edges)):
            edge = world.edges[key]
            for end, other, way in ((edge.source, edge.target, "OUTBOUND"), (edge.target, edge.source, "INBOUND")):
                if end == at and other not in ways and way in asked.walks(edge):
                    ways[other] = [*ways[at], key]
                    level.append(other)
    return list(ways.values())[1:]


def _walked(world: World, asked: Asked, depths: dict[str, int]) -> list[str]:
    """All that leads on from a record that is not as far as it goes."""
    far = asked.depth

    def is_walked(edge: Edge) -> bool:
        ways = asked.walks(edge)
        out = "OUTBOUND" in ways and depths.get(edge.source, far) < far
        return out or ("INBOUND" in ways and depths.get(edge.target, far) < far)

    return [key for key, edge in world.edges.items() if is_walked(edge)]


@several
@given(
    asked=ASKED, which=st.integers(0, len(SHAPES) - 1), ends=st.tuples(st.integers(0, 999), st.integers(0, 999)),
    limit=st.sampled_from((1, 2, 3, 5, 9, 10_000)),
)  # fmt: skip
def test_shortest_paths_are_as_long_as_those_of_networkx(
    worlds: list[World], asked: Asked, which: int, ends: tuple[int, int], limit: int
) -> None:
    """One that is found is the shortest; one that is not found is said not to have been looked for everywhere."""
    world = worlds[which]
    start, end = (world.nodes[at % len(world.nodes)] for at in ends)
    reached = nx.single_source_shortest_path_length(asked.graph(world), start, cutoff=asked.depth)
    query = {"from": start, "to": end, **asked.query, "limit": limit}
    found = world.api.get("/relationships/shortest_path/", query_string=query).json
    assert found["truncated"] is False or (found["found"] is False and limit < 10_000)
    assert found["found"] is (end in reached) or found["truncated"]
    if found["found"]:
        assert found["path"]["depth"] == reached[end]
        assert found["path"]["target"]["id"] == end
        check_path(world, asked, start, found["path"])
    assert world.api.get("/relationships/shortest_path/", query_string=query).json == found


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("which", range(len(SHAPES)))
def test_a_cut_off_walk_is_the_beginning_of_the_whole(worlds: list[World], which: int) -> None:
    world = worlds[which]
    whole = world.api.get(f"/relationships/traverse/?start={world.nodes[0]}&depth=10").json
    for limit in range(1, len(whole["paths"]) + 2, 5):
        cut = world.api.get(f"/relationships/traverse/?start={world.nodes[0]}&depth=10&limit={limit}").json
        assert cut["paths"] == whole["paths"][:limit]
        assert cut["truncated"] is (limit < len(whole["paths"]))
