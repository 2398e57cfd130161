"""Graphs to walk: relationships between records of their own, loaded as rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import psycopg2
import psycopg2.extensions

from bench.workloads import Loaded
from oneo.access.schema import schema_of
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import RelationshipType
from oneo.operations.pipelines import create_pipeline
from oneo.operations.traversal import Traversal, walk_for
from oneo.store.message import BY_INDEX, tenant_setting
from oneo.store.traversal import paths_sql

EDGES = {
    "levels": (5_001, "SELECT greatest(n - 1000, 0), n FROM generate_series(1, 5000) n"),
    "complete": (100, "SELECT a, b FROM generate_series(0, 99) a, generate_series(0, 99) b WHERE a <> b"),
    "hubs": (
        100_010,
        """SELECT hub, 10 + hub * 10000 + n FROM generate_series(0, 9) hub, generate_series(0, 9999) n
           UNION ALL
           SELECT 10 + hub * 10000 + n, (hub + 1) % 10
           FROM generate_series(0, 9) hub, generate_series(0, 9999, 10) n""",
    ),
    "random": (
        100_000,
        """SELECT floor(random() * 100000)::int, floor(random() * 100000)::int
           FROM generate_series(1, 1000000), (SELECT setseed(0.5)) seeded""",
    ),
}
"""How many records, numbered from 0 on, and the pairs of numbers that are related."""


def draw(loaded: Loaded, dsn: str, graphs: Iterable[str]) -> Loaded:
    """Adds the graphs, each under a relationship type of its name; walks begin at their first records."""
    actor = system_actor(loaded.tenant_id)
    chosen = list(graphs)
    if not chosen:
        return loaded
    fields = [{"name": "Name", "field_type": "text"}]
    create_pipeline(actor, {"name": "Nodes", "slug": "nodes", "title_field": "name", "fields": fields})
    shape = schema_of(actor).find("nodes")
    if shape is None:
        raise RuntimeError("the pipeline is not there")
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    starts = {name: _draw(connection, name, loaded.tenant_id, shape.id) for name in chosen}
    walks = {name: _walk(connection, loaded.tenant_id, name, start) for name, start in starts.items()}
    connection.close()
    return replace(loaded, graphs=starts, walks=walks)


def _draw(connection: psycopg2.extensions.connection, name: str, tenant_id: UUID, pipeline_id: UUID) -> UUID:
    with unit(system_actor(tenant_id)) as work:
        made = RelationshipType(slug=name, name=name, graphql_name=name.title())
        work.session.add(made)
        work.renew_schema()
        work.session.flush()
        type_id = made.id
    count, pairs = EDGES[name]
    values = {"tenant": tenant_id, "pipeline": pipeline_id, "type": type_id, "name": name, "most": count - 1}
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE nodes AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, %(most)s) n", values
        )
        cursor.execute(
            """INSERT INTO records (tenant_id, id, pipeline_id, data)
               SELECT %(tenant)s, id, %(pipeline)s, jsonb_build_object('name', %(name)s || ' ' || n) FROM nodes""",
            values,
        )
        cursor.execute(
            f"""INSERT INTO relationships (tenant_id, id, type_id, source_id, target_id, source_pipeline_id,
                    target_pipeline_id, effective_from)
                SELECT %(tenant)s, gen_random_uuid(), %(type)s, s.id, t.id, %(pipeline)s, %(pipeline)s,
                    now() - interval '1 day'
                FROM ({pairs.replace("%", "%%")}) pair(a, b)
                JOIN nodes s ON s.n = pair.a JOIN nodes t ON t.n = pair.b""",
            values,
        )
        cursor.execute("SELECT id FROM nodes WHERE n = 0")
        start: UUID = cursor.fetchone()[0]
        cursor.execute("DROP TABLE nodes")
        return start


def _walk(connection: psycopg2.extensions.connection, tenant_id: UUID, name: str, start: UUID) -> str:
    """The statement of Oneo's for that walk, as text, in one piece."""
    asked = Traversal(depth=5, limit=10_000, relationship_types=[name])
    sql, values = paths_sql(tenant_id, walk_for(system_actor(tenant_id), asked), start)
    with connection.cursor() as cursor:
        text: str = cursor.mogrify(sql, values).decode()
    whole = f"SELECT concat(head, paths, tail) FROM ({text}) walk(head, paths, tail)"
    return f"{tenant_setting(tenant_id)}, {BY_INDEX}; {whole}"
