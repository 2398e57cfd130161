"""Records in plain Python: what lists of them must answer, whatever the indexes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import KINDS
from oneo.fields.kinds.terms import Family
from oneo.filters.ast import And, Comparison, Node, Not, Or
from tests.fields.configs import USUAL

CONFIGS: dict[str, dict[str, Any]] = {
    **USUAL,
    "text": {"max_length": 1_000},
    "decimal": {"precision": 30, "scale": 10},
    "select": {"choices": ["b", "a", "c,d"]},
    "multiselect": {"choices": ["b", "a", "c,d"]},
}
FIELDS = [{"name": kind, "field_type": kind, "field_config": CONFIGS[kind]} for kind in sorted(KINDS)]
"""A field of each kind, named as it; each that can has an index slot, if wanted."""


def exact(text: str) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def kind_of(name: str) -> Kind:
    return KINDS[name](CONFIGS[name])


def matches(node: Node, data: dict[str, Any]) -> bool:
    """Whether the data of a record fulfil a filter over `data__<kind>`."""
    match node:
        case And(parts):
            return all(matches(part, data) for part in parts)
        case Or(parts):
            return any(matches(part, data) for part in parts)
        case Not(part):
            return not matches(part, data)
        case Comparison(name, operator, value):
            kind = name.removeprefix("data__")
            return holds(KINDS[kind].family, data.get(kind), operator, value)
    raise AssertionError(node)


def holds(family: Family, own: Any, operator: str, value: Any) -> bool:
    match operator:
        case "exists":
            return (own is not None) is value
        case "not" | "not_in" | "not_contains":
            positive = {"not": "exact", "not_in": "in", "not_contains": "contains"}[operator]
            return not holds(family, own, positive, value)
        case "exact" if value is None:
            return own is None
    if own is None:
        return False
    if family is Family.SET:
        chosen = set(value) if isinstance(value, list) else {value}
        return {"contains": chosen <= set(own), "in": bool(chosen & set(own)), "exact": chosen == set(own)}[operator]
    if family is Family.DOCUMENT:
        return contains(own, value) if operator == "contains" else alike(own, value)
    if operator == "in":
        return own in value
    if operator == "contains":
        return value.lower() in own.lower()
    if operator == "startswith":
        return bool(own.startswith(value))
    left, right = (own.encode(), value.encode()) if isinstance(own, str) else (own, value)
    return bool({
        "exact": left == right, "gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right,
    }[operator])  # fmt: skip


def alike(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 and true are two."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def contains(one: Any, other: Any) -> bool:
    """One document has all that the other has."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(key in one and contains(one[key], item) for key, item in other.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(any(contains(own, item) for own in one) for item in other)
    return alike(one, other)


def ordered(rows: Sequence[dict[str, Any]], keys: Sequence[tuple[str, bool]]) -> list[dict[str, Any]]:
    """Rows of `id` and `data` by keys of a kind and whether it descends: missing values last, then by id."""
    down = bool(keys) and keys[0][1]
    found = sorted(rows, key=lambda row: str(row["id"]), reverse=down)
    for kind, descending in reversed(keys):
        there = [row for row in found if row["data"].get(kind) is not None]
        missing = [row for row in found if row["data"].get(kind) is None]
        found = sorted(there, key=partial(_key, kind), reverse=descending) + missing
    return found


def _key(kind: str, row: dict[str, Any]) -> Any:
    return _place(row["data"][kind])


def _place(value: Any) -> Any:
    """Texts are ordered by their first 256 characters, numbers by the nearest float."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return float(value) if isinstance(value, Decimal) else value[:256].encode()
