"""Filters through relations find in random graphs what plain Python finds (issue 4; threats 55-58)."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.filters.compile import compile_filter
from oneo.filters.parse import parse_json
from oneo.filters.related import MAX_RELATED
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant
from tests.filters.graphs import ENDS, Graph, filters, matches, random_graph

PLACES = ("as", "bs")


def written(tenant: TestTenant, graph: Graph) -> dict[str, int]:
    """The graph as records and relationships; which record is which node."""
    ids: list[str] = []
    for place in PLACES:
        pipeline(tenant.api, place.title(), [{"name": "N", "field_type": "number"}])
        data = [{} if node.n is None else {"n": node.n} for node in graph.nodes if node.place == place]
        ids += [record(tenant.api, place, one)["id"] for one in data]
    types = {kind: relationship_type(tenant, kind, *ends) for kind, ends in ENDS.items()}
    for link in graph.links:
        relate(
            tenant, types[link.kind], [(ids[link.source.number], ids[link.target.number])], status=link.status,
            effective_from=link.since, effective_until=link.until, is_bidirectional=link.both_ways,
            strength=link.strength,
        )  # fmt: skip
    return {found: at for at, found in enumerate(ids)}


def few(asked: tuple[str, dict[str, Any]]) -> bool:
    """No more relations than are taken."""
    return json.dumps(asked[1]).count('"type"') <= MAX_RELATED


@pytest.mark.parametrize(("seed", "examples"), [(1, 100), pytest.param(2, 1_000, marks=pytest.mark.prove)])
def test_what_is_found_is_what_is_meant(tenant: TestTenant, seed: int, examples: int) -> None:
    graph = random_graph(seed)
    numbers = written(tenant, graph)

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    @given(asked=st.sampled_from(PLACES).flatmap(lambda place: st.tuples(st.just(place), filters(place))).filter(few))
    def check(asked: tuple[str, dict[str, Any]]) -> None:
        place, condition = asked
        path = f"/pipelines/{place}/records/?fields=id&filter={quote(json.dumps(condition))}"
        found = tenant.api.get(path)
        assert found.status_code == 200, found.text
        expected = [node.number for node in graph.nodes if node.place == place and matches(graph, node, condition)]
        assert sorted(numbers[row["id"]] for row in found.json["results"]) == expected

    check()


def test_a_step_is_looked_up_in_the_index_of_its_end(tenant: TestTenant, database_address: str) -> None:
    """From few records a step asks for their relationships, not for all there are, also where there is another way."""
    graph = random_graph(3)
    numbers = {at: found for found, at in written(tenant, graph).items()}
    kind = relationship_type(tenant, "often", "as", "bs")
    sources, targets = ([numbers[node.number] for node in graph.nodes if node.place == place] for place in PLACES)
    relate(tenant, kind, [(source, target) for source in sources for target in targets] * 100)
    with closing(psycopg2.connect(database_address)) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE records, relationships")
        connection.commit()
    for place, end in (("as", "source"), ("bs", "target")):
        plain: dict[str, Any] = {"related": {"type": "often"}}
        for asked in (plain, {"or": [plain, {"data__n": 5}]}, {"not": plain}):
            plan = _plan(tenant, place, asked)
            assert f"ix_relationships_{end}" in plan, plan
            assert "Seq Scan on relationships" not in plan, plan


def _plan(tenant: TestTenant, place: str, asked: dict[str, Any]) -> str:
    actor = system_actor(tenant.id)
    with tenant.app.app_context(), unit(actor) as work:
        sight = find_pipeline(actor, place, P.RECORDS_READ)
        relations = partial(relations_of, actor, sight.shape)
        where = compile_filter(parse_json(asked, sight.columns, relations), sight.columns)
        cursor = work.session.connection().connection.cursor()
        cursor.execute(
            f"EXPLAIN SELECT r.id FROM my_records r WHERE r.tenant_id = '{tenant.id}' "
            f"AND r.id = '{tenant.id}' AND {where.text}",
            where.values,
        )
        return "\n".join(row[0] for row in cursor.fetchall())
