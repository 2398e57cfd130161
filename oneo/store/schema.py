"""SQL that loads the shape of a tenant's data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from oneo.fields.kinds.registry import kind_named
from oneo.fields.links import ConstraintShape, TypeShape
from oneo.fields.shapes import FieldShape, PipelineShape, Schema
from oneo.ids import as_id
from oneo.models.record import TRIGRAMS
from oneo.store import message

# pg_trgm folds case as libc does: where ILIKE asks another provider, its index would miss rows.
_TRIGRAMS = f"""to_regclass('public.{TRIGRAMS}') IS NOT NULL AND (
    SELECT coalesce(to_jsonb(d)->>'datlocprovider', 'c') = 'c' FROM pg_database d WHERE datname = current_database())"""
_LOAD = f"""
SELECT t.schema_revision, coalesce((
    SELECT json_agg(json_build_object(
        'id', p.id, 'slug', p.slug, 'name', p.name, 'graphql_name', p.graphql_name, 'description', p.description,
        'is_active', p.is_active, 'title_field', p.title_field, 'version', p.version, 'kind', p.kind,
        'source', p.source_pipeline_id, 'target', p.target_pipeline_id, 'is_bidirectional', p.is_bidirectional,
        'on_delete', p.on_delete, 'forward_label', p.forward_label, 'reverse_label', p.reverse_label,
        'constraints', (SELECT coalesce(json_agg(json_build_object(
            'id', c.id, 'kind', c.constraint_type, 'source', c.source_pipeline_id, 'target', c.target_pipeline_id,
            'least', c.min_instances, 'most', c.max_instances, 'is_required', c.is_required,
            'options', c.constraint_metadata
        ) ORDER BY c.id), '[]') FROM relationship_constraints c WHERE c.tenant_id = %(tenant)s AND c.type_id = p.id),
        'fields', (SELECT coalesce(json_agg(json_build_object(
            'id', f.id, 'slug', f.slug, 'name', f.name, 'description', f.description, 'type', f.field_type,
            'config', f.field_config, 'is_required', f.is_required, 'in_list', f.is_visible_in_list,
            'removed', f.deleted_at IS NOT NULL,
            'slots', (SELECT coalesce(json_object_agg(s.slot, s.state), '{{}}') FROM slots s
                      WHERE s.tenant_id = %(tenant)s AND s.pipeline_id = p.id AND s.field_id = f.id)
        ) ORDER BY f.display_order, f.id), '[]') FROM fields f WHERE f.tenant_id = %(tenant)s AND f.pipeline_id = p.id)
    ) ORDER BY p.id) FROM pipelines p
    WHERE p.tenant_id = %(tenant)s AND p.deleted_at IS NULL), '[]')::text,
    EXISTS (SELECT FROM slots s WHERE s.tenant_id = %(tenant)s AND s.state <> 'ready'), {_TRIGRAMS}
FROM tenant_profiles t WHERE t.tenant_id = %(tenant)s AND t.id = %(tenant)s
"""


def load_schema(tenant_id: UUID) -> Schema | None:
    """None when the tenant is gone."""
    rows = message.look_up(tenant_id, _LOAD, {"tenant": tenant_id})
    if not rows:
        return None
    revision, text, unsettled, trigrams = rows[0]
    found = orjson.loads(text)
    pipelines = [_pipeline(entry, trigrams=trigrams) for entry in found if entry["kind"] == "record"]
    types = [_type(entry) for entry in found if entry["kind"] == "relationship"]
    slugs = {one.slug: one.id for one in (*pipelines, *(found.own for found in types))}
    return Schema(revision, {p.id: p for p in pipelines}, slugs, {t.id: t for t in types}, unsettled)


def _type(found: dict[str, Any]) -> TypeShape:
    return TypeShape(
        own=_pipeline(found, trigrams=False),
        source_id=as_id(found["source"]),
        target_id=as_id(found["target"]),
        is_bidirectional=found["is_bidirectional"],
        on_delete=found["on_delete"],
        forward_label=found["forward_label"],
        reverse_label=found["reverse_label"],
        constraints=tuple(
            ConstraintShape(
                UUID(entry["id"]), entry["kind"], as_id(entry["source"]), as_id(entry["target"]), entry["least"],
                entry["most"], entry["is_required"], entry["options"],
            )
            for entry in found["constraints"]
        ),
    )  # fmt: skip


def _pipeline(found: dict[str, Any], *, trigrams: bool) -> PipelineShape:
    fields = [(_field(entry), entry) for entry in found["fields"]]
    return PipelineShape(
        id=UUID(found["id"]),
        slug=found["slug"],
        name=found["name"],
        graphql_name=found["graphql_name"],
        description=found["description"],
        is_active=found["is_active"],
        title_field=found["title_field"],
        fields={shape.slug: shape for shape, entry in fields if not entry["removed"]},
        removed=frozenset(shape.slug for shape, entry in fields if entry["removed"]),
        written={slot: shape for shape, entry in fields for slot in entry["slots"]},
        version=found["version"],
        trigrams=trigrams,
    )


def _field(entry: dict[str, Any]) -> FieldShape:
    ready = [slot for slot, state in entry["slots"].items() if state == "ready"]
    return FieldShape(
        id=UUID(entry["id"]),
        slug=entry["slug"],
        name=entry["name"],
        description=entry["description"],
        kind=kind_named(entry["type"], entry["config"]),
        is_required=entry["is_required"],
        in_list=entry["in_list"],
        slot=next((slot for slot in ready if slot[0] != "u"), None),
        unique_slot=next((slot for slot in ready if slot[0] == "u"), None),
    )
