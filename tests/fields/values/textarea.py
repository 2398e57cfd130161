"""Values of fields for long text."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

VALUES = [
    Values(
        {},
        json=[
            ("", ""),
            ("one\n\ntwo\r\n", "one\n\ntwo\r\n"),
            ("x" * 20_000, "x" * 20_000),
            ("  ", "  "),
            ("x" * 20_001, Refused("TOO_LONG")),
            ("\0", Refused("NUL_CHARACTER")),
            ("x" * 100 + "\udc00", Refused("LONE_SURROGATE")),
            (0, Refused("WRONG_TYPE")),
            (["a"], Refused("WRONG_TYPE")),
            ({"a": "b"}, Refused("WRONG_TYPE")),
            (False, Refused("WRONG_TYPE")),
        ],
        text=[("a\nb", "a\nb"), ("12", "12")],
        operands=[
            ("contains", "x", "x"),
            ("startswith", "", ""),
            ("exact", 5, Refused("WRONG_TYPE")),
            ("not_in", ["a"], ["a"]),
        ],
    ),
    Values(
        {"max_length": 100_000, "min_length": 3},
        json=[("x" * 100_000, "x" * 100_000), ("xx", Refused("TOO_SHORT")), ("x" * 100_001, Refused("TOO_LONG"))],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"max_length": 100_001}, "/max_length", "TOO_LARGE"),
    ({"min_length": 20_001}, "/min_length", "CONTRADICTION"),
    ({"pattern": "a"}, "/pattern", "UNKNOWN_OPTION"),
    ({"default": ["a"]}, "/default", "WRONG_TYPE"),
]
