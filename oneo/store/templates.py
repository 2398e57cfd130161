"""How templates are shown and asked about: the shipped ones, which are data of the program, beside a tenant's own."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from oneo.fields.dates import DateTime
from oneo.fields.scalars import Boolean, Identifier, Keyword, Text
from oneo.filters.columns import Column
from oneo.filters.sql import Sql
from oneo.store.resources import Resource, moment_keys, plain_keys

_ID, _TEXT, _WORD, _FLAG, _TIME = Identifier(), Text(), Keyword(), Boolean(), DateTime()
_OF_PIPELINE = ("description", "pipeline_type", "icon", "color", "settings")
Hidden = Collection[tuple[UUID | None, str]]
"""Pairs of a pipeline, or None for all of them, and the slug of a field that the caller does not see there."""


def template_resource(tenant_id: UUID, shipped: str, hidden: Hidden) -> Resource:
    """`shipped` is a JSON array of templates. What is hidden in the pipeline that a template was made of stays so."""
    everywhere = sorted({slug for pipeline, slug in hidden if pipeline is None})
    pairs = sorted(f"{pipeline}.{slug}" for pipeline, slug in hidden if pipeline is not None)
    # A percent sign would be taken for a placeholder, a quote for the end of the text.
    literal = shipped.replace("%", "\\u0025").replace("'", "''")
    return Resource(
        table=f"""(SELECT tenant_id, id, slug, name, description, pattern, created_by, created_at, updated_at,
            false AS is_shipped FROM templates UNION ALL SELECT '{tenant_id}'::uuid, s.id, s.slug, s.name,
            s.description, s.pattern, NULL::uuid, NULL::timestamptz, NULL::timestamptz, true FROM
            json_to_recordset('{literal}') AS s(id uuid, slug text, name text, description text, pattern jsonb))""",
        alias="t",
        document={
            **plain_keys("t", "id", "slug", "name", "description", "is_shipped"),
            "pattern": _pattern(everywhere, pairs),
            **plain_keys("t", "created_by"),
            **moment_keys("t", "created_at", "updated_at"),
        },
        columns={
            "id": Column("t.id", _ID),
            "slug": Column("t.slug", _WORD),
            "name": Column("t.name", _TEXT),
            "is_shipped": Column("t.is_shipped", _FLAG),
            "created_by": Column("t.created_by", _ID, nullable=True),
            "created_at": Column("t.created_at", _TIME, nullable=True),
            "updated_at": Column("t.updated_at", _TIME, nullable=True),
        },
        search=("t.name", "t.description"),
        order="name",
        # The text of the shipped ones in each key would fill the memory of known counts.
        timeless=False,
    )


def around(pipeline_id: UUID, template: str | None) -> Sql:
    """Templates that were made of the pipeline, and the one that it was made from."""
    return Sql("(t.pattern->>'pipeline_id' = %s OR t.slug = %s)", [str(pipeline_id), template])


def _pattern(everywhere: list[str], pairs: list[str]) -> str:
    plain = ", ".join(f"'{key}', t.pattern->'{key}'" for key in _OF_PIPELINE)
    title = _visible("(t.pattern->>'title_field')", everywhere, pairs)
    field = _visible("(e.field->>'slug')", everywhere, pairs)
    return f"""json_build_object({plain}, 'title_field', CASE WHEN {title} THEN t.pattern->'title_field' END,
        'fields', (SELECT coalesce(json_agg(e.field ORDER BY e.place) FILTER (WHERE {field}), '[]')
        FROM jsonb_array_elements(t.pattern->'fields') WITH ORDINALITY AS e(field, place)))"""


def _visible(slug: str, everywhere: list[str], pairs: list[str]) -> str:
    return (
        f"({slug} <> ALL('{{{','.join(everywhere)}}}'::text[]) AND "
        f"(coalesce(t.pattern->>'pipeline_id', '') || '.' || {slug}) <> ALL('{{{','.join(pairs)}}}'::text[]))"
    )


TEMPLATES = template_resource(UUID(int=0), "[]", ())
"""As somebody sees them from whom nothing is hidden: what lists of them take is documented from it."""
