"""pipelines/: the entity types of the tenant, and their fields."""

from __future__ import annotations

from typing import Any

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, created
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import LOGGED_IN, ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, OWN, exchanges
from oneo.operations import fields, pipelines
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.pipeline import (
    FieldCreate,
    FieldSchema,
    FieldUpdate,
    ForceParameters,
    PipelineCreate,
    PipelineDetailSchema,
    PipelineReplace,
    PipelineSchema,
    PipelineUpdate,
)
from oneo.store.pipelines import FIELDS, PIPELINES

blp = ApiBlueprint("pipelines", __name__, url_prefix="/api/v1/pipelines", description="Pipelines and their fields.")


@blp.route("/", permission=LOGGED_IN)
@takes_list_query(blp, PIPELINES)
@blp.response(200, page_of(PipelineSchema))
def list_pipelines(actor: Actor, query: ListQuery) -> Response:
    """List pipelines; inactive ones when asked for by `is_active`."""
    return answer_list(actor, lambda: pipelines.list_pipelines(actor, query))


@blp.route("/deleted/", permission=P.PIPELINES_DELETE)
@takes_list_query(blp, PIPELINES)
@blp.response(200, page_of(PipelineSchema))
def list_deleted_pipelines(actor: Actor, query: ListQuery) -> Response:
    """List deleted pipelines, which can be restored."""
    return answer_list(actor, lambda: pipelines.list_pipelines(actor, query, deleted=True))


@blp.route("/", methods=["POST"], permission=P.PIPELINES_CREATE)
@takes_body(blp, PipelineCreate())
@blp.response(201, PipelineDetailSchema)
@exchanges(CREATED)
def create_pipeline(actor: Actor, body: dict[str, Any], *, faults: FaultList) -> Response:
    """Add a pipeline, with fields if they are given."""
    pipeline_id, shown, version = pipelines.create_pipeline(actor, body, faults=faults)
    return created(shown, location=f"/api/v1/pipelines/{pipeline_id}/", version=version)


@blp.route("/<name:pipeline>/", permission=LOGGED_IN)
@blp.response(200, PipelineDetailSchema)
@exchanges(OWN)
def get_pipeline(actor: Actor, pipeline: str) -> Response:
    """Read a pipeline, by id or slug."""
    body, version = pipelines.get_pipeline(actor, pipeline)
    return answer(body, version=version, own=True)


@blp.route("/<name:pipeline>/", methods=["PATCH"], permission=P.PIPELINES_UPDATE)
@takes_body(blp, PipelineUpdate())
@blp.response(200, PipelineDetailSchema)
@exchanges(CHANGED)
def update_pipeline(actor: Actor, body: dict[str, Any], pipeline: str, *, faults: FaultList) -> Response:
    """Change a pipeline."""
    shown, version = pipelines.update_pipeline(actor, pipeline, body, versions=if_match(), faults=faults)
    return answer(shown, version=version)


@blp.route("/<name:pipeline>/", methods=["PUT"], permission=P.PIPELINES_UPDATE)
@takes_body(blp, PipelineReplace())
@blp.response(200, PipelineDetailSchema)
@exchanges(CHANGED)
def replace_pipeline(actor: Actor, body: dict[str, Any], pipeline: str, *, faults: FaultList) -> Response:
    """Replace what a pipeline says of itself; its fields stay."""
    shown, version = pipelines.update_pipeline(actor, pipeline, body, whole=True, versions=if_match(), faults=faults)
    return answer(shown, version=version)


@blp.route("/<name:pipeline>/", methods=["DELETE"], permission=P.PIPELINES_DELETE)
@blp.response(204)
@exchanges(GUARDED)
def delete_pipeline(actor: Actor, pipeline: str) -> Response:
    """Remove a pipeline; it can be restored with its records."""
    pipelines.delete_pipeline(actor, pipeline, versions=if_match())
    return Response(status=204)


