"""What row rules may ask about related records: they are statements of whoever grants them, and see everything."""

from __future__ import annotations

from uuid import UUID

from oneo.fields.shapes import PipelineShape, Schema
from oneo.fields.words import Word
from oneo.filters.columns import Catalogue
from oneo.filters.link_columns import StatusColumn
from oneo.filters.related import Relations
from oneo.filters.sql import TRUE
from oneo.models.relationship import STATUSES
from oneo.store.links import LINKS

_ASKED = ("id", "is_bidirectional", "effective_from", "effective_until", "strength", "metadata",
          "created_at", "updated_at", "created_by", "updated_by")  # fmt: skip
LINK_COLUMNS: Catalogue = {
    **{name: LINKS.columns[name] for name in _ASKED},
    "status": StatusColumn("x.status", Word(STATUSES, any_case=True)),
}
"""What all relationships have that a condition on related records can ask about."""


def rule_relations(tenant_id: UUID, schema: Schema, shape: PipelineShape) -> Relations:
    """Not narrowed by what the caller may read of other records: rules about each other would never end."""
    return Relations(
        tenant_id=tenant_id,
        near=shape.id,
        types=list(schema.types.values()),
        pipelines=list(schema.pipelines.values()),
        scope=lambda _: TRUE,
        hidden=lambda _: frozenset(),
        link_columns=LINK_COLUMNS,
        whole=True,
    )
