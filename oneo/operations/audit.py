"""The audit log: every change of the tenant, newest first."""

from __future__ import annotations

from oneo.access import policy
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.resources import EVENTS


def list_audit(actor: Actor, query: ListQuery) -> Listing:
    policy.require(actor, P.AUDIT_READ)
    return list_resource(actor, EVENTS, query)
