"""What holds for every value of every kind."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.registry import KINDS, kind_named
from tests.fields.configs import CHOICES, USUAL
from tests.fields.tables import Refused, outcome

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_NUMBERS = st.one_of(
    st.integers(), st.floats(), st.decimals(), st.floats(-1e6, 1e6).map(lambda number: round(number, 2)),
    st.decimals(-100_000, 100_000, places=2, allow_nan=False), st.integers(2**52, 2**54),
)  # fmt: skip
_NUMERALS = st.from_regex(r"[+-]?[0-9]{1,20}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
_CHOSEN = st.sampled_from(["new", "won", "lost", "a,b"])
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda parts: st.one_of(st.lists(parts), st.dictionaries(st.text(), parts)),
    max_leaves=10,
)  # fmt: skip
_LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT, "textarea": _TEXT, "email": st.emails(), "number": _NUMBERS, "boolean": st.booleans(),
    "url": st.builds("https://{}{}".format, st.sampled_from(["a.example", "bücher.example", "[::1]:80", "1.2.3.4"]),
                     _TEXT.map(lambda text: "/" + text)),
    "phone": st.from_regex(r"\+[1-9][0-9 ()-]{6,16}", fullmatch=True),
    "decimal": _NUMBERS | _NUMERALS, "currency": _NUMBERS | _NUMERALS, "percentage": _NUMBERS | _NUMERALS,
    "date": st.dates().map(str),
    "datetime": st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    "select": _CHOSEN, "multiselect": st.lists(_CHOSEN, unique=True), "user": st.uuids().map(str), "json": _JSON,
}  # fmt: skip

# A machine may be busy with other things; what takes too long is found by the size of the hostile values.
_some = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
every_kind = pytest.mark.parametrize("name", list(KINDS))


def _stored(kind: Kind, value: object) -> Any:
    """None when the value is refused."""
    try:
        return kind.from_json(value)
    except InvalidValue:
        return None


@every_kind
@_some
@given(data=st.data())
def test_what_is_stored_is_stored_the_same_again(name: str, data: st.DataObject) -> None:
    kind = kind_named(name, USUAL[name])
    value = data.draw(_LIKELY[name] | _JSON)
    stored = _stored(kind, value)
    if stored is not None:
        assert repr(kind.from_json(stored)) == repr(stored)
        assert repr(kind.from_json(kind.as_json(stored))) == repr(stored)
        assert "\0" not in json.dumps(kind.as_json(stored), ensure_ascii=False, allow_nan=False).encode().decode()


@every_kind
@_some
@given(data=st.data())
def test_what_is_shown_as_text_is_read_back(name: str, data: st.DataObject) -> None:
    kind = kind_named(name, USUAL[name])
    stored = _stored(kind, data.draw(_LIKELY[name]))
    if stored is not None:
        assert kind.from_text(kind.as_text(stored)) == stored


@every_kind
@_some
@given(data=st.data())
def test_keys_are_equal_where_values_are(name: str, data: st.DataObject) -> None:
    kind = kind_named(name, USUAL[name])
    one, other = (_stored(kind, data.draw(_LIKELY[name])) for _ in range(2))
    if one is not None and other is not None:
        if name not in {"json", "multiselect"}:
            assert (kind.unique_key(one) == kind.unique_key(other)) == (one == other)
        assert len(kind.unique_key(one).encode()) <= 200


@every_kind
@_some
@given(data=st.data())
def test_slots_keep_the_order_of_values(name: str, data: st.DataObject) -> None:
    kind = kind_named(name, USUAL[name])
    one, other = (_stored(kind, data.draw(_LIKELY[name])) for _ in range(2))
    if one is None or other is None or kind.slot is None:
        return
    slots = kind.slot_value(one), kind.slot_value(other)
    if kind.slot != "t" and one <= other:
        assert slots[0] <= slots[1]  # type: ignore[operator]
    if kind.exact_in_slot:
        assert (slots[0] == slots[1]) == (one == other)


@every_kind
@_some
@given(data=st.data())
def test_the_schema_knows_every_stored_value(name: str, data: st.DataObject) -> None:
    kind = kind_named(name, USUAL[name])
    stored = _stored(kind, data.draw(_LIKELY[name] | _JSON))
    if stored is not None:
        validator = Draft202012Validator(kind.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        validator.validate(kind.as_json(stored))


_CLAIMS: list[tuple[str, dict[str, Any], st.SearchStrategy[Any]]] = [
    ("text", {"min_length": 2, "max_length": 5}, _TEXT | _NUMBERS),
    ("text", {"pattern": "[A-C]{1,2}-?[0-9]*"}, st.from_regex("[A-D]{0,3}-?[0-9]*", fullmatch=True)),
    ("textarea", {"max_length": 3}, _TEXT | st.none()),
    ("boolean", {}, _JSON),
    ("number", {"integer": True, "min": 3, "max": 2**53}, st.integers()),
    ("number", {"min": -2.5, "max": 1_000}, st.floats(allow_nan=False, allow_infinity=False)),
    ("decimal", {"precision": 6, "scale": 2},
     st.integers() | st.from_regex("-?[0-9]{1,6}(\\.[0-9]{1,3})?", fullmatch=True)),
    ("decimal", {"precision": 3, "scale": 3},
     st.from_regex("-?[0-9]{1,2}(\\.[0-9]{1,4})?", fullmatch=True)),
    ("currency", {"scale": 0}, st.from_regex("-?[0-9]{1,30}", fullmatch=True)),
    ("select", {"choices": CHOICES}, st.text() | _CHOSEN | _JSON),
    ("multiselect", {"choices": CHOICES, "min_items": 1, "max_items": 2}, st.lists(_CHOSEN) | _JSON),
    ("date", {}, st.dates().map(str) | st.text(max_size=10)),
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(_CLAIMS)))
@_some
@given(data=st.data())
def test_what_the_schema_accepts_is_accepted(at: int, data: st.DataObject) -> None:
    name, config, values = _CLAIMS[at]
    kind = kind_named(name, config)
    value = data.draw(values)
    validator = Draft202012Validator(kind.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    stored = _stored(kind, value)
    # Numerals have more forms than the schema tells; the stored one is told.
    assert validator.is_valid(value if stored is None else kind.as_json(stored)) == (stored is not None)
    assert stored is not None or not validator.is_valid(value)


_HOSTILE: list[Any] = [
    None, True, 0, -1, 2**63, 2**64,
    9007199254740993, 10**5_000, 1e308, 5e-324, float("nan"), float("inf"), Decimal("sNaN"),
    Decimal("1e999999"), Decimal("1e-999999"), "", " ", "\0", "\ud800", "\ud800\udc00", "x" * 3_000_000, "9" * 5_000,
    "1e999999999", "NaN", "Infinity", "null", "undefined", "infinity", "now", "epoch", "9999-12-31T23:59:59-01:00",
    "0001-01-01T00:00:00+01:00", "00000000-0000-0000-0000-000000000000", "javascript:alert(1)",
    "https://" + "a." * 5_000,
    "https://" + "ü" * 100_000, "a@" + "b." * 100_000, "a@" + "\u00df" * 100_000, "+" + "1" * 100_000, "+" * 100_000,
    "(" * 100_000, ", " * 50_000, '"' * 50_001, "\u0661\u0662", "../../etc/passwd", "'; DROP TABLE records; --",
    "{{7*7}}",
    "%00", "\u202e", "\ufeff", "\U000e0001", [], [[]], [None], ["\0"], {}, {"\0": 1}, {"a": "\ud800"}, {"$ne": 1},
    {"__proto__": {}}, {"value": "new"}, ["new"] * 10_000, list(range(10_000)), b"x", object(),
]  # fmt: skip


@every_kind
@pytest.mark.parametrize("at", range(len(_HOSTILE)))
def test_a_hostile_value_is_refused_or_stored_well(name: str, at: int) -> None:
    kind = kind_named(name, USUAL[name])
    stored = _stored(kind, _HOSTILE[at])
    if stored is not None:
        text = json.dumps(kind.as_json(stored), ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in text
        assert len(text.encode()) < 100_000


@every_kind
@_some
@given(text=st.text() | _NUMERALS)
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    kind = kind_named(name, USUAL[name])
    for operator in kind.operators:
        for from_text in (True, False):
            found = outcome(partial(kind.operand, operator, text, from_text=from_text))
            assert not isinstance(found, Refused) or found.code.isupper()
