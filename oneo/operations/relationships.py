"""Relationships between records, one at a time: reading, making, changing, ending, restoring, erasing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import TypeSight, readable, readable_types, type_sight
from oneo.access.schema import readable_reaches, schema_of
from oneo.actor import Actor
from oneo.errors import FaultList, RelationshipNotFound, RelationshipNotRemoved, pointer
from oneo.events.unit import announce, translated, unit
from oneo.filters.link_columns import own_columns
from oneo.filters.sql import Sql, all_of
from oneo.operations.link_locks import Place, locks_for, reach_of, rules_for
from oneo.operations.link_values import NEW_KEYS, Wanted, missing_ends, read_change, read_new
from oneo.operations.lists import Listing, ListQuery, including, list_resource, picked
from oneo.operations.violations import END_CODES, fault, refuse_broken
from oneo.store import erasing, link_changes, link_writes, message
from oneo.store.history import changed_since
from oneo.store.link_changes import ACTIVATE, DEACTIVATE, DELETE, RESTORE, UPDATE, LinkChange
from oneo.store.link_history import link_history_resource
from oneo.store.link_writes import Broken, LinkOutcome, WrittenLink
from oneo.store.links import Seen, end_records, link_resource, place_of, seen_from_target
from oneo.store.lists import get_row
from oneo.store.resources import Resource

_TYPE_KEYS = ("relationship_type", "relationship_type_id")


def list_relationships(actor: Actor, query: ListQuery, *, deleted: bool = False) -> Listing:
    """Raises InvalidParameter, InvalidCursor."""
    permission = P.RELATIONSHIPS_DELETE if deleted else P.RELATIONSHIPS_READ
    policy.require(actor, permission)
    resource = _resource(actor, query.include, deleted=deleted, about=_type_of(query))
    return list_resource(actor, resource, query, scope=readable(actor, permission))


def get_relationship(
    actor: Actor, link_id: UUID, *, fields: str = "", include: str = "", turned: bool = False
) -> tuple[str, int, bool]:
    """(JSON text, version, whether something of it is hidden), as it looks from its source or, turned, from its target.

    Raises RelationshipNotFound, InvalidParameter.
    """
    resource = _resource(actor, include)
    resource = including(include, seen_from_target(resource) if turned else resource)
    found = get_row(actor, resource, _one(link_id, readable(actor)), picked(fields, resource))
    if found is None:
        raise RelationshipNotFound
    return (*found, any(hidden for _, hidden in _seen(actor)))


def create_relationship(
    actor: Actor, body: Mapping[str, Any], *, reason: str | None = None, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises ValidationFailed, InvalidRelationshipType, InactiveThing, DuplicateRelationship,
    ConstraintViolation, CircularRelationship.
    """
    policy.require(actor, P.RELATIONSHIPS_CREATE)
    wanted = read_new(actor, body, faults or FaultList())
    if wanted.faults.faults:
        for broken in find_broken(actor, body, wanted):
            wanted.faults.take([fault(actor, broken)])
    wanted.faults.check()
    written = perform_insert(actor, [wanted], reason=reason).rows[0]
    refuse_broken(actor, written.broken)
    return written.id or UUID(int=0), written.document, written.version


