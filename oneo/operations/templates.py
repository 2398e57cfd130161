"""Templates: patterns that pipelines are made from. Some are shipped, others are pipelines that somebody saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import Actor
from oneo.errors import FaultList, SlugTaken, TemplateNotFound, TemplateShipped
from oneo.events.unit import unit
from oneo.fields.slugs import slug_from
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Pipeline, Template
from oneo.operations import shipped_templates as shipped
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.operations.patterns import pattern_of
from oneo.operations.slug_checks import note_taken_slug, read_slug
from oneo.store.lists import get_row
from oneo.store.resources import Resource
from oneo.store.templates import around, template_resource


def list_templates(actor: Actor, query: ListQuery) -> Listing:
    """Shipped ones and the tenant's own."""
    policy.require(actor, P.PIPELINES_CREATE)
    return list_resource(actor, _resource(actor), query)


def list_pipeline_templates(actor: Actor, pipeline: str, query: ListQuery) -> Listing:
    """Those made of the pipeline, and the one that it was made from. Raises PipelineNotFound."""
    policy.require(actor, P.PIPELINES_CREATE)
    sight = find_pipeline(actor, pipeline, P.PIPELINES_READ)
    with unit(actor) as work:
        used = work.session.scalar(select(Pipeline.template).where(Pipeline.id == sight.shape.id))
    return list_resource(actor, _resource(actor), query, scope=around(sight.shape.id, used))


def get_template(actor: Actor, name: str) -> str:
    """JSON text, by id or slug. Raises TemplateNotFound."""
    policy.require(actor, P.PIPELINES_CREATE)
    template_id = as_id(name)
    where = Sql("t.id = %s", [template_id]) if template_id else Sql("t.slug = %s", [name])
    found = get_row(actor, _resource(actor), where)
    if found is None:
        raise TemplateNotFound
    return found[0]


def create_template(
    actor: Actor, pipeline: str, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str]:  # fmt: skip
    """(id, JSON text) of the pipeline as a template; fields that the caller does not see are not in it.

    Raises PipelineNotFound, SlugTaken, ValidationFailed.
    """
    policy.require(actor, P.PIPELINES_CREATE)
    sight = find_pipeline(actor, pipeline, P.PIPELINES_READ)
    faults = faults or FaultList()
    slug = read_slug(body, faults)
    if slug in shipped.SLUGS:
        faults.add_conflict(SlugTaken())
    with unit(actor) as work:
        note_taken_slug(work, Template, slug, faults)
        faults.check()
        pattern = pattern_of(actor, sight)
        for field in pattern["fields"]:
            del field["display_order"]
        template = Template(
            slug=slug, name=body["name"], description=body.get("description", pattern["description"]),
            pattern={**pattern, "pipeline_id": str(sight.shape.id)}, created_by=actor.user_id,
        )  # fmt: skip
        work.created(template, "template.created", pipeline_id=sight.shape.id)
        return template.id, get_template(actor, str(template.id))


def delete_template(actor: Actor, name: str) -> None:
    """Pipelines made from it stay as they are. Another's needs the permission to remove pipelines as well.

    Raises TemplateNotFound, TemplateShipped, PermissionDenied.
    """
    policy.require(actor, P.PIPELINES_CREATE)
    template_id = as_id(name)
    if template_id in shipped.IDS or name in shipped.SLUGS:
        raise TemplateShipped
    with unit(actor) as work:
        template_id = template_id or work.session.scalar(select(Template.id).where(Template.slug == name))
        template = work.lock(Template, template_id) if template_id else None
        if template is None:
            raise TemplateNotFound
        if template.created_by != actor.user_id:
            policy.require(actor, P.PIPELINES_DELETE)
        work.append("template.deleted", template.id, data={"id": template.id, "slug": template.slug})
        work.session.delete(template)


def with_template(
    actor: Actor, body: Mapping[str, Any], faults: FaultList
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """(the body, completed by what the template that it names says; fields of the template, which come first).

    What the body gives wins, its fields too where slugs are the same.
    """
    name = body.get("template")
    if name is None:
        return body, []
    try:
        found = orjson.loads(get_template(actor, name))
    except TemplateNotFound:
        faults.add("/template", "TEMPLATE_NOT_FOUND", "There is no such template.")
        return body, []
    pattern = found["pattern"]
    given = {field.get("slug") or slug_from(field.get("name", "")) for field in body.get("fields") or () if field}
    fields = [field for field in pattern.pop("fields") if field["slug"] not in given]
    return {**pattern, **body, "template": found["slug"]}, fields


def _resource(actor: Actor) -> Resource:
    return template_resource(actor.tenant_id, shipped.AS_JSON, policy.hidden_places(actor))
