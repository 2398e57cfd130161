"""The query parameters of one pipeline's list: each operator of each field by its own name and type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from oneo.blueprints.openapi.parameters import list_parameters
from oneo.blueprints.openapi.views import View
from oneo.fields.base import TEXT
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.choices import AnyChoice
from oneo.fields.kinds.terms import Family
from oneo.fields.shapes import FieldShape
from oneo.store.records import record_resource
from oneo.store.resources import Resource

_WORDS = {
    "exact": "is this", "not": "is not this", "contains": "contains this", "not_contains": "does not contain this",
    "startswith": "starts with this", "gt": "is more than this", "gte": "is this or more", "lt": "is less than this",
    "lte": "is this or less", "in": "is one of these, comma separated", "not_in": "is none of these, comma separated",
    "exists": "has a value, or has none",
}  # fmt: skip


def typed_parameters(view: View) -> list[dict[str, Any]]:
    """What every list takes, and conditions on each field that the caller sees."""
    resource = record_resource(view.shape, view.hidden | view.shape.removed)
    plain = {name: column for name, column in resource.columns.items() if not name.startswith("data__")}
    known = {parameter["name"]: parameter for parameter in list_parameters(resource)}
    rest = list_parameters(replace(resource, columns=plain))
    shared = [known[parameter["name"]] if _asks_all(parameter, resource) else parameter for parameter in rest]
    return [*shared, *(condition for field in view.fields for condition in _conditions(field))]


def _asks_all(parameter: dict[str, Any], resource: Resource) -> bool:
    """Whether the parameter is one for all columns at once: `ordering`, `filter` and their like."""
    return parameter["name"] != "conditions" and parameter["name"] not in resource.columns


def _conditions(field: FieldShape) -> Iterator[dict[str, Any]]:
    kind, name = field.kind, f"data__{field.slug}"
    for suffix, operator in [("", kind.bare), *((f"__{operator}", operator) for operator in kind.operators)]:
        yield {
            "name": f"{name}{suffix}", "in": "query", "required": False,
            "description": f"Records whose `{field.slug}` {_WORDS[operator]}.", "schema": _operand(kind, operator),
        }  # fmt: skip


def _operand(kind: Kind, operator: str) -> dict[str, Any]:
    """Limits of a field do not hold for what its values are compared with."""
    if operator == "exists":
        return {"type": "boolean"}
    if kind.family is Family.DOCUMENT:
        return {"type": "string", "contentMediaType": "application/json"}
    if kind.family is Family.SET or operator in {"in", "not_in", *TEXT}:
        return {"type": "string"}
    if isinstance(kind, AnyChoice):
        return kind.one_of()
    return dict(kind.json_schema)
