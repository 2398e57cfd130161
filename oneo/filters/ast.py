"""The language itself: columns that can be asked about, and what can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oneo.fields.base import FieldType


@dataclass(frozen=True, slots=True)
class Column:
    """Something that can be filtered and sorted: how SQL says it, and the type of its values."""

    sql: str
    type: FieldType
    nullable: bool = False
    sortable: bool = True


Catalogue = Mapping[str, Column]
"""What the caller may ask about, by name. A name that is not here does not exist for him."""


@dataclass(frozen=True, slots=True)
class Comparison:
    name: str
    operator: str
    value: object


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Comparison | And | Or | Not

OPERATORS = (
    "exact", "not", "contains", "not_contains", "startswith", "gt", "gte", "lt", "lte", "in", "not_in", "exists",
)  # fmt: skip
