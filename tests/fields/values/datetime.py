"""Values of fields for moments."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_BAD = Refused("INVALID_DATE")
_NOON = "2026-01-31T12:00:00.000000Z"
VALUES = [
    Values(
        {},
        json=[
            ("2026-01-31T12:00:00Z", _NOON),
            ("2026-01-31t12:00:00z", _NOON),
            ("2026-01-31T12:00:00", _NOON),
            ("2026-01-31T12:00Z", _NOON),
            ("2026-01-31T13:30:00+01:30", _NOON),
            ("2026-01-31T07:00:00-05:00", _NOON),
            ("2026-01-31 12:00:00Z", _NOON),
            ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
            ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500000Z"),
            ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"),
            ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("2026-01-31T12:00:00-00:00", _NOON),
            ("9999-12-31T23:59:59-01:00", _BAD),
            ("0001-01-01T00:00:00+01:00", _BAD),
            ("2026-02-30T00:00:00Z", _BAD),
            ("2026-01-31T24:00:00Z", _BAD),
            ("2026-01-31T12:60:00Z", _BAD),
            ("2026-01-31T12:00:61Z", _BAD),
            ("2026-01-31T12:00:00+24:00", _BAD),
            ("2026-01-31T12:00:00+0100", _BAD),
            ("2026-01-31T12Z", _BAD),
            ("20260131T120000Z", _BAD),
            ("2026-01-31T12:00:00 Europe/Berlin", _BAD),
            ("infinity", _BAD),
            ("now", _BAD),
            ("epoch", _BAD),
            ("", _BAD),
            ("-infinity", _BAD),
            ("2026-01-31T12:00:00Z\n", _BAD),
            (" 2026-01-31T12:00:00Z", _BAD),
            ("1769860800", _BAD),
            (1769860800, Refused("WRONG_TYPE")),
            (None, Refused("WRONG_TYPE")),
            ("2026\0", Refused("NUL_CHARACTER")),
            ([], Refused("WRONG_TYPE")),
        ],
        text=[(" 2026-01-31T12:00:00Z ", _NOON), ("2026-01-31T13:00:00 01:00", _NOON), ("x", _BAD)],
        operands=[
            ("gte", "2026-01-31T13:00:00+01:00", _NOON),
            ("gte", 5, Refused("WRONG_TYPE")),
            ("exact", None, None),
        ],
        text_operands=[("lt", "2026-01-31", "2026-01-31T00:00:00.000000Z"), ("lt", "now", _BAD)],
    ),
    Values(
        {"min": "2026-01-01", "max": "2026-12-31T23:59:59Z"},
        json=[
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01T00:00:00+00:01", Refused("TOO_SMALL")),
            ("2026-12-31T23:59:59.000001Z", Refused("TOO_LARGE")),
        ],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"min": "now"}, "/min", "INVALID_DATE"),
    ({"min": "2026-01-01T00:00:00-01:00", "max": "2026-01-01T00:30:00Z"}, "/min", "CONTRADICTION"),
    ({"default": "now"}, "/default", "INVALID_DATE"),
]
