"""Many records of a pipeline in one call."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import JSON
from oneo.blueprints.arguments import takes_array
from oneo.blueprints.base import ApiBlueprint
from oneo.http.conditional import prefers_minimal
from oneo.http.exchange import APPLIED, MINIMAL, exchanges, sending
from oneo.operations.bulk import BulkOutcome, bulk_create, bulk_update
from oneo.operations.bulk_delete import delete_by_filter, delete_by_ids
from oneo.operations.upsert import bulk_upsert
from oneo.schemas.bulk import (
    BulkCreated,
    BulkDelete,
    BulkDeleted,
    BulkParameters,
    BulkUpdated,
    BulkUpdateEntry,
    BulkUpserted,
    BulkUpsertEntry,
    UpsertParameters,
)
from oneo.schemas.record import RecordCreate

blp = ApiBlueprint(
    "bulk", __name__, url_prefix="/api/v1/pipelines/<name:pipeline>/records", description="Many records at once."
)


@blp.route("/bulk_create/", methods=["POST"], permission=P.RECORDS_CREATE)
@takes_array(blp, RecordCreate)
@blp.arguments(BulkParameters(), location="query")
@blp.response(201, BulkCreated)
@blp.alt_response(400, schema=BulkCreated, description="No entry could be written.")
@blp.alt_response(200, schema=BulkCreated, description="A dry run: nothing was written.")
@exchanges(MINIMAL)
def bulk_create_records(actor: Actor, entries: object, parameters: dict[str, Any], pipeline: str) -> Response:
    """Add up to 10,000 records; each entry that is refused is named by its index."""
    outcome = bulk_create(actor, pipeline, entries, mode=parameters["mode"])
    return _answer(outcome, "created", 201)


@blp.route("/bulk_update/", methods=["POST", "PATCH"], permission=P.RECORDS_UPDATE)
@takes_array(blp, BulkUpdateEntry)
@blp.arguments(BulkParameters(), location="query")
@blp.response(200, BulkUpdated)
@blp.alt_response(400, schema=BulkUpdated, description="No entry could be written.")
@exchanges(MINIMAL)
def bulk_update_records(actor: Actor, entries: object, parameters: dict[str, Any], pipeline: str) -> Response:
    """Change up to 10,000 records, each by its id."""
    outcome = bulk_update(actor, pipeline, entries, mode=parameters["mode"])
    return _answer(outcome, "updated", 200)


@blp.route("/bulk_upsert/", methods=["POST"], permission=P.RECORDS_CREATE)
@takes_array(blp, BulkUpsertEntry)
@blp.arguments(UpsertParameters(), location="query")
@blp.response(200, BulkUpserted)
@blp.alt_response(400, schema=BulkUpserted, description="No entry could be written.")
@exchanges(MINIMAL)
def bulk_upsert_records(actor: Actor, entries: object, parameters: dict[str, Any], pipeline: str) -> Response:
    """Change the records that are there and add the others, told apart by id or by a unique field. What was written is
    answered in the order of the entries.
    """
    outcome = bulk_upsert(actor, pipeline, entries, on=parameters["on"], mode=parameters["mode"])
    updated = len(outcome.documents) - outcome.created
    return _answer(outcome, "upserted", 200, created_count=outcome.created, updated_count=updated)


@blp.route("/bulk_delete/", methods=["POST"], permission=P.RECORDS_DELETE)
@blp.arguments(BulkParameters(), location="query")
@blp.arguments(BulkDelete())
@blp.response(200, BulkDeleted)
@blp.alt_response(400, schema=BulkDeleted, description="No record could be removed.")
def bulk_delete_records(actor: Actor, parameters: dict[str, Any], body: dict[str, Any], pipeline: str) -> Response:
    """Remove up to 10,000 records by ids or by a filter; they can be restored."""
    mode = parameters["mode"]
    if "ids" in body:
        removed = delete_by_ids(actor, pipeline, body["ids"], mode=mode)
    else:
        removed = delete_by_filter(actor, pipeline, body["filter"], max_affected=body.get("max_affected"), mode=mode)
    errors = [{"index": at, "errors": {"id": [fault.message]}} for at, fault in removed.failed.items()]
    answer = {
        "deleted_count": removed.count, "errors": errors, "error_count": len(errors), "valid_count": removed.valid
    }  # fmt: skip
    return Response(orjson.dumps(answer), 400 if errors and not removed.valid else 200, content_type=JSON)


def _answer(outcome: BulkOutcome, name: str, status: int, **counts: int) -> Response:
    """`status` when something was written, 200 when all could be, 400 when none could or was to be."""
    rest = orjson.dumps(
        {
            f"{name}_count": len(outcome.documents),
            **counts,
            "errors": outcome.errors,
            "error_count": len(outcome.failed),
            "valid_count": outcome.valid,
        }
    )
    minimal = prefers_minimal()
    shown = "" if minimal else ",".join(outcome.documents)
    body = b'{"' + name.encode() + b'":[' + shown.encode() + b"]," + rest[1:]
    if not outcome.valid and (outcome.failed or status == 201):
        status = 400
    elif not outcome.documents:
        status = 200
    response = Response(body, status, content_type=JSON)
    if minimal:
        sending(response, APPLIED, "return=minimal")
    return response
