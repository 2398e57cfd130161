"""Relationships as one caller sees them: of types that he may read, between records that he may read."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight, row_scope, schema_of
from oneo.actor import Actor
from oneo.errors import DomainError, RelationshipTypeNotFound
from oneo.fields.links import TypeShape
from oneo.filters.sql import Sql, all_of
from oneo.ids import as_id
from oneo.store.link_sight import Group, end_within, of_types
from oneo.store.links import relationships_of

_SEEING = (P.PIPELINES_READ, P.RELATIONSHIPS_READ, P.RELATIONSHIPS_CREATE, P.RELATIONSHIPS_UPDATE,
           P.RELATIONSHIPS_DELETE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypeSight:
    """A relationship type as the caller sees it; `own` is what he sees of its fields."""

    type: TypeShape
    own: Sight


def type_sight(actor: Actor, found: TypeShape) -> TypeSight:
    return TypeSight(found, Sight(found.own, policy.hidden_fields(actor, found.id) | found.own.removed))


def sees_type(actor: Actor, type_id: UUID) -> bool:
    return policy.sees(actor, type_id, _SEEING)


def seen_types(actor: Actor) -> frozenset[UUID] | None:
    """The types that he sees, those that are deleted among them; None is all."""
    return policy.seen(actor, _SEEING)


def find_type(
    actor: Actor, name: str | UUID, permission: P, *, missing: type[DomainError] = RelationshipTypeNotFound
) -> TypeSight:
    """By id or slug. Raises RelationshipTypeNotFound when the caller sees no such type, PermissionDenied when he sees
    it and may not do this there.
    """
    found = schema_of(actor).find_type(as_id(name) or name if isinstance(name, str) else name)
    if found is None or not sees_type(actor, found.id):
        raise missing
    policy.require(actor, permission, found.id)
    return type_sight(actor, found)


def readable_types(actor: Actor) -> list[TypeSight]:
    """Those whose relationships he may read."""
    found = schema_of(actor).types.values()
    return [type_sight(actor, one) for one in found if policy.allows(actor, P.RELATIONSHIPS_READ, one.id)]


def reads_all_relationships(actor: Actor, type_id: UUID) -> bool:
    """Whether the caller may read every relationship of the type: all records that can be at its ends."""
    found = schema_of(actor).types.get(type_id)
    if found is None or not policy.allows(actor, P.RELATIONSHIPS_READ, type_id):
        return False
    ends = (found.source_id, found.target_id)
    places = schema_of(actor).pipelines if None in ends else ends
    return all(policy.reads_all(actor, place) for place in places if place is not None)


def readable_groups(actor: Actor) -> list[Group]:
    """Pipelines whose records he may read, those of one and the same scope together."""
    groups: dict[tuple[str, str], Group] = {}
    for shape in schema_of(actor).pipelines.values():
        if policy.allows(actor, P.RECORDS_READ, shape.id):
            scope = row_scope(actor, P.RECORDS_READ, shape)
            groups.setdefault((scope.text, repr(scope.values)), Group(scope, [])).pipelines.append(shape.id)
    return list(groups.values())


def readable(actor: Actor, permission: P = P.RELATIONSHIPS_READ, *, near: UUID | None = None) -> Sql:
    """Which relationships `x` are there for him, and may be treated so; of the types that records `near` can have."""
    types = [
        found.id
        for found in schema_of(actor).types.values()
        if policy.allows(actor, P.RELATIONSHIPS_READ, found.id) and policy.allows(actor, permission, found.id)
        if near is None or found.touches(near)
    ]
    groups = readable_groups(actor)
    return all_of([of_types(types), *(end_within(groups, end) for end in ("source", "target"))])


def embedded_relationships(actor: Actor, near: UUID) -> Sql:
    """The relationships of a record `r` of the pipeline that he may read, as JSON. Raises PermissionDenied."""
    policy.require(actor, P.RELATIONSHIPS_READ)
    seen = [(found.type, found.own.hidden) for found in readable_types(actor)]
    return relationships_of(seen, readable(actor, near=near))
