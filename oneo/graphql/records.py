"""Records, one or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import graphene
from graphql import GraphQLError, GraphQLResolveInfo, ValueNode

from oneo.actor import Actor
from oneo.errors import InvalidParameter, RecordNotFound
from oneo.graphql.base import JSON, DateTime
from oneo.graphql.exact import named, read_exactly
from oneo.graphql.literals import loads, plain
from oneo.graphql.pages import PageInfo, connection, page_query
from oneo.graphql.pipelines import Pipeline, pipeline_of
from oneo.graphql.selection import asked
from oneo.ids import as_id
from oneo.operations import records

_MADE_OF = {"name": "title", "pipeline": "pipeline_id"}
"""What is asked for, and the key that it is made of."""


class Record(graphene.ObjectType):
    """A row of a pipeline."""

    id = graphene.ID(required=True)
    pipeline_id = graphene.ID(required=True)
    pipeline = graphene.Field(Pipeline, required=True)
    title = graphene.String(required=True)
    name = graphene.String(required=True, description="The title.")
    status = graphene.String(required=True)
    data = JSON(required=True, description="Values by the slugs of the pipeline's fields.")
    version = graphene.Int(required=True, description="Rises by one with each change.")
    created_by = graphene.ID()
    updated_by = graphene.ID()
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)

    @staticmethod
    def resolve_name(record: dict[str, Any], _info: object) -> object:
        return record["title"]

    @staticmethod
    def resolve_pipeline(record: dict[str, Any], info: GraphQLResolveInfo) -> dict[str, Any]:
        return pipeline_of(info, record["pipeline_id"])


class RecordEdge(graphene.ObjectType):
    """A record and its place in the list."""

    cursor = graphene.String(required=True)
    node = graphene.Field(Record, required=True)


class RecordConnection(graphene.ObjectType):
    """A page of records; `nodes`, `items` and the nodes of `edges` are the same."""

    edges = graphene.List(graphene.NonNull(RecordEdge), required=True)
    nodes = graphene.List(graphene.NonNull(Record), required=True)
    items = graphene.List(graphene.NonNull(Record), required=True)
    page_info = graphene.Field(PageInfo, required=True)
    total_count = graphene.Int(required=True, description="Counted only when it is asked for.")


class RecordFilters(graphene.Scalar):
    """Conditions in the language of REST's `filter`: an object, or a string that holds one."""

    @staticmethod
    def parse_value(value: object) -> object:
        if isinstance(value, str):
            value = loads(value)
        if not isinstance(value, Mapping):
            raise GraphQLError("An object of conditions is expected, or a string that holds one.")
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        return RecordFilters.parse_value(plain(node, variables))


def list_records(
    actor: Actor, info: GraphQLResolveInfo, *, pipeline_id: str, filters: object = None, ordering: str | None = None,
    first: int | None = None, after: str | None = None, limit: int | None = None, offset: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Raises PipelineNotFound, InvalidParameter, InvalidCursor."""
    given = {"first": first, "after": after, "limit": limit, "offset": offset}
    keys = _keys(info, "nodes", "items", "edges")
    query = page_query(info, given, ordering=ordering or "", filter=filters, fields=keys)
    try:
        return connection(records.list_records(actor, pipeline_id, query))
    except InvalidParameter as error:
        faults = [replace(found, pointer=_argument(found.pointer)) for found in error.faults]
        raise InvalidParameter(faults=faults, extra=error.extra) from None


def get_record(actor: Actor, info: GraphQLResolveInfo, *, id: str) -> dict[str, Any]:  # noqa: A002 - its name there
    """Raises RecordNotFound."""
    record_id = as_id(id)
    if record_id is None:
        raise RecordNotFound
    keys = named({_MADE_OF.get(key, key) for key in asked(info)})
    found: dict[str, Any] = read_exactly(records.get_record(actor, record_id, fields=keys)[0])
    return found


def _keys(info: GraphQLResolveInfo, *lists: str) -> str:
    """Keys that are asked for in any of the lists."""
    paths = [("edges", "node") if name == "edges" else (name,) for name in lists]
    return named({_MADE_OF.get(key, key) for path in paths for key in asked(info, *path)})


def _argument(pointer: str) -> str:
    """REST's parameter has another name here."""
    return f"/filters{pointer.removeprefix('/filter')}" if pointer.startswith("/filter") else pointer
