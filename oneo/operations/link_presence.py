"""Whether the relationships that are there keep to constraints that are new, changed, or back with their type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from oneo.access.relationships import reads_all_relationships
from oneo.access.schema import schema_of
from oneo.events.unit import Unit
from oneo.fields.links import ConstraintShape, TypeShape
from oneo.models import Constraint
from oneo.operations.violations import refuse_broken
from oneo.store import link_ends, message
from oneo.store.link_checks import Rules
from oneo.store.link_terms import Look
from oneo.store.link_writes import Broken
from oneo.store.locks import Lock, LockKind
from oneo.store.records import ANY_PIPELINE

MOST_TOLD = 20
NOT_ONE_WAY = Broken("CONSTRAINT_VIOLATION", None, "HIERARCHY", "one_way", {})


def check_present(work: Unit, type_id: UUID, constraints: Sequence[Constraint]) -> None:
    """With nobody writing relationships that they speak of until the unit ends. Raises ConstraintViolation; to callers
    who read all these relationships it tells how many there are and some of what they break, to others each kind once.
    """
    if not constraints:
        return
    work.session.flush()
    rules = _rules(type_id, constraints)
    tenant_id = work.actor.tenant_id
    message.stand_alone(work.connection, tenant_id, *rules.asked, all_types=True)
    if places := _places(work, constraints):
        message.stand_alone(work.connection, tenant_id, *places)
    types, shape = sorted(rules.asked), Lock.of(tenant_id, LockKind.SHAPE, type_id)
    broken = link_ends.check(work.actor, rules, locks=[shape], types=types)
    for found in constraints:
        if found.constraint_type == "HIERARCHY":
            broken += [NOT_ONE_WAY] * link_ends.two_way(work.connection, work.actor.tenant_id, type_id)
    if all(reads_all_relationships(work.actor, found) for found in types):
        refuse_broken(work.actor, broken[:MOST_TOLD], count=len(broken))
    else:
        refuse_broken(work.actor, list({(found.code, found.rule, found.at): found for found in broken}.values()))


def _places(work: Unit, constraints: Sequence[Constraint]) -> set[UUID]:
    """Pipelines of which nobody may change the status of a record meanwhile."""
    every = set(schema_of(work.actor).pipelines)
    return {
        place
        for found in constraints
        for end, narrowed in (("source", found.source_pipeline_id), ("target", found.target_pipeline_id))
        if found.constraint_metadata.get(f"{end}_status")
        for place in ({narrowed} if narrowed else every)
    }


def settle_sleeping(work: Unit, type_id: UUID) -> None:
    """Records may have been removed or restored while the type was away."""
    link_ends.settle(work.connection, work.actor.tenant_id, type_id)


def _rules(type_id: UUID, constraints: Sequence[Constraint]) -> Rules:
    """Of these constraints alone, asked of all relationships that they count."""
    shapes = tuple(
        ConstraintShape(
            found.id, found.constraint_type, found.source_pipeline_id, found.target_pipeline_id, found.min_instances,
            found.max_instances, found.is_required, found.constraint_metadata,
        )
        for found in constraints
    )  # fmt: skip
    own = TypeShape(replace(ANY_PIPELINE, id=type_id), None, None, False, "", "", "", shapes)
    together = {UUID(name) for shape in shapes for name in shape.options.get("types", ())}
    return Rules(frozenset({type_id, *together}), (own,), Look(changing=True))
