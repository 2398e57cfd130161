"""Values of fields for JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fields.tables import Refused, Values


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


VALUES = [
    Values(
        {},
        json=[
            ({}, {}),
            ([], []),
            ("", ""),
            (0, 0),
            (1.5, 1.5),
            (True, True),
            (False, False),
            ({"a": [1, None, {"b": "c"}]},) * 2,
            ([None], [None]),
            ({"": ""}, {"": ""}),
            ("x" * 65_534, "x" * 65_534),
            ("x" * 65_535, Refused("TOO_LONG")),
            ("ü" * 32_768, Refused("TOO_LONG")),
            (nested(32), nested(32)),
            (nested(33), Refused("TOO_DEEP", "/0" * 32)),
            (nested(100_000), Refused("TOO_DEEP", "/0" * 32)),
            (9007199254740993, 9007199254740993),
            (10**400, 10**400),
            (10**5_000, Refused("TOO_LARGE")),
            (None, Refused("WRONG_TYPE")),
            ({"a": "\0"}, Refused("NUL_CHARACTER", "/a")),
            ({"\0": 1}, Refused("NUL_CHARACTER")),
            (["\ud800"], Refused("LONE_SURROGATE", "/0")),
            ({"a": {"\udfff": 1}}, Refused("LONE_SURROGATE", "/a")),
            ([float("nan")], Refused("NOT_FINITE", "/0")),
            ({"a/b": float("inf")}, Refused("NOT_FINITE", "/a~1b")),
            ([Decimal("0.30000000000000001")], Refused("TOO_PRECISE", "/0")),
            ({1: 2}, Refused("WRONG_TYPE")),
            ([{1, 2}], Refused("WRONG_TYPE", "/0")),
        ],
        text=[
            ('{"a":[1,2.5,"x"]}', {"a": [1, 2.5, "x"]}),
            ("1", 1),
            ('"x"', "x"),
            ("true", True),
            ("null", Refused("WRONG_TYPE")),
            ("", Refused("EMPTY_BODY")),
            ("{", Refused("NOT_JSON")),
            ("NaN", Refused("NOT_JSON")),
            ("x", Refused("NOT_JSON")),
            ('{"a":1,"a":2}', Refused("DUPLICATE_KEY")),
            ('"\\u0000"', Refused("NUL_CHARACTER")),
            ('"\\ud800"', Refused("LONE_SURROGATE")),
            ("[" * 100 + "]" * 100, Refused("TOO_DEEP")),
            ("[" * 100_000, Refused("TOO_DEEP")),
            ("1e309", Refused("NUMBER_TOO_LONG")),
            ("9007199254740993", 9007199254740993),
            ("\0", Refused("NUL_CHARACTER")),
            ("\ud800", Refused("LONE_SURROGATE")),
        ],
        operands=[
            ("contains", {"a": 1}, {"a": 1}),
            ("exact", [1], [1]),
            ("exact", None, None),
            ("contains", None, Refused("WRONG_TYPE")),
            ("contains", "\0", Refused("NUL_CHARACTER")),
            ("exists", False, False),
        ],
        text_operands=[("contains", '{"a":1}', {"a": 1}), ("exact", "x", Refused("NOT_JSON"))],
    ),
    Values({"max_bytes": 10}, json=[("x" * 8, "x" * 8), ("x" * 9, Refused("TOO_LONG")), ([1, 2, 3, 4], [1, 2, 3, 4])]),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"max_bytes": 1}, "/max_bytes", "TOO_SMALL"),
    ({"max_bytes": 1_048_577}, "/max_bytes", "TOO_LARGE"),
    ({"max_bytes": 5, "default": {"a": 10}}, "/default", "TOO_LONG"),
    ({"default": ["\0"]}, "/default/0", "NUL_CHARACTER"),
    ({"schema": {}}, "/schema", "UNKNOWN_OPTION"),
]
