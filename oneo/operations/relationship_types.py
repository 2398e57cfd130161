"""Relationship types: which records can be related and how, made and changed at run time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import find_type, reads_all_relationships, sees_type
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import FaultList, RelationshipTypeInUse, RelationshipTypeNotFound
from oneo.events.unit import Unit, unit
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Pipeline, RelationshipType
from oneo.models.pipeline import DEFAULT_CARDINALITY, DEFAULT_ON_DELETE
from oneo.operations.constraints import constraints_of, fit_cardinality, lock_type, pipeline_at
from oneo.operations.fields import add_fields, read_fields
from oneo.operations.link_presence import check_present, settle_sleeping
from oneo.operations.lists import Listing, ListQuery, picked
from oneo.operations.pipelines import field_entries, graphql_name, last_deleted, list_shapes, rename
from oneo.operations.size_limits import check_fields, check_pipelines
from oneo.operations.slug_checks import RESERVED, note_taken_slug, read_slug
from oneo.store.lists import get_row
from oneo.store.relationship_types import elsewhere, type_resource
from oneo.store.resources import Resource

_DEFAULTS: Mapping[str, Any] = {
    "description": "", "is_active": True, "settings": {}, "source_pipeline": None, "target_pipeline": None,
    "cardinality": DEFAULT_CARDINALITY, "is_bidirectional": False, "forward_label": "", "reverse_label": "",
    "on_delete": DEFAULT_ON_DELETE,
}  # fmt: skip
_PLAIN = ("name", "description", "is_active", "settings", "cardinality", "is_bidirectional", "forward_label",
          "reverse_label", "on_delete")  # fmt: skip
ENDS = ("source", "target")


def list_relationship_types(actor: Actor, query: ListQuery, *, deleted: bool = False) -> Listing:
    """Those that the caller sees; inactive ones only where the query asks about `is_active`."""
    seen = (found for found in schema_of(actor).types if sees_type(actor, found))
    return list_shapes(actor, _resource(actor), query, seen, deleted=deleted)


def get_relationship_type(actor: Actor, name: str, *, fields: str = "") -> tuple[str, int]:
    """(JSON text, version), by id or slug; all keys or those named. Raises RelationshipTypeNotFound."""
    found = schema_of(actor).find_type(as_id(name) or name)
    if found is None or not sees_type(actor, found.id):
        raise RelationshipTypeNotFound
    return show_type(actor, found.id, fields)


def create_relationship_type(
    actor: Actor, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version); fields may be given with it. Raises SlugTaken, ValidationFailed."""
    policy.require(actor, P.PIPELINES_CREATE)
    with unit(actor) as work:
        faults = faults or FaultList()
        slug = read_slug(body, faults, reserved=RESERVED)
        made = RelationshipType(slug=slug, created_by=actor.user_id, updated_by=actor.user_id)
        body = {**_DEFAULTS, **body}
        _apply(work, made, body, faults)
        wanted = read_fields(work, made, field_entries(body), faults, new=True)
        note_taken_slug(work, Pipeline, slug, faults)
        faults.check()
        made.graphql_name = graphql_name(work, slug)
        work.session.add(made)
        work.session.flush()
        check_pipelines(work, kind="relationship")
        fields = add_fields(work, made, wanted, faults, new=True)
        work.renew_schema()
        work.created(made, "relationship_type.created")
        for field in fields:
            work.created(field, "field.created")
        fit_cardinality(work, made)
        return (made.id, *show_type(actor, made.id))


