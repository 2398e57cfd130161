"""Text, booleans, whole numbers and identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.base import EQUALITY, ORDER, TEXT, FieldType, truth
from oneo.ids import as_id

MAX_TEXT = 100_000


class Text(FieldType):
    name = "text"
    sql_type = "text"
    operators: ClassVar[tuple[str, ...]] = EQUALITY + TEXT + ORDER
    bare = "contains"

    def from_json(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("A text is expected.")  # noqa: TRY004 - one error for all that is wrong with a value
        if "\0" in value or len(value) > MAX_TEXT:
            raise ValueError("The text is too long or has characters that cannot be stored.")
        return value


class Keyword(Text):
    """A text that is compared as a whole: a slug, a code, an event type."""

    name = "keyword"
    bare = "exact"


class Boolean(FieldType):
    name = "boolean"
    sql_type = "boolean"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "boolean"}

    def from_json(self, value: object) -> bool:
        return truth(value, from_text=False)

    def from_text(self, text: str) -> bool:
        return truth(text, from_text=True)


class Integer(FieldType):
    name = "integer"
    sql_type = "bigint"
    limit = 2**63 - 1
    json_schema: ClassVar[Mapping[str, Any]] = {
        "type": "integer", "format": "int64", "minimum": -limit, "maximum": limit,
    }  # fmt: skip
    operators: ClassVar[tuple[str, ...]] = EQUALITY + ORDER

    def from_json(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > self.limit:
            raise ValueError("A whole number is expected.")
        return value

    def from_text(self, text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
            raise ValueError("A whole number is expected.")
        return self.from_json(int(text))


class Identifier(FieldType):
    name = "uuid"
    sql_type = "uuid"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uuid"}

    def from_json(self, value: object) -> str:
        found = as_id(value)
        if found is None:
            raise ValueError("An id (UUID) is expected.")
        return str(found)
