"""relationships/types/: how records can be related, the fields of relationships, and what they have to keep to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, created
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import LOGGED_IN, ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, OWN, TAGGED, exchanges
from oneo.operations import constraints, fields
from oneo.operations import relationship_types as operations
from oneo.operations.fields import RELATIONSHIP_TYPE as TYPE
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.pipeline import FieldCreate, FieldSchema, FieldUpdate, ForceParameters
from oneo.schemas.relationship_type import (
    ConstraintCreate,
    ConstraintSchema,
    ConstraintUpdate,
    RelationshipTypeCreate,
    RelationshipTypeDetailSchema,
    RelationshipTypeReplace,
    RelationshipTypeSchema,
    RelationshipTypeUpdate,
)
from oneo.store.pipelines import FIELDS
from oneo.store.relationship_types import CONSTRAINTS, RELATIONSHIP_TYPES

PREFIX = "/api/v1/relationships/types"
blp = ApiBlueprint(
    "relationship types", __name__, url_prefix=PREFIX, description="Types of relationships, their fields, constraints."
)


@blp.route("/", permission=LOGGED_IN)
@takes_list_query(blp, RELATIONSHIP_TYPES)
@blp.response(200, page_of(RelationshipTypeSchema))
def list_relationship_types(actor: Actor, query: ListQuery) -> Response:
    """List relationship types; inactive ones when asked for by `is_active`."""
    return answer_list(actor, lambda: operations.list_relationship_types(actor, query))


@blp.route("/deleted/", permission=P.PIPELINES_DELETE)
@takes_list_query(blp, RELATIONSHIP_TYPES)
@blp.response(200, page_of(RelationshipTypeSchema))
def list_deleted_relationship_types(actor: Actor, query: ListQuery) -> Response:
    """List deleted relationship types, which can be restored."""
    return answer_list(actor, lambda: operations.list_relationship_types(actor, query, deleted=True))


@blp.route("/", methods=["POST"], permission=P.PIPELINES_CREATE)
@takes_body(blp, RelationshipTypeCreate())
@blp.response(201, RelationshipTypeDetailSchema)
@exchanges(CREATED)
def create_relationship_type(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Add a relationship type, with fields if they are given, and the constraints of its cardinality."""
    type_id, shown, version = operations.create_relationship_type(actor, body, faults=faults)
    return created(shown, location=f"{PREFIX}/{type_id}/", version=version)


@blp.route("/<name:relationship_type>/", permission=LOGGED_IN)
@blp.response(200, RelationshipTypeDetailSchema)
@exchanges(OWN)
def get_relationship_type(actor: Actor, relationship_type: str) -> Response:
    """Read a relationship type, by id or slug."""
    body, version = operations.get_relationship_type(actor, relationship_type)
    return answer(body, version=version, own=True)


@blp.route("/<name:relationship_type>/", methods=["PATCH"], permission=P.PIPELINES_UPDATE)
@takes_body(blp, RelationshipTypeUpdate())
@blp.response(200, RelationshipTypeDetailSchema)
@exchanges(CHANGED)
def update_relationship_type(
    actor: Actor, body: dict[str, Any], relationship_type: str, *, faults: FaultList
) -> Response:
    """Change a relationship type; other ends are refused while there are relationships that do not fit."""
    shown, version = operations.update_relationship_type(
        actor, relationship_type, body, versions=if_match(), faults=faults
    )
    return answer(shown, version=version)


@blp.route("/<name:relationship_type>/", methods=["PUT"], permission=P.PIPELINES_UPDATE)
@takes_body(blp, RelationshipTypeReplace())
@blp.response(200, RelationshipTypeDetailSchema)
@exchanges(CHANGED)
def replace_relationship_type(
    actor: Actor, body: dict[str, Any], relationship_type: str, *, faults: FaultList
) -> Response:
    """Replace what a relationship type says of itself; its fields and constraints stay."""
    shown, version = operations.update_relationship_type(
        actor, relationship_type, body, whole=True, versions=if_match(), faults=faults
    )
    return answer(shown, version=version)


@blp.route("/<name:relationship_type>/", methods=["DELETE"], permission=P.PIPELINES_DELETE)
@blp.response(204)
@exchanges(GUARDED)
def delete_relationship_type(actor: Actor, relationship_type: str) -> Response:
    """Remove a relationship type; it can be restored with its relationships."""
    operations.delete_relationship_type(actor, relationship_type, versions=if_match())
    return Response(status=204)


@blp.route("/<name:relationship_type>/restore/", methods=["POST"], permission=P.PIPELINES_DELETE)
@blp.response(200, RelationshipTypeDetailSchema)
@exchanges(CHANGED)
def restore_relationship_type(actor: Actor, relationship_type: str) -> Response:
    """Restore a deleted relationship type, by id."""
    shown, version = operations.restore_relationship_type(actor, relationship_type, versions=if_match())
    return answer(shown, version=version)


@blp.route("/<name:relationship_type>/constraints/", permission=P.PIPELINES_READ)
@takes_list_query(blp, CONSTRAINTS)
@blp.response(200, page_of(ConstraintSchema))
def list_constraints(actor: Actor, query: ListQuery, relationship_type: str) -> Response:
    """List the constraints of a relationship type."""
    return answer_list(actor, lambda: constraints.list_constraints(actor, relationship_type, query))


@blp.route("/<name:relationship_type>/constraints/", methods=["POST"], permission=P.PIPELINES_UPDATE)
@takes_body(blp, ConstraintCreate())
@blp.response(201, ConstraintSchema)
@exchanges(CREATED)
def create_constraint(actor: Actor, body: dict[str, Any], relationship_type: str, *, faults: FaultList) -> Response:
    """Add a constraint to a relationship type."""
    constraint_id, shown, version = constraints.create_constraint(actor, relationship_type, body, faults=faults)
    return created(shown, location=f"{PREFIX}/{relationship_type}/constraints/{constraint_id}/", version=version)


