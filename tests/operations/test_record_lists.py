"""Any filter in any order, by pages of any size: what plain Python finds (checklist 36, 93; threats 57, 58,
70)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo import exact_json
from oneo.fields.kinds.registry import KINDS
from oneo.filters.ast import And, Comparison, Node, Not, Or
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.operations.record_model import FIELDS, exact, kind_of, matches, ordered
from tests.operations.test_record_filters import walked

POOL: dict[str, list[Any]] = {
    "text": ["", "a", "B", "%", "x" * 256 + "1", "x" * 256 + "2"],
    "decimal": ["0", "-1", "2", "12345678901234567890.1", "12345678901234567890.2"],
    "number": [0, 0.1, -3, 1e22],
    "date": ["0001-01-01", "2026-01-31", "9999-12-31"],
    "boolean": [True, False],
    "select": ["b", "a", "c,d"],
    "multiselect": [[], ["a"], ["b", "a"]],
    "json": [1, True, {"a": [1]}, []],
}
PLACES = ("bare", "indexed")


@pytest.fixture(scope="module")
def rows(settled: TestTenant) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for place in PLACES:
        fields = [
            {**field, "is_indexed": place == "indexed" and bool(KINDS[str(field["name"])].slot)} for field in FIELDS
        ]
        pipeline(settled.api, place, fields)
        for at in range(24):
            data = {kind: values[(at * 7 + len(kind)) % (len(values) + 1) - 1] for kind, values in POOL.items()
                    if (at * 7 + len(kind)) % (len(values) + 1)}  # fmt: skip
            record(settled.api, place, data)
        found[place] = exact(settled.api.get(f"/pipelines/{place}/records/?page_size=1000").text)["results"]
        for row in found[place]:
            row["data"] = {kind: _read(kind, value) for kind, value in row["data"].items()}
    return found


def _read(kind: str, value: Any) -> Any:
    return exact(exact_json.dumps(kind_of(kind).from_json(value))) if kind in {"decimal", "number"} else value


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    kind = draw(st.sampled_from(sorted(POOL)))
    operator = draw(st.sampled_from(KINDS[kind].operators))
    values = st.sampled_from(POOL[kind])
    if operator == "exists":
        return Comparison(kind, operator, draw(st.booleans()))
    if operator in {"in", "not_in"}:
        several = values if kind == "multiselect" else st.lists(values, max_size=3)
        return Comparison(kind, operator, draw(several))
    nothing = st.none() if operator in {"exact", "not"} else st.nothing()
    return Comparison(kind, operator, draw(values | nothing))


nodes: st.SearchStrategy[Node] = st.recursive(
    comparisons(),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
orders = st.lists(
    st.tuples(st.sampled_from([kind for kind in sorted(POOL) if KINDS[kind].slot]), st.booleans()),
    max_size=3, unique_by=lambda key: key[0],
)  # fmt: skip


def written(node: Node) -> dict[str, Any]:
    """A filter as the API takes it."""
    match node:
        case And(parts):
            return {"and": [written(part) for part in parts]}
        case Or(parts):
            return {"or": [written(part) for part in parts]}
        case Not(part):
            return {"not": written(part)}
        case Comparison(kind, operator, value):
            return {f"data__{kind}": {operator: value}}
    raise AssertionError(node)


def read(node: Node) -> Node:
    """The same with its values as they are compared."""
    match node:
        case And(parts):
            return And(tuple(read(part) for part in parts))
        case Or(parts):
            return Or(tuple(read(part) for part in parts))
        case Not(part):
            return Not(read(part))
        case Comparison(kind, operator, value):
            return Comparison(kind, operator, kind_of(kind).operand(operator, value, from_text=False))
    raise AssertionError(node)


def check(
    settled: TestTenant, rows: dict[str, list[dict[str, Any]]], node: Node, keys: list[tuple[str, bool]], size: int
) -> None:
    ordering = ",".join(f"{'-' if descending else ''}data__{kind}" for kind, descending in keys) or "id"
    sent = urlencode({"filter": exact_json.dumps(written(node)), "ordering": ordering, "fields": "id"})
    wanted = read(node)
    for place, there in rows.items():
        expected = [row["id"] for row in ordered([row for row in there if matches(wanted, row["data"])], keys)]
        found = walked(settled.api, f"/pipelines/{place}/records/?{sent}&page_size={size}")
        assert found == expected, place


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=nodes, keys=orders, size=st.integers(4, 30))
def test_a_list_is_what_was_asked_for(
    settled: TestTenant, rows: dict[str, list[dict[str, Any]]], node: Node, keys: list[tuple[str, bool]], size: int
) -> None:
    check(settled, rows, node, keys, size)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=nodes, keys=orders, size=st.integers(1, 30))
def test_so_are_thousands(
    settled: TestTenant, rows: dict[str, list[dict[str, Any]]], node: Node, keys: list[tuple[str, bool]], size: int
) -> None:
    check(settled, rows, node, keys, size)