def update_relationship(
    actor: Actor, link_id: UUID, body: Mapping[str, Any], *,
    whole: bool = False, versions: frozenset[int] | None = None, reason: str | None = None,
    faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given, or, given whole, everything but its type and ends. Raises RelationshipNotFound,
    VersionMismatch, and what `create_relationship` raises.
    """
    found, place = locate(actor, link_id, P.RELATIONSHIPS_UPDATE)
    wanted = read_change(actor, found, link_id, body, faults or FaultList(), whole=whole)
    wanted.faults.check()
    return _perform_one(actor, UPDATE, P.RELATIONSHIPS_UPDATE, wanted.row or {}, place, versions, reason)


def activate_relationship(
    actor: Actor, link_id: UUID, *, reason: str | None = None, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Raises what `update_relationship` raises."""
    _, place = locate(actor, link_id, P.RELATIONSHIPS_UPDATE)
    return _perform_one(actor, ACTIVATE, P.RELATIONSHIPS_UPDATE, {"id": link_id}, place, versions, reason)


def deactivate_relationship(
    actor: Actor, link_id: UUID, *, reason: str | None = None, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Raises ConstraintViolation when others need it, and what `update_relationship` raises."""
    _, place = locate(actor, link_id, P.RELATIONSHIPS_UPDATE)
    return _perform_one(actor, DEACTIVATE, P.RELATIONSHIPS_UPDATE, {"id": link_id}, place, versions, reason)


def delete_relationship(
    actor: Actor, link_id: UUID, *, reason: str | None = None, versions: frozenset[int] | None = None
) -> None:
    """Soft: it can be restored. Raises RelationshipNotFound, VersionMismatch, ConstraintViolation."""
    _, place = locate(actor, link_id, P.RELATIONSHIPS_DELETE)
    _perform_one(actor, DELETE, P.RELATIONSHIPS_DELETE, {"id": link_id}, place, versions, reason)


def restore_relationship(
    actor: Actor, link_id: UUID, *, reason: str | None = None, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Raises RelationshipNotFound when it is not removed, VersionMismatch, and what `create_relationship` raises."""
    _, place = locate(actor, link_id, P.RELATIONSHIPS_DELETE)
    return _perform_one(actor, RESTORE, P.RELATIONSHIPS_DELETE, {"id": link_id}, place, versions, reason)


def purge_relationship(actor: Actor, link_id: UUID, *, versions: frozenset[int] | None = None) -> None:
    """Erase a removed relationship with what the log says of it.

    Raises RelationshipNotFound, RelationshipNotRemoved, VersionMismatch.
    """
    _, place = locate(actor, link_id, P.RELATIONSHIPS_PURGE)
    with unit(actor) as work:
        scope = readable(actor, P.RELATIONSHIPS_PURGE)
        version = erasing.lock_removed_link(work.connection, actor.tenant_id, link_id, scope)
        if version is None:
            raise RelationshipNotRemoved if place_of(actor, [link_id], scope) else RelationshipNotFound
        if versions is not None and version not in versions:
            mismatch = Broken("VERSION_MISMATCH", None, None, "version", {"version": version})
            refuse_broken(actor, [_with_differences(actor, mismatch, place, link_id, max(versions, default=0))])
        erasing.erase_link(work.connection, actor.tenant_id, link_id)
        work.append("relationship.purged", link_id, pipeline_id=place[0], version=version + 1)


def list_relationship_history(actor: Actor, link_id: UUID, query: ListQuery) -> Listing:
    """Newest first, of a removed one too. Raises RelationshipNotFound, InvalidParameter."""
    found, _ = locate(actor, link_id, P.RELATIONSHIPS_READ)
    return list_resource(actor, link_history_resource(link_id, found.own.fields), query)


def locate(actor: Actor, link_id: UUID, permission: P) -> tuple[TypeSight, Place]:
    """Its type as the caller sees it, and its ends, of a removed one too. Raises RelationshipNotFound, PermissionDenied
    where he sees it and may not do this.
    """
    place = place_of(actor, [link_id], readable(actor)).get(link_id)
    if place is None:
        raise RelationshipNotFound
    found = type_sight(actor, schema_of(actor).types[place[0]])
    policy.require(actor, permission, found.type.id)
    return found, place


def perform_insert(
    actor: Actor, wanted: list[Wanted], *, reason: str | None = None, dry: bool = False
) -> LinkOutcome:  # fmt: skip
    """If none breaks anything they are written; `dry`: what they would break is only found, and nobody waits for it."""
    rows = [one.row for one in wanted if one.row is not None]
    rules = rules_for(actor, {row["type"] for row in rows})
    places = [(row["type"], row["source"], row["target"]) for row in rows]
    locks = [] if dry else locks_for(actor, rules, places)
    with translated():
        message.take_in_unit(actor, locks)
        outcome = link_writes.insert(
            actor, rows, reach=reach_of(actor), rules=rules, seen=all_seen(actor), locks=locks, reason=reason, dry=dry
        )
    announce(actor, outcome.seq)
    return outcome


def find_broken(actor: Actor, body: Mapping[str, Any], wanted: Wanted) -> list[Broken]:
    """What a new relationship would break, as far as its faults let it be known. Writes nothing.

    Its ends are looked up whatever else is wrong. Of constraints nothing is known while its type, status or time is
    not: they would be checked for another relationship than the one that is wanted.
    """
    faults = wanted.faults
    if wanted.row is None:
        return missing_ends(actor, body, faults)
    broken = [found for one in perform_insert(actor, [wanted], dry=True).rows for found in one.broken]
    placed = not any(found.pointer in _PLACING for found in faults.faults)
    of_ends = [found for found in broken if found.code in END_CODES]
    return [found for found in (broken if placed else of_ends) if not faults.covers(fault(actor, found).pointer)]


_PLACING = {pointer(name) for name in NEW_KEYS - {"strength", "metadata", "data"}}
"""Without these it cannot be said which constraints a relationship would break."""


def perform_change(
    actor: Actor, what: LinkChange, permission: P, rows: list[dict[str, Any]], places: list[Place], *,
    reason: str | None = None,
) -> LinkOutcome:  # fmt: skip
    """Those that the caller may change so are changed, if none of them breaks anything."""
    rules = rules_for(actor, {place[0] for place in places}, changing=True)
    locks = locks_for(actor, rules, places)
    with translated():
        message.take_in_unit(actor, locks)
        outcome = link_changes.change(
            actor, what, rows, scope=readable(actor, permission), reach=reach_of(actor), rules=rules,
            seen=all_seen(actor), locks=locks, reason=reason,
        )  # fmt: skip
    announce(actor, outcome.seq)
    return outcome


def all_seen(actor: Actor) -> Seen:
    """Every type, and what of its fields does not exist for the caller."""
    return [(found, type_sight(actor, found).own.hidden) for found in schema_of(actor).types.values()]


def _perform_one(
    actor: Actor, what: LinkChange, permission: P, row: dict[str, Any], place: Place,
    versions: frozenset[int] | None, reason: str | None,
) -> tuple[str, int]:  # fmt: skip
    if versions is not None:
        row = {**row, "versions": sorted(versions)}
    found: list[WrittenLink] = perform_change(actor, what, permission, [row], [place], reason=reason).rows
    if not found:
        raise RelationshipNotFound
    broken = [broken for one in found for broken in one.broken]
    if versions is not None and any(one.code == "VERSION_MISMATCH" for one in broken):
        broken = [_with_differences(actor, one, place, row["id"], max(versions, default=0)) for one in broken]
    refuse_broken(actor, broken)
    return found[0].document, found[0].version


def _with_differences(actor: Actor, broken: Broken, place: Place, link_id: UUID, since: int) -> Broken:
    """What the caller may see of what has changed after this version."""
    hidden = {f"data.{slug}" for slug in type_sight(actor, schema_of(actor).types[place[0]]).own.hidden}
    differing = [name for name in changed_since(actor, link_id, since) if name not in hidden]
    return replace(broken, detail={**broken.detail, "differing_fields": differing})


def _seen(actor: Actor) -> Seen:
    return [(found.type, found.own.hidden) for found in readable_types(actor)]


def _resource(actor: Actor, include: str, *, deleted: bool = False, about: object = None) -> Resource:
    """`about` names the one type whose own fields may be asked."""
    embeds = end_records(readable_reaches(actor)) if include else {}
    types = readable_types(actor)
    own = next((one.own for one in types if about in (one.type.slug, str(one.type.id))), None)
    columns = own_columns(own.shape, own.hidden) if own else {}
    return link_resource([(one.type, one.own.hidden) for one in types], own=columns, deleted=deleted, embeds=embeds)


def _type_of(query: ListQuery) -> object:
    """The one type that the list is about, as it is named."""
    asked = query.filter if isinstance(query.filter, Mapping) else {}
    for name in _TYPE_KEYS:
        for ending in ("", "__exact", "__in"):
            if len(found := query.conditions.get(name + ending, ())) == 1:
                return found[0]
        of: Any = asked.get(name)
        if isinstance(of, Mapping):
            of = of.get("exact", of.get("in"))
        if of:
            return of[0] if isinstance(of, list) and len(of) == 1 else of
    return None


def _one(link_id: UUID, scope: Sql) -> Sql:
    return all_of([Sql("x.id = %s", [link_id]), scope])
