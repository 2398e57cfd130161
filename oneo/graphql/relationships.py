"""Relationships, one or many, and what stands against one that is to be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from oneo.actor import Actor
from oneo.errors import InvalidParameter, RelationshipNotFound
from oneo.fields.dates import moment_text
from oneo.graphql.base import JSON, Context, DateTime
from oneo.graphql.constraints import RelationshipConstraintType
from oneo.graphql.exact import named, read_exactly
from oneo.graphql.link_inputs import (
    RelationshipStatus,
    body_of,
    filter_of,
    ordering_of,
    place_in_input,
    place_in_query,
)
from oneo.graphql.pages import PageInfo, connection, page_query
from oneo.graphql.records import Record
from oneo.graphql.selection import asked
from oneo.graphql.things import (
    RECORD_KEYS,
    Attribute,
    BetweenThings,
    ThingClass,
    Value,
    attributes_of,
    class_of,
    record_at,
    values_of,
)
from oneo.ids import as_id
from oneo.models.relationship import CONSTRAINT_KINDS
from oneo.operations import link_bulk, relationships
from oneo.operations.ends import find_class

_ENDS = ("sourceThing", "targetThing", "sourceRecord", "targetRecord")
_MADE_OF = {
    "tenant_id": (), "relationship_type": ("relationship_type_id",), "attributes": ("relationship_type_id",),
    "values": ("relationship_type_id", "data"), "is_active": ("status", "effective_from", "effective_until"),
    "reverse_relationship": (), **{f"{end}_{what}": (f"{end}_record_id",) for end in ("source", "target")
                                   for what in ("thing", "thing_id", "record")},
}  # fmt: skip
"""What is asked for, and the keys that it is made of."""
_TURNED = {
    f"{end}_{what}": f"{other}_{what}"
    for end, other in (("source", "target"), ("target", "source"))
    for what in ("record_id", "pipeline_id")
}


class Relationship(BetweenThings, graphene.ObjectType):
    """How two records are related."""

    id = graphene.ID(required=True)
    tenant_id = graphene.ID(required=True)
    relationship_type_id = graphene.ID(required=True)
    relationship_type = graphene.Field(ThingClass, required=True)
    source_record_id = graphene.ID(required=True)
    source_pipeline_id = graphene.ID(required=True)
    source_record = graphene.Field(Record, required=True)
    target_record_id = graphene.ID(required=True)
    target_pipeline_id = graphene.ID(required=True)
    target_record = graphene.Field(Record, required=True)
    status = RelationshipStatus(required=True)
    is_active = graphene.Boolean(required=True, description="Whether it is ACTIVE and holds at this moment.")
    is_bidirectional = graphene.Boolean(required=True)
    effective_from = DateTime(required=True)
    effective_until = DateTime()
    strength = graphene.Float(required=True)
    metadata = JSON()
    data = JSON(required=True, description="Values by the slugs of the type's fields.")
    values = graphene.List(graphene.NonNull(Value), required=True)
    attributes = graphene.List(graphene.NonNull(Attribute), required=True, description="Fields of its type.")
    reverse_relationship = graphene.Field(lambda: Relationship, description="As it looks from its target.")
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    created_by = graphene.ID()
    updated_by = graphene.ID()
    version = graphene.Int(required=True, description="Rises by one with each change.")

    @staticmethod
    def resolve_tenant_id(_link: object, info: GraphQLResolveInfo) -> str:
        return str(info.context.actor.tenant_id)

    @staticmethod
    def resolve_relationship_type(link: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, link["relationship_type_id"])

    @staticmethod
    def resolve_source_record(link: dict[str, Any], info: GraphQLResolveInfo) -> dict[str, Any]:
        return record_at(info, link["source_record_id"])

    @staticmethod
    def resolve_target_record(link: dict[str, Any], info: GraphQLResolveInfo) -> dict[str, Any]:
        return record_at(info, link["target_record_id"])

    @staticmethod
    def resolve_is_active(link: dict[str, Any], _info: object) -> bool:
        now, until = moment_text(datetime.now(UTC)), link["effective_until"]
        return link["status"] == "ACTIVE" and link["effective_from"] <= now and (until is None or now < until)

    @staticmethod
    def resolve_values(link: dict[str, Any], info: GraphQLResolveInfo) -> list[dict[str, Any]]:
        return list(values_of(info, link["relationship_type_id"], link["id"], link["data"]))

    @staticmethod
    def resolve_attributes(link: dict[str, Any], info: GraphQLResolveInfo) -> list[Any]:
        return attributes_of(info, link["relationship_type_id"])

    @staticmethod
    def resolve_reverse_relationship(link: dict[str, Any], _info: object) -> dict[str, Any]:
        return {_TURNED.get(key, key): value for key, value in link.items()}


class RelationshipEdge(graphene.ObjectType):
    """A relationship and its place in the list."""

    cursor = graphene.String(required=True)
    node = graphene.Field(Relationship, required=True)


class RelationshipConnection(graphene.ObjectType):
    """A page of relationships; `nodes`, `items` and the nodes of `edges` are the same."""

    edges = graphene.List(graphene.NonNull(RelationshipEdge), required=True)
    nodes = graphene.List(graphene.NonNull(Relationship), required=True)
    items = graphene.List(graphene.NonNull(Relationship), required=True)
    page_info = graphene.Field(PageInfo, required=True)
    total_count = graphene.Int(required=True, description="Counted only when it is asked for.")


class RelationshipViolation(graphene.ObjectType):
    """Something that stands against a relationship."""

    constraint_id = graphene.ID()
    constraint_type = RelationshipConstraintType(description="Null when no constraint of its type is broken.")
    code = graphene.String(required=True)
    message = graphene.String(required=True)
    severity = graphene.String(required=True)
    field_path = graphene.String(description="In the input.")

    @staticmethod
    def resolve_constraint_type(found: dict[str, Any], _info: object) -> object:
        kind = found["constraint_type"]
        return kind if kind in CONSTRAINT_KINDS else None

    @staticmethod
    def resolve_field_path(found: dict[str, Any], _info: object) -> object:
        return place_in_input(found["field_path"])


class RelationshipSuggestion(graphene.ObjectType):
    """What would mend it."""

    message = graphene.String(required=True)
    action = graphene.String(required=True)


class RelationshipValidation(graphene.ObjectType):
    """What stands against a relationship that is to be made."""

    is_valid = graphene.Boolean(required=True)
    violations = graphene.List(graphene.NonNull(RelationshipViolation), required=True)
    suggestions = graphene.List(graphene.NonNull(RelationshipSuggestion), required=True)


def get_relationship(actor: Actor, info: GraphQLResolveInfo, *, id: str) -> dict[str, Any]:  # noqa: A002 - its name there
    """Raises RelationshipNotFound."""
    link_id = as_id(id)
    if link_id is None:
        raise RelationshipNotFound
    fields = named(_keys(info, [()]))
    found: dict[str, Any] = read_exactly(relationships.get_relationship(actor, link_id, fields=fields)[0])
    _want_ends(info, [()], [found])
    return found


def list_relationships(
    actor: Actor, info: GraphQLResolveInfo, *, filter: Mapping[str, Any] | None = None,  # noqa: A002 - its name there
    pagination: Mapping[str, Any] | None = None, sorting: list[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Raises InvalidParameter, InvalidCursor."""
    given, lists = filter or {}, [("nodes",), ("items",), ("edges", "node")]
    query = page_query(
        info, pagination or {}, where="/pagination", filter=filter_of(given) or None, search=given.get("search") or "",
        ordering=ordering_of(sorting), fields=named(_keys(info, lists)),
    )  # fmt: skip
    try:
        found = connection(relationships.list_relationships(actor, query))
    except InvalidParameter as error:
        faults = [replace(fault, pointer=place_in_query(fault.pointer)) for fault in error.faults]
        raise InvalidParameter(faults=faults) from None
    _want_ends(info, lists, found["nodes"])
    return found


