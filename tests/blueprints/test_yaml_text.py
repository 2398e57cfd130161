"""YAML that every reader takes for the same document."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from oneo.blueprints.openapi.yaml_text import to_yaml

TEXTS = some.text(some.characters(codec="utf-8"), max_size=20)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda part: some.lists(part, max_size=4) | some.dictionaries(TEXTS, part, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "Yes", "no", "~", "1", "1e5", "0x1f", "2026-01-31", "- a", "a: b", "a #b", "#", "&a", "*a", "!x",
     "{a}", "[a]", "a\nb", "a\r\nb", "\ttab", "trailing ", "a\u2028b", "\x85", "\ufeff", "\x7f", "🜚", "'", '"', "\\",
     "=", "<<", "%", "@", "`", "---", "...", "?", "on", "y", "a-", "x" * 500, "$ref", "/api/v1/{id}/"],
)  # fmt: skip
def test_texts_stay_texts(text: str) -> None:
    value = {text: text, "in": [text, {"a": text}, [[text]]]}
    assert yaml.safe_load(to_yaml(value)) == value


def test_it_is_written_for_people() -> None:
    document = {
        "paths": {"/x/{id}/": {"get": {"tags": ["a b", "200"], "empty": {}, "none": []}}},
        "rows": [{"a": 1, "b": 2}],
    }
    assert to_yaml(document).decode() == (
        'paths:\n  /x/{id}/:\n    get:\n      tags:\n        - a b\n        - "200"\n      empty: {}\n      none: []\n'
        "rows:\n  - a: 1\n    b: 2\n"
    )
