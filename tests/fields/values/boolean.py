"""Values of yes-or-no fields."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_TYPE = Refused("WRONG_TYPE")
VALUES = [
    Values(
        {},
        json=[
            (True, True),
            (False, False),
            (1, _TYPE),
            (0, _TYPE),
            ("true", _TYPE),
            ("", _TYPE),
            ([], _TYPE),
            (1.0, _TYPE),
        ],
        text=[
            ("true", True),
            ("TRUE", True),
            ("1", True),
            (" false ", False),
            ("0", False),
            ("yes", _TYPE),
            ("", _TYPE),
            ("2", _TYPE),
            ("null", _TYPE),
        ],
        operands=[
            ("exact", True, True),
            ("exact", 1, _TYPE),
            ("in", [True], [True]),
            ("not", None, None),
            ("exists", False, False),
        ],
        text_operands=[("exact", "true", True), ("exact", "maybe", _TYPE)],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [({"default": "true"}, "/default", "WRONG_TYPE")]