@blp.route("/<name:relationship_type>/constraints/<uuid:constraint_id>/", permission=P.PIPELINES_READ)
@blp.response(200, ConstraintSchema)
@exchanges(TAGGED)
def get_constraint(actor: Actor, relationship_type: str, constraint_id: UUID) -> Response:
    """Read a constraint."""
    body, version = constraints.get_constraint(actor, relationship_type, constraint_id)
    return answer(body, version=version)


@blp.route(
    "/<name:relationship_type>/constraints/<uuid:constraint_id>/", methods=["PATCH"], permission=P.PIPELINES_UPDATE
)
@takes_body(blp, ConstraintUpdate())
@blp.response(200, ConstraintSchema)
@exchanges(CHANGED)
def update_constraint(
    actor: Actor, body: dict[str, Any], relationship_type: str, constraint_id: UUID, *, faults: FaultList
) -> Response:
    """Change a constraint; its options are replaced as a whole."""
    shown, version = constraints.update_constraint(
        actor, relationship_type, constraint_id, body, versions=if_match(), faults=faults
    )
    return answer(shown, version=version)


@blp.route(
    "/<name:relationship_type>/constraints/<uuid:constraint_id>/", methods=["DELETE"], permission=P.PIPELINES_UPDATE
)
@blp.response(204)
@exchanges(GUARDED)
def delete_constraint(actor: Actor, relationship_type: str, constraint_id: UUID) -> Response:
    """Remove a constraint for good."""
    constraints.delete_constraint(actor, relationship_type, constraint_id, versions=if_match())
    return Response(status=204)


@blp.route("/<name:relationship_type>/fields/", permission=P.PIPELINES_READ)
@takes_list_query(blp, FIELDS)
@blp.response(200, page_of(FieldSchema))
def list_relationship_type_fields(actor: Actor, query: ListQuery, relationship_type: str) -> Response:
    """List the fields of a relationship type."""
    return answer_list(actor, lambda: fields.list_fields(actor, relationship_type, query, of=TYPE))


@blp.route("/<name:relationship_type>/fields/deleted/", permission=P.PIPELINES_UPDATE)
@takes_list_query(blp, FIELDS)
@blp.response(200, page_of(FieldSchema))
def list_deleted_relationship_type_fields(actor: Actor, query: ListQuery, relationship_type: str) -> Response:
    """List removed fields whose values relationships still hold; they can be restored."""
    return answer_list(actor, lambda: fields.list_fields(actor, relationship_type, query, deleted=True, of=TYPE))


@blp.route("/<name:relationship_type>/fields/", methods=["POST"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@takes_body(blp, FieldCreate())
@blp.response(201, FieldSchema)
@exchanges(CREATED)
def create_relationship_type_field(
    actor: Actor, parameters: dict[str, Any], body: dict[str, Any], relationship_type: str, *, faults: FaultList
) -> Response:  # fmt: skip
    """Add a field to a relationship type; it has no index and cannot be unique."""
    field_id, shown, version = fields.create_field(
        actor, relationship_type, body, force=parameters["force"], of=TYPE, faults=faults
    )
    return created(shown, location=f"{PREFIX}/{relationship_type}/fields/{field_id}/", version=version)


@blp.route("/<name:relationship_type>/fields/<name:type_field>/", permission=P.PIPELINES_READ)
@blp.response(200, FieldSchema)
@exchanges(OWN)
def get_relationship_type_field(actor: Actor, relationship_type: str, type_field: str) -> Response:
    """Read a field, by id or slug."""
    body, version = fields.get_field(actor, relationship_type, type_field, of=TYPE)
    return answer(body, version=version, own=True)


@blp.route("/<name:relationship_type>/fields/<name:type_field>/", methods=["PATCH"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@takes_body(blp, FieldUpdate())
@blp.response(200, FieldSchema)
@exchanges(CHANGED)
def update_relationship_type_field(
    actor: Actor, parameters: dict[str, Any], body: dict[str, Any], relationship_type: str, type_field: str, *,
    faults: FaultList,
) -> Response:  # fmt: skip
    """Change a field; what its present values would not survive is refused, unless `force` or `default` is given."""
    shown, version = fields.update_field(
        actor, relationship_type, type_field, body, force=parameters["force"], versions=if_match(), of=TYPE,
        faults=faults,
    )  # fmt: skip
    return answer(shown, version=version)


@blp.route("/<name:relationship_type>/fields/<name:type_field>/", methods=["DELETE"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@blp.response(204)
@exchanges(GUARDED)
def delete_relationship_type_field(
    actor: Actor, parameters: dict[str, Any], relationship_type: str, type_field: str
) -> Response:  # fmt: skip
    """Remove a field; where relationships have values it needs `force`, and can be restored with them."""
    fields.delete_field(actor, relationship_type, type_field, force=parameters["force"], versions=if_match(), of=TYPE)
    return Response(status=204)


@blp.route(
    "/<name:relationship_type>/fields/<name:type_field>/restore/", methods=["POST"], permission=P.PIPELINES_UPDATE
)
@blp.response(200, FieldSchema)
@exchanges(CHANGED)
def restore_relationship_type_field(actor: Actor, relationship_type: str, type_field: str) -> Response:
    """Restore a removed field, with the values that relationships still hold."""
    shown, version = fields.restore_field(actor, relationship_type, type_field, versions=if_match(), of=TYPE)
    return answer(shown, version=version)
