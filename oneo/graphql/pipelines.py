"""Pipelines and their fields."""

from __future__ import annotations

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from oneo.actor import Actor
from oneo.graphql.base import JSON, Context, DateTime
from oneo.graphql.exact import named, read_exactly
from oneo.graphql.selection import asked
from oneo.operations import pipelines
from oneo.operations.lists import MAX_PAGE_SIZE, ListQuery


class Field(graphene.ObjectType):
    """What records of a pipeline can hold."""

    id = graphene.ID(required=True)
    pipeline_id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    name = graphene.String(required=True)
    description = graphene.String(required=True)
    field_type = graphene.String(required=True)
    field_config = JSON(required=True)
    is_required = graphene.Boolean(required=True)
    is_unique = graphene.Boolean(required=True)
    is_indexed = graphene.Boolean(required=True)
    display_order = graphene.Int(required=True)
    is_visible_in_list = graphene.Boolean(required=True)
    created_by = graphene.ID()
    updated_by = graphene.ID()
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    version = graphene.Int(required=True)


class Pipeline(graphene.ObjectType):
    """An entity type that the tenant has defined."""

    id = graphene.ID(required=True)
    name = graphene.String(required=True)
    slug = graphene.String(required=True)
    description = graphene.String(required=True)
    icon = graphene.String(required=True)
    color = graphene.String(required=True)
    pipeline_type = graphene.String(required=True)
    is_active = graphene.Boolean(required=True)
    settings = JSON(required=True)
    template = graphene.String()
    title_field = graphene.String(description="Slug of the field whose values are the records' titles.")
    record_count = graphene.Int(description="Null unless the caller may see all records.")
    field_count = graphene.Int(required=True)
    fields = graphene.List(graphene.NonNull(Field), required=True, description="In display order.")
    created_by = graphene.ID()
    updated_by = graphene.ID()
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    version = graphene.Int(required=True)


def list_pipelines(actor: Actor, info: GraphQLResolveInfo, *, is_active: bool | None = None) -> list[dict[str, Any]]:
    """Those that the caller sees, newest first; of the active ones unless he asks for others."""
    keys = asked(info)
    conditions = {} if is_active is None else {"is_active": [str(is_active).lower()]}
    query = ListQuery(page_size=MAX_PAGE_SIZE, count="none", fields=named(keys), conditions=conditions)
    found: list[dict[str, Any]] = read_exactly(
        pipelines.list_pipelines(actor, query, with_fields="fields" in keys).results
    )
    return found


def get_pipeline(actor: Actor, info: GraphQLResolveInfo, *, id: str) -> dict[str, Any]:  # noqa: A002 - its name there
    """By id or slug. Raises PipelineNotFound."""
    found: dict[str, Any] = read_exactly(pipelines.get_pipeline(actor, id, fields=named(asked(info)))[0])
    return found


def pipeline_of(info: GraphQLResolveInfo, pipeline_id: str) -> dict[str, Any]:
    """The same for many records, loaded once."""
    context: Context = info.context
    key = (pipeline_id, named(asked(info)))
    if key not in context.pipelines:
        context.pipelines[key] = get_pipeline(context.actor, info, id=pipeline_id)
    found: dict[str, Any] = context.pipelines[key]
    return found