def validate_relationship(actor: Actor, *, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name there
    """Writes nothing. Raises ValidationFailed where the input says two things at once."""
    sight = find_class(actor, input["relationship_type_id"])
    slugs = {str(shape.id): slug for slug, shape in sight.fields.items()} if sight else {}
    return link_bulk.validate_relationship(actor, body_of(input, slugs))


def _keys(info: GraphQLResolveInfo, lists: Iterable[tuple[str, ...]]) -> set[str]:
    """REST's keys that the relationships in the lists are made of."""
    paths = list(_paths(info, lists))
    found = {made for path in paths for key in asked(info, *path) for made in _MADE_OF.get(key, (key,))}
    is_turned = any(path[-1:] == ("reverseRelationship",) for path in paths)
    return found | {_TURNED[key] for key in found & _TURNED.keys()} if is_turned else found


def _paths(info: GraphQLResolveInfo, lists: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Where relationships are selected: in the lists, and turned round."""
    for path in lists:
        yield path
        if "reverse_relationship" in asked(info, *path):
            yield from _paths(info, [(*path, "reverseRelationship")])


def _want_ends(info: GraphQLResolveInfo, lists: Iterable[tuple[str, ...]], links: list[dict[str, Any]]) -> None:
    """What the answer needs of the records at their ends is loaded at once, when the first is asked for."""
    names = {name for path in _paths(info, lists) for end in _ENDS for name in asked(info, *path, end)}
    if names:
        context: Context = info.context
        ids = {link[key] for link in links for key in ("source_record_id", "target_record_id") if key in link}
        context.ends.want(ids, {RECORD_KEYS.get(name, name) for name in names})
