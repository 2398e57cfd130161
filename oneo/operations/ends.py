"""What relationships lead to, for many of them at once: the records at their ends, and the types of both."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from oneo.access.relationships import sees_type, type_sight
from oneo.access.schema import Sight, readable_reaches, schema_of, sees_pipeline, sight_of
from oneo.actor import Actor
from oneo.filters.sql import Sql, all_of
from oneo.ids import as_id
from oneo.operations.lists import ListQuery, list_resource
from oneo.store.search import everywhere, within


def load_records(actor: Actor, record_ids: Iterable[UUID], *, fields: str = "") -> str:
    """Those that the caller may read, of whatever pipelines, as a JSON array. Raises StaleActor."""
    ids = sorted({str(found) for found in record_ids})
    reaches = readable_reaches(actor)
    scope = all_of([within(reaches), Sql("r.id = ANY(%s::uuid[])", [ids])])
    query = ListQuery(page_size=len(ids), count="none", fields=fields)
    return list_resource(actor, everywhere(reaches), query, scope=scope).results


def find_class(actor: Actor, name: str) -> Sight | None:
    """A pipeline or a relationship type, by id or slug; None when the caller sees none. Raises StaleActor."""
    schema, key = schema_of(actor), as_id(name) or name
    shape = schema.find(key)
    if shape is not None:
        return sight_of(actor, shape) if sees_pipeline(actor, shape.id) else None
    found = schema.find_type(key)
    return type_sight(actor, found).own if found is not None and sees_type(actor, found.id) else None
