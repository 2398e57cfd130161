"""Index slots and unique keys: what is stored beside a value so that the database finds it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from oneo.fields.kinds.registry import KINDS, kind_named
from tests.fields.configs import CHOICES, USUAL

_CHOICES = {"choices": CHOICES}


@pytest.mark.parametrize(
    ("name", "config", "value", "slot"),
    [
        ("text", {}, "abc", "abc"),
        ("text", {"max_length": 1_000}, "ä" * 300, "ä" * 256),
        ("textarea", {}, "x" * 20_000, "x" * 256),
        ("email", {}, "a@b.cd", "a@b.cd"),
        ("number", {}, 5, 5.0),
        ("decimal", {}, Decimal("0.1"), 0.1),
        ("currency", {}, Decimal("12345678901234567890.12"), 12345678901234567890.12),
        ("boolean", {}, True, "true"),
        ("boolean", {}, False, "false"),
        ("date", {}, "0001-01-01", "0001-01-01T00:00:00Z"),
        ("datetime", {}, "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00.000000Z"),
        ("select", _CHOICES, "won", "won"),
        ("multiselect", _CHOICES, ["won"], None),
        ("json", {}, {"a": 1}, None),
    ],
)  # fmt: skip
def test_slots(name: str, config: dict[str, Any], value: object, slot: object) -> None:
    found = kind_named(name, config).slot_value(value)
    assert found == slot
    assert type(found) is type(slot)


@pytest.mark.parametrize(
    ("name", "config", "exact"),
    [
        ("text", {}, True), ("text", {"max_length": 257}, False), ("textarea", {}, False),
        ("textarea", {"max_length": 256}, True), ("email", {}, True), ("url", {}, False), ("number", {}, True),
        ("decimal", {}, False), ("decimal", {"precision": 15}, True), ("decimal", {"precision": 16}, False),
        ("currency", {}, False), ("percentage", {}, True), ("boolean", {}, True), ("date", {}, True),
        ("datetime", {}, True), ("select", _CHOICES, True), ("multiselect", _CHOICES, False), ("json", {}, False),
    ],
)  # fmt: skip
def test_whether_a_slot_is_the_value(name: str, config: dict[str, Any], exact: bool) -> None:
    assert kind_named(name, config).exact_in_slot is exact


def test_exact_slots_tell_neighbours_apart() -> None:
    kind = kind_named("decimal", {"precision": 15, "scale": 5})
    one, other = (kind.from_json(text) for text in ("9999999999.99998", "9999999999.99999"))
    assert kind.slot_value(one) != kind.slot_value(other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("decimal", 1, "1.00"), ("decimal", 1.0, "1e0"), ("decimal", "-0.0", 0), ("number", 1, 1.0),
        ("number", -0.0, 0),
        ("email", "Ada@Example.com", "ada@example.com"), ("datetime", "2026-01-31", "2026-01-31T01:00:00+01:00"),
        ("url", "HTTP://A.example", "http://a.example"), ("phone", "+1 650 253 0000", "+16502530000"),
        ("user", "01890A5D-AC96-774B-BCCE-B302099A8057", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ],
)  # fmt: skip
def test_equal_values_have_equal_keys(name: str, one: object, other: object) -> None:
    kind = kind_named(name, {})
    assert kind.unique_key(kind.from_json(one)) == kind.unique_key(kind.from_json(other))


def test_a_long_key_is_a_hash() -> None:
    kind = kind_named("text", {"max_length": 1_000})
    assert kind.unique_key("x" * 200) == "x" * 200
    long = kind.unique_key("x" * 201)
    assert long.startswith("sha256:")
    assert len(long) == len("sha256:") + 64
    assert kind.unique_key("ä" * 101).startswith("sha256:")
    # Whoever writes the hash of another value does not take its place.
    assert kind.unique_key(long) != long


def test_text_is_unique_as_it_is() -> None:
    kind = kind_named("text", {})
    assert len({kind.unique_key(text) for text in ("a", "A", " a", "á", "a\u0301")}) == 5


def test_which_kinds_can_be_unique() -> None:
    never = {name for name, kind in KINDS.items() if not kind.is_unique}
    assert never == {"textarea", "boolean", "multiselect", "json"}
    assert USUAL.keys() == KINDS.keys()
