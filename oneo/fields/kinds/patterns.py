"""Patterns written by tenants, matched in time linear to the text."""

from __future__ import annotations

import re
from functools import lru_cache

import re2

from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.texts import clean

MAX_LENGTH = 500
_MEMORY = 1 << 20
"""Bytes for one compiled pattern: bounds the program, and by it the time of a match."""

# What means the same in ECMA-262, where the readers of a JSON Schema look it up. `.` and `\s` do not, and some escapes
# are none there.
_ATOM = r"[A-Za-z0-9 _@#%&=:;,<>~'\"!/`-]|\\[dDwW]|\\[$^\\.*+?()\[\]{}|/]"
_RANGE = r"(?<!\\[dw])(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])"
_SET = rf"\[\^?(?:[A-Za-z0-9 _@#%=:;,<>'\"!/.+*?()$]|\\[dw]|\\[\[\]\\^.-]|{_RANGE})+-?\]"
_TIMES = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??"
_PLAIN = re.compile(rf"(?:\(\?:|\(|\||\^|\$|(?:{_ATOM}|{_SET}|\))(?:{_TIMES})?)*")


@lru_cache(maxsize=128)
def compiled(pattern: str) -> re2._Regexp:
    """Raises InvalidValue."""
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise InvalidValue("PATTERN_INVALID", "The pattern is not one of RE2, or too large.") from None


def read_pattern(value: object) -> str:
    """A pattern that compiles. Raises InvalidValue."""
    text = clean(value, MAX_LENGTH)
    compiled(text)
    return text


def portable(pattern: str) -> str | None:
    """The pattern for a JSON Schema; None where another engine could understand it differently.

    For others to match with: engines that go back over the text may take for ever, and none of them runs here.
    """
    return f"^(?:{pattern})$" if _PLAIN.fullmatch(pattern) else None
