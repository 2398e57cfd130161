"""What a traversal is asked, in a query or a body, and what it answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load

from oneo import strict_json
from oneo.errors import FaultList, MalformedJson
from oneo.filters.parse import MAX_DEPTH as MAX_NESTING
from oneo.operations.traversal import FORMATS, LIMIT, MAX_DEPTH, MAX_LIMIT, WALKED
from oneo.schemas.base import Entries, Input, OneOf, StrictBoolean, StrictInteger, StrictString, Whole

_SLUGS = {"example": "employs,knows"}
_ABOUT = {
    "start": "The record where the walk begins.",
    "types": "Relationship types, by id or slug; all of them unless said.",
    "direction": "`forward` is from source to target, `reverse` the other way; OUTBOUND, INBOUND mean the same.",
    "depth": "How many relationships may lie between.",
    "max_depth": "Another name of `depth`.",
    "status": "Statuses of relationships that are walked; ACTIVE unless said.",
    "inactive": "Walk relationships of every status.",
    "moment": "Relationships that are valid then (RFC 3339); now unless said.",
    "filter": "Conditions on each relationship as JSON, see docs/relationships.md.",
    "record_filter": "Conditions on each record on the way, as JSON.",
    "pipelines": "Walk to records of these alone; ids or slugs.",
    "limit": "How many records are found at most.",
    "format": "`paths`, or `graph`: nodes and edges.",
}


class Conditions(fields.String):
    """JSON in a query, read as strictly as a body."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            found = strict_json.loads(str(value).encode(), max_depth=4 * MAX_NESTING)
        except MalformedJson as error:
            raise ValidationError(error.detail) from None
        if not isinstance(found, dict):
            raise ValidationError("An object is expected.")
        return found


