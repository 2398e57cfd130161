"""Cloning: a new pipeline that is what another one is, without its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import Actor
from oneo.errors import FaultList
from oneo.events.unit import Unit, unit
from oneo.fields.slugs import MAX_LENGTH, slug_from
from oneo.models import Pipeline
from oneo.models.pipeline import NAME_LENGTH
from oneo.operations.patterns import pattern_of
from oneo.operations.pipelines import make_pipeline, show_pipeline
from oneo.operations.slug_checks import RESERVED

_COPY = " (Copy)"


def clone_pipeline(actor: Actor, name: str, body: Mapping[str, Any]) -> tuple[UUID, str, int]:
    """(id, JSON text, version). Fields that the caller does not see are not copied, nor is anything else of them.

    Raises PipelineNotFound, and SlugTaken when another takes the slug at the same moment.
    """
    policy.require(actor, P.PIPELINES_CREATE)
    sight = find_pipeline(actor, name, P.PIPELINES_READ)
    with unit(actor) as work:
        pattern = pattern_of(actor, sight)
        called = body.get("name") or sight.shape.name[: NAME_LENGTH - len(_COPY)] + _COPY
        slug = _free_slug(work, slug_from(called) or sight.shape.slug)
        pipeline = make_pipeline(work, {**pattern, "name": called, "slug": slug}, FaultList())
        return (pipeline.id, *show_pipeline(actor, pipeline.id))


def _free_slug(work: Unit, wanted: str) -> str:
    """The slug itself, or with the lowest number that makes it free."""
    taken = set(work.session.scalars(select(Pipeline.slug).where(Pipeline.deleted_at.is_(None))))
    number, found = 1, wanted
    while found in taken or found in RESERVED:
        number += 1
        found = f"{wanted[: MAX_LENGTH - len(str(number)) - 1].rstrip('_')}_{number}"
    return found
