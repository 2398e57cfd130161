"""An example for every body, made of the examples of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oneo.blueprints.openapi.operations import Document
from oneo.blueprints.openapi.schemas import operations_of

_BY_FORMAT = {
    "uuid": "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4",
    "date-time": "2026-01-31T09:30:00.000000Z",
    "date": "2026-01-31",
    "email": "ada@acme.example",
    "uri": "https://acme.example/",
    "uri-reference": "/api/v1/users/",
    "password": "quiet-otters-map-seven-rivers",
}
_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None, "object": {}}
_MAX_DEPTH = 8


def describe(document: Document) -> None:
    """Gives each JSON body that has none an example."""
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    for operation in operations_of(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (media for body in bodies for media in body.get("content", {}).values()):
            if "schema" in media and not media.keys() & {"example", "examples"}:
                media["example"] = example_of(media["schema"], schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that the schema accepts, as long as what its parts give as examples is true."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example_of(schema[key][0], schemas, depth)
    return _of_type(schema, schemas, depth)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    type_ = schema.get("type", "object")
    name = type_[0] if isinstance(type_, list) else type_
    if name == "object" and depth < _MAX_DEPTH:
        return {key: example_of(part, schemas, depth + 1) for key, part in schema.get("properties", {}).items()}
    if name == "array":
        return [example_of(schema["items"], schemas, depth + 1)] if depth < _MAX_DEPTH and "items" in schema else []
    if name in {"integer", "number"}:
        return schema.get("minimum", _BY_TYPE[name])
    if name == "string":
        text = _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE["string"])
        return str(text)[: schema.get("maxLength")]
    return _BY_TYPE[name]
