"""Records, under their pipeline and by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, answer_shaped, created
from oneo.blueprints.arguments import refuse, takes_body
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList, InvalidParameter
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, CREATED, GUARDED, TAGGED, exchanges
from oneo.operations import history, records
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.record import (
    PurgeParameters,
    RecordCreate,
    RecordParameters,
    RecordReplace,
    RecordSchema,
    RecordUpdate,
)
from oneo.store.records import RECORDS

blp = ApiBlueprint("records", __name__, url_prefix="/api/v1", description="Records of the pipelines.")
_WITHIN = "/pipelines/<name:pipeline>/records"
_ONE, _ONE_WITHIN = "/records/<uuid:record_id>", f"{_WITHIN}/<uuid:record_id>"


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
@takes_body(blp, RecordCreate())
@blp.response(201, RecordSchema)
@exchanges(CREATED)
def create_record(actor: Actor, body: dict[str, Any], pipeline: str, *, faults: FaultList) -> Response:
    """Add a record."""
    record_id, shown, version = records.create_record(actor, pipeline, body, faults=faults)
    return created(shown, location=f"/api/v1/records/{record_id}/", version=version)


@blp.route(f"{_ONE}/", permission=P.RECORDS_READ)
@blp.route(f"{_ONE_WITHIN}/", permission=P.RECORDS_READ, name="get_pipeline_record")
@blp.arguments(RecordParameters(), location="query")
@blp.response(200, RecordSchema)
@exchanges(TAGGED)
def get_record(actor: Actor, parameters: dict[str, Any], record_id: UUID, pipeline: str | None = None) -> Response:
    """Read a record, as it is or as it was."""
    fields, include, as_of = parameters["fields"], parameters["include"], parameters["as_of"]
    if as_of is not None and include:
        refuse(
            {"include": ["Nothing stands beside a record as it was: leave out `as_of` or `include`."]}, InvalidParameter
        )
    if as_of is not None:
        body, version, sight = history.get_past_record(actor, record_id, as_of, pipeline=pipeline, fields=fields)
    else:
        body, version, sight = records.get_record(
            actor, record_id, pipeline=pipeline, fields=fields, include=include
        )  # fmt: skip
    if include:
        return answer(body)
    if fields or sight.hidden or as_of is not None:
        return answer_shaped(body, version=version, shape=f"{fields} {sorted(sight.hidden)} {as_of}")
    return answer(body, version=version)


@blp.route(f"{_ONE}/", methods=["PATCH"], permission=P.RECORDS_UPDATE)
@blp.route(f"{_ONE_WITHIN}/", methods=["PATCH"], permission=P.RECORDS_UPDATE, name="update_pipeline_record")
@takes_body(blp, RecordUpdate())
@blp.response(200, RecordSchema)
@exchanges(CHANGED)
def update_record(
    actor: Actor, body: dict[str, Any], record_id: UUID, pipeline: str | None = None, *, faults: FaultList
) -> Response:
    """Change a record."""
    shown, version = records.update_record(
        actor, record_id, body, pipeline=pipeline, versions=if_match(), faults=faults
    )
    return answer(shown, version=version)


@blp.route(f"{_ONE}/", methods=["PUT"], permission=P.RECORDS_UPDATE)
@blp.route(f"{_ONE_WITHIN}/", methods=["PUT"], permission=P.RECORDS_UPDATE, name="replace_pipeline_record")
@takes_body(blp, RecordReplace())
@blp.response(200, RecordSchema)
@exchanges(CHANGED)
def replace_record(
    actor: Actor, body: dict[str, Any], record_id: UUID, pipeline: str | None = None, *, faults: FaultList
) -> Response:
    """Replace a record's title, status and values; what the caller may not write stays."""
    shown, version = records.update_record(
        actor, record_id, body, pipeline=pipeline, whole=True, versions=if_match(), faults=faults
    )
    return answer(shown, version=version)


@blp.route(f"{_ONE}/", methods=["DELETE"], permission=P.RECORDS_DELETE)
@blp.route(f"{_ONE_WITHIN}/", methods=["DELETE"], permission=P.RECORDS_DELETE, name="delete_pipeline_record")
@blp.arguments(PurgeParameters(), location="query")
@blp.response(204)
@exchanges(GUARDED)
def delete_record(actor: Actor, parameters: dict[str, Any], record_id: UUID, pipeline: str | None = None) -> Response:
    """Remove a record, which can be restored; with `purge`, erase a removed one for good."""
    if parameters["purge"]:
        records.purge_record(actor, record_id, pipeline=pipeline, versions=if_match())
    else:
        records.delete_record(actor, record_id, pipeline=pipeline, versions=if_match())
    return Response(status=204)


@blp.route(f"{_ONE}/restore/", methods=["POST"], permission=P.RECORDS_DELETE)
@blp.route(f"{_ONE_WITHIN}/restore/", methods=["POST"], permission=P.RECORDS_DELETE, name="restore_pipeline_record")
@blp.response(200, RecordSchema)
@exchanges(CHANGED)
def restore_record(actor: Actor, record_id: UUID, pipeline: str | None = None) -> Response:
    """Restore a removed record."""
    shown, version = records.restore_record(actor, record_id, pipeline=pipeline, versions=if_match())
    return answer(shown, version=version)
