"""Records, one or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import graphene
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    GraphQLResolveInfo,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from oneo import strict_json
from oneo.actor import Actor
from oneo.errors import FaultList, InvalidParameter, MalformedJson, RecordNotFound
from oneo.graphql.base import JSON, DateTime
from oneo.graphql.pipelines import Pipeline, named, pipeline_of, read_exactly
from oneo.graphql.selection import asked
from oneo.ids import as_id
from oneo.operations import records
from oneo.operations.lists import MAX_PAGE_SIZE, PAGE_SIZE, Listing, ListQuery

_DEPTH = 32
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


class PageInfo(graphene.ObjectType):
    """Where a page stands in its list."""

    has_next_page = graphene.Boolean(required=True)
    has_previous_page = graphene.Boolean(required=True)
    start_cursor = graphene.String()
    end_cursor = graphene.String()
    total_count = graphene.Int(required=True, description="Counted only when it is asked for.")


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
            value = _loads(value)
        if not isinstance(value, Mapping):
            raise GraphQLError("An object of conditions is expected, or a string that holds one.")
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        return RecordFilters.parse_value(_plain(node, variables or {}))


def list_records(
    actor: Actor, info: GraphQLResolveInfo, *, pipeline_id: str, filters: object = None, ordering: str | None = None,
    first: int | None = None, after: str | None = None, limit: int | None = None, offset: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Raises PipelineNotFound, InvalidParameter, InvalidCursor."""
    page_info = asked(info, "pageInfo")
    query = ListQuery(
        page_size=_size(first=first, after=after, limit=limit, offset=offset),
        cursor=None if limit is not None or offset is not None else after or "",
        offset=offset or 0, ordering=ordering or "", filter=filters, fields=_keys(info, "nodes", "items", "edges"),
        count="exact" if "total_count" in asked(info) | page_info else "none",
        edges="cursor" in asked(info, "edges") or bool(page_info & {"start_cursor", "end_cursor"}),
    )  # fmt: skip
    try:
        return _connection(records.list_records(actor, pipeline_id, query))
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


def _size(*, first: int | None, after: str | None, limit: int | None, offset: int | None) -> int:
    """Raises InvalidParameter."""
    faults = FaultList()
    for name, value, least, most in (
        ("first", first, 1, MAX_PAGE_SIZE), ("limit", limit, 1, MAX_PAGE_SIZE), ("offset", offset, 0, None),
    ):  # fmt: skip
        if value is not None and (value < least or (most is not None and value > most)):
            span = f"from {least}" + (f" to {most}" if most else "")
            faults.add(f"/{name}", "INVALID_VALUE", f"A number {span} is expected.")
    if (limit is not None or offset is not None) and (first is not None or after is not None):
        faults.add("/limit", "INVALID_VALUE", "Pages go by first and after, or by limit and offset.")
    faults.check(InvalidParameter)
    return first or limit or PAGE_SIZE


def _connection(listing: Listing) -> dict[str, Any]:
    nodes = read_exactly(listing.results)
    cursors = listing.cursors or [None] * len(nodes)
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "nodes": nodes,
        "items": nodes,
        "total_count": listing.count,
        "page_info": {
            "has_next_page": listing.has_next,
            "has_previous_page": listing.has_previous,
            "start_cursor": next(iter(listing.cursors), None),
            "end_cursor": listing.cursors[-1] if listing.cursors else None,
            "total_count": listing.count,
        },
    }


def _argument(pointer: str) -> str:
    """REST's parameter has another name here."""
    return f"/filters{pointer.removeprefix('/filter')}" if pointer.startswith("/filter") else pointer


def _plain(node: ValueNode, variables: dict[str, Any]) -> object:
    """A literal as the JSON that it stands for."""
    match node:
        case ObjectValueNode():
            return {member.name.value: _plain(member.value, variables) for member in node.fields}
        case ListValueNode():
            return [_plain(item, variables) for item in node.values]
        case IntValueNode() | FloatValueNode():
            return _loads(node.value)
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return node.value
        case VariableNode():
            return variables.get(node.name.value)
    return None


def _loads(text: str) -> object:
    try:
        found: object = strict_json.loads(text.encode(), max_depth=_DEPTH)
    except (MalformedJson, UnicodeEncodeError):
        raise GraphQLError("The string holds no strict JSON.") from None
    return found
