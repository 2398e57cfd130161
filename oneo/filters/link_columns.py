"""Columns that only relationships have: when they hold, how they stand, and what is noted beside them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from oneo import exact_json
from oneo.fields.shapes import PipelineShape
from oneo.filters import tenant_indexes
from oneo.filters.columns import Column
from oneo.filters.data import data_column
from oneo.filters.sql import Sql, all_of


class EffectiveColumn(Column):
    """The moments at which a relationship holds: from one on and before another."""

    __slots__ = ()

    def test(self, operator: str, value: object) -> Sql:
        if operator != "exact" or value is None:
            return Sql("true" if operator == "exists" and value else "false")
        return Sql(
            "(x.effective_from <= %s::timestamptz AND coalesce(x.effective_until > %s::timestamptz, true))",
            [value, value],
        )


class StatusColumn(Column):
    """Written as it is shown, whatever the case it is asked in."""

    __slots__ = ()

    def test(self, operator: str, value: object) -> Sql:
        raised = [str(item).upper() for item in value] if isinstance(value, list) else value
        return Column.test(self, operator, raised.upper() if isinstance(raised, str) else raised)


class MetadataColumn(Column):
    """Any JSON, of a relationship or of a state that it had once."""

    __slots__ = ()

    def test(self, operator: str, value: object) -> Sql:
        if operator == "contains":
            return Sql(f"({self.sql} @> %s::jsonb)", [exact_json.dumps(value)])
        if operator == "exact" and value is not None:
            return Sql(f"({self.sql} = %s::jsonb)", [exact_json.dumps(value)])
        return Column.test(self, operator, value)


class StoredMetadataColumn(MetadataColumn):
    """That of a row of the table, where an index serves `contains`."""

    __slots__ = ()

    def test(self, operator: str, value: object) -> Sql:
        found = MetadataColumn.test(self, operator, value)
        if operator != "contains":
            return found
        return all_of([found, tenant_indexes.contains("x", "metadata", exact_json.dumps(value))])


@dataclass(frozen=True, slots=True)
class OwnColumn(Column):
    """A field of relationships: asked and sorted by as those of records are, of a row `r` that has its data."""

    field: Column | None = None

    @classmethod
    def of(cls, field: Column) -> OwnColumn:
        return cls(_of_data(field.sql), field.type, nullable=True, sortable=field.sortable, field=field)

    @property
    def cast(self) -> str:
        return (self.field or self).cast

    def alternatives(self, value: object) -> int:
        return self.field.alternatives(value) if self.field else 1

    def test(self, operator: str, value: object) -> Sql:
        found = (self.field or self).test(operator, value)
        return Sql(_of_data(found.text), found.values)


def own_columns(shape: PipelineShape, cut: AbstractSet[str]) -> dict[str, Column]:
    """Fields of relationships of one type; those that are cut do not exist."""
    return {
        f"data__{slug}": OwnColumn.of(data_column(slug, found.kind, None))
        for slug, found in shape.fields.items()
        if slug not in cut
    }


def _of_data(sql: str) -> str:
    return f"(SELECT {sql} FROM (SELECT x.data) r)"
