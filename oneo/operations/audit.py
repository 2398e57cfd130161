"""The audit log: every change of the tenant, newest first."""

from __future__ import annotations

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.audit import cut_events
from oneo.store.resources import EVENTS, Resource


def list_audit(actor: Actor, query: ListQuery) -> Listing:
    policy.require(actor, P.AUDIT_READ)
    return list_resource(actor, _seen(actor), query)


def _seen(actor: Actor) -> Resource:
    """The log without what is hidden from the caller, or removed, in the records of any pipeline."""
    everywhere = policy.hidden_everywhere(actor)
    shapes = schema_of(actor).pipelines
    places = {*shapes, *policy.named_pipelines(actor)}
    hidden = {place: policy.hidden_fields(actor, place) for place in places}
    hidden |= {place: hidden[place] | shape.removed for place, shape in shapes.items()}
    hidden = {place: slugs for place, slugs in hidden.items() if slugs != everywhere}
    return cut_events(hidden, everywhere) if hidden or everywhere else EVENTS
