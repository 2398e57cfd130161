"""admin/: what administrators look at."""

from __future__ import annotations

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.base import ApiBlueprint, answer_list
from oneo.blueprints.listing import takes_list_query
from oneo.operations import audit
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.event import EventSchema
from oneo.store.resources import EVENTS

blp = ApiBlueprint("admin", __name__, url_prefix="/api/v1/admin", description="For administrators.")


@blp.route("/audit/", permission=P.AUDIT_READ)
@takes_list_query(blp, EVENTS)
@blp.response(200, page_of(EventSchema))
def list_audit(actor: Actor, query: ListQuery) -> Response:
    """List what happened in the tenant, newest first."""
    return answer_list(actor, lambda: audit.list_audit(actor, query))
