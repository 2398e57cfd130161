"""The query parameters of a list, documented from what it may be asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oneo.fields.base import EQUALITY, FieldType
from oneo.filters.columns import Column
from oneo.filters.hops import COUNTS
from oneo.filters.order import MAX_KEYS
from oneo.filters.related import ALIASES, DIRECTIONS, MAX_COUNT
from oneo.operations.lists import MAX_PAGE_SIZE, MAX_SEARCH, PAGE_SIZE
from oneo.schemas.base import ListParameters
from oneo.store.resources import Resource

_ABOUT = {
    field.data_key or name: field.metadata["description"] for name, field in ListParameters().fields.items()
}  # fmt: skip
_NULL = {"type": "null"}
_SOME = {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
RELATED = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "A relationship type, by id or slug."},
        "direction": {"type": "string", "enum": [*DIRECTIONS, *ALIASES], "default": "both"},
        "pipeline": {"type": "string", "description": "Of the records at the other end, by id or slug."},
        "filter": {"type": "object"},
        "link": {"type": "object"},
        "effective_at": {"type": "string", "format": "date-time"},
        "count": {"type": "object", "properties": dict.fromkeys(COUNTS, _SOME), "additionalProperties": False},
        "exists": {"type": "boolean", "default": True},
    },
    "required": ["type"],
    "additionalProperties": False,
}


def list_parameters(resource: Resource) -> list[dict[str, Any]]:
    """What every list takes, a parameter for each column, and one that stands for all other conditions."""
    return [
        *(_parameter(name, schema, _ABOUT[name]) for name, schema in _common(resource).items()),
        _filter(resource),
        *(_condition(name, column) for name, column in resource.columns.items()),
        _conditions(resource),
    ]


def _common(resource: Resource) -> dict[str, dict[str, Any]]:
    sortable = [name for name, column in resource.columns.items() if column.sortable]
    schemas: dict[str, dict[str, Any]] = {
        "page": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE},
        "cursor": {"type": "string", "examples": [""]},
        "ordering": {"type": "string", "pattern": _list_of(f"-?({_any(sortable)})", MAX_KEYS)},
        "search": {"type": "string", "maxLength": MAX_SEARCH},
        "count": {"type": "string", "enum": ["exact", "estimated", "none"], "default": "exact"},
        "fields": {"type": "string", "pattern": _list_of(f"({_any(resource.pickable)})", len(resource.pickable))},
    }
    if not resource.searchable:
        del schemas["search"]
    if resource.includable and resource.leads_on:
        schemas["include"] = {"type": "string", "examples": ["relationships,pipeline"]}
    elif resource.includable:
        names = resource.includable
        schemas["include"] = {"type": "string", "pattern": _list_of(f"({_any(names)})", len(names))}
    return schemas


def _filter(resource: Resource) -> dict[str, Any]:
    """Its value is JSON, so its content is described, not its text."""
    columns = {name: _tests(column) for name, column in resource.columns.items()}
    nested = {"type": "array", "items": {"type": "object"}}
    related = {"related": {"anyOf": [RELATED, {"type": "array", "items": RELATED}]}} if resource.leads_on else {}
    schema = {
        "type": "object",
        "properties": {**columns, "and": nested, "or": nested, "not": {"type": "object"}, **related},
        "additionalProperties": False,
    }
    return {
        "name": "filter", "in": "query", "required": False, "description": _ABOUT["filter"],
        "content": {"application/json": {"schema": schema, "example": {}}},
    }  # fmt: skip


def _tests(column: Column) -> dict[str, Any]:
    value = dict(column.type.json_schema)
    tests = {operator: _operand(operator, value) for operator in column.type.operators}
    return {"anyOf": [value, _NULL, {"type": "object", "properties": tests, "additionalProperties": False}]}


def _operand(operator: str, value: dict[str, Any]) -> dict[str, Any]:
    if operator in {"in", "not_in"}:
        return {"type": "array", "items": value}
    if operator in {"exact", "not"}:
        return {"anyOf": [value, _NULL]}
    return {"type": "boolean"} if operator == "exists" else _part(value)


def _part(value: dict[str, Any]) -> dict[str, Any]:
    """What is compared with part of a value or sorted beside it: a text, also where the values are words of a list."""
    return {key: said for key, said in value.items() if key != "enum"}


def _condition(name: str, column: Column) -> dict[str, Any]:
    about = "contain this text" if column.type.bare == "contains" else "have this value"
    return _parameter(name, dict(column.type.json_schema), f"Rows whose `{name}` {about}.")


def _conditions(resource: Resource) -> dict[str, Any]:
    """Every `<column>__<operator>`: written out one by one they would hide the rest of the document."""
    properties = {
        f"{name}__{operator}": _in_query(operator, column.type)
        for name, column in resource.columns.items()
        for operator in column.type.operators
    }
    for name, column in resource.columns.items():
        if name.endswith("_at"):
            stem = name.removesuffix("_at")
            properties |= {f"{stem}_{side}": dict(column.type.json_schema) for side in ("after", "before")}
    about = "Further conditions, each a query parameter of its own: `<column>__<operator>=<value>`."
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**_parameter("conditions", schema, about), "style": "form", "explode": True, "example": {}}


def _in_query(operator: str, type_: FieldType) -> dict[str, Any]:
    if operator in {"in", "not_in"}:
        return {"type": "string", "description": "Values, comma separated."}
    schema = dict(type_.json_schema)
    return {"type": "boolean"} if operator == "exists" else schema if operator in EQUALITY else _part(schema)


def _parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _any(names: Iterable[str]) -> str:
    return "|".join(sorted(names))


def _list_of(item: str, most: int) -> str:
    return f"^({item}(,{item}){{0,{most - 1}}})?$"
