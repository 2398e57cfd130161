"""Values of fields for several choices."""

from __future__ import annotations

from typing import Any

from tests.fields.configs import CHOICES
from tests.fields.tables import Refused, Values

_TYPE = Refused("WRONG_TYPE")
VALUES = [
    Values(
        {"choices": CHOICES},
        json=[
            ([], []),
            (["won"], ["won"]),
            (["lost", "new"], ["new", "lost"]),
            (["a,b", "lost", "won", "new"], ["new", "won", "lost", "a,b"]),
            (["new", "new"], Refused("REPEATED_CHOICE", "/1")),
            (["new", "x"], Refused("NOT_A_CHOICE", "/1")),
            (["new", 1], Refused("WRONG_TYPE", "/1")),
            (["new", None], Refused("WRONG_TYPE", "/1")),
            ([["new"]], Refused("WRONG_TYPE", "/0")),
            ("new", _TYPE),
            ({}, _TYPE),
            (1, _TYPE),
            (True, _TYPE),
            (["\0"], Refused("NOT_A_CHOICE", "/0")),
            (["\ud800"], Refused("NOT_A_CHOICE", "/0")),
            (["x"] * 100_000, Refused("NOT_A_CHOICE", "/0")),
        ],
        text=[
            ("", []),
            ("won", ["won"]),
            ("lost,new", ["new", "lost"]),
            (" lost , new ", ["new", "lost"]),
            ("a,b", ["a,b"]),
            ('new,"a,b"', ["new", "a,b"]),
            ("new,", ["new"]),
            ("new,x", Refused("NOT_A_CHOICE", "/1")),
            ("\0", Refused("NUL_CHARACTER")),
            ('"' + "x" * 99_000, Refused("NOT_A_CHOICE", "/0")),
        ],
        operands=[
            ("contains", "new", ["new"]),
            ("contains", ["won", "new"], ["new", "won"]),
            ("contains", "new,won", Refused("NOT_A_CHOICE", "/0")),
            ("in", ["new"], ["new"]),
            ("in", "new", _TYPE),
            ("exact", ["lost", "new"], ["new", "lost"]),
            ("exact", "new", _TYPE),
            ("exact", None, None),
            ("not", None, None),
            ("contains", None, _TYPE),
            ("exists", True, True),
            ("exists", 1, _TYPE),
            ("in", ["x"], Refused("NOT_A_CHOICE", "/0")),
            ("contains", 1, _TYPE),
        ],
        text_operands=[
            ("contains", "new,won", ["new", "won"]),
            ("contains", "a,b", ["a,b"]),
            ("in", ["won", "new"], ["new", "won"]),
            ("exact", "lost,new", ["new", "lost"]),
            ("exists", "true", True),
            ("contains", "x", Refused("NOT_A_CHOICE", "/0")),
        ],
    ),
    Values(
        {"choices": ["a", "b", "c"], "min_items": 1, "max_items": 2},
        json=[
            (["a"], ["a"]),
            (["b", "a"], ["a", "b"]),
            ([], Refused("TOO_SHORT")),
            (["a", "b", "c"], Refused("TOO_LONG")),
        ],
        operands=[("contains", ["a", "b", "c"], ["a", "b", "c"]), ("exact", [], [])],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "/choices", "REQUIRED"),
    ({"choices": ["a", "b"], "min_items": 3}, "/min_items", "CONTRADICTION"),
    ({"choices": ["a", "b"], "min_items": 2, "max_items": 1}, "/min_items", "CONTRADICTION"),
    ({"choices": ["a"], "max_items": 0}, "/max_items", "TOO_SMALL"),
    ({"choices": ["a"], "max_items": 501}, "/max_items", "TOO_LARGE"),
    ({"choices": ["a"], "default": "a"}, "/default", "WRONG_TYPE"),
    ({"choices": ["a"], "default": ["a", "b"]}, "/default/1", "NOT_A_CHOICE"),
]
