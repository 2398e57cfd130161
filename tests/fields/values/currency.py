"""Values of fields for money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fields.tables import Refused, Values

VALUES = [
    Values(
        {"currency": "EUR"},
        json=[
            ("19.99", Decimal("19.99")),
            (19.99, Decimal("19.99")),
            (0, Decimal(0)),
            (-5, Decimal(-5)),
            ("19.990", Decimal("19.99")),
            ("0.005", Refused("TOO_PRECISE")),
            (0.1 + 0.2, Refused("TOO_PRECISE")),
            ("€5", Refused("WRONG_TYPE")),
            ("5 EUR", Refused("WRONG_TYPE")),
            ("1e25", Decimal(10**25)),
            ("1e26", Refused("TOO_LARGE")),
            ({"amount": "5", "currency": "EUR"}, Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
            (10**27, Refused("TOO_LARGE")),
            (float("inf"), Refused("NOT_FINITE")),
        ],
        text=[("1234.50", Decimal("1234.5")), ("1,234.50", Refused("WRONG_TYPE"))],
        operands=[("gt", "0.001", Decimal("0.001")), ("lte", 10, Decimal(10))],
    ),
    Values({"currency": "JPY", "scale": 0}, json=[(100, Decimal(100)), ("100.5", Refused("TOO_PRECISE"))]),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"currency": "eur"}, "/currency", "INVALID_CURRENCY"),
    ({"currency": "EURO"}, "/currency", "INVALID_CURRENCY"),
    ({"currency": "€"}, "/currency", "INVALID_CURRENCY"),
    ({"currency": 978}, "/currency", "WRONG_TYPE"),
    ({"currency": "EUR\n"}, "/currency", "INVALID_CURRENCY"),
]