class Names(fields.String):
    """Several names, comma separated."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return [name.strip() for name in str(value).split(",") if name.strip()]


def one_depth(asked: dict[str, Any], faults: FaultList) -> dict[str, Any]:
    """What is asked, with `depth` under that name alone."""
    other = asked.pop("max_depth", None)
    if other is not None and asked.setdefault("depth", other) != other:
        faults.add("/max_depth", "INVALID_VALUE", "`depth` and `max_depth` are one value: give one of them.")
    return asked


class _WithDepth(Input):
    @post_load
    def join_names(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        faults = FaultList()
        joined = one_depth(data, faults)
        if faults.faults:
            raise ValidationError(faults.faults[0].message, "max_depth")
        return joined


def _range(most: int, default: int | None) -> dict[str, Any]:
    found = {"minimum": 1, "maximum": most}
    return found if default is None else {**found, "default": default}


class RelatedParameters(_WithDepth):
    """Without the start, which stands in the address."""

    relationship_types = Names(metadata={"description": _ABOUT["types"], **_SLUGS})
    direction = fields.String(metadata={"description": _ABOUT["direction"], "default": "both"})
    depth = Whole(metadata={"description": _ABOUT["depth"], **_range(MAX_DEPTH, 1)})
    max_depth = Whole(metadata={"description": _ABOUT["max_depth"], **_range(MAX_DEPTH, None)})
    status = Names(metadata={"description": _ABOUT["status"], "example": "ACTIVE,PENDING"})
    include_inactive = fields.Boolean(metadata={"description": _ABOUT["inactive"]})
    effective_at = fields.String(metadata={"description": _ABOUT["moment"], "format": "date-time"})
    filter = Conditions(metadata={"description": _ABOUT["filter"], "example": '{"strength":{"gte":0.5}}'})
    record_filter = Conditions(metadata={"description": _ABOUT["record_filter"], "example": '{"status":"active"}'})
    pipelines = Names(metadata={"description": _ABOUT["pipelines"], "example": "deals"})
    limit = Whole(metadata={"description": _ABOUT["limit"], **_range(MAX_LIMIT, LIMIT)})
    format = fields.String(validate=OneOf(FORMATS), metadata={"description": _ABOUT["format"], "default": "paths"})


class TraversalParameters(RelatedParameters):
    start = fields.UUID(required=True, metadata={"description": _ABOUT["start"]})


class ShortestPathParameters(RelatedParameters):
    """`depth` is the greatest unless said, and `limit` that of records looked at from either end."""

    class Meta(Input.Meta):
        exclude = ("format",)

    start = fields.UUID(required=True, data_key="from", metadata={"description": _ABOUT["start"]})
    end = fields.UUID(required=True, data_key="to", metadata={"description": "The record that is looked for."})


class TraversalBody(Input):
    start = fields.UUID(required=True, metadata={"description": _ABOUT["start"]})
    relationship_types = Entries(StrictString(), metadata={"description": _ABOUT["types"], "example": ["employs"]})
    direction = StrictString(metadata={"description": _ABOUT["direction"], "default": "both", "example": "forward"})
    depth = StrictInteger(metadata={"description": _ABOUT["depth"], **_range(MAX_DEPTH, 1), "example": 2})
    max_depth = StrictInteger(metadata={"description": _ABOUT["max_depth"], **_range(MAX_DEPTH, None), "example": 2})
    status = Entries(StrictString(), metadata={"description": _ABOUT["status"], "example": [WALKED[0]]})
    include_inactive = StrictBoolean(metadata={"description": _ABOUT["inactive"]})
    effective_at = StrictString(
        metadata={"description": _ABOUT["moment"], "format": "date-time", "example": "2026-01-31T09:30:00Z"}
    )
    filter = fields.Dict(metadata={"description": _ABOUT["filter"], "example": {"strength": {"gte": 0.5}}})
    record_filter = fields.Dict(metadata={"description": _ABOUT["record_filter"], "example": {"status": "active"}})
    pipelines = Entries(StrictString(), metadata={"description": _ABOUT["pipelines"], "example": ["deals"]})
    limit = StrictInteger(metadata={"description": _ABOUT["limit"], **_range(MAX_LIMIT, LIMIT), "example": 100})
    format = StrictString(
        validate=OneOf(FORMATS),
        metadata={"description": _ABOUT["format"], "default": "paths", "example": "paths"},
    )


class ReachedRecordSchema(Schema):
    id = fields.UUID(required=True)
    pipeline_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata={"example": "Big deal"})
    status = fields.String(required=True, metadata={"example": "active"})


class GraphNodeSchema(ReachedRecordSchema):
    depth = fields.Integer(required=True, metadata={"description": "0 of the start.", "example": 0})


class _LinkSchema(Schema):
    id = fields.UUID(required=True)
    relationship_type_id = fields.UUID(required=True)
    relationship_type = fields.String(required=True, metadata={"example": "employs"})
    source_record_id = fields.UUID(required=True)
    target_record_id = fields.UUID(required=True)


class GraphEdgeSchema(_LinkSchema):
    is_bidirectional = fields.Boolean(required=True)


class StepSchema(_LinkSchema):
    direction = fields.String(required=True, validate=OneOf(("OUTBOUND", "INBOUND")))


class PathSchema(Schema):
    depth = fields.Integer(required=True, metadata={"example": 1})
    target = fields.Nested(ReachedRecordSchema, required=True)
    relationships = fields.List(
        fields.Nested(StepSchema), required=True, metadata={"description": "From the start on, as they were walked."}
    )


class TraversalStatisticsSchema(Schema):
    total_paths = fields.Integer(required=True)
    max_depth_reached = fields.Integer(required=True)
    unique_records_found = fields.Integer(required=True)
    relationship_types_used = fields.List(fields.String(), required=True, metadata={"example": ["employs"]})


class TraversalLimitsSchema(Schema):
    depth = fields.Integer(required=True)
    limit = fields.Integer(required=True)


class TraversalSchema(Schema):
    """`paths`, or `nodes` and `edges`."""

    start = fields.Nested(ReachedRecordSchema, required=True)
    paths = fields.List(fields.Nested(PathSchema))
    nodes = fields.List(fields.Nested(GraphNodeSchema))
    edges = fields.List(fields.Nested(GraphEdgeSchema))
    statistics = fields.Nested(TraversalStatisticsSchema, required=True)
    truncated = fields.Boolean(required=True, metadata={"description": "Whether more would be found."})
    limits = fields.Nested(TraversalLimitsSchema, required=True)


class ShortestPathSchema(Schema):
    found = fields.Boolean(required=True)
    path = fields.Nested(PathSchema, required=True, allow_none=True)
    truncated = fields.Boolean(required=True, metadata={"description": "Whether there may be one yet."})
    limits = fields.Nested(TraversalLimitsSchema, required=True)
