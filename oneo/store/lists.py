"""Lists and single rows of small resources, as JSON text made by PostgreSQL, in one message."""

from __future__ import annotations

from dataclasses import dataclass

from oneo.actor import Actor
from oneo.filters.compile import Sql
from oneo.filters.order import Key, beyond, order_sql
from oneo.store import message
from oneo.store.resources import Resource

COUNT_CAP = 10_001


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for: from an offset, or beyond a position."""

    size: int
    offset: int = 0
    position: tuple[str | None, ...] | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """`first` and `last` are the sort keys at the edges; `more` says that rows follow in the direction asked."""

    seq: int
    body: str
    count: int | None
    length: int
    more: bool
    first: tuple[str | None, ...] | None
    last: tuple[str | None, ...] | None


def list_rows(
    actor: Actor,
    resource: Resource,
    *,
    where: Sql,
    keys: tuple[Key, ...],
    window: Window,
    count: str = "exact",
    fields: tuple[str, ...] | None = None,
) -> Found:
    """Raises StaleActor."""
    alias = resource.alias
    source = f"FROM {resource.table} {alias} WHERE {alias}.tenant_id = '{actor.tenant_id}' AND {resource.base}"
    condition, values = f" AND {where.text}" if where.text != "true" else "", list(where.values)
    edge, edge_values = "", []
    if window.position is not None:
        past = beyond(keys, window.position, backwards=window.backwards)
        edge, edge_values = f" AND {past.text}", past.values
    keys_sql = ", ".join(f"{key.column.sql}::text" for key in keys)
    order = order_sql(keys, backwards=window.backwards)
    rows = (
        f"SELECT row_number() OVER () AS n, doc, keys FROM (SELECT {resource.json(fields)}::text AS doc, "
        f"ARRAY[{keys_sql}] AS keys {source}{condition}{edge} ORDER BY {order} "
        f"LIMIT {window.size + 1} OFFSET {window.offset}) sorted"
    )
    direction = "DESC" if window.backwards else "ASC"
    inside = f"FILTER (WHERE n <= {window.size})"
    counted, count_values = _count_sql(count, source + condition, values)
    sql = (
        f"SELECT '[' || coalesce(string_agg(doc, ',' ORDER BY n {direction}) {inside}, '') || ']', "
        f"{counted}, count(*), "
        f"(array_agg(to_json(keys) ORDER BY n {direction}) {inside})[1], "
        f"(array_agg(to_json(keys) ORDER BY n {'ASC' if window.backwards else 'DESC'}) {inside})[1] FROM ({rows}) page"
    )
    answer = message.read(actor, sql, [*count_values, *values, *edge_values])
    body, total, length, first, last = answer.rows[0]
    return Found(
        answer.seq, body, total, min(length, window.size), length > window.size,
        tuple(first) if first else None, tuple(last) if last else None,
    )  # fmt: skip


def get_row(actor: Actor, resource: Resource, where: Sql) -> tuple[str, int] | None:
    """(JSON text, version); None when there is no such row. Raises StaleActor."""
    alias = resource.alias
    version = f"{alias}.version" if "version" in resource.document else "1"
    sql = (
        f"SELECT {resource.json()}::text, {version} FROM {resource.table} {alias} "
        f"WHERE {alias}.tenant_id = '{actor.tenant_id}' AND {resource.base} AND {where.text}"
    )
    rows = message.read(actor, sql, where.values).rows
    return (rows[0][0], rows[0][1]) if rows else None


def _count_sql(count: str, source: str, values: list[object]) -> tuple[str, list[object]]:
    if count == "none":
        return "NULL::bigint", []
    if count == "estimated":
        return f"(SELECT count(*) FROM (SELECT 1 {source} LIMIT {COUNT_CAP}) some)", values
    return f"(SELECT count(*) {source})", values
