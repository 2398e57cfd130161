"""Constraints of relationship types."""

from __future__ import annotations

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from oneo.actor import Actor
from oneo.graphql.base import JSON, DateTime
from oneo.graphql.exact import named, read_exactly
from oneo.graphql.selection import asked
from oneo.graphql.things import ThingClass, class_of
from oneo.operations import constraints
from oneo.operations.lists import MAX_PAGE_SIZE, ListQuery

_MADE_OF = {
    "tenant_id": "id", "relationship_type": "relationship_type_id", "source_thing_class": "source_pipeline_id",
    "target_thing_class": "target_pipeline_id",
}  # fmt: skip
"""What is asked for, and the key that it is made of."""


class RelationshipConstraintType(graphene.Enum):
    """What a constraint is about."""

    CARDINALITY = "CARDINALITY"
    EXCLUSIVITY = "EXCLUSIVITY"
    DEPENDENCY = "DEPENDENCY"
    HIERARCHY = "HIERARCHY"


class RelationshipConstraint(graphene.ObjectType):
    """What relationships of a type have to keep to."""

    id = graphene.ID(required=True)
    tenant_id = graphene.ID(required=True)
    relationship_type_id = graphene.ID(required=True)
    relationship_type = graphene.Field(ThingClass, required=True)
    source_pipeline_id = graphene.ID(description="Of relationships from its records alone; null is all.")
    source_thing_class = graphene.Field(ThingClass, description="Null also where the caller does not see it.")
    target_pipeline_id = graphene.ID(description="Of relationships to its records alone; null is all.")
    target_thing_class = graphene.Field(ThingClass, description="Null also where the caller does not see it.")
    min_instances = graphene.Int(required=True)
    max_instances = graphene.Int()
    is_required = graphene.Boolean(required=True)
    constraint_type = RelationshipConstraintType(required=True)
    constraint_metadata = JSON(description="Options of the kind.")
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    version = graphene.Int(required=True)

    @staticmethod
    def resolve_tenant_id(_found: object, info: GraphQLResolveInfo) -> str:
        return str(info.context.actor.tenant_id)

    @staticmethod
    def resolve_relationship_type(found: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, found["relationship_type_id"])

    @staticmethod
    def resolve_source_thing_class(found: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, found["source_pipeline_id"])

    @staticmethod
    def resolve_target_thing_class(found: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, found["target_pipeline_id"])


def list_constraints(actor: Actor, info: GraphQLResolveInfo, *, relationship_type_id: str) -> list[dict[str, Any]]:
    """All of a type, by its id or slug. Raises RelationshipTypeNotFound."""
    keys = named({_MADE_OF.get(key, key) for key in asked(info)})
    query = ListQuery(page_size=MAX_PAGE_SIZE, count="none", fields=keys)
    found: list[dict[str, Any]] = read_exactly(constraints.list_constraints(actor, relationship_type_id, query).results)
    return found
