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
    keyset: bool = False
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
    if where.text != "true":
        source += f" AND {where.text}"
    counted = _count(count, source, where.values)
    if window.position is None and not window.keyset and count == "exact":
        return _counted_page(actor, f"{resource.json(fields)}::text AS doc {source}", where, keys, window, counted)
    return _edged_page(actor, resource.json(fields), source, where, keys, window, counted)


def _counted_page(actor: Actor, select: str, where: Sql, keys: tuple[Key, ...], window: Window, counted: Sql) -> Found:
    """A page by number whose count is known: nothing else is needed to tell what follows."""
    rows = f"SELECT {select} ORDER BY {order_sql(keys)} LIMIT {window.size} OFFSET {window.offset}"
    sql = f"SELECT '[' || coalesce(string_agg(doc, ','), '') || ']', {counted.text}, count(*) FROM ({rows}) page"
    answer = message.read(actor, sql, [*counted.values, *where.values])
    body, total, length = answer.rows[0]
    return Found(answer.seq, body, total, length, window.offset + length < total, None, None)


def _edged_page(
    actor: Actor, json: str, source: str, where: Sql, keys: tuple[Key, ...], window: Window, counted: Sql
) -> Found:
    """One row more than asked for tells whether more follow; the keys of the first and the last make cursors."""
    past = beyond(keys, window.position, backwards=window.backwards) if window.position is not None else Sql("true")
    edges = ", ".join(f"{key.column.sql}::text" for key in keys)
    rows = (
        f"SELECT row_number() OVER () AS n, doc, keys FROM (SELECT {json}::text AS doc, ARRAY[{edges}] AS keys "
        f"{source} AND {past.text} ORDER BY {order_sql(keys, backwards=window.backwards)} "
        f"LIMIT {window.size + 1} OFFSET {window.offset}) sorted"
    )
    first, last = ("DESC", "ASC") if window.backwards else ("ASC", "DESC")
    inside = f"FILTER (WHERE n <= {window.size})"
    sql = (
        f"SELECT '[' || coalesce(string_agg(doc, ',' ORDER BY n {first}) {inside}, '') || ']', {counted.text}, "
        f"count(*), (array_agg(to_json(keys) ORDER BY n {first}) {inside})[1], "
        f"(array_agg(to_json(keys) ORDER BY n {last}) {inside})[1] FROM ({rows}) page"
    )
    answer = message.read(actor, sql, [*counted.values, *where.values, *past.values])
    body, total, length, head, tail = answer.rows[0]
    return Found(
        answer.seq, body, total, min(length, window.size), length > window.size,
        tuple(head) if head else None, tuple(tail) if tail else None,
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


def _count(count: str, source: str, values: list[object]) -> Sql:
    if count == "none":
        return Sql("NULL::bigint")
    if count == "estimated":
        return Sql(f"(SELECT count(*) FROM (SELECT 1 {source} LIMIT {COUNT_CAP}) capped)", list(values))
    return Sql(f"(SELECT count(*) {source})", list(values))
