"""What an actor is shown of the log: his grants and the present schema, as a cut through the events."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import readable_groups, readable_types, seen_types
from oneo.access.schema import row_scope, schema_of, seen_pipelines
from oneo.actor import Actor
from oneo.fields.shapes import PipelineShape, Schema
from oneo.filters.sql import TRUE, Sql
from oneo.store.event_sight import EventSight, Hidden, Reach, event_sight, links_within
from oneo.store.event_state import then_sql


def event_sight_of(actor: Actor) -> EventSight:
    """Records that are within his rows now, and were when it happened, and relationships between records that he reads
    now, without the fields that do not exist for him; pipelines and relationship types that he sees, and their fields
    without those hidden from him. Raises StaleActor.
    """
    schema = schema_of(actor)
    known = schema.pipelines.keys() | schema.types.keys() | policy.named_pipelines(actor)
    names = {found: policy.hidden_fields(actor, found) for found in known}
    removed = {found: shape.removed for found, shape in schema.pipelines.items()}
    removed |= {found: one.own.removed for found, one in schema.types.items()}
    values = {found: hidden | removed.get(found, frozenset()) for found, hidden in names.items()}
    elsewhere = policy.hidden_fields(actor, None)
    return event_sight(
        reaches=None if _reads_everything(actor) else list(_reaches(actor, schema)),
        seen=seen_pipelines(actor),
        seen_types=seen_types(actor),
        names=Hidden(names, elsewhere),
        values=Hidden(values, elsewhere),
        titles={found: shape.name for found, shape in schema.pipelines.items() if values[found]},
        links=_links(actor),
    )


def _reads_everything(actor: Actor) -> bool:
    return any(grant.pipelines is None and grant.rows == "all" for grant in policy.granting(actor, P.RECORDS_READ))


def _links(actor: Actor) -> Sql:
    """Those of deleted types are out of sight, as records of deleted pipelines are."""
    if _reads_everything(actor) and any(g.pipelines is None for g in policy.granting(actor, P.RELATIONSHIPS_READ)):
        return TRUE
    return links_within([found.type.id for found in readable_types(actor)], readable_groups(actor))


def _reaches(actor: Actor, schema: Schema) -> Iterator[Reach]:
    """One for all pipelines of which he reads the same rows. Records of deleted pipelines are out of sight."""
    found: dict[tuple[str, str], tuple[Reach, set[UUID]]] = {}
    for shape in schema.pipelines.values():
        if policy.allows(actor, P.RECORDS_READ, shape.id):
            reach = _reach(actor, shape)
            key = (reach.scope.text + reach.scope_then.text, repr([reach.scope.values, reach.scope_then.values]))
            found.setdefault(key, (reach, set()))[1].add(shape.id)
    for reach, pipelines in found.values():
        yield Reach(frozenset(pipelines), reach.scope, reach.scope_then)


def _reach(actor: Actor, shape: PipelineShape) -> Reach:
    """Who has made a record never changes; what else a rule asks about does."""
    rules = policy.row_rules(actor, P.RECORDS_READ, shape.id) or ()
    scope = row_scope(actor, P.RECORDS_READ, shape)
    if all(grant.rows == "own" for grant in rules):
        return Reach(frozenset(), scope, TRUE)
    then = row_scope(actor, P.RECORDS_READ, shape, slots=False)
    return Reach(frozenset(), scope, then_sql(then, "e.data", shape))