def update_relationship_type(
    actor: Actor, name: str, body: Mapping[str, Any], *,
    whole: bool = False, versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given, or, when it is given whole, everything but slug, fields and constraints of its own.

    Raises RelationshipTypeNotFound, VersionMismatch, SlugTaken, ValidationFailed, and RelationshipTypeInUse when there
    are relationships with other ends.
    """
    sight = find_type(actor, name, P.PIPELINES_UPDATE)
    if whole:
        body = {**_DEFAULTS, **body}
    with unit(actor) as work:
        found = lock_type(work, sight.type.id, versions=versions)
        before, faults = [(end, _end(found, end)) for end in ENDS], faults or FaultList()
        _apply(work, found, body, faults)
        rename(work, found, body, faults)
        _check_ends(work, found, {end: _end(found, end) for end, former in before if former != _end(found, end)})
        if work.differences(found):
            found.updated_by = actor.user_id
        if work.changed(found, "relationship_type.updated"):
            work.renew_schema()
        fit_cardinality(work, found)
        return show_type(actor, found.id)


def delete_relationship_type(actor: Actor, name: str, *, versions: frozenset[int] | None = None) -> None:
    """Soft: its relationships are out of sight until it is restored.

    Raises RelationshipTypeNotFound, VersionMismatch.
    """
    sight = find_type(actor, name, P.PIPELINES_DELETE)
    with unit(actor) as work:
        found = lock_type(work, sight.type.id, versions=versions)
        found.deleted_at, found.updated_by = datetime.now(UTC), actor.user_id
        work.changed(found, "relationship_type.deleted")
        work.renew_schema()


def restore_relationship_type(
    actor: Actor, name: str, *, versions: frozenset[int] | None = None
) -> tuple[str, int]:  # fmt: skip
    """By id or slug. Raises RelationshipTypeNotFound when it is not deleted, VersionMismatch, SlugTaken when another
    has its slug now, ConstraintViolation when others have the places of its relationships.
    """
    with unit(actor) as work:
        type_id = as_id(name) or last_deleted(work, name, kind="relationship")
        if type_id is None or not policy.allows(actor, P.PIPELINES_DELETE, type_id):
            raise RelationshipTypeNotFound
        found = lock_type(work, type_id, versions=versions, deleted=True)
        found.deleted_at, found.updated_by = None, actor.user_id
        work.changed(found, "relationship_type.restored")
        check_pipelines(work, kind="relationship")
        check_fields(work)
        work.renew_schema()
        settle_sleeping(work, found.id)
        check_present(work, found.id, constraints_of(work, found.id))
        return show_type(actor, found.id)


def show_type(actor: Actor, type_id: UUID, fields: str = "") -> tuple[str, int]:
    resource = _resource(actor, whole=type_id)
    found = get_row(actor, resource, Sql("p.id = %s", [type_id]), picked(fields, resource))
    if found is None:
        raise RelationshipTypeNotFound
    return found


def _apply(work: Unit, found: RelationshipType, body: Mapping[str, Any], faults: FaultList) -> None:
    for key in _PLAIN:
        if key in body:
            setattr(found, key, body[key])
    for end in ENDS:
        if f"{end}_pipeline" in body:
            setattr(found, f"{end}_pipeline_id", pipeline_at(work.actor, body, end, faults))
    for constraint in constraints_of(work, found.id) if found.id else ():
        if constraint.constraint_type == "HIERARCHY" and found.is_bidirectional:
            faults.add("/is_bidirectional", "CONTRADICTION", "Relationships of a hierarchy go one way.")
        for end in ENDS:
            if _end(constraint, end) is not None and _end(found, end) not in {None, _end(constraint, end)}:
                faults.add(f"/{end}_pipeline", "CONTRADICTION", f"A constraint is about another {end}.")


def _check_ends(work: Unit, found: RelationshipType, changed: Mapping[str, UUID | None]) -> None:
    count, examples = elsewhere(work.connection, work.actor.tenant_id, found.id, changed)
    if count:
        told = reads_all_relationships(work.actor, found.id)
        extra = {"relationships": count, "examples": examples} if told else {}
        raise RelationshipTypeInUse("Relationships of the type have other ends.", extra=extra)


def _end(row: Any, end: str) -> UUID | None:
    place: UUID | None = getattr(row, f"{end}_pipeline_id")
    return place


def _resource(actor: Actor, *, whole: UUID | None = None) -> Resource:
    """As the caller sees types: counts where he sees all relationships, no trace of fields hidden from him. `whole`
    names the one that is shown with its fields.
    """
    types = schema_of(actor).types
    everywhere = _unbound(actor, P.RELATIONSHIPS_READ) and _unbound(actor, P.RECORDS_READ)
    counted = None if everywhere else [found for found in types if reads_all_relationships(actor, found)]
    hidden = [
        (found, slug) for found in {*types, *([whole] if whole else ())} for slug in policy.hidden_fields(actor, found)
    ]
    return type_resource(counted, hidden, whole=whole is not None)


def _unbound(actor: Actor, permission: P) -> bool:
    return any(grant.pipelines is None and grant.rows == "all" for grant in policy.granting(actor, permission))
