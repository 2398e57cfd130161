"""A pipeline as a pattern: what it is and its fields, without records. Clones and templates are made of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from oneo.access.schema import Sight
from oneo.actor import Actor
from oneo.errors import PipelineNotFound
from oneo.events.unit import Unit, unit
from oneo.models import Field, Pipeline

_OF_PIPELINE = ("description", "pipeline_type", "icon", "color", "settings")
_OF_FIELD = (
    "slug", "name", "description", "field_type", "field_config", "is_required", "is_unique", "is_indexed",
    "display_order", "is_visible_in_list",
)  # fmt: skip


def pattern_of(actor: Actor, sight: Sight) -> dict[str, Any]:
    """What a pipeline can be made from anew; what the caller does not see is not in it.

    Inside a unit: nobody changes the pipeline's shape until it ends. Raises PipelineNotFound.
    """
    with unit(actor) as work:
        return _read(work, sight)


def _read(work: Unit, sight: Sight) -> dict[str, Any]:
    key = (work.actor.tenant_id, sight.shape.id)
    source = work.session.get(Pipeline, key, with_for_update={"read": True})
    if source is None or source.deleted_at is not None:
        raise PipelineNotFound
    fields = work.session.scalars(
        select(Field)
        .where(Field.pipeline_id == source.id, Field.deleted_at.is_(None), Field.slug.not_in(sight.hidden))
        .order_by(Field.display_order, Field.id)
    ).all()
    shown = {field.slug for field in fields}
    return {
        **{name: getattr(source, name) for name in _OF_PIPELINE},
        "title_field": source.title_field if source.title_field in shown else None,
        "fields": [{name: getattr(field, name) for name in _OF_FIELD} for field in fields],
    }
