"""The schema: built once per process, written down in docs/schema.graphql."""

from __future__ import annotations

from functools import cache

import graphene
from graphql import GraphQLSchema

from oneo.graphql.base import LOGGED_IN, RootField
from oneo.graphql.users import PermissionSet, User, get_current_user, get_user_permissions


class Query(graphene.ObjectType):
    """Everything that can be read."""

    current_user = RootField(
        User, get_current_user, permission=LOGGED_IN, required=True, description="The caller himself."
    )
    user_permissions = RootField(
        PermissionSet, get_user_permissions, permission=LOGGED_IN, required=True, description="What the caller may do."
    )


@cache
def schema() -> GraphQLSchema:
    built: GraphQLSchema = graphene.Schema(query=Query).graphql_schema
    return built
