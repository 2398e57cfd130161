"""Values of fields for telephone numbers."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_BAD = Refused("INVALID_PHONE")
VALUES = [
    Values(
        {},
        json=[
            ("+442079460018", "+442079460018"),
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("+1 650-253-0000", "+16502530000"),
            ("+1-555-123-4567", "+15551234567"),
            ("+49.30.901820", "+4930901820"),
            (" +33 1 23 45 67 89 ", "+33123456789"),
            ("+39 06 1234 5678", "+390612345678"),
            ("+1\u2011650\u2011253\u20110000", "+16502530000"),
            ("+1\u00a0650\u00a0253\u00a00000", "+16502530000"),
            ("+800 1234 5678", "+80012345678"),
            ("", _BAD),
            ("+", _BAD),
            ("123", _BAD),
            ("020 7946 0018", _BAD),
            ("+1", _BAD),
            ("+1 650", _BAD),
            ("+999123456789", _BAD),
            ("+1 650 253 0000 ext. 5", _BAD),
            ("+1 800 FLOWERS", _BAD),
            ("+1650253000000000", _BAD),
            ("++16502530000", _BAD),
            ("+\u0661\u0666\u0665\u0660", _BAD),
            ("tel:+16502530000", _BAD),
            ("+1;phone-context=x", _BAD),
            ("+1 650\n253 0000", _BAD),
            ("0" * 41, Refused("TOO_LONG")),
            ("+1\0", Refused("NUL_CHARACTER")),
            ("+1\ud800", Refused("LONE_SURROGATE")),
            (16502530000, Refused("WRONG_TYPE")),
            (["+16502530000"], Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
        ],
        text=[("+1 650 253 0000", "+16502530000"), ("x", _BAD)],
        operands=[
            ("contains", "650 253", "650253"),
            ("startswith", "+44 (20)", "+4420"),
            ("exact", "+1 650 253 0000", "+16502530000"),
            ("exact", "650", _BAD),
            ("in", ["+1 650 253 0000"], ["+16502530000"]),
            ("contains", 650, Refused("WRONG_TYPE")),
        ],
    ),
    Values(
        {"region": "US"},
        json=[
            ("(650) 253-0000", "+16502530000"),
            ("+44 20 7946 0018", "+442079460018"),
            ("253 0000", _BAD),
            ("1 650 253 0000", "+16502530000"),
        ],
    ),
    Values({"region": "GB"}, json=[("020 7946 0018", "+442079460018"), ("00 1 650 253 0000", "+16502530000")]),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"region": "us"}, "/region", "NOT_A_CHOICE"),
    ({"region": "ZZ"}, "/region", "NOT_A_CHOICE"),
    ({"region": 1}, "/region", "WRONG_TYPE"),
    ({"default": "650 253 0000"}, "/default", "INVALID_PHONE"),
]
