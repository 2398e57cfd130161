"""A relationship as it was at a moment, cut to what the caller may see of it now."""

from __future__ import annotations

from uuid import UUID

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.errors import RelationshipNotFound
from oneo.filters.sql import TRUE
from oneo.operations.history import past_moment
from oneo.operations.lists import picked
from oneo.operations.relationships import all_seen, locate
from oneo.store.link_history import past_link_resource
from oneo.store.links import link_resource, seen_from_target
from oneo.store.lists import get_row


def get_past_relationship(
    actor: Actor, link_id: UUID, as_of: str, *, fields: str = "", turned: bool = False
) -> tuple[str, int]:
    """(JSON text, version). Raises RelationshipNotFound when it was not there, InvalidParameter."""
    moment = past_moment(as_of)
    locate(actor, link_id, P.RELATIONSHIPS_READ)
    present = link_resource(all_seen(actor))
    present = seen_from_target(present) if turned else present
    past = past_link_resource(actor.tenant_id, present, link_id, moment)
    found = get_row(actor, past, TRUE, picked(fields, present))
    if found is None:
        raise RelationshipNotFound
    return found
