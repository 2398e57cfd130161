"""Values of fields for users."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_BAD = Refused("INVALID_ID")
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
VALUES = [
    Values(
        {},
        json=[
            (_ID, _ID),
            (_ID.upper(), _ID),
            ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
            (_ID.replace("-", ""), _BAD),
            (f"{{{_ID}}}", _BAD),
            (f"urn:uuid:{_ID}", _BAD),
            (_ID[:-1], _BAD),
            (_ID + "0", _BAD),
            ("", _BAD),
            ("me", _BAD),
            (_ID[:-1] + "g", _BAD),
            (_ID[:-1] + "\0", _BAD),
            (_ID[:-1] + "\ud800", _BAD),
            (1, Refused("WRONG_TYPE")),
            ({"id": _ID}, Refused("WRONG_TYPE")),
            ([_ID], Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
        ],
        text=[(f" {_ID} ", _ID), ("x", _BAD)],
        operands=[
            ("exact", _ID.upper(), _ID),
            ("in", [_ID], [_ID]),
            ("exact", "x", _BAD),
            ("in", [_ID, "x"], _BAD),
            ("exact", None, None),
        ],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [({"default": "me"}, "/default", "INVALID_ID")]
