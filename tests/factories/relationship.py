"""Relationship types and relationships, as rows: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import Constraint, Pipeline, Record, Relationship, RelationshipType
from tests.factories.tenant import TestTenant


def relationship_type(
    tenant: TestTenant, slug: str, source: str | None = None, target: str | None = None, **columns: Any
) -> UUID:
    """Of records of these pipelines, which are named by their slugs; an end that is not given is open."""
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:

        def pipeline_id(name: str | None) -> UUID | None:
            return work.session.scalars(select(Pipeline.id).where(Pipeline.slug == name)).one() if name else None

        made = RelationshipType(
            slug=slug, name=slug.title(), graphql_name=slug.title().replace("_", ""),
            source_pipeline_id=pipeline_id(source), target_pipeline_id=pipeline_id(target), **columns,
        )  # fmt: skip
        work.session.add(made)
        work.renew_schema()
        work.session.flush()
        return made.id


def constraint(tenant: TestTenant, type_id: UUID, kind: str, **columns: Any) -> UUID:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        made = Constraint(type_id=type_id, constraint_type=kind, **columns)
        work.session.add(made)
        work.renew_schema()
        work.session.flush()
        return made.id


def relate(tenant: TestTenant, type_id: UUID, pairs: Iterable[tuple[str, str]], **columns: Any) -> list[UUID]:
    """Relationships from the first record of each pair to the second, which no constraint is asked about."""
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        places = {row.id: row.pipeline_id for row in work.session.execute(select(Record.id, Record.pipeline_id))}
        made = [
            Relationship(
                type_id=type_id, source_id=UUID(source), target_id=UUID(target),
                source_pipeline_id=places[UUID(source)], target_pipeline_id=places[UUID(target)], **columns,
            )
            for source, target in pairs
        ]  # fmt: skip
        work.session.add_all(made)
        work.session.flush()
        return [found.id for found in made]
