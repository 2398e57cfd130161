"""The schema: built once per process, written down in docs/schema.graphql."""

from __future__ import annotations

from functools import cache

import graphene
from graphql import GraphQLSchema

from oneo.access.permissions import P
from oneo.graphql.base import LOGGED_IN, RootField
from oneo.graphql.constraints import RelationshipConstraint, list_constraints
from oneo.graphql.link_inputs import (
    CreateRelationshipInput,
    PaginationInput,
    RelationshipFilter,
    RelationshipTraversalInput,
    SortInput,
)
from oneo.graphql.pipelines import Pipeline, get_pipeline, list_pipelines
from oneo.graphql.records import Record, RecordConnection, RecordFilters, get_record, list_records
from oneo.graphql.relationships import (
    Relationship,
    RelationshipConnection,
    RelationshipValidation,
    get_relationship,
    list_relationships,
    validate_relationship,
)
from oneo.graphql.things import Thing, get_thing
from oneo.graphql.traversal import RelationshipTraversal, traverse_relationships
from oneo.graphql.users import PermissionSet, User, get_current_user, get_user_permissions
from oneo.graphql.words import THINGS


class Query(graphene.ObjectType):
    """Everything that can be read."""

    current_user = RootField(
        User, get_current_user, permission=LOGGED_IN, required=True, description="The caller himself."
    )
    user_permissions = RootField(
        PermissionSet, get_user_permissions, permission=LOGGED_IN, required=True, description="What the caller may do."
    )
    pipelines = RootField(
        graphene.List(graphene.NonNull(Pipeline)), list_pipelines, permission=LOGGED_IN, looks_ahead=True,
        required=True, is_active=graphene.Boolean(),
        description="Pipelines that the caller sees, newest first; inactive ones when they are asked for.",
    )  # fmt: skip
    pipeline = RootField(
        Pipeline, get_pipeline, permission=LOGGED_IN, looks_ahead=True, id=graphene.ID(required=True),
        description="By id or slug.",
    )  # fmt: skip
    records = RootField(
        RecordConnection, list_records, permission=P.RECORDS_READ, looks_ahead=True, required=True,
        pipeline_id=graphene.ID(required=True, description="Id or slug."), filters=RecordFilters(),
        ordering=graphene.String(description="Keys, comma separated; `-` turns one round."),
        first=graphene.Int(), after=graphene.String(), limit=graphene.Int(), offset=graphene.Int(),
        description="Records of a pipeline: by first and after, or by limit and offset.",
    )  # fmt: skip
    relationships = RootField(
        RelationshipConnection, list_relationships, permission=P.RELATIONSHIPS_READ, looks_ahead=True, required=True,
        filter=RelationshipFilter(), pagination=PaginationInput(), sorting=graphene.List(graphene.NonNull(SortInput)),
        description="Relationships between records that the caller sees.",
    )  # fmt: skip
    relationship = RootField(
        Relationship, get_relationship, permission=P.RELATIONSHIPS_READ, looks_ahead=True, id=graphene.ID(required=True)
    )
    traverse_relationships = RootField(
        RelationshipTraversal, traverse_relationships, permission=P.RELATIONSHIPS_READ, looks_ahead=True, required=True,
        input=RelationshipTraversalInput(required=True),
        description="What can be reached from a record along relationships, and by which way.",
    )  # fmt: skip
    relationship_constraints = RootField(
        graphene.List(graphene.NonNull(RelationshipConstraint)), list_constraints, permission=P.PIPELINES_READ,
        looks_ahead=True, required=True,
        relationship_type_id=graphene.ID(required=True, description="Id or slug."),
        description="What relationships of a type have to keep to, oldest first.",
    )  # fmt: skip
    validate_relationship = RootField(
        RelationshipValidation, validate_relationship, permission=P.RELATIONSHIPS_CREATE, required=True,
        input=CreateRelationshipInput(required=True),
        description="What stands against a relationship; nothing is written.",
    )  # fmt: skip
    record = RootField(Record, get_record, permission=P.RECORDS_READ, looks_ahead=True, id=graphene.ID(required=True))
    thing = RootField(
        Thing, get_thing, permission=P.RECORDS_READ, looks_ahead=True, words=THINGS, id=graphene.ID(required=True)
    )


@cache
def schema() -> GraphQLSchema:
    built: GraphQLSchema = graphene.Schema(query=Query).graphql_schema
    return built
