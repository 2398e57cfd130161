"""Numbers are kept exactly or refused (threat 36); what bodies as a whole may look like is tested in test_bodies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from oneo import strict_json
from oneo.errors import MalformedJson
from tests.effort import effort


def _read(text: str) -> object:
    found: list[object] = strict_json.loads(f'{{"of": ["1e999", {text}]}}'.encode(), max_depth=8)["of"]
    return found[1]


@pytest.mark.parametrize("text", [
    "1e309", "-1e309", "1e400", "1e999999999999999999999", "1e-400", "-1e-400", "0.1e-323", "1E-0400",
    "1e-999999999999999999999", "1" * 310, "-" + "1" * 500, "1" * 5000, "0." + "0" * 330 + "1", "0." + "1" * 500,
], ids=lambda text: text[:24])  # fmt: skip
def test_a_number_that_cannot_be_kept_is_refused_by_that_name(text: str) -> None:
    with pytest.raises(MalformedJson) as refused:
        _read(text)
    assert [fault.code for fault in refused.value.faults] == ["NUMBER_TOO_LONG"]


@pytest.mark.parametrize(("text", "kept"), [
    ("1e308", 1e308), ("1e-307", 1e-307), ("5e-324", 5e-324), ("0e-999", 0.0), ("0.0e999", 0.0), ("-0.0", 0.0),
    ("0." + "0" * 330, 0.0), ("9" * 300, 10**300 - 1), ("12345678901234567890", 12345678901234567890),
    ("0.1234567890123456789", Decimal("0.1234567890123456789")),
    ("123456789.123456789", Decimal("123456789.123456789")), ("-99999999.999999999", Decimal("-99999999.999999999")),
    ("1.00000000000000001e5", Decimal("100000.000000000001")), ("123456789.1234567", 123456789.1234567),
], ids=lambda value: str(value)[:24])  # fmt: skip
def test_a_number_within_bounds_is_kept_exactly(text: str, kept: object) -> None:
    found = _read(text)
    assert (type(found), found) == (type(kept), kept)


@pytest.mark.parametrize("digits", range(1, 40))
def test_wherever_the_point_stands_no_digit_is_lost(digits: int) -> None:
    texts = [f"{'7' * before}.{'1' * (digits - 1)}9{end}" for before in range(1, 40) for end in ("", "e-9", "E12")]
    for text in texts:
        found = _read(text)
        assert Decimal(found if isinstance(found, Decimal) else repr(found)) == Decimal(text)


@pytest.mark.parametrize("text", ["\\ud800", "\\uDFFF", "x\\ud83d", "\\ude00\\ud83d", "\\\\\\udc00"])
def test_half_of_a_surrogate_pair_is_told_by_name(text: str) -> None:
    for body in (f'["{text}"]', f'{{"{text}": 1}}'):
        with pytest.raises(MalformedJson) as refused:
            strict_json.loads(body.encode(), max_depth=8)
        assert [fault.code for fault in refused.value.faults] == ["LONE_SURROGATE"]


def test_whole_pairs_and_escaped_backslashes_are_fine() -> None:
    assert strict_json.loads(b'["\\ud83d\\ude00", "\\\\ud800"]', max_depth=8) == ["\U0001f600", "\\ud800"]


@pytest.mark.parametrize(("body", "code", "column"), [
    ('["\\q", 1e-400]', "NOT_JSON", 3), ("[NaN]", "NOT_JSON", 2), ('["a",]', "NOT_JSON", 5),
    ("[1e309", "NUMBER_TOO_LONG", 2), ("[1e309,]", "NUMBER_TOO_LONG", 2),
    ('["\\ud800", 1e309,]', "LONE_SURROGATE", 3), ("[1,, 1e309]", "NOT_JSON", 4),
])  # fmt: skip
def test_the_first_fault_of_a_text_is_named_with_its_place(body: str, code: str, column: int) -> None:
    """Looking for a worse fault behind the first one would mean to parse a hostile text again and again."""
    with pytest.raises(MalformedJson) as refused:
        strict_json.loads(body.encode(), max_depth=8)
    assert [fault.code for fault in refused.value.faults] == [code]
    assert f"line 1, column {column}." in refused.value.detail


@pytest.mark.parametrize("number", [b"1", b"0.1", b"1e-999"], ids=str)
def test_long_numbers_take_no_long_time(number: bytes) -> None:
    with effort() as spent, pytest.raises(MalformedJson):
        strict_json.loads(b"[" + number * 300_000 + b"]", max_depth=8)
    assert spent.calls < 1_000_000
