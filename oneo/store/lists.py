"""Lists and single rows of one kind, as JSON text made by PostgreSQL, in one message."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from uuid import UUID

from flask import current_app

from oneo.actor import Actor
from oneo.config import Settings
from oneo.errors import Fault, PageTooLarge
from oneo.filters.order import Key, beyond, order_sql
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.resources import Resource

COUNT_CAP = 10_001
KNOWN_COUNTS = 2_000
_CLOCK = "now()"
"""A statement in which it stands may answer differently although nothing has happened."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for: from an offset, or beyond a position. `edges`: with the keys of every row."""

    size: int
    offset: int = 0
    keyset: bool = False
    position: tuple[str | None, ...] | None = None
    backwards: bool = False
    edges: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """`first` and `last` are the sort keys at the edges; `more` says that rows follow in the direction asked;
    `timeless` that the clock is not asked.
    """

    seq: int
    body: str
    count: int | None
    length: int
    more: bool
    first: tuple[str | None, ...] | None
    last: tuple[str | None, ...] | None
    keys: tuple[tuple[str | None, ...], ...] = ()
    timeless: bool = True


@dataclass(frozen=True, slots=True)
class CountKey:
    """Everything that a count depends on besides the event number."""

    tenant_id: UUID
    sql: str
    values: str


class Counts:
    """What lists counted, and at which event number: while no event follows, the count is the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[CountKey, tuple[int, int]] = OrderedDict()

    def get(self, key: CountKey) -> tuple[int, int] | None:
        return self._known.get(key)

    def put(self, key: CountKey, seq: int, count: int) -> None:
        with self._lock:
            self._known[key] = (seq, count)
            self._known.move_to_end(key)
            if len(self._known) > KNOWN_COUNTS:
                self._known.popitem(last=False)


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
    """Raises StaleActor, and PageTooLarge unless the window is a keyset's, whose page ends where it is full."""
    alias = resource.alias
    source = f"FROM {resource.table} {alias} WHERE {alias}.tenant_id = '{actor.tenant_id}' AND {resource.base}"
    if where.text != "true":
        source += f" AND {where.text}"
    rows = Sql(source, [*resource.values, *where.values])
    timeless = _CLOCK not in source and resource.changes_by_events
    kept = count == "exact" and resource.timeless and timeless
    known = CountKey(actor.tenant_id, source, repr(rows.values)) if kept else None
    counted = _count(count, rows, known)
    json = Sql(resource.json(fields), resource.shown_values)
    paged = window.position is None and not window.keyset and not window.edges and count == "exact"
    page = _counted_page if paged else _edged_page
    found = page(actor, json, rows, alias, keys, window, counted)
    found = replace(found, timeless=timeless and _CLOCK not in json.text)
    if count != "exact":
        return found
    counted_at, total = (found.seq, found.count) if found.count is not None else _count_anew(actor, rows)
    if known is not None and counted_at:
        _counts().put(known, counted_at, total)
    return replace(found, count=total, more=window.offset + found.length < total if paged else found.more)


def _count_anew(actor: Actor, source: Sql) -> tuple[int, int]:
    """(event number, count), where the count that was kept is out of date. Raises StaleActor."""
    answer = message.read(actor, f"SELECT count(*) {source.text}", source.values)
    return answer.seq, answer.rows[0][0]


def _counted_page(
    actor: Actor, json: Sql, source: Sql, alias: str, keys: tuple[Key, ...], window: Window, counted: Sql
) -> Found:
    """A page by number: its count tells what follows."""
    rows = _sorted(source, alias, keys, window, window.size)
    documents = f"SELECT {json.text}::text AS doc FROM ({rows.text}) {alias}"
    sql = (
        f"SELECT '[' || coalesce(string_agg(doc, ',') FILTER (WHERE {_fits()}), '') || ']', {counted.text}, count(*), "
        f"count(*) FILTER (WHERE {_fits()}) FROM ({_measured(documents, 'doc')}) page"
    )
    values = [*counted.values, *json.values, *rows.values]
    answer = message.read(actor, sql, values, keep=not rows.values)
    body, total, length, fitting = answer.rows[0]
    if fitting < length:
        raise _too_large(fitting)
    return Found(answer.seq, body, total, length, False, None, None)


def _edged_page(
    actor: Actor, json: Sql, source: Sql, alias: str, keys: tuple[Key, ...], window: Window, counted: Sql
) -> Found:
    """One row more than asked for tells whether more follow; the keys of the first and the last make cursors."""
    edges = ", ".join(f"{key.column.sql}::text" for key in keys)
    rows = _sorted(source, alias, keys, window, window.size + 1)
    numbered = (
        f"SELECT row_number() OVER () AS n, {json.text}::text AS doc, ARRAY[{edges}] AS keys FROM ({rows.text}) {alias}"
    )
    first, last = ("DESC", "ASC") if window.backwards else ("ASC", "DESC")
    inside = f"FILTER (WHERE n <= {window.size} AND {_fits()})"
    sql = (
        f"SELECT '[' || coalesce(string_agg(doc, ',' ORDER BY n {first}) {inside}, '') || ']', {counted.text}, "
        f"count(*), (array_agg(to_json(keys) ORDER BY n {first}) {inside})[1], "
        f"(array_agg(to_json(keys) ORDER BY n {last}) {inside})[1], "
        f"{f'json_agg(keys ORDER BY n {first}) {inside}' if window.edges else 'NULL'}, count(*) {inside} "
        f"FROM ({_measured(numbered, 'n, doc, keys')}) page"
    )
    values = [*counted.values, *json.values, *rows.values]
    answer = message.read(actor, sql, values, keep=not rows.values)
    body, total, length, head, tail, all_keys, fitting = answer.rows[0]
    if fitting < min(length, window.size) and not window.keyset:
        raise _too_large(fitting)
    return Found(
        answer.seq, body, total, fitting, length > fitting,
        tuple(head) if head else None, tuple(tail) if tail else None, tuple(tuple(keys) for keys in all_keys or ()),
    )  # fmt: skip


