"""The schema is written down, and each root field says who may ask."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import graphene
import pytest
from graphql import graphql_sync, print_schema

from oneo.access.permissions import P
from oneo.actor import Actor, Grant, system_actor
from oneo.errors import PermissionDenied
from oneo.graphql.base import LOGGED_IN, Context, RootField
from oneo.graphql.schema import Query, schema
from oneo.ids import new_id

SNAPSHOT = Path(__file__).parents[2] / "docs" / "schema.graphql"


def test_the_schema_is_as_written_down() -> None:
    """A wanted change is written down with UPDATE_SNAPSHOTS=1 in the environment."""
    printed = print_schema(schema()) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(printed, encoding="utf-8")
    assert SNAPSHOT.read_text(encoding="utf-8") == printed


def test_every_root_field_says_who_may_ask() -> None:
    fields = [getattr(Query, name) for name in Query._meta.fields]
    assert fields
    assert all(isinstance(field, RootField) for field in Query._meta.fields.values())


def _label(actor: Actor, times: int = 1) -> str:
    return actor.credential.value * times


def test_a_root_field_without_permission_fails_at_import() -> None:
    with pytest.raises(TypeError):
        RootField(graphene.String, _label)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="does not say who may call it"):
        RootField(graphene.String, _label, permission="anybody")


def _ask(actor: Actor) -> tuple[object, bool]:
    class Root(graphene.ObjectType):
        own = RootField(graphene.String, _label, permission=LOGGED_IN, times=graphene.Int())
        users = RootField(graphene.String, _label, permission=P.USERS_READ)

    context = Context(actor)
    result = graphql_sync(graphene.Schema(Root).graphql_schema, "{own(times: 2) users}", context_value=context)
    denied = any(isinstance(error.original_error, PermissionDenied) for error in result.errors or ())
    assert context.confirmed
    return result.data, denied


def test_a_root_field_asks_for_its_permission() -> None:
    system = system_actor(new_id())
    weak = Actor(system.tenant_id, system.user_id, system.credential, system.credential_id)
    strong = dataclasses.replace(weak, grants={P.USERS_READ: (Grant(P.USERS_READ),)})
    assert _ask(weak) == ({"own": "systemsystem", "users": None}, True)
    assert _ask(strong) == ({"own": "systemsystem", "users": "system"}, False)
