"""The shape of relationships: their types, what these join, and what they have to keep to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oneo.fields.shapes import PipelineShape


@dataclass(frozen=True, slots=True)
class ConstraintShape:
    """`least` and `most` are numbers of relationships at a time; `options` are those of the kind, checked."""

    id: UUID
    kind: str
    source_id: UUID | None
    target_id: UUID | None
    least: int
    most: int | None
    is_required: bool
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TypeShape:
    """`own` is the shape of its fields, under its own id, slug and name. An end that is None is open."""

    own: PipelineShape
    source_id: UUID | None
    target_id: UUID | None
    is_bidirectional: bool
    on_delete: str
    forward_label: str
    reverse_label: str
    constraints: tuple[ConstraintShape, ...] = ()

    @property
    def id(self) -> UUID:
        return self.own.id

    @property
    def slug(self) -> str:
        return self.own.slug

    @property
    def name(self) -> str:
        return self.own.name

    def touches(self, pipeline_id: UUID) -> bool:
        """Whether a record of the pipeline can be at one of its ends."""
        return self.source_id in {None, pipeline_id} or self.target_id in {None, pipeline_id}
