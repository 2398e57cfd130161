"""SQL of a relationship's past, as the log has it, cut to what a caller may see of it now."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from oneo.fields.dates import DateTime
from oneo.fields.scalars import Identifier, Integer, Keyword
from oneo.filters.columns import Column
from oneo.store.resources import Resource, moment, plain_keys

_COLUMNS = {
    "seq": Column("e.seq", Integer()),
    "type": Column("e.type", Keyword()),
    "version": Column("e.version", Integer(), nullable=True),
    "actor_id": Column("e.actor_id", Identifier()),
    "occurred_at": Column("e.occurred_at", DateTime()),
}


def link_history_resource(link_id: UUID, visible: Iterable[str]) -> Resource:
    """Its events. One that changed nothing the caller may see is not there for him."""
    shown = f"(NOT starts_with(name, 'data.') OR substr(name, 6) = ANY('{{{','.join(sorted(visible))}}}'::text[]))"
    names = f"ARRAY(SELECT name::text FROM unnest(e.changed_fields) AS name WHERE {shown})"
    old, new = (
        f"CASE WHEN starts_with(name, 'data.') THEN e.{side}->'data'->substr(name, 6) ELSE e.{side}->name::text END"
        for side in ("old", "data")
    )
    pair = f"json_build_object('field', name, 'old', {old}, 'new', {new})"
    changes = f"""(SELECT coalesce(json_agg({pair} ORDER BY at), '[]')
        FROM unnest(e.changed_fields) WITH ORDINALITY AS part(name, at) WHERE {shown})"""
    return Resource(
        table="events",
        alias="e",
        base=f"e.subject_id = '{link_id}' AND starts_with(e.type, 'relationship.') "
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
            "changes": changes,
            "reason": "e.reason",
        },
        columns=_COLUMNS,
        order="-seq",
        tie="seq",
    )


LINK_HISTORY = link_history_resource(UUID(int=0), ())
"""What a history may be asked, whoever asks."""
