"""The shape of a tenant's data: its pipelines and their fields, as one schema revision has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from oneo.fields.kinds.base import Kind

if TYPE_CHECKING:
    from oneo.fields.links import TypeShape


@dataclass(frozen=True, slots=True)
class FieldShape:
    """`slot` is the index slot to ask, once it is filled; `unique_slot` the one that keeps values apart."""

    id: UUID
    slug: str
    name: str
    description: str
    kind: Kind
    is_required: bool
    in_list: bool
    slot: str | None = None
    unique_slot: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PipelineShape:
    """`fields` are in display order; `removed` are slugs whose values are kept, but which nobody sees.

    `written` are all slots that a write must fill, also those that are not filled yet. `trigrams`: an index finds
    substrings of its records. `memo` keeps what is made of the shape and lives as long as it does.
    """

    id: UUID
    slug: str
    name: str
    graphql_name: str
    description: str
    is_active: bool
    title_field: str | None
    fields: Mapping[str, FieldShape]
    removed: frozenset[str]
    written: Mapping[str, FieldShape]
    version: int
    trigrams: bool = False
    memo: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """All pipelines and relationship types of a tenant that are not deleted, at one revision; slugs are those of both.
    `unsettled`: some index slot is not ready.
    """

    revision: int
    pipelines: Mapping[UUID, PipelineShape]
    slugs: Mapping[str, UUID]
    types: Mapping[UUID, TypeShape] = field(default_factory=dict)
    unsettled: bool = False
    memo: dict[Any, Any] = field(default_factory=dict)

    def find(self, name: UUID | str) -> PipelineShape | None:
        """By id or slug."""
        return self.pipelines.get(name if isinstance(name, UUID) else self.slugs.get(name, _NOBODY))

    def find_type(self, name: UUID | str) -> TypeShape | None:
        """A relationship type, by id or slug."""
        return self.types.get(name if isinstance(name, UUID) else self.slugs.get(name, _NOBODY))


_NOBODY = UUID(int=0)
