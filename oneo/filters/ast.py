"""The language itself: what can be asked."""

from __future__ import annotations

from dataclasses import dataclass


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
