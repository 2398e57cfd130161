"""Ordering: missing values last in both directions, the id breaks ties in the direction of the first key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oneo.errors import Fault, InvalidParameter
from oneo.filters.columns import Catalogue, Column, nearest_column
from oneo.filters.sql import Sql

MAX_KEYS = 5


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    column: Column
    descending: bool

    def certain(self) -> Key:
        """The same among rows where the value is not missing."""
        return Key(self.name, replace(self.column, nullable=False), self.descending)


def parse_order(text: str, catalogue: Catalogue, tie: Column) -> tuple[Key, ...]:
    """Keys of `-created_at,name`, with the id at the end. Raises InvalidParameter."""
    keys: list[Key] = []
    for part in (piece.strip() for piece in text.split(",") if piece.strip()):
        name = part.removeprefix("-")
        if len(keys) == MAX_KEYS:
            raise InvalidParameter(faults=[Fault("/ordering", "TOO_LONG", f"At most {MAX_KEYS} keys are taken.")])
        column = catalogue.get(name)
        if column is None or not column.sortable:
            sortable = [known for known, found in catalogue.items() if found.sortable]
            fault = Fault(
                "/ordering", "UNKNOWN_FIELD", f"Nothing can be ordered by {name[:100]!r} here.",
                suggestion=nearest_column(name, sortable),
            )  # fmt: skip
            raise InvalidParameter(faults=[fault])
        keys.append(Key(name, column, part.startswith("-")))
    return (*keys, Key("id", tie, bool(keys) and keys[0].descending))


def order_sql(keys: tuple[Key, ...], *, backwards: bool = False) -> str:
    """The ORDER BY list; backwards it is the exact mirror, missing values first."""
    parts = []
    for key in keys:
        direction = "DESC" if key.descending != backwards else "ASC"
        nulls = f" NULLS {'FIRST' if backwards else 'LAST'}" if key.column.nullable else ""
        parts.append(f"{key.column.sql} {direction}{nulls}")
    return ", ".join(parts)


def beyond(keys: tuple[Key, ...], position: tuple[object, ...], *, backwards: bool = False) -> Sql:
    """Rows after the position (before it, if backwards). One comparison of rows where an index can serve it."""
    same_way = len({key.descending for key in keys}) == 1
    if same_way and not any(key.column.nullable for key in keys):
        sign = "<" if keys[0].descending != backwards else ">"
        left = ", ".join(key.column.sql for key in keys)
        right = ", ".join(f"%s::{key.column.cast}" for key in keys)
        return Sql(f"(({left}) {sign} ({right}))", list(position))
    alternatives, values = [], []
    for at, key in enumerate(keys):
        equal = [_equal(before, value) for before, value in zip(keys[:at], position[:at], strict=True)]
        parts = [*equal, _past(key, position[at], backwards=backwards)]
        alternatives.append("(" + " AND ".join(part.text for part in parts) + ")")
        values += [value for part in parts for value in part.values]
    return Sql("(" + " OR ".join(alternatives) + ")", values)


def _equal(key: Key, value: object) -> Sql:
    if value is None:
        return Sql(f"{key.column.sql} IS NULL")
    return Sql(f"{key.column.sql} = %s::{key.column.cast}", [value])


def _past(key: Key, value: object, *, backwards: bool) -> Sql:
    sql = key.column.sql
    if value is None:
        return Sql(f"{sql} IS NOT NULL" if backwards else "false")
    sign = "<" if key.descending != backwards else ">"
    test = f"{sql} {sign} %s::{key.column.cast}"
    if key.column.nullable and not backwards:
        test = f"({test} OR {sql} IS NULL)"
    return Sql(test, [value])
