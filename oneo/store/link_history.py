"""SQL of a relationship's past, as the log has it, cut to what a caller may see of it now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from oneo.event_types import Visibility, types_of
from oneo.fields.dates import DateTime
from oneo.fields.scalars import Identifier, Integer
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.store.event_sight import of_types
from oneo.store.links import MOMENTS
from oneo.store.resources import Resource, moment, plain_keys

_OF_RELATIONSHIP = of_types(types_of(Visibility.RELATIONSHIP))
_COLUMNS = {
    "seq": Column("e.seq", Integer()),
    "type": Column("e.type", Word(known.value for known in types_of(Visibility.RELATIONSHIP))),
    "version": Column("e.version", Integer(), nullable=True),
    "actor_id": Column("e.actor_id", Identifier()),
    "occurred_at": Column("e.occurred_at", DateTime()),
}
_FIRST = (
    "relationship_type_id", "relationship_type", "source_record_id", "source_pipeline_id", "target_record_id",
    "target_pipeline_id", "status", "is_bidirectional", "effective_from", "effective_until", "strength", "metadata",
)  # fmt: skip
"""What a new relationship begins with besides its own fields, in the order in which it is listed."""


def link_history_resource(link_id: UUID, visible: Iterable[str]) -> Resource:
    """Its events. One that changed nothing the caller may see is not there for him."""
    shown = f"(NOT starts_with(name, 'data.') OR substr(name, 6) = ANY('{{{','.join(sorted(visible))}}}'::text[]))"
    names = f"ARRAY(SELECT name::text FROM unnest(e.changed_fields) AS name WHERE {shown})"
    return Resource(
        table="events",
        alias="e",
        base=f"e.subject_id = '{link_id}' AND {_OF_RELATIONSHIP} "
        f"AND (e.type <> 'relationship.updated' OR cardinality({names}) > 0)",
        document={
            **plain_keys("e", "seq", "id", "type"),
            "event_type": "split_part(e.type, '.', 2)",
            "operation": "upper(split_part(e.type, '.', 2))",
            "relationship_id": "e.subject_id",
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


def _changes(shown: str) -> str:
    """What each visible part was and became; of a new relationship every part that has a value."""
    first = ", ".join(f"'{name}'" for name in _FIRST)
    names = f"""CASE e.type WHEN 'relationship.created'
        THEN ARRAY[{first}] || ARRAY(SELECT 'data.' || k FROM jsonb_object_keys(e.data->'data') AS k ORDER BY k)
        ELSE e.changed_fields::text[] END"""
    old, new = (
        f"CASE WHEN starts_with(name, 'data.') THEN e.{side}->'data'->substr(name, 6) ELSE e.{side}->name END"
        for side in ("old", "data")
    )
    pair = "json_build_object('field', c.name, 'old', c.old, 'new', c.new)"
    return f"""(SELECT coalesce(json_agg({pair} ORDER BY c.at), '[]') FROM (
            SELECT at, name, {old} AS old, {new} AS new FROM unnest({names}) WITH ORDINALITY AS part(name, at)
            WHERE {shown}) c
        WHERE e.type <> 'relationship.created' OR nullif(c.new, 'null') IS NOT NULL)"""


_KEPT = {
    "type_id": "relationship_type_id", "source_id": "source_record_id", "source_pipeline_id": "source_pipeline_id",
    "target_id": "target_record_id", "target_pipeline_id": "target_pipeline_id", "created_by": "created_by",
    "updated_by": "updated_by",
}  # fmt: skip
"""Columns that hold ids, with the keys that the log has them under."""


def past_link_resource(tenant_id: UUID, present: Resource, link_id: UUID, at: datetime) -> Resource:
    """A relationship as it was then, to be shown as the present one is.

    The last event before the first later one: of two changes that met, one may carry an earlier time and follow.
    """
    ids = ", ".join(f"(e.data->>'{key}')::uuid AS {column}" for column, key in _KEPT.items())
    times = ", ".join(f"(e.data->>'{name}')::timestamptz AS {name}" for name in MOMENTS)
    log = f"e.tenant_id = '{tenant_id}' AND e.subject_id = '{link_id}' AND {_OF_RELATIONSHIP}"
    later = f"(SELECT min(e.seq) FROM events e WHERE {log} AND e.occurred_at > %s)"
    table = f"""(SELECT e.tenant_id, e.subject_id AS id, {ids}, {times}, e.data->>'status' AS status,
            (e.data->>'is_bidirectional')::boolean AS is_bidirectional, (e.data->>'strength')::float8 AS strength,
            e.data->'metadata' AS metadata, e.data->'data' AS data, e.version, false AS is_dormant
        FROM events e WHERE {log} AND e.data IS NOT NULL AND e.seq < coalesce({later}, {2**63 - 1})
        ORDER BY e.seq DESC LIMIT 1)"""
    return replace(present, table=table, values=(at,))


LINK_HISTORY = link_history_resource(UUID(int=0), ())
"""What a history may be asked, whoever asks."""