@blp.route("/<name:pipeline>/restore/", methods=["POST"], permission=P.PIPELINES_DELETE)
@blp.response(200, PipelineDetailSchema)
@exchanges(CHANGED)
def restore_pipeline(actor: Actor, pipeline: str) -> Response:
    """Restore a deleted pipeline, by id."""
    shown, version = pipelines.restore_pipeline(actor, pipeline, versions=if_match())
    return answer(shown, version=version)


@blp.route("/<name:pipeline>/fields/", permission=P.PIPELINES_READ)
@takes_list_query(blp, FIELDS)
@blp.response(200, page_of(FieldSchema))
def list_fields(actor: Actor, query: ListQuery, pipeline: str) -> Response:
    """List the fields of a pipeline."""
    return answer_list(actor, lambda: fields.list_fields(actor, pipeline, query))


@blp.route("/<name:pipeline>/fields/deleted/", permission=P.PIPELINES_UPDATE)
@takes_list_query(blp, FIELDS)
@blp.response(200, page_of(FieldSchema))
def list_deleted_fields(actor: Actor, query: ListQuery, pipeline: str) -> Response:
    """List removed fields whose values records still hold; they can be restored."""
    return answer_list(actor, lambda: fields.list_fields(actor, pipeline, query, deleted=True))


@blp.route("/<name:pipeline>/fields/", methods=["POST"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@takes_body(blp, FieldCreate())
@blp.response(201, FieldSchema)
@exchanges(CREATED)
def create_field(
    actor: Actor, parameters: dict[str, Any], body: dict[str, Any], pipeline: str, *, faults: FaultList
) -> Response:
    """Add a field to a pipeline; a required one, where there are records, needs `default` or `force`."""
    field_id, shown, version = fields.create_field(actor, pipeline, body, force=parameters["force"], faults=faults)
    return created(shown, location=f"/api/v1/pipelines/{pipeline}/fields/{field_id}/", version=version)


@blp.route("/<name:pipeline>/fields/<name:field>/", permission=P.PIPELINES_READ)
@blp.response(200, FieldSchema)
@exchanges(OWN)
def get_field(actor: Actor, pipeline: str, field: str) -> Response:
    """Read a field, by id or slug."""
    body, version = fields.get_field(actor, pipeline, field)
    return answer(body, version=version, own=True)


@blp.route("/<name:pipeline>/fields/<name:field>/", methods=["PATCH"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@takes_body(blp, FieldUpdate())
@blp.response(200, FieldSchema)
@exchanges(CHANGED)
def update_field(
    actor: Actor, parameters: dict[str, Any], body: dict[str, Any], pipeline: str, field: str, *, faults: FaultList
) -> Response:  # fmt: skip
    """Change a field; what its present values would not survive is refused, unless `force` or `default` is given."""
    shown, version = fields.update_field(
        actor, pipeline, field, body, force=parameters["force"], versions=if_match(), faults=faults
    )  # fmt: skip
    return answer(shown, version=version)


@blp.route("/<name:pipeline>/fields/<name:field>/", methods=["DELETE"], permission=P.PIPELINES_UPDATE)
@blp.arguments(ForceParameters(), location="query")
@blp.response(204)
@exchanges(GUARDED)
def delete_field(actor: Actor, parameters: dict[str, Any], pipeline: str, field: str) -> Response:
    """Remove a field; where records have values it needs `force`, and can be restored with them."""
    fields.delete_field(actor, pipeline, field, force=parameters["force"], versions=if_match())
    return Response(status=204)


@blp.route("/<name:pipeline>/fields/<name:field>/restore/", methods=["POST"], permission=P.PIPELINES_UPDATE)
@blp.response(200, FieldSchema)
@exchanges(CHANGED)
def restore_field(actor: Actor, pipeline: str, field: str) -> Response:
    """Restore a removed field, with the values that records still hold."""
    shown, version = fields.restore_field(actor, pipeline, field, versions=if_match())
    return answer(shown, version=version)
