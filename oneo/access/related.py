"""What leads on from records for one caller: types whose relationships and pipelines whose records he may read."""

from __future__ import annotations

from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.rules import LINK_COLUMNS
from oneo.access.schema import row_scope, schema_of
from oneo.actor import Actor
from oneo.fields.links import TypeShape
from oneo.fields.shapes import PipelineShape, Schema
from oneo.filters.related import Relations
from oneo.filters.sql import TRUE


def relations_of(actor: Actor, shape: PipelineShape | None) -> Relations:
    """From records of the pipeline, or of any. Raises StaleActor."""
    schema = schema_of(actor)
    return Relations(
        tenant_id=actor.tenant_id,
        near=shape.id if shape else None,
        types=[one for one in schema.types.values() if policy.allows(actor, P.RELATIONSHIPS_READ, one.id)],
        pipelines=[one for one in schema.pipelines.values() if policy.allows(actor, P.RECORDS_READ, one.id)],
        scope=lambda found: row_scope(actor, P.RECORDS_READ, found),
        hidden=lambda found: policy.hidden_fields(actor, found),
        link_columns=LINK_COLUMNS,
    )


def grantable_relations(actor: Actor, shape: PipelineShape) -> Relations:
    """What a row rule that he writes may ask about: as rules see all records, only types between pipelines of which he
    sees all of them. Raises StaleActor.
    """
    schema = schema_of(actor)
    found = relations_of(actor, shape)
    return Relations(
        tenant_id=actor.tenant_id,
        near=shape.id,
        types=[one for one in found.types if _sees_ends(actor, schema, one)],
        pipelines=[one for one in found.pipelines if policy.reads_all(actor, one.id)],
        scope=lambda _: TRUE,
        hidden=found.hidden,
        link_columns=LINK_COLUMNS,
        whole=True,
    )


def _sees_ends(actor: Actor, schema: Schema, found: TypeShape) -> bool:
    ends = (found.source_id, found.target_id)
    places: set[UUID] = set(schema.pipelines) if None in ends else {end for end in ends if end is not None}
    return all(policy.reads_all(actor, place) for place in places)
