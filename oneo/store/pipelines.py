"""How pipelines, their fields and templates are shown and asked about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from oneo.fields.dates import DateTime
from oneo.fields.kinds.registry import KINDS
from oneo.fields.scalars import Boolean, Identifier, Integer, Keyword, Text
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.store.resources import Resource, moment_keys, plain_keys

_ID, _TEXT, _WORD, _FLAG, _NUMBER, _TIME = Identifier(), Text(), Keyword(), Boolean(), Integer(), DateTime()
_FIELD = {
    **plain_keys("f", "id", "pipeline_id", "slug", "name", "description", "field_type", "field_config"),
    **plain_keys("f", "is_required", "is_unique", "is_indexed", "display_order", "is_visible_in_list"),
    "index": """(SELECT json_build_object('state', s.state, 'done', s.done, 'total', s.total) FROM slots s
        WHERE s.tenant_id = f.tenant_id AND s.pipeline_id = f.pipeline_id AND s.field_id = f.id AND s.slot !~ '^u')""",
    **plain_keys("f", "created_by", "updated_by"),
    **moment_keys("f", "created_at", "updated_at", "deleted_at"),
    **plain_keys("f", "version"),
}
Hidden = Collection[tuple[UUID, str]]
"""Pairs of a pipeline and the slug of a field that the caller does not see."""


def pipeline_resource(counted: Iterable[UUID] | None, hidden: Hidden, *, with_fields: bool = False) -> Resource:
    """`counted` are the pipelines of which the caller may see all records; None is every one."""
    pairs = _pairs(hidden)
    count_fields, show_fields = fields_sql(hidden)
    count = """(SELECT count(*) FROM my_records r
        WHERE r.tenant_id = p.tenant_id AND r.pipeline_id = p.id AND r.deleted_at IS NULL)"""
    if counted is not None:
        count = f"CASE WHEN p.id::text = ANY({array(str(found) for found in counted)}) THEN {count} END"
    document = {
        **plain_keys("p", "id", "slug", "name", "description", "pipeline_type", "icon", "color", "is_active"),
        **plain_keys("p", "settings", "template"),
        "title_field": f"CASE WHEN (p.id::text || '.' || p.title_field) <> ALL({pairs}) THEN p.title_field END",
        **plain_keys("p", "graphql_name"),
        "record_count": count,
        "field_count": count_fields,
        **plain_keys("p", "created_by", "updated_by"),
        **moment_keys("p", "created_at", "updated_at", "deleted_at"),
        **plain_keys("p", "version"),
    }
    if with_fields:
        document["fields"] = show_fields
    return Resource(
        table="pipelines",
        alias="p",
        base="p.kind = 'record'",
        document=document,
        columns={
            "id": Column("p.id", _ID),
            "name": Column("p.name", _TEXT),
            "slug": Column("p.slug", _WORD),
            "pipeline_type": Column("p.pipeline_type", _WORD),
            "is_active": Column("p.is_active", _FLAG),
            "record_count": Column(count, _NUMBER, nullable=True),
            "created_by": Column("p.created_by", _ID, nullable=True),
            "created_at": Column("p.created_at", _TIME),
            "updated_at": Column("p.updated_at", _TIME),
        },
        search=("p.name", "p.description"),
    )


def fields_sql(hidden: Hidden) -> tuple[str, str]:
    """How many fields `p` has, and all of them in order, as JSON."""
    alive = f"""FROM fields f WHERE f.tenant_id = p.tenant_id AND f.pipeline_id = p.id AND f.deleted_at IS NULL
        AND (f.pipeline_id::text || '.' || f.slug) <> ALL({_pairs(hidden)})"""
    shown = ", ".join(f'{sql} AS "{key}"' for key, sql in _FIELD.items())
    listed = f"""(SELECT coalesce(json_agg(row_to_json(d)), '[]') FROM
        (SELECT {shown} {alive} ORDER BY f.display_order, f.id) d)"""
    return f"(SELECT count(*) {alive})", listed


def field_resource(pipeline_id: UUID, hidden: Iterable[str], *, deleted: bool = False) -> Resource:
    return Resource(
        table="fields",
        alias="f",
        base=f"f.pipeline_id = '{pipeline_id}' AND f.deleted_at IS {'NOT ' if deleted else ''}NULL "
        f"AND f.slug <> ALL({array(hidden)})",
        document=_FIELD,
        columns={
            "id": Column("f.id", _ID),
            "slug": Column("f.slug", _WORD),
            "name": Column("f.name", _TEXT),
            "field_type": Column("f.field_type", Word(KINDS)),
            "is_required": Column("f.is_required", _FLAG),
            "is_unique": Column("f.is_unique", _FLAG),
            "is_indexed": Column("f.is_indexed", _FLAG),
            "is_visible_in_list": Column("f.is_visible_in_list", _FLAG),
            "display_order": Column("f.display_order", _NUMBER),
            "created_at": Column("f.created_at", _TIME),
            "updated_at": Column("f.updated_at", _TIME),
        },
        search=("f.name", "f.description"),
        order="display_order",
    )


def _pairs(hidden: Hidden) -> str:
    return array(f"{pipeline}.{slug}" for pipeline, slug in hidden)


def array(words: Iterable[str]) -> str:
    """Ids and slugs, which need no quoting, as an array of texts."""
    return f"'{{{','.join(sorted(words))}}}'::text[]"


_NOBODY = UUID(int=0)
PIPELINES, FIELDS = pipeline_resource(None, ()), field_resource(_NOBODY, ())
"""As somebody sees them from whom nothing is hidden: what lists of them take is documented from these."""
