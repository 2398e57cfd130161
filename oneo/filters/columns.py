"""What can be asked about: how SQL says a column, and the test that each operator is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oneo.errors import nearest
from oneo.fields.base import FieldType
from oneo.filters.sql import Sql, like

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Column:
    """Something that can be filtered and sorted: how SQL says it, and the type of its values."""

    sql: str
    type: FieldType
    nullable: bool = False
    sortable: bool = True

    @property
    def cast(self) -> str:
        """The SQL type of a place in the order."""
        return self.type.sql_type

    @property
    def indexed(self) -> bool:
        """Whether an index holds the values that are not missing, and those alone."""
        return False

    def alternatives(self, value: object) -> int:  # noqa: ARG002 - some columns ask it
        """How many comparisons a test of the value takes."""
        return 1

    def test(self, operator: str, value: object) -> Sql:
        """True for the rows that match; for others false or NULL. The operator is none of the negative ones."""
        sql, cast = self.sql, self.type.sql_type
        match operator:
            case "exists":
                return Sql(f"({sql} IS {'NOT ' if value else ''}NULL)")
            case "exact" if value is None:
                return Sql(f"({sql} IS NULL)")
            case "exact":
                return Sql(f"({sql} = %s::{cast})", [value])
            case "in":
                return Sql(f"({sql} = ANY(%s::{cast}[]))", [value])
            case "contains":
                return Sql(f"({sql} ILIKE %s)", [like(str(value))])
            case "startswith":
                return Sql(f"starts_with({sql}, %s)", [value])
            case _:
                return Sql(f"({sql} {SIGNS[operator]} %s::{cast})", [value])


_FIELD = "data__"


def nearest_column(name: str, names: Iterable[str]) -> str | None:
    """The name that was meant. What all fields begin with makes nothing alike, and is what is forgotten most."""
    known = {known.removeprefix(_FIELD): known for known in sorted(names)}
    found = nearest(name.removeprefix(_FIELD), known)
    return None if found is None else known[found]


Catalogue = Mapping[str, Column]
"""What the caller may ask about, by name. A name that is not here does not exist for him."""
