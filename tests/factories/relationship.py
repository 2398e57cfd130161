"""Relationship types and relationships, as rows: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import Constraint, Field, Pipeline, Record, Relationship, RelationshipType
from tests.api import Api
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


def relationship_types(tenant: TestTenant, count: int) -> list[str]:
    """Very many at once, between any records; their slugs."""
    slugs = [f"t{number}" for number in range(count)]
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        work.session.add_all(RelationshipType(slug=slug, name=slug, graphql_name=slug.title()) for slug in slugs)
        work.renew_schema()
    return slugs


def own_field(tenant: TestTenant, type_id: UUID, slug: str, field_type: str = "text", **columns: Any) -> UUID:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        made = Field(pipeline_id=type_id, slug=slug, name=slug.title(), field_type=field_type, **columns)
        work.session.add(made)
        work.renew_schema()
        work.session.flush()
        return made.id


def remove_field(tenant: TestTenant, field_id: UUID) -> None:
    """Its values stay, out of everybody's sight."""
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        work.session.scalars(select(Field).where(Field.id == field_id)).one().deleted_at = datetime.now(UTC)
        work.renew_schema()


def link(api: Api, type_slug: str, source: str, target: str, **more: Any) -> dict[str, Any]:
    """A relationship that the caller makes."""
    body = {"relationship_type": type_slug, "source_record_id": source, "target_record_id": target, **more}
    made = api.post("/relationships/", body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


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
