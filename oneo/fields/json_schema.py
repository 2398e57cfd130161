"""JSON Schema 2020-12 of the values that fields hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from oneo.fields.shapes import FieldShape


def data_schema(
    fields: Iterable[FieldShape], *, read_only: Collection[str] = (), required: Collection[str] = ()
) -> dict[str, Any]:
    """An object of values by the slugs of the fields."""
    return {
        "type": "object",
        "properties": {field.slug: field_schema(field, read_only=field.slug in read_only) for field in fields},
        "required": list(required),
        "additionalProperties": False,
    }


def field_schema(field: FieldShape, *, read_only: bool = False) -> dict[str, Any]:
    """One field's values, with what people are told of it."""
    about = {"description": field.description} if field.description else {}
    return {**field.kind.schema, "title": field.name, **about, **({"readOnly": True} if read_only else {})}
