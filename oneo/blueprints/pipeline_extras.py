"""What else is made of a pipeline: copies, its JSON Schema, figures."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import JSON, answer, answer_shaped, created
from oneo.blueprints.base import ApiBlueprint
from oneo.http.exchange import CREATED, TAGGED, exchanges
from oneo.http.proxies import proxies
from oneo.operations import cloning, json_schema, pipeline_analytics
from oneo.schemas.pipeline import PipelineClone, PipelineDetailSchema
from oneo.schemas.pipeline_analytics import PipelineAnalyticsParameters, PipelineAnalyticsSchema

SCHEMA_JSON = "application/schema+json"
blp = ApiBlueprint(
    "pipeline extras", __name__, url_prefix="/api/v1/pipelines", description="What is made of pipelines."
)


@blp.route("/<name:pipeline>/clone/", methods=["POST"], permission=P.PIPELINES_CREATE)
@blp.arguments(PipelineClone(), required=False)
@blp.response(201, PipelineDetailSchema)
@exchanges(CREATED)
def clone_pipeline(actor: Actor, body: dict[str, Any], pipeline: str) -> Response:
    """Copy a pipeline with its fields, without its records."""
    pipeline_id, shown, version = cloning.clone_pipeline(actor, pipeline, body)
    return created(shown, location=f"/api/v1/pipelines/{pipeline_id}/", version=version)


@blp.route("/<name:pipeline>/schema/", permission=P.PIPELINES_READ, produces=(SCHEMA_JSON, JSON))
@blp.response(200, {"type": "object"}, content_type=SCHEMA_JSON, description="JSON Schema 2020-12.")
@exchanges(TAGGED)
def get_pipeline_schema(actor: Actor, pipeline: str) -> Response:
    """Read the JSON Schema of a pipeline's records, as the caller sees them."""
    schema, revision = json_schema.get_schema(actor, pipeline)
    schema["$id"] = proxies().origin_of(request) + schema["$id"]
    body = orjson.dumps(schema).decode()
    return answer_shaped(body, version=revision, shape=body, content_type=SCHEMA_JSON)


@blp.route("/<name:pipeline>/analytics/", permission=P.RECORDS_READ)
@blp.arguments(PipelineAnalyticsParameters(), location="query")
@blp.response(200, PipelineAnalyticsSchema)
def get_pipeline_analytics(actor: Actor, query: dict[str, Any], pipeline: str) -> Response:
    """Read figures about the records of a pipeline: of today, and of each day of a range."""
    return answer(pipeline_analytics.get_pipeline_analytics(actor, pipeline, **query))
