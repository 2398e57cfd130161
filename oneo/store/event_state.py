"""The state that an event tells of, as a row that conditions of the shared language can be asked of."""

from __future__ import annotations

from collections.abc import Iterable

from oneo.fields.kinds.terms import Family
from oneo.fields.shapes import PipelineShape
from oneo.filters.sql import Sql

_STATE = {
    **dict.fromkeys(("id", "pipeline_id", "created_by", "updated_by"), "uuid"),
    **dict.fromkeys(("title", "status"), "text"), "version": "int",
    **dict.fromkeys(("created_at", "updated_at"), "timestamptz"),
}  # fmt: skip
"""What an event keeps of a record besides its data, and of which type it is."""
_LINK_STATE = {
    **{name: (name, "uuid") for name in ("id", "source_pipeline_id", "target_pipeline_id", "created_by", "updated_by")},
    "type_id": ("relationship_type_id", "uuid"), "source_id": ("source_record_id", "uuid"),
    "target_id": ("target_record_id", "uuid"), "status": ("status", "text"), "version": ("version", "int"),
    "is_bidirectional": ("is_bidirectional", "boolean"), "strength": ("strength", "float8"),
    **{name: (name, "timestamptz") for name in
       ("effective_from", "effective_until", "created_at", "updated_at", "deleted_at")},
}  # fmt: skip
"""By column of a relationship: under which key an event keeps it, and of which type it is."""


def then_sql(condition: Sql, state: str, shape: PipelineShape | None = None) -> Sql:
    """A condition on records that uses no slots, asked of the state that an event has.

    Fields that are numbers or sets now may have been of another kind then: such values are left out.
    """
    data = "s.state->'data'"
    numbers, sets = _slugs(shape, Family.NUMBER), _slugs(shape, Family.SET)
    if numbers or sets:
        data = f"""(SELECT coalesce(jsonb_object_agg(k, v), '{{}}') FROM jsonb_each({data}) AS j(k, v)
            WHERE (k <> ALL({_array(numbers)}) OR jsonb_typeof(v) = 'number')
            AND (k <> ALL({_array(sets)}) OR jsonb_typeof(v) = 'array'))"""
    columns = ", ".join(f"(s.state->>'{name}')::{cast} AS {name}" for name, cast in _STATE.items())
    row = f"(SELECT {columns}, {data} AS data FROM (SELECT {state} AS state) s) r"
    return Sql(f"(SELECT {condition.text} FROM {row})", condition.values)


def link_then_sql(condition: Sql, state: str) -> Sql:
    """A condition on relationships, asked of the state that an event has."""
    columns = ", ".join(f"(s.state->>'{key}')::{cast} AS {name}" for name, (key, cast) in _LINK_STATE.items())
    rest = "s.state->'metadata' AS metadata, s.state->'data' AS data"
    row = f"(SELECT {columns}, {rest} FROM (SELECT {state} AS state) s) x"
    return Sql(f"(SELECT {condition.text} FROM {row})", condition.values)


def of_kind(kind: str, condition: Sql) -> Sql:
    """The condition, asked of events of the kind alone."""
    return Sql(f"CASE WHEN starts_with(e.type, '{kind}.') THEN {condition.text} END", condition.values)


def _slugs(shape: PipelineShape | None, family: Family) -> list[str]:
    return [slug for slug, found in shape.fields.items() if found.kind.family is family] if shape else []


def _array(slugs: Iterable[str]) -> str:
    return f"'{{{','.join(sorted(slugs))}}}'::text[]"
