"""Values of fields for e-mail addresses."""

from __future__ import annotations

from typing import Any

from tests.fields.tables import Refused, Values

_BAD = Refused("INVALID_EMAIL")
VALUES = [
    Values(
        {},
        json=[
            ("ada@example.com", "ada@example.com"),
            ("Ada.Lovelace+crm@EXAMPLE.com", "ada.lovelace+crm@example.com"),
            (" ada@example.com ", "ada@example.com"),
            ("a@faß.de", "a@xn--fa-hia.de"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("o'hara@example.co.uk", "o'hara@example.co.uk"),
            ("a@b.cd", "a@b.cd"),
            ("жук@example.com", "жук@example.com"),
            ("", _BAD),
            ("ada", _BAD),
            ("ada@", _BAD),
            ("@example.com", _BAD),
            ("ada@example", _BAD),
            ("ada@@example.com", _BAD),
            ("a b@example.com", _BAD),
            ("ada@exa mple.com", _BAD),
            ("ada@example..com", _BAD),
            ("ada@-example.com", _BAD),
            ("ada@example.com\nBcc: x@y.zz", _BAD),
            ("Ada <ada@example.com>", _BAD),
            ("ada@example.com,bob@example.com", _BAD),
            ("ada@[127.0.0.1]", _BAD),
            ("x" * 65 + "@example.com", _BAD),
            ("x" * 254 + "@example.com", Refused("TOO_LONG")),
            ("ada@" + "ü" * 250, _BAD),
            ("ada@" + "ü." * 100 + "de", Refused("INVALID_EMAIL")),
            ("ada\0@example.com", Refused("NUL_CHARACTER")),
            ("ada\ud800@example.com", Refused("LONE_SURROGATE")),
            (1, Refused("WRONG_TYPE")),
            (["ada@example.com"], Refused("WRONG_TYPE")),
            (True, Refused("WRONG_TYPE")),
        ],
        text=[(" ADA@example.com", "ada@example.com"), ("", _BAD)],
        operands=[
            ("contains", "@EXAMPLE", "@example"),
            ("startswith", "Ada", "ada"),
            ("exact", "ADA@example.com", "ada@example.com"),
            ("exact", "ada", _BAD),
            ("in", ["A@b.cd"], ["a@b.cd"]),
            ("in", ["A@b.cd", "x"], _BAD),
            ("gt", "M", "m"),
            ("contains", 1, Refused("WRONG_TYPE")),
            ("exact", "a@" + "ü" * 90_000, _BAD),
            ("exact", None, None),
        ],
    ),
]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"default": "ada"}, "/default", "INVALID_EMAIL"),
    ({"max_length": 10}, "/max_length", "UNKNOWN_OPTION"),
]
