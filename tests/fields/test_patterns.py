"""Patterns of tenants: linear in time, whole, and told to others only where they mean the same."""

from __future__ import annotations

import re

import pytest

from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.patterns import compiled, portable, read_pattern


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}", "([a-z]+)*[0-9]$"])
def test_what_keeps_other_engines_busy_is_answered(pattern: str) -> None:
    # An engine that goes back over the text would not end: each letter doubles its work.
    assert compiled(pattern).fullmatch("a" * 1_000 + "!") is None


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)", "(?!a)", "(?<=a)b", "(?>a)", "a++", r"\Z", "(?P=x)", "(?(1)a)"])
def test_what_cannot_be_linear_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_pattern(pattern)
    assert refused.value.code == "PATTERN_INVALID"


def test_a_program_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidValue):
        read_pattern("(x{1000}){1000}")


def test_a_pattern_is_compiled_once() -> None:
    assert compiled("[0-9]{4}") is compiled("[0-9]{4}")


@pytest.mark.parametrize(
    "pattern", ["", "a", "[A-Z]{2}-[0-9]+", "a|b", "(?:ab)*?", r"\d{3}", r"[^a-c]x", "^a$", r"a\.b", "[a-]", "x{2,}"]
)
def test_a_plain_pattern_is_told(pattern: str) -> None:
    assert portable(pattern) == f"^(?:{pattern})$"
    read_pattern(pattern)
    re.compile(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        ".",
        r"\s",
        r"\pL",
        r"\p{L}",
        "(?i)a",
        "(?P<n>a)",
        r"\z",
        r"\A",
        "[[:alpha:]]",
        "ä",
        r"\x41",
        r"\b",
        r"a\-b",
        "(?s:a)",
    ],
)
def test_a_pattern_that_others_read_differently_is_kept_to_ourselves(pattern: str) -> None:
    read_pattern(pattern)
    assert portable(pattern) is None
