"""Slugs in the body of a create or update: their form, and whether another row has them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.errors import FaultList, SlugTaken
from oneo.events.unit import Unit
from oneo.fields.slugs import ROUTE_WORDS, RULE, is_slug, slug_from
from oneo.filters.ast import OPERATORS
from oneo.models import Pipeline, Role, Template

RESERVED = ROUTE_WORDS | frozenset(OPERATORS)
"""Words that mean something else in an address or a filter."""


def read_slug(body: Mapping[str, Any], faults: FaultList, where: str = "", *, reserved: Container[str] = ()) -> str:
    """The slug that is given, or else made from the name. Empty when there is none, for which a fault is known."""
    if faults.covers(where + "/slug") or not (body.get("slug") or "name" in body):
        return ""
    slug = body.get("slug") or slug_from(body["name"])
    if not is_slug(slug) or slug in reserved:
        faults.add(where + "/slug", "INVALID_SLUG", RULE)
        return ""
    return str(slug)


def note_taken_slug(
    work: Unit, model: type[Pipeline | Role | Template], slug: str, faults: FaultList, *, but: UUID | None = None
) -> None:
    """Add a fault when another row than `but` has the slug, so that it is named together with what else is wrong.

    Without other faults nothing is looked up: the unique index decides when the row is written.
    """
    if not slug or not faults.faults:
        return
    conditions = [model.slug == slug, model.id != but] if but else [model.slug == slug]
    if model is not Template:
        conditions.append(model.deleted_at.is_(None))  # type: ignore[union-attr] # templates are removed for good
    if work.session.scalar(select(model.id).where(*conditions)) is not None:
        faults.add_conflict(SlugTaken())
