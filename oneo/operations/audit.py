"""The audit log: every change of the tenant that the caller may know of, newest first."""

from __future__ import annotations

from oneo.access import policy
from oneo.access.event_sight import event_sight_of
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.operations.lists import Listing, ListQuery, list_resource


def list_audit(actor: Actor, query: ListQuery) -> Listing:
    policy.require(actor, P.AUDIT_READ)
    sight = event_sight_of(actor)
    return list_resource(actor, sight.resource, query, scope=sight.condition)
