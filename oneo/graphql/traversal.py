"""Walks along relationships from a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter, RecordNotFound
from oneo.graphql.base import Context
from oneo.graphql.exact import read_exactly
from oneo.graphql.link_inputs import TraversalDirection, filter_of, place_in_query, plain
from oneo.graphql.selection import asked
from oneo.graphql.things import RECORD_KEYS, BetweenThings, Thing, ThingClass, class_of, record_at
from oneo.ids import as_id
from oneo.operations import traversal
from oneo.operations.ends import find_class
from oneo.operations.traversal import LIMIT, Traversal

_TOLD = frozenset({"id", "pipeline_id", "title", "status"})
"""What a walk says of each record."""
_APART = {"relationship_type", "status", "effective_at"}
"""Conditions that a walk takes by themselves."""
_PLACES = {
    "/depth": "/maxDepth", "/relationship_types": "/relationshipTypeIds", "/status": "/filter/status",
    "/effective_at": "/filter/effectiveAtDate", "/include_inactive": "/includeInactive",
}  # fmt: skip


class TraversedRelationship(BetweenThings, graphene.ObjectType):
    """A relationship that was walked along."""

    id = graphene.ID(required=True)
    relationship_type_id = graphene.ID(required=True)
    relationship_type = graphene.Field(ThingClass, required=True)
    direction = TraversalDirection(required=True, description="In which it was walked: OUTBOUND or INBOUND.")

    @staticmethod
    def resolve_relationship_type(step: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, step["relationship_type_id"])


class RelationshipPath(graphene.ObjectType):
    """One of the shortest ways to a record."""

    depth = graphene.Int(required=True)
    relationships = graphene.List(
        graphene.NonNull(TraversedRelationship), required=True, description="From the start on."
    )
    target_thing = graphene.Field(Thing, required=True)

    @staticmethod
    def resolve_target_thing(path: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return record_at(info, path["target"]["id"])


class TraversalStatistics(graphene.ObjectType):
    """Counts of what was found."""

    total_paths = graphene.Int(required=True)
    max_depth_reached = graphene.Int(required=True)
    unique_things_found = graphene.Int(required=True)
    relationship_types_used = graphene.List(
        graphene.NonNull(graphene.String), required=True, description="Their slugs."
    )

    @staticmethod
    def resolve_unique_things_found(found: dict[str, Any], _info: object) -> object:
        return found["unique_records_found"]


class RelationshipTraversal(graphene.ObjectType):
    """The records that can be reached, nearest first."""

    paths = graphene.List(graphene.NonNull(RelationshipPath), required=True)
    statistics = graphene.Field(TraversalStatistics, required=True)
    truncated = graphene.Boolean(required=True, description="Whether more would be found.")


def traverse_relationships(
    actor: Actor, info: GraphQLResolveInfo, *, input: Mapping[str, Any]  # noqa: A002 - its name there
) -> dict[str, Any]:  # fmt: skip
    """Raises RecordNotFound, InvalidParameter."""
    start = as_id(input["start_thing_id"])
    if start is None:
        raise RecordNotFound
    try:
        _, text = traversal.traverse(actor, start, _walk(actor, input))
    except InvalidParameter as error:
        faults = [replace(fault, pointer=_place(fault.pointer)) for fault in error.faults]
        raise InvalidParameter(faults=faults) from None
    found: dict[str, Any] = read_exactly(text)
    _want_records(info, found)
    return found


def _walk(actor: Actor, given: Mapping[str, Any]) -> Traversal:
    """Raises InvalidParameter."""
    asked_of = given.get("filter") or {}
    if asked_of.get("search"):
        raise InvalidParameter(faults=[Fault("/filter/search", "NOT_SUPPORTED", "A walk takes no search.")])
    statuses, depth, limit = asked_of.get("status"), given.get("max_depth"), given.get("limit")
    conditions = {key: value for key, value in filter_of(asked_of).items() if key not in _APART}
    return Traversal(
        depth=1 if depth is None else depth,
        direction=plain(given.get("direction")) or "BOTH",
        relationship_types=_types(actor, given.get("relationship_type_ids"), asked_of.get("relationship_type_ids")),
        status=None if statuses is None else [plain(status) for status in statuses],
        include_inactive=bool(given.get("include_inactive")),
        effective_at=asked_of.get("effective_at_date"),
        filter=conditions or None,
        limit=LIMIT if limit is None else limit,
    )


def _types(actor: Actor, first: list[str] | None, second: list[str] | None) -> list[str] | None:
    """Those that both lists name, by id or slug; a list that is not given names all."""
    if first is None or second is None:
        return second if first is None else first
    return [name for name in first if _key(actor, name) in {_key(actor, other) for other in second}]


def _key(actor: Actor, name: str) -> str:
    found = find_class(actor, name)
    return str(found.shape.id) if found else name


def _want_records(info: GraphQLResolveInfo, found: dict[str, Any]) -> None:
    """A walk tells of each record what is mostly asked; where more is, it is loaded for all of them at once."""
    steps = [("paths", "relationships", end) for end in ("sourceThing", "targetThing")]
    names = {name for path in (("paths", "targetThing"), *steps) for name in asked(info, *path)}
    records = [found["start"], *(path["target"] for path in found["paths"])]
    context: Context = info.context
    keys = {RECORD_KEYS.get(name, name) for name in names}
    if keys <= _TOLD and context.ends.keys <= _TOLD:
        context.ends.know(records, _TOLD)
    elif names:
        context.ends.want([record["id"] for record in records], keys)


def _place(pointer: str) -> str:
    return "/input" + _PLACES.get(pointer, place_in_query(pointer))
