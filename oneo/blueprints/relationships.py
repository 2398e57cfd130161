"""relationships/: how records are related."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import JSON, answer, answer_list, answer_shaped, created
from oneo.blueprints.arguments import refuse, takes_array, takes_body
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList, InvalidParameter
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, TAGGED, exchanges
from oneo.operations import link_bulk, link_history, relationships
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.bulk import BulkParameters
from oneo.schemas.relationship import (
    EndParameters,
    LinkBulkSchema,
    LinkHistorySchema,
    ReasonBody,
    RelationshipChangeEntry,
    RelationshipCreate,
    RelationshipEntry,
    RelationshipParameters,
    RelationshipReplace,
    RelationshipSchema,
    RelationshipUpdate,
    ValidationSchema,
)
from oneo.store.link_history import LINK_HISTORY
from oneo.store.links import LINKS

blp = ApiBlueprint(
    "relationships", __name__, url_prefix="/api/v1/relationships", description="Relationships between records."
)
_ONE = "/<uuid:relationship_id>/"


@blp.route("/", permission=P.RELATIONSHIPS_READ)
@takes_list_query(blp, LINKS)
@blp.response(200, page_of(RelationshipSchema))
def list_relationships(actor: Actor, query: ListQuery) -> Response:
    """List relationships between records that the caller sees."""
    return answer_list(actor, lambda: relationships.list_relationships(actor, query))


@blp.route("/deleted/", permission=P.RELATIONSHIPS_DELETE)
@takes_list_query(blp, LINKS)
@blp.response(200, page_of(RelationshipSchema))
def list_deleted_relationships(actor: Actor, query: ListQuery) -> Response:
    """List removed relationships, which can be restored."""
    return answer_list(actor, lambda: relationships.list_relationships(actor, query, deleted=True))


@blp.route("/", methods=["POST"], permission=P.RELATIONSHIPS_CREATE)
@takes_body(blp, RelationshipCreate())
@blp.response(201, RelationshipSchema)
@exchanges(CREATED)
def create_relationship(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Relate two records."""
    reason = body.pop("reason", None)
    link_id, shown, version = relationships.create_relationship(actor, body, reason=reason, faults=faults)
    return created(shown, location=f"/api/v1/relationships/{link_id}/", version=version)


