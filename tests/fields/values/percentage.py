"""Values of fields for percentages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fields.tables import Refused, Values

VALUES = [
    Values(
        {},
        json=[
            (12.5, Decimal("12.5")),
            ("12.5", Decimal("12.5")),
            (0, Decimal(0)),
            (150, Decimal(150)),
            (-3, Decimal(-3)),
            ("33.3333", Decimal("33.3333")),
            ("33.33333", Refused("TOO_PRECISE")),
            ("12%", Refused("WRONG_TYPE")),
            (1e11, Refused("TOO_LARGE")),
            ("99999999999.9999", Decimal("99999999999.9999")),
            (False, Refused("WRONG_TYPE")),
            (float("nan"), Refused("NOT_FINITE")),
        ],
        text=[("12.5", Decimal("12.5")), ("12.5 %", Refused("WRONG_TYPE"))],
    ),
    Values(
        {"min": 0, "max": 100}, json=[(100, Decimal(100)), (100.1, Refused("TOO_LARGE")), (-0.1, Refused("TOO_SMALL"))]
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"max": 100, "default": 101}, "/default", "TOO_LARGE"),
    ({"currency": "EUR"}, "/currency", "UNKNOWN_OPTION"),
]
