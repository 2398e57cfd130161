"""The filter language once more, in plain Python: what the compiled SQL is held against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from oneo.fields.dates import DateTime
from oneo.fields.scalars import Boolean, Integer, Text
from oneo.filters.ast import And, Comparison, Node, Not, Or
from oneo.filters.columns import Column

COLUMNS = {
    "name": Column("t.name", Text(), nullable=True),
    "title": Column("t.title", Text()),
    "number": Column("t.number", Integer(), nullable=True),
    "flag": Column("t.flag", Boolean(), nullable=True),
    "moment": Column("t.moment", DateTime(), nullable=True),
}
Row = Mapping[str, Any]

_words = st.text(alphabet="aB%_\\é ", max_size=4)
_numbers = st.integers(-3, 3)
_moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3)).map(lambda m: m.replace(microsecond=0))  # noqa: DTZ001
_values: dict[str, st.SearchStrategy[Any]] = {
    "name": _words,
    "title": _words,
    "number": _numbers,
    "flag": st.booleans(),
    "moment": _moments.map(lambda m: m.isoformat() + "Z"),
}

rows = st.lists(
    st.fixed_dictionaries(
        {key: values if key == "title" else st.none() | values for key, values in _values.items()}
    ),
    max_size=12,
)  # fmt: skip


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    name = draw(st.sampled_from(sorted(COLUMNS)))
    operator = draw(st.sampled_from(COLUMNS[name].type.operators))
    if operator == "exists":
        return Comparison(name, operator, draw(st.booleans()))
    if operator in {"in", "not_in"}:
        return Comparison(name, operator, draw(st.lists(_values[name], max_size=3)))
    nothing = st.none() if operator in {"exact", "not"} else st.nothing()
    return Comparison(name, operator, draw(_values[name] | nothing))


nodes: st.SearchStrategy[Node] = st.recursive(
    comparisons(),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


def matches(node: Node, row: Row) -> bool:
    match node:
        case And(parts):
            return all(matches(part, row) for part in parts)
        case Or(parts):
            return any(matches(part, row) for part in parts)
        case Not(part):
            return not matches(part, row)
        case Comparison(name, operator, value):
            return _compare(row[name], operator, value)
    raise AssertionError(node)


def _compare(own: Any, operator: str, value: Any) -> bool:
    match operator:
        case "exists":
            return (own is not None) is value
        case "exact":
            return bool(own == value)
        case "not":
            return bool(own != value)
        case "in":
            return own is not None and bool(own in value)
        case "not_in":
            return own is None or bool(own not in value)
        case "contains":
            return own is not None and bool(value.lower() in own.lower())
        case "not_contains":
            return own is None or bool(value.lower() not in own.lower())
        case "startswith":
            return own is not None and bool(own.startswith(value))
    if own is None:
        return False
    left, right = (own.encode(), value.encode()) if isinstance(own, str) else (own, value)
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[operator])
