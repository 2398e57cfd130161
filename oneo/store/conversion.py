"""SQL over all values of one field: what there is, and changing it with one event for each record or relationship."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo import exact_json, strict_json
from oneo.actor import Actor
from oneo.event_types import event_type
from oneo.fields.shapes import PipelineShape
from oneo.store import message
from oneo.store.links import document as link_document
from oneo.store.record_writes import event_sql

EXAMPLES = 3
"""Rows that a refusal names."""
_WRITE = """
WITH done AS (
    UPDATE {table} r SET data = {data}, version = r.version + 1, updated_at = now(), updated_by = %(actor)s
    {source} WHERE r.tenant_id = %(tenant)s AND r.{place} = %(pipeline)s AND {test}
    RETURNING r.*, {old} AS former
), tick AS (
    UPDATE tenant_clocks SET seq = seq + (SELECT count(*) FROM done)
    WHERE tenant_id = %(tenant)s AND EXISTS (SELECT FROM done) RETURNING seq
), logged AS (
    INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, credential_id, subject_id, pipeline_id,
                        version, changed_fields, data, old, reason)
    SELECT %(tenant)s, tick.seq + 1 - row_number() OVER (ORDER BY d.id DESC), gen_random_uuid(), '{event_type}',
           %(actor)s, %(kind)s, %(credential)s, d.id, %(pipeline)s, d.version, ARRAY['data.{slug}'],
           {event},
           jsonb_build_object('data', jsonb_build_object('{slug}', d.former)), %(reason)s
    FROM tick, done d
)
SELECT seq FROM tick
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """What has values of fields, and how a change of one is told: `place` names the pipeline or type that it is of,
    `state` is the row `d` as the log keeps it."""

    table: str
    view: str
    place: str
    event_type: str
    state: Callable[[PipelineShape], str]

    @property
    def of(self) -> str:
        return f"FROM {self.view} r WHERE r.tenant_id = %s AND r.{self.place} = %s"

    @property
    def of_named(self) -> str:
        return f"FROM {self.view} r WHERE r.tenant_id = %(tenant)s AND r.{self.place} = %(pipeline)s"


def _relationship_sql(shape: PipelineShape) -> str:
    pairs = ", ".join(f"'{key}', {sql}" for key, sql in link_document([(shape, frozenset())], "d").items())
    return f"jsonb_build_object({pairs})"


RECORDS = Rows("records", "my_records", "pipeline_id", "record.updated", event_sql)
RELATIONSHIPS = Rows("relationships", "my_relationships", "type_id", "relationship.updated", _relationship_sql)


@dataclass(frozen=True, slots=True)
class Value:
    """One value, how many rows have it, and one of them."""

    value: Any
    count: int
    example: str


def having(
    connection: Connection, rows: Rows, tenant_id: UUID, pipeline_id: UUID, slug: str
) -> tuple[int, list[str]]:  # fmt: skip
    """How many rows have a value, and the ids of some."""
    return counted(connection, rows, tenant_id, pipeline_id, f"r.data->'{slug}' IS NOT NULL")


def lacking(
    connection: Connection, rows: Rows, tenant_id: UUID, pipeline_id: UUID, slug: str
) -> tuple[int, list[str]]:  # fmt: skip
    """The same of those that are alive and have none, or an empty text."""
    test = f"coalesce(r.data->'{slug}', '\"\"') = '\"\"' AND r.deleted_at IS NULL"
    return counted(connection, rows, tenant_id, pipeline_id, test)


def sharing(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, key: str, examples: int
) -> tuple[int, list[str]]:
    """The same of records that are alive and whose value of an SQL expression another one has too."""
    sql = (
        f"SELECT count(*), (array_agg(id::text ORDER BY id))[:{examples}] FROM ("
        f"SELECT r.id, count(*) OVER (PARTITION BY {key}) AS sharers {RECORDS.of} AND r.deleted_at IS NULL "
        f"AND {key} IS NOT NULL) keyed WHERE sharers > 1"
    )
    [(count, ids)] = message.execute(connection, sql, (tenant_id, pipeline_id))
    return count, ids or []


def distinct(connection: Connection, rows: Rows, tenant_id: UUID, pipeline_id: UUID, slug: str) -> list[Value]:
    value = f"r.data->'{slug}'"
    sql = f"SELECT ({value})::text, count(*), min(r.id::text) {rows.of} AND {value} IS NOT NULL GROUP BY 1"
    found = message.execute(connection, sql, (tenant_id, pipeline_id))
    return [Value(strict_json.loads(text.encode(), max_depth=500), count, example) for text, count, example in found]


def convert(
    connection: Connection,
    rows: Rows,
    actor: Actor,
    shape: PipelineShape,
    slug: str,
    pairs: Sequence[dict[str, Any]],
    reason: str,
) -> int | None:
    """Each `old` value becomes `new`, or goes where that is None. The number of the last event."""
    sql = _WRITE.format(
        data=f"CASE WHEN m.new = 'null' THEN r.data - '{slug}' ELSE r.data || jsonb_build_object('{slug}', m.new) END",
        source="FROM (SELECT e->'old' AS old, e->'new' AS new FROM jsonb_array_elements(%(pairs)s::jsonb) e) m",
        test=f"r.data->'{slug}' = m.old",
        old="m.old",
        slug=slug,
        **_told(rows, shape),
    )
    return _written(connection, actor, shape.id, sql, reason, pairs=exact_json.dumps(pairs))


def fill(
    connection: Connection,
    rows: Rows,
    actor: Actor,
    shape: PipelineShape,
    slug: str,
    value: object,
    reason: str,
) -> int | None:
    """Rows that are alive and have no value, or an empty text, get this one. The number of the last event."""
    sql = _WRITE.format(
        data=f"r.data || jsonb_build_object('{slug}', %(value)s::jsonb)",
        source=f"FROM (SELECT r.id, r.data->'{slug}' AS old {rows.of_named}) m",
        test="r.id = m.id AND coalesce(m.old, '\"\"') = '\"\"' AND r.deleted_at IS NULL",
        old="m.old",
        slug=slug,
        **_told(rows, shape),
    )
    return _written(connection, actor, shape.id, sql, reason, value=exact_json.dumps(value))


def _told(rows: Rows, shape: PipelineShape) -> dict[str, str]:
    return {
        "table": rows.table,
        "place": rows.place,
        "event_type": event_type(rows.event_type),
        "event": rows.state(shape),
    }


def counted(
    connection: Connection, rows: Rows, tenant_id: UUID, pipeline_id: UUID, test: str
) -> tuple[int, list[str]]:  # fmt: skip
    """How many rows `r` pass the test, and the ids of some."""
    sql = (
        f"SELECT count(*), (SELECT coalesce(json_agg(id), '[]') FROM (SELECT r.id {rows.of} AND {test} ORDER BY r.id "
        f"LIMIT {EXAMPLES}) few)::text {rows.of} AND {test}"
    )
    [(count, ids)] = message.execute(connection, sql, (tenant_id, pipeline_id, tenant_id, pipeline_id))
    return count, orjson.loads(ids)


def _written(
    connection: Connection, actor: Actor, pipeline_id: UUID, sql: str, reason: str, **values: object
) -> int | None:
    rows = message.execute(
        connection,
        sql,
        {
            "tenant": actor.tenant_id,
            "pipeline": pipeline_id,
            "actor": actor.user_id,
            "kind": actor.credential.value,
            "credential": actor.credential_id,
            "reason": reason,
            **values,
        },
    )
    return rows[0][0] if rows else None
