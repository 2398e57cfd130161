"""JSON Schema 2020-12 of a pipeline's records, as one caller sees them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight, find_pipeline, schema_of
from oneo.actor import Actor
from oneo.fields.json_schema import data_schema
from oneo.models.record import STATUS_LENGTH, TITLE_LENGTH
from oneo.store import message

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID: dict[str, Any] = {"type": "string", "format": "uuid"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}


def get_schema(actor: Actor, name: str) -> tuple[dict[str, Any], int]:
    """(the schema, the revision that it is of); its `$id` is an address without a host. Raises PipelineNotFound."""
    message.confirm(actor)
    sight, revision = find_pipeline(actor, name, P.PIPELINES_READ), schema_of(actor).revision
    read_only = policy.read_only_fields(actor, P.RECORDS_UPDATE, sight.shape.id)
    return _record_schema(sight, read_only, revision), revision


def _record_schema(sight: Sight, read_only: Collection[str], revision: int) -> dict[str, Any]:
    shape, fields = sight.shape, list(sight.fields.values())
    required = [field.slug for field in fields if field.is_required]
    data = data_schema(fields, read_only=read_only, required=required)
    properties: dict[str, Any] = {
        "id": {**_ID, "readOnly": True},
        "pipeline_id": {**_ID, "const": str(shape.id), "readOnly": True},
        "title": {"type": "string", "maxLength": TITLE_LENGTH},
        "status": {"type": "string", "minLength": 1, "maxLength": STATUS_LENGTH},
        "data": data,
        "version": {"type": "integer", "minimum": 1, "readOnly": True},
        **{name: {**_TIME, "readOnly": True} for name in ("created_at", "updated_at")},
        **{name: {**_ID, "type": ["string", "null"], "readOnly": True} for name in ("created_by", "updated_by")},
        "deleted_at": {**_TIME, "type": ["string", "null"], "readOnly": True},
    }
    return {
        "$schema": DIALECT,
        "$id": f"/api/v1/pipelines/{shape.id}/schema/?revision={revision}",
        "title": shape.name,
        **({"description": shape.description} if shape.description else {}),
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