def _measured(documents: str, columns: str) -> str:
    """The documents with `bytes`: how many they have up to each of them. PostgreSQL makes them one after the other and
    keeps those that fit, so that it never holds more than a page may have.

    OFFSET 0 keeps the planner from making each document twice.
    """
    return (
        f"SELECT {columns}, sum(octet_length(doc)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes "
        f"FROM ({documents} OFFSET 0) built"
    )


def _fits() -> str:
    """The first document is always part of the page: there is no smaller page than one row."""
    settings: Settings = current_app.extensions["oneo.settings"]
    return f"(bytes <= {settings.max_page_bytes} OR bytes = octet_length(doc))"


def _too_large(fitting: int) -> PageTooLarge:
    """A page by number cannot be cut: the rows that are left out would be on no page."""
    text = f"The first {fitting} rows fill the page: ask for so many at most, for fewer fields, or page with `cursor`."
    return PageTooLarge(faults=[Fault("/page_size", "OUT_OF_RANGE", text, allowed=("1", str(fitting)))])


def get_row(
    actor: Actor, resource: Resource, where: Sql, fields: tuple[str, ...] | None = None
) -> tuple[str, int] | None:
    """(JSON text, version); None when there is no such row. Raises StaleActor."""
    alias = resource.alias
    version = f"{alias}.version" if "version" in resource.document else "1"
    sql = (
        f"SELECT {resource.json(fields)}::text, {version} FROM {resource.table} {alias} "
        f"WHERE {alias}.tenant_id = '{actor.tenant_id}' AND {resource.base} AND {where.text}"
    )
    rows = message.read(actor, sql, [*resource.shown_values, *resource.values, *where.values], keep=True).rows
    return (rows[0][0], rows[0][1]) if rows else None


def _sorted(source: Sql, alias: str, keys: tuple[Key, ...], window: Window, size: int) -> Sql:
    """The rows of the page, whole and in order; JSON is made of no others."""
    if keys[0].column.indexed and len(keys) == 2:
        return _in_two_parts(source, alias, keys, window, size)
    past = _past(keys, window)
    order = order_sql(keys, backwards=window.backwards)
    return Sql(
        f"SELECT {alias}.* {source.text}{past.text} ORDER BY {order} LIMIT {size} OFFSET {window.offset}",
        [*source.values, *past.values],
    )


def _in_two_parts(source: Sql, alias: str, keys: tuple[Key, ...], window: Window, size: int) -> Sql:
    """First the rows that have the key, by its index, then those that have not: together no index would serve them.

    The second part runs only when the first does not fill the page. Backwards they change places.
    """
    column, position, most = keys[0].column.sql, window.position, size + window.offset
    having, lacking = keys, keys[1:]
    parts: list[Sql] = []
    for part, null in ((having, False), (lacking, True)):
        past = Sql("")
        if position is not None and (position[0] is None) == null:
            past = beyond(_certain(part), position[-len(part) :], backwards=window.backwards)
            past = Sql(f" AND {past.text}", past.values)
        elif position is not None and null == window.backwards:
            continue
        order = order_sql(_certain(part), backwards=window.backwards)
        test = f" AND {column} IS {'' if null else 'NOT '}NULL"
        parts.append(
            Sql(
                f"(SELECT {alias}.* {source.text}{test}{past.text} ORDER BY {order} LIMIT {most})",
                [*source.values, *past.values],
            )
        )
    if window.backwards:
        parts.reverse()
    if len(parts) == 1:
        return parts[0]
    return Sql(
        f"{' UNION ALL '.join(part.text for part in parts)} LIMIT {size} OFFSET {window.offset}",
        [value for part in parts for value in part.values],
    )


def _certain(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys where none of them is missing."""
    return tuple(key.certain() for key in keys)


def _past(keys: tuple[Key, ...], window: Window) -> Sql:
    if window.position is None:
        return Sql("")
    past = beyond(keys, window.position, backwards=window.backwards)
    return Sql(f" AND {past.text}", past.values)


def _count(count: str, source: Sql, known: CountKey | None) -> Sql:
    if count == "none":
        return Sql("NULL::bigint")
    if count == "estimated":
        return Sql(f"(SELECT count(*) FROM (SELECT 1 {source.text} LIMIT {COUNT_CAP}) capped)", list(source.values))
    found = _counts().get(known) if known is not None else None
    if found is None:
        return Sql(f"(SELECT count(*) {source.text})", list(source.values))
    # Planning a count costs as much as the gate: where one is kept, the statement goes without.
    return Sql("CASE WHEN gate.seq = %s THEN %s::bigint END", list(found))


def _counts() -> Counts:
    found: Counts = current_app.extensions["oneo.counts"]
    return found
