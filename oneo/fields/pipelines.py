"""Pipelines, as conditions name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.base import FieldType
from oneo.fields.kinds.base import InvalidValue


class PipelineName(FieldType):
    """By id or slug, one of those that the caller may read; others do not exist for him."""

    name = "pipeline"
    sql_type = "uuid"
    bare = "in"
    operators: ClassVar[tuple[str, ...]] = ("exact", "not", "in", "not_in")
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string"}
    unknown: ClassVar[tuple[str, str]] = ("PIPELINE_NOT_FOUND", "There is no such pipeline.")

    def __init__(self, ids: Mapping[str, str]) -> None:
        self._ids = ids

    def from_json(self, value: object) -> str:
        found = self._ids.get(value) if isinstance(value, str) else None
        if found is None:
            near = (value, self._ids) if isinstance(value, str) else None
            raise InvalidValue(*self.unknown, near=near)
        return found


class RelationshipTypeName(PipelineName):
    """The same of relationship types."""

    unknown: ClassVar[tuple[str, str]] = ("RELATIONSHIP_TYPE_NOT_FOUND", "There is no such relationship type.")
