"""records/{id}/history/: what happened to a record."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer_list
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.operations import history
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.history import HistorySchema
from oneo.store.history import HISTORY

blp = ApiBlueprint("history", __name__, url_prefix="/api/v1", description="What happened to records.")


@blp.route("/records/<uuid:record_id>/history/", permission=P.RECORDS_READ)
@blp.route(
    "/pipelines/<name:pipeline>/records/<uuid:record_id>/history/", permission=P.RECORDS_READ,
    name="list_pipeline_record_history",
)  # fmt: skip
@takes_list_query(blp, HISTORY)
@blp.response(200, page_of(HistorySchema))
def list_record_history(actor: Actor, query: ListQuery, record_id: UUID, pipeline: str | None = None) -> Response:
    """List what happened to a record, newest first, as far as the caller may see what changed."""
    return answer_list(actor, lambda: history.list_history(actor, record_id, query, pipeline=pipeline))
