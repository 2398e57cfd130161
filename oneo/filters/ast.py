"""The language itself: what can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneo.filters.hops import Hop


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


@dataclass(frozen=True, slots=True)
class Related:
    """A step along relationships: there is one that fulfils both conditions, or, counted, as many as told."""

    hop: Hop
    far: Node
    link: Node
    counts: tuple[tuple[str, int], ...] = ()


Node = Comparison | And | Or | Not | Related

OPERATORS = (
    "exact", "not", "contains", "not_contains", "startswith", "gt", "gte", "lt", "lte", "in", "not_in", "exists",
)  # fmt: skip
