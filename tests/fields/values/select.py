"""Values of fields for one choice."""

from __future__ import annotations

from typing import Any

from tests.fields.configs import CHOICES
from tests.fields.tables import Refused, Values

_NONE = Refused("NOT_A_CHOICE")
VALUES = [
    Values(
        {"choices": CHOICES},
        json=[
            ("new", "new"),
            ("won", "won"),
            ("a,b", "a,b"),
            ("Won", _NONE),
            ("NEW", _NONE),
            ("", _NONE),
            (" new", _NONE),
            ("nwe", _NONE),
            ("new\0", _NONE),
            ("\ud800", _NONE),
            ("x" * 1_000_000, _NONE),
            (0, Refused("WRONG_TYPE")),
            (["new"], Refused("WRONG_TYPE")),
            ({"value": "new"}, Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
        ],
        text=[(" won ", "won"), ("a,b", "a,b"), ("", _NONE)],
        operands=[
            ("exact", "won", "won"),
            ("in", ["won", "new"], ["won", "new"]),
            ("in", ["won", "x"], _NONE),
            ("exact", "x", _NONE),
            ("gt", "new", "new"),
            ("exact", None, None),
            ("exact", 1, Refused("WRONG_TYPE")),
            ("in", "won", Refused("WRONG_TYPE")),
        ],
    ),
]


def _object(**parts: object) -> dict[str, Any]:
    return {"choices": ["new", {"value": "won", **parts}]}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "/choices", "REQUIRED"),
    ({"choices": None}, "/choices", "REQUIRED"),
    ({"choices": []}, "/choices", "WRONG_TYPE"),
    ({"choices": "new,won"}, "/choices", "WRONG_TYPE"),
    ({"choices": {"new": "New"}}, "/choices", "WRONG_TYPE"),
    ({"choices": [str(n) for n in range(501)]}, "/choices", "WRONG_TYPE"),
    ({"choices": ["new", 1]}, "/choices/1", "WRONG_TYPE"),
    ({"choices": ["new", None]}, "/choices/1", "WRONG_TYPE"),
    ({"choices": ["new", ""]}, "/choices/1", "INVALID_CHOICE"),
    ({"choices": ["new "]}, "/choices/0", "INVALID_CHOICE"),
    ({"choices": ["a\nb"]}, "/choices/0", "INVALID_CHOICE"),
    ({"choices": ["x" * 101]}, "/choices/0", "TOO_LONG"),
    ({"choices": ["a\0"]}, "/choices/0", "NUL_CHARACTER"),
    ({"choices": ["\ud800"]}, "/choices/0", "LONE_SURROGATE"),
    ({"choices": ["new", "new"]}, "/choices/1", "REPEATED_CHOICE"),
    ({"choices": ["new", {"value": "new"}]}, "/choices/1/value", "REPEATED_CHOICE"),
    ({"choices": [{"label": "New"}]}, "/choices/0/value", "WRONG_TYPE"),
    (_object(color="red"), "/choices/1/color", "PATTERN_MISMATCH"),
    (_object(color="#12345"), "/choices/1/color", "PATTERN_MISMATCH"),
    (_object(color=1), "/choices/1/color", "PATTERN_MISMATCH"),
    (_object(label=1), "/choices/1/label", "WRONG_TYPE"),
    (_object(colour="#123456"), "/choices/1/colour", "UNKNOWN_OPTION"),
    ({"choices": ["new"], "default": "won"}, "/default", "NOT_A_CHOICE"),
]
