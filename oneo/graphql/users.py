"""Users, and what the caller may do."""

from __future__ import annotations

from typing import Any

import graphene
import orjson

from oneo.actor import Actor
from oneo.graphql.base import JSON, DateTime
from oneo.operations import permissions, users


class User(graphene.ObjectType):
    """A person or program of the tenant."""

    id = graphene.ID(required=True)
    email = graphene.String(required=True)
    name = graphene.String(required=True)
    is_active = graphene.Boolean(required=True)
    user_types = graphene.List(
        graphene.NonNull(graphene.String), required=True, description="Slugs of the user types, in order."
    )
    timezone = graphene.String(required=True, description="IANA time zone.")
    locale = graphene.String(required=True, description="BCP 47 language tag.")
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    deleted_at = DateTime()
    created_by_id = graphene.ID(description="The user who added this one.")
    updated_by_id = graphene.ID(description="The user who changed this one last.")
    version = graphene.Int(required=True, description="Rises by one with each change.")

    @staticmethod
    def resolve_created_by_id(user: dict[str, Any], _info: object) -> object:
        return user["created_by"]

    @staticmethod
    def resolve_updated_by_id(user: dict[str, Any], _info: object) -> object:
        return user["updated_by"]


class Grant(graphene.ObjectType):
    """One permission, on all pipelines or some, for all rows, one's own or those that a filter finds."""

    permission = graphene.String(required=True, description="A permission, or `*` for all of them.")
    pipelines = graphene.List(graphene.NonNull(graphene.ID), description="Null is all pipelines.")
    rows = JSON(required=True, description="`all`, `own` or `{filter: ...}`.")
    hidden_fields = graphene.List(graphene.NonNull(graphene.String), required=True)
    read_only_fields = graphene.List(graphene.NonNull(graphene.String), required=True)


class PermissionEntry(graphene.ObjectType):
    """A permission that the caller has, and the grants that give it."""

    permission = graphene.String(required=True)
    grants = graphene.List(graphene.NonNull(Grant), required=True)


class Permission(graphene.ObjectType):
    """A permission that can be granted."""

    permission = graphene.String(required=True)
    about = graphene.String(required=True)
    per_pipeline = graphene.Boolean(required=True, description="Whether it can be granted for some pipelines only.")
    per_row = graphene.Boolean(required=True, description="Whether it can be granted for some records only.")


class PermissionSet(graphene.ObjectType):
    """What the caller may do, and everything that can be granted."""

    user_id = graphene.ID(required=True)
    is_administrator = graphene.Boolean(required=True)
    permissions = graphene.List(graphene.NonNull(PermissionEntry), required=True)
    catalogue = graphene.List(graphene.NonNull(Permission), required=True)


def get_current_user(actor: Actor) -> Any:
    shown, _ = users.get_profile(actor)
    return orjson.loads(shown)


def get_user_permissions(actor: Actor) -> dict[str, Any]:
    found = permissions.get_permissions(actor)
    entries = [{"permission": name, "grants": grants} for name, grants in found["permissions"].items()]
    return {**found, "permissions": entries}
