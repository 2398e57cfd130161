"""SQL of a record's past, as the log has it, cut to what a caller may see of the record now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from oneo.actor import Actor, CredentialKind
from oneo.event_types import Visibility, types_of
from oneo.fields.dates import DateTime
from oneo.fields.scalars import Identifier, Integer
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.event_sight import of_types
from oneo.store.resources import Resource, moment, plain_keys

_OF_RECORD = of_types(types_of(Visibility.RECORD))
_FIRST = "'title', 'status'"
_TIMES = ("created_at", "updated_at", "deleted_at")
_TITLE = """coalesce(
    (SELECT n.old->>'title' FROM events n WHERE n.tenant_id = e.tenant_id AND n.subject_id = e.subject_id
        AND n.seq > e.seq AND n.old->'title' IS NOT NULL ORDER BY n.seq LIMIT 1),
    (SELECT r.title FROM my_records r WHERE r.tenant_id = e.tenant_id AND r.id = e.subject_id))"""
"""The title that the record had been given. What an event says is the title that was shown, which may have been the
value of a field that is hidden from the caller."""
_COLUMNS = {
    "seq": Column("e.seq", Integer()),
    "type": Column("e.type", Word(known.value for known in types_of(Visibility.RECORD))),
    "version": Column("e.version", Integer(), nullable=True),
    "actor_id": Column("e.actor_id", Identifier()),
    "actor_kind": Column("e.actor_kind", Word(CredentialKind)),
    "occurred_at": Column("e.occurred_at", DateTime()),
}


def changed_since(actor: Actor, record_id: UUID, version: int) -> list[str]:
    """Names of what changed in something after a version of it."""
    sql = (
        f"SELECT DISTINCT name FROM events e, unnest(e.changed_fields) AS name WHERE e.tenant_id = '{actor.tenant_id}' "
        "AND e.subject_id = %s AND e.version > %s ORDER BY name"
    )
    return [row[0] for row in message.read(actor, sql, (record_id, version)).rows]


def presence(actor: Actor, pipeline_id: UUID, record_id: UUID, alive: Sql, gone: Sql) -> Sql:
    """That the record is there and within the first scope, or deleted and within the second."""
    return Sql(
        f"EXISTS (SELECT FROM my_records r WHERE r.tenant_id = '{actor.tenant_id}' AND r.id = '{record_id}' "
        f"AND r.pipeline_id = '{pipeline_id}' AND ((r.deleted_at IS NULL AND {alive.text}) "
        f"OR (r.deleted_at IS NOT NULL AND {gone.text})))",
        [*alive.values, *gone.values],
    )


def holds(actor: Actor, test: Sql) -> bool:
    """Whether it does, now."""
    return bool(message.read(actor, f"SELECT 1 WHERE {test.text}", test.values).rows)


def history_resource(record_id: UUID, visible: Iterable[str]) -> Resource:
    """The events of a record. One that changed nothing the caller may see is not there for him."""
    shown = _shown("name", visible)
    names = f"ARRAY(SELECT name::text FROM unnest(e.changed_fields) AS name WHERE {shown})"
    return Resource(
        table="events",
        alias="e",
        base=f"e.subject_id = '{record_id}' AND {_OF_RECORD} "
        f"AND (e.type <> 'record.updated' OR cardinality({names}) > 0)",
        document={
            **plain_keys("e", "seq", "id", "type"),
            "event_type": "split_part(e.type, '.', 2)",
            "occurred_at": moment("e.occurred_at"),
            "actor": """json_build_object('id', e.actor_id, 'kind', e.actor_kind, 'name',
                (SELECT u.name FROM users u WHERE u.tenant_id = e.tenant_id AND u.id = e.actor_id))""",
            "version": "e.version",
            "changed_fields": names,
            "changes": _changes(shown),
            "reason": "e.reason",
        },
        columns=_COLUMNS,
        order="-seq",
        tie="seq",
    )


def past_resource(
    actor: Actor, present: Resource, record_id: UUID, visible: Iterable[str], at: datetime, test: Sql
) -> Resource:
    """A record as it was then, to be shown as the present one is.

    The last event before the first later one: of two changes that met, one may carry an earlier time and follow.
    """
    times = ", ".join(f"(e.data->>'{name}')::timestamptz AS {name}" for name in _TIMES)
    people = ", ".join(f"(e.data->>'{name}')::uuid AS {name}" for name in ("created_by", "updated_by"))
    log = f"e.tenant_id = '{actor.tenant_id}' AND e.subject_id = '{record_id}' AND {_OF_RECORD}"
    later = f"(SELECT min(e.seq) FROM events e WHERE {log} AND e.occurred_at > %s)"
    table = f"""(SELECT e.tenant_id, e.subject_id AS id, e.pipeline_id, {_TITLE} AS title, e.data->>'status' AS status,
            (SELECT coalesce(jsonb_object_agg(k, v), '{{}}') FROM jsonb_each(e.data->'data') AS d(k, v)
                WHERE k = ANY({_array(visible)})) AS data,
            e.version, {times}, {people}
        FROM events e WHERE {log} AND e.data IS NOT NULL AND e.seq < coalesce({later}, {2**63 - 1}) AND {test.text}
        ORDER BY e.seq DESC LIMIT 1)"""
    return replace(present, table=table, values=(at, *test.values))


def _changes(shown: str) -> str:
    """What each visible part was and became; of a new record every part that has a value."""
    names = f"""CASE e.type WHEN 'record.created'
        THEN ARRAY[{_FIRST}] || ARRAY(SELECT 'data.' || k FROM jsonb_object_keys(e.data->'data') AS k ORDER BY k)
        ELSE e.changed_fields::text[] END"""
    old = f"""CASE name WHEN 'title' THEN e.old->'title' WHEN 'status' THEN e.old->'status'
        WHEN 'deleted_at' THEN to_jsonb({moment("(e.old->>'deleted_at')::timestamptz")})
        ELSE e.old->'data'->substr(name, 6) END"""
    new = f"""CASE name WHEN 'title' THEN to_jsonb({_TITLE}) WHEN 'status' THEN e.data->'status'
        WHEN 'deleted_at' THEN e.data->'deleted_at' ELSE e.data->'data'->substr(name, 6) END"""
    pair = "json_build_object('field', c.name, 'old', c.old, 'new', c.new)"
    return f"""(SELECT coalesce(json_agg({pair} ORDER BY c.at), '[]') FROM (
            SELECT at, name, {old} AS old, {new} AS new FROM unnest({names}) WITH ORDINALITY AS part(name, at)
            WHERE {shown}) c
        WHERE e.type <> 'record.created' OR (c.new IS NOT NULL AND (c.name <> 'title' OR c.new <> '""')))"""


def _shown(name: str, visible: Iterable[str]) -> str:
    """Whether a part of a record is one that the caller may see. Fields that are no more are none of them."""
    return f"(NOT starts_with({name}, 'data.') OR substr({name}, 6) = ANY({_array(visible)}))"


def _array(slugs: Iterable[str]) -> str:
    return f"'{{{','.join(sorted(slugs))}}}'::text[]"


HISTORY = history_resource(UUID(int=0), ())
"""What a history may be asked, whoever asks."""
