"""relationships/traverse/ and its kin: what can be reached from a record, and by which way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_as_of
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import ApiBlueprint
from oneo.errors import FaultList
from oneo.http.exchange import TAGGED, exchanges
from oneo.operations import traversal
from oneo.operations.traversal import MAX_DEPTH, MAX_LIMIT, Traversal
from oneo.schemas.traversal import (
    RelatedParameters,
    ShortestPathParameters,
    ShortestPathSchema,
    TraversalBody,
    TraversalParameters,
    TraversalSchema,
    one_depth,
)

blp = ApiBlueprint("traversal", __name__, url_prefix="/api/v1", description="Walks along relationships.")
_WALK = "/relationships/traverse/"


@blp.route("/records/<uuid:record_id>/relationships/", permission=P.RELATIONSHIPS_READ)
@blp.route(
    "/pipelines/<name:pipeline>/records/<uuid:record_id>/relationships/", permission=P.RELATIONSHIPS_READ,
    name="list_pipeline_record_relationships",
)  # fmt: skip
@blp.arguments(RelatedParameters(), location="query")
@blp.response(200, TraversalSchema)
@exchanges(TAGGED)
def list_record_relationships(
    actor: Actor, query: dict[str, Any], record_id: UUID, pipeline: str | None = None
) -> Response:
    """Read what a record is related to, and by which way."""
    return _traverse(actor, record_id, query, pipeline)


@blp.route(_WALK, permission=P.RELATIONSHIPS_READ)
@blp.doc(responses={"404": {}})
@blp.arguments(TraversalParameters(), location="query")
@blp.response(200, TraversalSchema)
@exchanges(TAGGED)
def traverse_relationships(actor: Actor, query: dict[str, Any]) -> Response:
    """Walk along relationships from a record."""
    return _traverse(actor, query.pop("start"), query)


@blp.route(_WALK, methods=["POST"], permission=P.RELATIONSHIPS_READ)
@blp.doc(responses={"404": {}})
@takes_body(blp, TraversalBody())
@blp.response(200, TraversalSchema)
def post_traversal(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Walk along relationships from a record, with conditions that no address is long enough for."""
    start = body.pop("start", UUID(int=0))  # without one there is a fault, and no walk
    return answer(traversal.traverse(actor, start, Traversal(**one_depth(body, faults)), faults=faults)[1])


@blp.route("/relationships/shortest_path/", permission=P.RELATIONSHIPS_READ)
@blp.doc(responses={"404": {}})
@blp.arguments(ShortestPathParameters(), location="query")
@blp.response(200, ShortestPathSchema)
@exchanges(TAGGED)
def find_shortest_path(actor: Actor, query: dict[str, Any]) -> Response:
    """Find one of the shortest ways from a record to another."""
    start, end = query.pop("start"), query.pop("end")
    asked = Traversal(**{"depth": MAX_DEPTH, "limit": MAX_LIMIT, **query})
    timeless = asked.effective_at is not None
    return answer_as_of(actor, lambda: traversal.find_shortest_path(actor, start, end, asked), tagged=timeless)


def _traverse(actor: Actor, start: UUID, query: dict[str, Any], pipeline: str | None = None) -> Response:
    """What is valid now changes without an event, what is valid at a given time does not."""
    asked = Traversal(**query)
    timeless = asked.effective_at is not None
    return answer_as_of(actor, lambda: traversal.traverse(actor, start, asked, pipeline=pipeline), tagged=timeless)
