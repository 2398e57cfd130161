"""SQL of which relationships somebody may see: by their types, and by the records at their ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from oneo.filters.sql import Sql, any_of

LINK = "x"
"""The alias of a relationship wherever it is asked about; its ends are asked about as records, which are `r`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pipelines of whose records the same scope is readable."""

    scope: Sql
    pipelines: list[UUID]


def ids_sql(found: Iterable[UUID]) -> str:
    """Ids as an array; of no other origin than the tables."""
    return f"'{{{','.join(sorted(map(str, found)))}}}'::uuid[]"


def of_types(types: Iterable[UUID], row: str = LINK) -> Sql:
    return Sql(f"({row}.type_id = ANY({ids_sql(types)}))")


def end_within(groups: Sequence[Group], end: str, row: str = LINK) -> Sql:
    """The record at this end, `source` or `target`, is in one of the groups."""
    return record_within(groups, f"{row}.{end}_id", f"{row}.{end}_pipeline_id", f"{row}.tenant_id")


def record_within(groups: Sequence[Group], record_id: str, pipeline_id: str, tenant_id: str) -> Sql:
    """The same of a record whose id, pipeline and tenant are expressions."""
    parts = []
    for group in groups:
        place = f"{pipeline_id} = ANY({ids_sql(group.pipelines)})"
        if group.scope.text == "true":
            parts.append(Sql(f"({place})"))
        else:
            row = f"SELECT FROM my_records r WHERE r.tenant_id = {tenant_id} AND r.id = {record_id}"
            parts.append(Sql(f"({place} AND EXISTS ({row} AND {group.scope.text}))", group.scope.values))
    return any_of(parts)
