"""The shapes of one pipeline's records: what is answered, what creates one, what changes one, and examples of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from oneo.access.permissions import P
from oneo.blueprints.openapi.operations import Document
from oneo.blueprints.openapi.views import View
from oneo.fields.json_schema import field_schema
from oneo.fields.shapes import FieldShape

_NULL = {"type": "null"}


def record_name(view: View, generic: Document) -> str:
    """What the names of its schemas begin with; none of the generic ones has such a name."""
    name = f"{view.shape.graphql_name}Record"
    return f"{view.shape.graphql_name}_Record" if any(known.startswith(name) for known in generic) else name


def components(view: View, generic: Document) -> Document:
    """Schemas by name, made of the generic ones whose `data` takes anything."""
    name = record_name(view, generic)
    record = _answered(view, generic["Record"])
    rows = {key: part for key, part in record.items() if key != "required"}
    page = copy.deepcopy(generic["RecordPage"])
    page["properties"]["results"]["items"] = {"$ref": f"#/components/schemas/{name}Item"}
    found = {name: record, f"{name}Item": rows, f"{name}Page": page}
    if P.RECORDS_CREATE in view.allowed:
        created = view.writable(P.RECORDS_CREATE)
        found[f"{name}Create"] = _sent(generic["RecordCreate"], created, whole=True, defaults=True)
    if P.RECORDS_UPDATE in view.allowed:
        changed = view.writable(P.RECORDS_UPDATE)
        found[f"{name}Update"] = _sent(generic["RecordUpdate"], changed)
        found[f"{name}Replace"] = _sent(generic["RecordReplace"], changed, whole=True)
    return found


def sent_example(fields: Iterable[FieldShape]) -> dict[str, Any] | None:
    """A body that the schema accepts; None where nobody can say what a required field would take."""
    data: dict[str, Any] = {}
    for field in fields:
        # Whoever it is, he is no user of this tenant.
        found = None if field.kind.name == "user" and not field.is_required else field.kind.example
        if found is not None:
            data[field.slug] = found
        elif field.is_required:
            return None
    return {"status": "active", "data": data}


def answered_example(view: View, generic: Document) -> dict[str, Any]:
    """A record as it is answered, from the generic example."""
    data = {field.slug: field.kind.example for field in view.fields if field.kind.example is not None}
    title = data.get(view.shape.title_field or "", generic["title"])
    return {**generic, "pipeline_id": str(view.shape.id), "title": str(title), "data": data}


def _answered(view: View, generic: Document) -> Document:
    schema = copy.deepcopy(generic)
    schema["title"] = view.shape.name
    if view.shape.description:
        schema["description"] = view.shape.description
    schema["properties"]["pipeline_id"]["const"] = str(view.shape.id)
    fields = {field.slug: _without_default(field_schema(field)) for field in view.fields}
    schema["properties"]["data"] = {"type": "object", "properties": fields}
    return schema


def _sent(generic: Document, fields: list[FieldShape], *, whole: bool = False, defaults: bool = False) -> Document:
    """Whole records have all that is required, but what a default stands in for."""
    schema = copy.deepcopy(generic)
    data: Document = {
        "type": "object",
        "properties": {field.slug: _taken(field, defaults=defaults) for field in fields},
        "additionalProperties": False,
    }
    required = [
        field.slug for field in fields
        if whole and field.is_required and not (defaults and field.kind.config.get("default") is not None)
    ]  # fmt: skip
    if required:
        data["required"] = required
        schema["required"] = ["data"]
    schema["properties"]["data"] = data
    return schema


def _taken(field: FieldShape, *, defaults: bool) -> Document:
    """Null takes a value away, or gives none, where one is not required."""
    schema = field_schema(field) if defaults else _without_default(field_schema(field))
    if field.is_required or not schema.keys() & {"type", "anyOf", "oneOf", "enum"}:
        return schema
    said: Document = {key: schema.pop(key) for key in ("title", "description", "default") if key in schema}
    return {**said, "anyOf": [schema, dict(_NULL)]}


def _without_default(schema: Document) -> Document:
    return {key: part for key, part in schema.items() if key != "default"}
