"""What all kinds of text share."""

from __future__ import annotations

from typing import Any, ClassVar

from oneo.fields.base import EQUALITY, ORDER, TEXT
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Family
from oneo.fields.scalars import MAX_TEXT


def clean(value: object, most: int = MAX_TEXT) -> str:
    """A text that PostgreSQL and every client can hold. Raises InvalidValue."""
    if not isinstance(value, str):
        raise InvalidValue("WRONG_TYPE", "A text is expected.")
    if "\0" in value:
        raise InvalidValue("NUL_CHARACTER", "The character NUL cannot be stored.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("LONE_SURROGATE", "Half of a surrogate pair is no character.") from None
    if len(value) > most:
        raise InvalidValue("TOO_LONG", f"At most {most:,} characters are allowed.")
    return value


class AnyText(Kind):
    """Reads a clean text of limited length; `normal` gives it the form in which it is stored."""

    family = Family.TEXT
    slot: ClassVar[str | None] = "t"
    is_unique = True
    sql_type = "text"
    operators: ClassVar[tuple[str, ...]] = EQUALITY + TEXT + ORDER
    bare = "contains"
    max_length: int = MAX_TEXT

    def from_json(self, value: object) -> str:
        return self.normal(clean(value, self.max_length))

    def normal(self, text: str) -> str:
        """Raises InvalidValue."""
        return text

    def compared(self, operator: str, value: object, *, from_text: bool) -> str:  # noqa: ARG002 - text is text
        text = clean(value)
        return self.whole(text) if operator in EQUALITY else self.piece(text)

    def whole(self, text: str) -> str:
        """What is asked for in full, as it would be stored. Raises InvalidValue."""
        return self.normal(text)

    def piece(self, text: str) -> str:
        """Part of a value, written as stored values are."""
        return text

    def limits(self) -> dict[str, Any]:
        return {"maxLength": self.max_length}