@blp.route("/validate/", methods=["POST"], permission=P.RELATIONSHIPS_CREATE)
@takes_body(blp, RelationshipCreate())
@blp.response(200, ValidationSchema)
def validate_relationship(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Say what stands against a relationship; nothing is written."""
    body.pop("reason", None)
    return answer(link_bulk.validate_relationship(actor, body, faults=faults))


@blp.route("/bulk_create/", methods=["POST"], permission=P.RELATIONSHIPS_CREATE)
@takes_array(blp, RelationshipEntry)
@blp.arguments(BulkParameters(), location="query")
@blp.response(201, LinkBulkSchema)
@blp.alt_response(400, schema=LinkBulkSchema, description="No entry could be written.")
@blp.alt_response(200, schema=LinkBulkSchema, description="A dry run: nothing was written.")
def bulk_create_relationships(actor: Actor, entries: object, parameters: dict[str, Any]) -> Response:
    """Relate many records; each entry that is refused is named by its index."""
    mode = parameters["mode"]
    return _bulk(actor, link_bulk.bulk_create_relationships(actor, entries, mode=mode), 201)


@blp.route("/bulk_update/", methods=["POST", "PATCH"], permission=P.RELATIONSHIPS_UPDATE)
@takes_array(blp, RelationshipChangeEntry)
@blp.arguments(BulkParameters(), location="query")
@blp.response(200, LinkBulkSchema)
@blp.alt_response(400, schema=LinkBulkSchema, description="No entry could be written.")
def bulk_update_relationships(actor: Actor, entries: object, parameters: dict[str, Any]) -> Response:
    """Change many relationships, each by its id."""
    mode = parameters["mode"]
    return _bulk(actor, link_bulk.bulk_update_relationships(actor, entries, mode=mode), 200)


@blp.route(_ONE, permission=P.RELATIONSHIPS_READ)
@blp.arguments(RelationshipParameters(), location="query")
@blp.response(200, RelationshipSchema)
@exchanges(TAGGED)
def get_relationship(actor: Actor, parameters: dict[str, Any], relationship_id: UUID) -> Response:
    """Read a relationship, as it is or as it was."""
    fields, include, turned = parameters["fields"], parameters["include"], parameters["reverse"]
    if parameters["as_of"] is not None:
        return _past(actor, relationship_id, parameters)
    body, version, cut = relationships.get_relationship(
        actor, relationship_id, fields=fields, include=include, turned=turned
    )  # fmt: skip
    if include:
        return answer(body)
    if fields or turned or cut:
        return answer_shaped(body, version=version, shape=f"{fields} {turned} {_viewer(actor)}")
    return answer(body, version=version)


@blp.route(_ONE, methods=["PATCH"], permission=P.RELATIONSHIPS_UPDATE)
@takes_body(blp, RelationshipUpdate())
@blp.response(200, RelationshipSchema)
@exchanges(CHANGED)
def update_relationship(actor: Actor, body: dict[str, Any], relationship_id: UUID, *, faults: FaultList) -> Response:
    """Change a relationship."""
    return _changed(actor, relationship_id, body, whole=False, faults=faults)


@blp.route(_ONE, methods=["PUT"], permission=P.RELATIONSHIPS_UPDATE)
@takes_body(blp, RelationshipReplace())
@blp.response(200, RelationshipSchema)
@exchanges(CHANGED)
def replace_relationship(actor: Actor, body: dict[str, Any], relationship_id: UUID, *, faults: FaultList) -> Response:
    """Replace what a relationship says; its type, its ends, its status and its beginning stay unless they are given."""
    return _changed(actor, relationship_id, body, whole=True, faults=faults)


@blp.route(_ONE, methods=["DELETE"], permission=P.RELATIONSHIPS_DELETE)
@blp.arguments(EndParameters(), location="query")
@blp.response(204)
@exchanges(GUARDED)
def delete_relationship(actor: Actor, parameters: dict[str, Any], relationship_id: UUID) -> Response:
    """Remove a relationship, which can be restored; with `purge`, erase a removed one for good."""
    if parameters["purge"]:
        relationships.purge_relationship(actor, relationship_id, versions=if_match())
    else:
        relationships.delete_relationship(
            actor, relationship_id, reason=parameters["reason"], versions=if_match()
        )  # fmt: skip
    return Response(status=204)


@blp.route(f"{_ONE}activate/", methods=["POST"], permission=P.RELATIONSHIPS_UPDATE)
@blp.arguments(ReasonBody())
@blp.response(200, RelationshipSchema)
@exchanges(CHANGED)
def activate_relationship(actor: Actor, body: dict[str, Any], relationship_id: UUID) -> Response:
    """Let a relationship hold."""
    shown, version = relationships.activate_relationship(actor, relationship_id, versions=if_match(), **body)
    return answer(shown, version=version)


@blp.route(f"{_ONE}deactivate/", methods=["POST"], permission=P.RELATIONSHIPS_UPDATE)
@blp.arguments(ReasonBody())
@blp.response(200, RelationshipSchema)
@exchanges(CHANGED)
def deactivate_relationship(actor: Actor, body: dict[str, Any], relationship_id: UUID) -> Response:
    """Let a relationship hold no more."""
    shown, version = relationships.deactivate_relationship(actor, relationship_id, versions=if_match(), **body)
    return answer(shown, version=version)


@blp.route(f"{_ONE}restore/", methods=["POST"], permission=P.RELATIONSHIPS_DELETE)
@blp.arguments(ReasonBody())
@blp.response(200, RelationshipSchema)
@exchanges(CHANGED)
def restore_relationship(actor: Actor, body: dict[str, Any], relationship_id: UUID) -> Response:
    """Restore a removed relationship."""
    shown, version = relationships.restore_relationship(actor, relationship_id, versions=if_match(), **body)
    return answer(shown, version=version)


@blp.route(f"{_ONE}history/", permission=P.RELATIONSHIPS_READ)
@takes_list_query(blp, LINK_HISTORY)
@blp.response(200, page_of(LinkHistorySchema))
def list_relationship_history(actor: Actor, query: ListQuery, relationship_id: UUID) -> Response:
    """List what happened to a relationship, newest first."""
    return answer_list(actor, lambda: relationships.list_relationship_history(actor, relationship_id, query))


def _past(actor: Actor, link_id: UUID, parameters: dict[str, Any]) -> Response:
    fields, turned, as_of = parameters["fields"], parameters["reverse"], parameters["as_of"]
    if parameters["include"]:
        refuse({"include": ["Records are not told as they were: ask for them with as_of."]}, InvalidParameter)
    body, version = link_history.get_past_relationship(actor, link_id, as_of, fields=fields, turned=turned)
    return answer_shaped(body, version=version, shape=f"{fields} {turned} {as_of} {_viewer(actor)}")


def _viewer(actor: Actor) -> str:
    """What decides which fields of a relationship are shown, besides what was asked for."""
    return f"{actor.principal_id} {actor.access_revision} {actor.schema_revision}"


def _changed(actor: Actor, link_id: UUID, body: dict[str, Any], *, whole: bool, faults: FaultList) -> Response:
    reason = body.pop("reason", None)
    shown, version = relationships.update_relationship(
        actor, link_id, body, whole=whole, versions=if_match(), reason=reason, faults=faults
    )  # fmt: skip
    return answer(shown, version=version)


def _bulk(actor: Actor, entries: list[link_bulk.Entry], status: int) -> Response:
    """`status` when something was written, 200 when all could be, 400 when nothing could."""
    results = [
        {
            **link_bulk.as_result(actor, entry),
            "relationship": orjson.Fragment(entry.document) if entry.document else None,
        }
        for entry in entries
    ]
    good = sum(entry.good for entry in entries)
    body = {
        "success": good == len(entries),
        "results": results,
        "summary": {"total": len(entries), "successful": good, "failed": len(entries) - good},
    }
    if entries and not good:
        status = 400
    elif not any(entry.document for entry in entries):
        status = 200
    return Response(orjson.dumps(body), status, content_type=JSON)
