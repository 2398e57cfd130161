"""Records, under their pipeline and by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.base import ApiBlueprint, answer_list, answer_shaped, created
from oneo.blueprints.listing import takes_list_query
from oneo.operations import records
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.record import (
    RecordCreate,
    RecordParameters,
    RecordSchema,
)
from oneo.store.records import RECORDS

blp = ApiBlueprint("records", __name__, url_prefix="/api/v1", description="Records of the pipelines.")
_WITHIN, _ALONE = "/pipelines/<string:pipeline>/records", "/records"


@blp.route(f"{_WITHIN}/", permission=P.RECORDS_READ)
@takes_list_query(blp, RECORDS)
@blp.response(200, page_of(RecordSchema))
def list_records(actor: Actor, query: ListQuery, pipeline: str) -> Response:
    """List the records of a pipeline; filters by field are `data__<slug>[__<operator>]`."""
    return answer_list(actor, lambda: records.list_records(actor, pipeline, query))


@blp.route(f"{_WITHIN}/deleted/", permission=P.RECORDS_DELETE)
@takes_list_query(blp, RECORDS)
@blp.response(200, page_of(RecordSchema))
def list_deleted_records(actor: Actor, query: ListQuery, pipeline: str) -> Response:
    """List deleted records, which can be restored."""
    return answer_list(actor, lambda: records.list_records(actor, pipeline, query, deleted=True))


@blp.route(f"{_WITHIN}/", methods=["POST"], permission=P.RECORDS_CREATE)
@blp.arguments(RecordCreate())
@blp.response(201, RecordSchema)
def create_record(actor: Actor, body: dict[str, Any], pipeline: str) -> Response:
    """Add a record."""
    record_id, shown, version = records.create_record(actor, pipeline, body)
    return created(shown, location=f"/api/v1/records/{record_id}/", version=version)


@blp.route(f"{_ALONE}/<uuid:record_id>/", permission=P.RECORDS_READ)
@blp.route(f"{_WITHIN}/<uuid:record_id>/", permission=P.RECORDS_READ, endpoint="get_pipeline_record")
@blp.arguments(RecordParameters(), location="query")
@blp.response(200, RecordSchema)
def get_record(actor: Actor, parameters: dict[str, Any], record_id: UUID, pipeline: str | None = None) -> Response:
    """Read a record."""
    body, version, shape = records.get_record(actor, record_id, pipeline=pipeline, fields=parameters["fields"])
    return answer_shaped(body, version=version, shape=shape)
