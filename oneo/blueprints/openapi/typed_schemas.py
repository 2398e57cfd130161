"""The shapes of one pipeline's records: what is answered, what creates one, what changes one, and examples of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from oneo.access.permissions import P
from oneo.blueprints.openapi.operations import Document
from oneo.blueprints.openapi.views import View
from oneo.fields.json_schema import field_schema
from oneo.fields.kinds.terms import Family
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
        found[f"{name}Create"] = _sent(view, generic["RecordCreate"], created, whole=True, defaults=True)
    if P.RECORDS_UPDATE in view.allowed:
        changed = view.writable(P.RECORDS_UPDATE)
        found[f"{name}Update"] = _sent(view, generic["RecordUpdate"], changed)
        found[f"{name}Replace"] = _sent(view, generic["RecordReplace"], changed, whole=True)
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


def _sent(
    view: View, generic: Document, fields: list[FieldShape], *, whole: bool = False, defaults: bool = False
) -> Document:
    """Whole records have all that is required, but what a default stands in for, and the title field, which `title`
    stands in for. That one of these two is needed is said in words: generators of clients drop the properties of an
    object that has alternatives as well.
    """
    schema = copy.deepcopy(generic)
    _describe_title(schema, view, fields, whole=whole)
    data: Document = {
        "type": "object",
        "properties": {field.slug: _taken(field, defaults=defaults) for field in fields},
        "additionalProperties": False,
    }
    required = [
        field.slug for field in fields
        if whole and field.is_required and field.slug != view.shape.title_field
        and not (defaults and field.kind.config.get("default") is not None)
    ]  # fmt: skip
    if required:
        data["required"] = required
        schema["required"] = ["data"]
    schema["properties"]["data"] = data
    return schema


def _describe_title(schema: Document, view: View, fields: list[FieldShape], *, whole: bool) -> None:
    """A title is the value of the title field: within its limits, and not written where that is not."""
    name = view.shape.title_field
    if name is None:
        return
    field = next((found for found in fields if found.slug == name), None)
    if field is None:
        del schema["properties"]["title"]
        return
    title = schema["properties"]["title"]
    about = f"The value of `{name}`, which may be given by either name."
    if field.is_required:
        limits = _filled(field)
        title |= {key: limits[key] for key in ("minLength", "pattern") if key in limits}
        about += " One of the two is needed." if whole else ""
    if field.kind.family is Family.TEXT:
        title["maxLength"] = min(title["maxLength"], field.kind.schema.get("maxLength", title["maxLength"]))
    title["description"] = about


def _taken(field: FieldShape, *, defaults: bool) -> Document:
    """Null takes a value away, or gives none, where one is not required."""
    schema = _filled(field) if defaults else _without_default(_filled(field))
    stood_in = defaults and field.kind.config.get("default") is not None
    if (field.is_required and not stood_in) or not schema.keys() & {"type", "anyOf", "oneOf", "enum"}:
        return schema
    said: Document = {key: schema.pop(key) for key in ("title", "description", "default") if key in schema}
    return {**said, "anyOf": [schema, dict(_NULL)]}


def _filled(field: FieldShape) -> Document:
    """What is sent for a field: a required text is not empty, though one that is stored may be."""
    least = {"minLength": 1} if field.is_required and field.kind.family is Family.TEXT else {}
    return {**least, **field_schema(field)}


def _without_default(schema: Document) -> Document:
    return {key: part for key, part in schema.items() if key != "default"}
