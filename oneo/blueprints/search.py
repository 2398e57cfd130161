"""records/: the records of all pipelines in one list, searched by words."""

from __future__ import annotations

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer_list
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.operations import search
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.record import RecordFoundSchema
from oneo.store.search import EVERYWHERE

blp = ApiBlueprint("search", __name__, url_prefix="/api/v1/records", description="Records of all pipelines.")


@blp.route("/", permission=P.RECORDS_READ)
@takes_list_query(blp, EVERYWHERE)
@blp.response(200, page_of(RecordFoundSchema))
def search_records(actor: Actor, query: ListQuery) -> Response:
    """List the records of all pipelines that the caller may read: what matches `search` best, or the newest first."""
    return answer_list(actor, lambda: search.search_records(actor, query))
