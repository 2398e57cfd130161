"""The contract of a field type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

EQUALITY = ("exact", "not", "in", "not_in", "exists")
ORDER = ("gt", "gte", "lt", "lte")
TEXT = ("contains", "not_contains", "startswith")


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
