"""Constraints of relationship types: what relationships have to keep to. Some follow from a type's cardinality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access.permissions import P
from oneo.access.relationships import find_type
from oneo.access.schema import schema_of, sees_pipeline
from oneo.actor import Actor
from oneo.errors import Conflict, ConstraintNotFound, FaultList, RelationshipTypeNotFound
from oneo.events.unit import Unit, public, unit
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Constraint, RelationshipType
from oneo.operations.constraint_options import read_options
from oneo.operations.link_presence import check_present
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store import message
from oneo.store.lists import get_row
from oneo.store.relationship_types import constraint_resource

MAX_CONSTRAINTS = 50
SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "one_to_one": ("source", "target"),
    "one_to_many": ("target",),
    "many_to_one": ("source",),
    "many_to_many": (),
}
"""By cardinality: the ends at which a record has one relationship of the type at most."""
_FOLLOWS = "This constraint follows from the cardinality of the type: change that."


def list_constraints(actor: Actor, type_name: str, query: ListQuery) -> Listing:
    """Raises RelationshipTypeNotFound."""
    sight = find_type(actor, type_name, P.PIPELINES_READ)
    return list_resource(actor, constraint_resource(sight.type.id), query)


def get_constraint(actor: Actor, type_name: str, constraint_id: UUID) -> tuple[str, int]:
    """(JSON text, version). Raises RelationshipTypeNotFound, ConstraintNotFound."""
    sight = find_type(actor, type_name, P.PIPELINES_READ)
    return _shown(actor, sight.type.id, constraint_id)


def create_constraint(
    actor: Actor, type_name: str, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises RelationshipTypeNotFound, ValidationFailed, and ConstraintViolation when there
    are relationships that it forbids.
    """
    sight = find_type(actor, type_name, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        found = lock_type(work, sight.type.id)
        made = Constraint(
            type_id=found.id, constraint_type=body.get("constraint_type", ""), created_by=actor.user_id,
            constraint_metadata={}, min_instances=0, max_instances=None, is_required=False, source_pipeline_id=None,
            target_pipeline_id=None,
        )  # fmt: skip
        faults = faults or FaultList()
        if len(constraints_of(work, found.id)) >= MAX_CONSTRAINTS:
            faults.add("", "TOO_MANY_ROWS", f"A relationship type has at most {MAX_CONSTRAINTS} constraints.")
        _apply(work, found, made, {"constraint_metadata": {}, **body}, faults)
        faults.check()
        _add(work, made)
        return (made.id, *_shown(actor, found.id, made.id))


def update_constraint(
    actor: Actor, type_name: str, constraint_id: UUID, body: Mapping[str, Any], *,
    versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given; the options are replaced. Raises ConstraintNotFound, VersionMismatch, ValidationFailed,
    ConstraintViolation when there are relationships that it forbids, and Conflict where it follows from the type's
    cardinality.
    """
    sight = find_type(actor, type_name, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        found = lock_type(work, sight.type.id)
        constraint = _locked(work, found.id, constraint_id, versions)
        is_own, faults = _is_own(constraint), faults or FaultList()
        _apply(work, found, constraint, body, faults)
        faults.check()
        if is_own and work.differences(constraint):
            raise Conflict(_FOLLOWS)
        if work.changed(constraint, "constraint.updated"):
            work.renew_schema()
            check_present(work, found.id, [constraint])
        return _shown(actor, found.id, constraint.id)


def delete_constraint(
    actor: Actor, type_name: str, constraint_id: UUID, *, versions: frozenset[int] | None = None
) -> None:
    """For good; the event keeps what it was. Raises ConstraintNotFound, VersionMismatch, and Conflict where it follows
    from the type's cardinality.
    """
    sight = find_type(actor, type_name, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        found = lock_type(work, sight.type.id)
        constraint = _locked(work, found.id, constraint_id, versions)
        if _is_own(constraint):
            raise Conflict(_FOLLOWS)
        _remove(work, constraint)


def fit_cardinality(work: Unit, found: RelationshipType) -> None:
    """Constraints that follow from the type's cardinality, made so. Inside a unit that has locked the type."""
    wanted = set(SHORTHANDS[found.cardinality])
    for constraint in constraints_of(work, found.id):
        if _is_own(constraint):
            end = constraint.constraint_metadata["per"]
            if end not in wanted:
                _remove(work, constraint)
            wanted.discard(end)
    for end in sorted(wanted):
        options = {"per": end, "shorthand": True}
        _add(
            work,
            Constraint(
                type_id=found.id, constraint_type="CARDINALITY", max_instances=1, constraint_metadata=options,
                created_by=work.actor.user_id,
            ),
        )  # fmt: skip


def constraints_of(work: Unit, type_id: UUID) -> list[Constraint]:
    return list(work.session.scalars(select(Constraint).where(Constraint.type_id == type_id).order_by(Constraint.id)))


def lock_type(
    work: Unit, type_id: UUID, *, versions: frozenset[int] | None = None, deleted: bool = False
) -> RelationshipType:
    """The type, with nobody writing relationships of it until the unit ends.

    Raises RelationshipTypeNotFound, VersionMismatch.
    """
    message.stand_alone(work.connection, work.actor.tenant_id, type_id, all_types=True)
    found = work.lock(RelationshipType, type_id)
    if found is None or (found.deleted_at is not None) != deleted:
        raise RelationshipTypeNotFound
    work.require_version(found, versions)
    return found


def pipeline_at(actor: Actor, body: Mapping[str, Any], end: str, faults: FaultList) -> UUID | None:
    """The pipeline that the body names for an end, by id or slug; None is any."""
    name = body[f"{end}_pipeline"]
    if name is None:
        return None
    found = schema_of(actor).find(as_id(name) or name)
    if found is None or not sees_pipeline(actor, found.id):
        faults.add(f"/{end}_pipeline", "PIPELINE_NOT_FOUND", "There is no such pipeline.")
        return None
    return found.id


def _apply(
    work: Unit, found: RelationshipType, constraint: Constraint, body: Mapping[str, Any], faults: FaultList
) -> None:
    for end in ("source", "target"):
        if f"{end}_pipeline" in body:
            place = pipeline_at(work.actor, body, end, faults)
            setattr(constraint, f"{end}_pipeline_id", place)
            own = getattr(found, f"{end}_pipeline_id")
            if place is not None and own not in {None, place}:
                faults.add(f"/{end}_pipeline", "CONTRADICTION", f"Relationships of the type have another {end}.")
    for key in ("min_instances", "max_instances", "is_required"):
        if key in body:
            setattr(constraint, key, body[key])
    kind = constraint.constraint_type
    if not kind:  # of the options of no kind nothing can be said
        return
    _check_instances(constraint, body, faults)
    if kind == "HIERARCHY" and found.is_bidirectional:
        faults.add("/constraint_type", "CONTRADICTION", "Relationships of the type go both ways.")
    if "constraint_metadata" in body and not faults.covers("/constraint_metadata"):
        before = constraint.constraint_metadata
        options = read_options(work.actor, found.id, kind, body["constraint_metadata"], faults, before=before)
        constraint.constraint_metadata = options


def _check_instances(constraint: Constraint, body: Mapping[str, Any], faults: FaultList) -> None:
    least, most = constraint.min_instances, constraint.max_instances
    if constraint.constraint_type != "CARDINALITY":
        for key, usual in (("min_instances", 0), ("max_instances", None)):
            if body.get(key, usual) != usual:
                faults.add(f"/{key}", "NOT_POSSIBLE", "Only constraints of CARDINALITY count relationships.")
    elif most is not None and least > most:
        at = "min_instances" if "min_instances" in body else "max_instances"
        faults.add(f"/{at}", "CONTRADICTION", "min_instances is above max_instances.")


def _is_own(constraint: Constraint) -> bool:
    """Whether it is the server's, because the cardinality of the type says so."""
    return bool(constraint.constraint_metadata.get("shorthand"))


def _add(work: Unit, constraint: Constraint) -> None:
    work.created(constraint, "constraint.created")
    work.renew_schema()
    check_present(work, constraint.type_id, [constraint])


def _remove(work: Unit, constraint: Constraint) -> None:
    work.append(
        "constraint.deleted", constraint.id, version=constraint.version, pipeline_id=constraint.type_id,
        data=public(constraint),
    )  # fmt: skip
    work.session.delete(constraint)
    work.session.flush()
    work.renew_schema()


def _locked(work: Unit, type_id: UUID, constraint_id: UUID, versions: frozenset[int] | None) -> Constraint:
    """Of another type's there is not even a version."""
    found = work.lock(Constraint, constraint_id)
    if found is None or found.type_id != type_id:
        raise ConstraintNotFound
    work.require_version(found, versions)
    return found


def _shown(actor: Actor, type_id: UUID, constraint_id: UUID) -> tuple[str, int]:
    found = get_row(actor, constraint_resource(type_id), Sql("c.id = %s", [constraint_id]))
    if found is None:
        raise ConstraintNotFound
    return found
