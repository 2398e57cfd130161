"""Text of many lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from oneo.fields.kinds import options
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.text import LimitedText
from oneo.fields.scalars import MAX_TEXT


class TextAreaKind(LimitedText):
    name = "textarea"
    about = "A text of many lines."
    is_unique = False
    options: ClassVar[Mapping[str, Option]] = {
        "min_length": options.whole("Characters that a value has at least.", 0, MAX_TEXT, 0),
        "max_length": options.whole("Characters that a value has at most.", 1, MAX_TEXT, 20_000),
        "default": options.default_value({"type": "string"}),
    }
