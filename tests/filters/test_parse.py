"""What a condition says about a column whose type is a kind of field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oneo.errors import InvalidParameter
from oneo.fields.kinds.registry import kind_named
from oneo.filters.ast import And, Comparison
from oneo.filters.columns import Column
from oneo.filters.order import parse_order
from oneo.filters.parse import parse_json, parse_query

_CHOICES = {"choices": ["new", "won", "lost"]}
CATALOGUE = {
    name: Column(f"d.{name}", kind_named(kind, config), nullable=True)
    for name, kind, config in (
        ("email", "email", {}), ("amount", "decimal", {"max": 10}), ("stage", "select", _CHOICES),
        ("tags", "multiselect", _CHOICES), ("meta", "json", {}), ("code", "text", {"max_length": 3}),
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "text", "operator", "value"),
    [
        ("email", "@EXAMPLE", "contains", "@example"),
        ("code", "longer", "contains", "longer"),
        ("stage__in", "won,lost", "in", ["won", "lost"]),
        ("tags", "lost,new", "contains", ["new", "lost"]),
        ("tags__exists", "false", "exists", False),
        ("meta__contains", '{"a": [1]}', "contains", {"a": [1]}),
    ],
)
def test_a_query_string_is_read_by_the_kind(key: str, text: str, operator: str, value: Any) -> None:
    assert parse_query({key: [text]}, CATALOGUE) == And((Comparison(key.partition("__")[0], operator, value),))


@pytest.mark.parametrize(
    ("value", "where", "code", "suggestion"),
    [
        ({"stage": "wonn"}, "/filter/stage/exact", "NOT_A_CHOICE", "won"),
        ({"tags": {"in": ["new", "lots"]}}, "/filter/tags/in/1", "NOT_A_CHOICE", "lost"),
        ({"amount": {"gt": True}}, "/filter/amount/gt", "WRONG_TYPE", None),
        ({"email": {"exact": "ada"}}, "/filter/email/exact", "INVALID_EMAIL", None),
        ({"email": {"exists": "true"}}, "/filter/email/exists", "WRONG_TYPE", None),
        ({"meta": {"gt": 1}}, "/filter/meta/gt", "UNKNOWN_OPERATOR", None),
    ],
)
def test_a_wrong_operand_is_told_as_the_kind_tells_it(
    value: Any, where: str, code: str, suggestion: str | None
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_json(value, CATALOGUE)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code, fault.suggestion) == (where, code, suggestion)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"amount__gt": 5}, {"amount": {"gt": 5}}),
        ({"stage__in": ["won"]}, {"stage": {"in": ["won"]}}),
        ({"meta__contains": {"a": {}}}, {"meta": {"contains": {"a": {}}}}),
    ],
)
def test_a_key_may_end_with_its_operator(short: Any, long: Any) -> None:
    assert parse_json(short, CATALOGUE) == parse_json(long, CATALOGUE)


@pytest.mark.parametrize(
    ("value", "where", "code"),
    [
        ({"amount__gt": True}, "/filter/amount__gt", "WRONG_TYPE"),
        ({"amount__like": 5}, "/filter/amount__like", "UNKNOWN_OPERATOR"),
        ({"sum__gt": 5}, "/filter/sum__gt", "UNKNOWN_FIELD"),
        ({"__gt": 5}, "/filter/__gt", "UNKNOWN_FIELD"),
    ],
)
def test_a_wrong_ending_is_told_by_its_key(value: Any, where: str, code: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_json(value, CATALOGUE)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(where, code)]


def test_a_number_beyond_the_limits_is_a_fine_operand() -> None:
    assert parse_json({"amount": {"lt": "1e6"}}, CATALOGUE)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"amount": {}}, "/filter/amount"),
        ({"amount": {"gt": 1}, "stage": {}}, "/filter/stage"),
        ({"and": []}, "/filter/and"),
        ({"or": []}, "/filter/or"),
        ({"or": [{}]}, "/filter/or/0"),
        ({"or": [{"amount": 1}, {}]}, "/filter/or/1"),
        ({"not": {}}, "/filter/not"),
        ({"not": {"and": []}}, "/filter/not/and"),
    ],
)
def test_a_condition_that_asks_nothing_is_refused(value: Any, where: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_json(value, CATALOGUE)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(where, "INVALID_FILTER")]


def test_a_filter_may_ask_nothing_as_a_whole() -> None:
    assert parse_json({}, CATALOGUE) == And(())


@pytest.mark.parametrize(
    ("name", "meant"),
    [("amount", "data__amount"), ("amuont", "data__amount"), ("data__amuont", "data__amount"), ("titel", "title"),
     ("amount__gt", "data__amount"), ("data__zzz", None)],
)  # fmt: skip
def test_the_nearest_name_is_found_without_what_fields_begin_with(name: str, meant: str | None) -> None:
    known = {"title": CATALOGUE["code"], **{f"data__{name}": column for name, column in CATALOGUE.items()}}
    asks: list[Callable[[], object]] = [
        lambda: parse_query({name: ["1"]}, known),
        lambda: parse_json({name: 1}, known),
        lambda: parse_order(name, known, known["title"]),
    ]
    for ask in asks[: 2 if "__gt" in name else 3]:
        with pytest.raises(InvalidParameter) as refused:
            ask()
        assert [fault.suggestion for fault in refused.value.faults] == [meant]


def test_limits_are_told_as_what_they_are() -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_json({"and": [{"amount": at} for at in range(101)]}, CATALOGUE)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [
        ("INVALID_FILTER", "/filter/and/100/amount")
    ]
    with pytest.raises(InvalidParameter) as refused:
        parse_order("email,amount,stage,-email,-amount,-stage", CATALOGUE, CATALOGUE["code"])
    assert [fault.code for fault in refused.value.faults] == ["TOO_LONG"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []), ('""', [""]), ("a,,b", ["a", "", "b"]), ('"a,b",c', ["a,b", "c"]), ('c,"a,b"', ["c", "a,b"]),
        ('"', ['"']),
        ('"a""b"', ['a"b']), ('a"b,c', ['a"b', "c"]), ('"a"b', ['"a"b']), ('"a,b', ['"a', "b"]),
        ("a\nb,c", ["a\nb", "c"]),
    ],
)  # fmt: skip
def test_a_list_in_a_query_string_may_have_commas_in_quotes(text: str, values: list[str]) -> None:
    found = parse_query({"word__in": [text]}, {"word": Column("d.word", kind_named("text", {}))})
    assert found == And((Comparison("word", "in", values),))
