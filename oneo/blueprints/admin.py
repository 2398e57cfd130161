"""admin/: what administrators look at."""

from __future__ import annotations

from typing import Any

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.operations import analytics, audit
from oneo.operations.lists import ListQuery
from oneo.schemas.admin import AnalyticsParameters, AnalyticsSchema, SystemSchema
from oneo.schemas.base import page_of
from oneo.schemas.event import EventSchema
from oneo.store.resources import EVENTS

blp = ApiBlueprint("admin", __name__, url_prefix="/api/v1/admin", description="For administrators.")


@blp.route("/analytics/", permission=P.ANALYTICS_READ)
@blp.arguments(AnalyticsParameters(), location="query")
@blp.response(200, AnalyticsSchema)
def get_analytics(actor: Actor, query: dict[str, Any]) -> Response:
    """Read figures about the tenant's use."""
    return answer(analytics.get_analytics(actor, days=query["days"]))


@blp.route("/system/", permission=P.SYSTEM_READ)
@blp.response(200, SystemSchema)
def get_system(actor: Actor) -> Response:
    """Read versions, revisions and limits of the server."""
    return answer(analytics.get_system(actor))


@blp.route("/audit/", permission=P.AUDIT_READ)
@takes_list_query(blp, EVENTS)
@blp.response(200, page_of(EventSchema))
def list_audit(actor: Actor, query: ListQuery) -> Response:
    """List what happened in the tenant, newest first."""
    return answer_list(actor, lambda: audit.list_audit(actor, query))
