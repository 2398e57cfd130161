"""Values of date fields."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_BAD = Refused("INVALID_DATE")
VALUES = [
    Values(
        {},
        json=[
            ("2026-01-31", "2026-01-31"),
            ("0001-01-01", "0001-01-01"),
            ("9999-12-31", "9999-12-31"),
            ("2024-02-29", "2024-02-29"),
            ("2000-02-29", "2000-02-29"),
            ("2026-02-29", _BAD),
            ("1900-02-29", _BAD),
            ("0000-01-01", _BAD),
            ("10000-01-01", _BAD),
            ("-001-01-01", _BAD),
            ("2026-00-10", _BAD),
            ("2026-13-01", _BAD),
            ("2026-01-32", _BAD),
            ("2026-1-1", _BAD),
            ("20260131", _BAD),
            ("2026-W05-6", _BAD),
            ("2026-01-31T00:00:00Z", _BAD),
            ("31.01.2026", _BAD),
            ("01/31/2026", _BAD),
            (" 2026-01-31", _BAD),
            ("2026-01-31\n", _BAD),
            ("\u0662026-01-31", _BAD),
            ("now", _BAD),
            ("today", _BAD),
            ("infinity", _BAD),
            ("epoch", _BAD),
            ("", _BAD),
            ("2026-01-31 BC", _BAD),
            ("2026-01-\0", Refused("NUL_CHARACTER")),
            (20260131, Refused("WRONG_TYPE")),
            ({}, Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
            (1.5, Refused("WRONG_TYPE")),
        ],
        text=[(" 2026-01-31 ", "2026-01-31"), ("soon", _BAD)],
        operands=[
            ("gt", "2026-01-31", "2026-01-31"),
            ("in", ["2026-01-31"], ["2026-01-31"]),
            ("gt", 5, Refused("WRONG_TYPE")),
            ("lt", "x", _BAD),
        ],
    ),
    Values(
        {"min": "2026-01-01", "max": "2026-12-31"},
        json=[
            ("2026-01-01", "2026-01-01"),
            ("2026-12-31", "2026-12-31"),
            ("2025-12-31", Refused("TOO_SMALL")),
            ("2027-01-01", Refused("TOO_LARGE")),
        ],
        operands=[("gt", "1999-01-01", "1999-01-01")],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"min": "soon"}, "/min", "INVALID_DATE"),
    ({"max": 5}, "/max", "WRONG_TYPE"),
    ({"min": "2026-02-01", "max": "2026-01-01"}, "/min", "CONTRADICTION"),
    ({"max": "2026-02-01", "default": "2026-02-02"}, "/default", "TOO_LARGE"),
]
