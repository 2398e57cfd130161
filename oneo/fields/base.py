"""The contract of a field type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

EQUALITY = ("exact", "not", "in", "not_in", "exists")
ORDER = ("gt", "gte", "lt", "lte")
TEXT = ("contains", "not_contains", "startswith")
MAX_LIST = 1000
"""Values that one condition can list."""
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def truth(value: object, *, from_text: bool) -> bool:
    """A boolean; from text also as 1 and 0. Raises ValueError."""
    found = _TRUTH.get(value.lower()) if from_text and isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError("true or false is expected.")  # noqa: TRY004 - one error for all that is wrong with a value
    return found


class FieldType(ABC):
    """Reads a value strictly from JSON, or from a query string where all values are text."""

    name: ClassVar[str]
    sql_type: ClassVar[str]
    operators: ClassVar[tuple[str, ...]] = EQUALITY
    bare: ClassVar[str] = "exact"
    """The operator meant when a query string names none."""
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string"}

    @abstractmethod
    def from_json(self, value: object) -> object:
        """The value as PostgreSQL takes it. Raises ValueError with a message for the caller."""

    def from_text(self, text: str) -> object:
        """The same from a query string."""
        return self.from_json(text)

    def operand(self, operator: str, value: object, *, from_text: bool) -> object:
        """What a filter compares with. Raises ValueError."""
        if operator == "exists":
            return truth(value, from_text=from_text)
        if operator in {"in", "not_in"}:
            if not isinstance(value, list) or len(value) > MAX_LIST:
                raise ValueError(f"A list of at most {MAX_LIST} values is expected.")
            return [self.compared(operator, item, from_text=from_text) for item in value]
        if value is None and operator in {"exact", "not"}:
            return None
        return self.compared(operator, value, from_text=from_text)

    def compared(self, operator: str, value: object, *, from_text: bool) -> object:  # noqa: ARG002 - some types ask it
        """One value of an operand."""
        return self.from_text(value) if from_text and isinstance(value, str) else self.from_json(value)
