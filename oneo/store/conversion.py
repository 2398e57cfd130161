"""SQL over all values of one field: what there is, and changing it with one event for each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo import exact_json, strict_json
from oneo.actor import Actor
from oneo.fields.shapes import PipelineShape
from oneo.store import message
from oneo.store.record_writes import event_sql

EXAMPLES = 3
"""Records that a refusal names."""
_OF = "FROM my_records r WHERE r.tenant_id = %s AND r.pipeline_id = %s"
_OF_NAMED = "FROM my_records r WHERE r.tenant_id = %(tenant)s AND r.pipeline_id = %(pipeline)s"
_WRITE = """
WITH done AS (
    UPDATE records r SET data = {data}, version = r.version + 1, updated_at = now(), updated_by = %(actor)s
    {source} WHERE r.tenant_id = %(tenant)s AND r.pipeline_id = %(pipeline)s AND {test}
    RETURNING r.*, {old} AS former
), tick AS (
    UPDATE tenant_clocks SET seq = seq + (SELECT count(*) FROM done)
    WHERE tenant_id = %(tenant)s AND EXISTS (SELECT FROM done) RETURNING seq
), logged AS (
    INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, credential_id, subject_id, pipeline_id,
                        version, changed_fields, data, old, reason)
    SELECT %(tenant)s, tick.seq + 1 - row_number() OVER (ORDER BY d.id DESC), gen_random_uuid(), 'record.updated',
           %(actor)s, %(kind)s, %(credential)s, d.id, %(pipeline)s, d.version, ARRAY['data.{slug}'],
           {event},
           jsonb_build_object('data', jsonb_build_object('{slug}', d.former)), %(reason)s
    FROM tick, done d
)
SELECT seq FROM tick
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One value, how many records have it, and one of them."""

    value: Any
    count: int
    example: str


def having(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, slug: str, examples: int
) -> tuple[int, list[str]]:
    """How many records have a value, and the ids of some."""
    return _counted(connection, tenant_id, pipeline_id, f"r.data->'{slug}' IS NOT NULL", examples)


def lacking(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, slug: str, examples: int
) -> tuple[int, list[str]]:
    """The same of those that are alive and have none, or an empty text."""
    test = f"coalesce(r.data->'{slug}', '\"\"') = '\"\"' AND r.deleted_at IS NULL"
    return _counted(connection, tenant_id, pipeline_id, test, examples)


def sharing(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, key: str, examples: int
) -> tuple[int, list[str]]:
    """The same of those that are alive and whose value of an SQL expression another one has too."""
    sql = (
        f"SELECT count(*), (array_agg(id::text ORDER BY id))[:{examples}] FROM ("
        f"SELECT r.id, count(*) OVER (PARTITION BY {key}) AS sharers {_OF} AND r.deleted_at IS NULL "
        f"AND {key} IS NOT NULL) keyed WHERE sharers > 1"
    )
    [(count, ids)] = message.execute(connection, sql, (tenant_id, pipeline_id))
    return count, ids or []


def distinct(connection: Connection, tenant_id: UUID, pipeline_id: UUID, slug: str) -> list[Value]:
    value = f"r.data->'{slug}'"
    sql = f"SELECT ({value})::text, count(*), min(r.id::text) {_OF} AND {value} IS NOT NULL GROUP BY 1"
    rows = message.execute(connection, sql, (tenant_id, pipeline_id))
    return [Value(strict_json.loads(text.encode(), max_depth=500), count, example) for text, count, example in rows]


def convert(
    connection: Connection,
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
        event=event_sql(shape),
    )
    return _written(connection, actor, shape.id, sql, reason, pairs=exact_json.dumps(pairs))


def fill(
    connection: Connection,
    actor: Actor,
    shape: PipelineShape,
    slug: str,
    value: object,
    reason: str,
) -> int | None:
    """Records that are alive and have no value, or an empty text, get this one. The number of the last event."""
    sql = _WRITE.format(
        data=f"r.data || jsonb_build_object('{slug}', %(value)s::jsonb)",
        source=f"FROM (SELECT r.id, r.data->'{slug}' AS old {_OF_NAMED}) m",
        test="r.id = m.id AND coalesce(m.old, '\"\"') = '\"\"' AND r.deleted_at IS NULL",
        old="m.old",
        slug=slug,
        event=event_sql(shape),
    )
    return _written(connection, actor, shape.id, sql, reason, value=exact_json.dumps(value))


def _counted(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, test: str, examples: int
) -> tuple[int, list[str]]:
    sql = (
        f"SELECT count(*), (SELECT coalesce(json_agg(id), '[]') FROM (SELECT r.id {_OF} AND {test} ORDER BY r.id "
        f"LIMIT {examples}) few)::text {_OF} AND {test}"
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
