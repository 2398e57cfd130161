"""Lists of small resources: what was asked, checked against what may be asked, and the page that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import current_app

from oneo.actor import Actor
from oneo.errors import Fault, FaultList, InvalidParameter, pointer
from oneo.filters.ast import And, Node
from oneo.filters.compile import compile_filter, compile_search
from oneo.filters.figures import is_figure, read_figures
from oneo.filters.order import Key, parse_order
from oneo.filters.page import Cursor, decode_cursor, encode_cursor, fingerprint
from oneo.filters.parse import Budget, parse_json, parse_query
from oneo.filters.search import MAX_WORDS, compile_words, words_of
from oneo.filters.sql import TRUE, Sql, all_of
from oneo.store import message
from oneo.store.lists import Found, Window, list_rows
from oneo.store.resources import Resource

PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
MAX_OFFSET = 1_000_000
MAX_SEARCH = 200


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list as a face was asked for it: `filter` is JSON already read, `conditions` are further query parameters.

    An `offset` stands in for a page's number. `edges`: a cursor is wanted for every row.
    """

    page: int = 1
    page_size: int = PAGE_SIZE
    cursor: str | None = None
    ordering: str = ""
    search: str = ""
    count: str = "exact"
    fields: str = ""
    include: str = ""
    filter: object = None
    conditions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    offset: int | None = None
    edges: bool = False

    def asks_about(self, column: str) -> bool:
        """Whether any condition is on the column."""
        return any(name.partition("__")[0] == column for name in (*self.conditions, *_keys(self.filter)))


def _keys(asked: object) -> Iterator[str]:
    if isinstance(asked, dict):
        yield from asked
    for part in asked.values() if isinstance(asked, dict) else asked if isinstance(asked, list) else ():
        yield from _keys(part)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page: `results` is a JSON array as text. In keyset mode `page` and `pages` are None and cursors are given.

    `timeless`: it stays as it is until the tenant's next event.
    """

    seq: int
    results: str
    count: int | None
    page_size: int
    page: int | None
    pages: int | None
    has_next: bool
    has_previous: bool
    next_cursor: str | None = None
    previous_cursor: str | None = None
    cursors: tuple[str, ...] = ()
    timeless: bool = True


def list_resource(actor: Actor, resource: Resource, query: ListQuery, *, scope: Sql | None = None) -> Listing:
    """`scope` narrows the list to what the caller may see. Raises InvalidParameter, InvalidCursor, StaleActor."""
    where, keys = asked(resource, query, scope)
    resource = including(query.include, resource)
    fields = picked(query.fields, resource)
    named = query.cursor is not None or query.edges
    of = _fingerprint(actor, resource, query, scope or TRUE, keys) if named else ""
    cursor = _cursor(query.cursor, of, keys)
    window = _window(query, cursor)
    found = list_rows(actor, resource, where=where, keys=keys, window=window, count=query.count, fields=fields)
    return _listing(query, found, of, cursor)


def asked(resource: Resource, query: ListQuery, scope: Sql | None) -> tuple[Sql, tuple[Key, ...]]:
    """Which rows, and in which order. Raises InvalidParameter."""
    where = conditions(resource, query, scope)
    keys = parse_order(query.ordering or resource.order, resource.columns, resource.columns[resource.tie])
    return where, tuple(key for at, key in enumerate(keys) if key.column not in [k.column for k in keys[:at]])


def present_seq(actor: Actor) -> int:
    """The number of the tenant's latest event: while it stays, so do all lists. Raises StaleActor."""
    return message.confirm(actor)


def _fingerprint(actor: Actor, resource: Resource, query: ListQuery, scope: Sql, keys: tuple[Key, ...]) -> str:
    """Of what is asked, not of the SQL that answers it: that changes when an index becomes ready."""
    order = [(key.name, key.descending) for key in keys]
    asked = (query.conditions, query.filter, query.search)
    return fingerprint(
        actor.tenant_id, resource.table, resource.base, resource.values, asked, scope.text, scope.values, order
    )


def conditions(resource: Resource, query: ListQuery, scope: Sql | None) -> Sql:
    """Which rows are asked for. Raises InvalidParameter."""
    budget = Budget()
    parts: list[Node] = [parse_query(query.conditions, resource.columns, budget)] if query.conditions else []
    if query.filter is not None:
        parts.append(parse_json(query.filter, resource.columns, resource.relations, budget=budget))
    where = [compile_filter(And(tuple(parts)), resource.columns), scope or TRUE]
    if query.search:
        where.append(_search(resource, query.search))
    return all_of(where)


def _search(resource: Resource, text: str) -> Sql:
    faults = FaultList()
    if not resource.searchable:
        faults.add("/search", "INVALID_VALUE", "There is no search here.")
    elif len(text) > MAX_SEARCH or "\0" in text:
        faults.add("/search", "INVALID_VALUE", f"At most {MAX_SEARCH} characters can be searched for, and no NUL.")
    elif resource.words and len(words_of(text)) > MAX_WORDS:
        faults.add("/search", "INVALID_VALUE", f"At most {MAX_WORDS} words can be searched for.")
    faults.check(InvalidParameter)
    if not text.strip():
        return TRUE
    if resource.words:
        return compile_words(text, resource.words, resource.alias)
    return compile_search(text, resource.search)


def picked(text: str, resource: Resource) -> tuple[str, ...] | None:
    """The keys that `fields=` names, and what is included. Raises InvalidParameter."""
    names = _names(text, "fields", resource.pickable)
    return (*names, "included") if names and "included" in resource.document else names or None


def including(text: str, resource: Resource) -> Resource:
    """The resource with what `include=` names. Raises InvalidParameter."""
    if not text or resource.relations is None:
        return resource.including(_names(text, "include", resource.includable))
    names = _split(text)
    figures = read_figures(tuple(name for name in names if is_figure(name)), resource.relations)
    chosen = _names(",".join(name for name in names if not is_figure(name)), "include", resource.includable)
    figures |= {name: resource.beside[name]() for name in chosen if name in resource.beside}
    return replace(resource, figures=figures).including(tuple(name for name in chosen if name in resource.embeds))


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _names(text: str, parameter: str, known: list[str]) -> tuple[str, ...]:
    names = _split(text)
    faults = FaultList()
    for name in names:
        if name not in known:
            faults.add(
                pointer(parameter), "UNKNOWN_FIELD", f"There is no field {name[:100]!r}.",
                near=(name, known),
            )  # fmt: skip
    faults.check(InvalidParameter)
    return names


def _cursor(text: str | None, of: str, keys: tuple[Key, ...]) -> Cursor | None:
    if not text:
        return None
    return decode_cursor(text, of=of, secret=_cursor_secret(), keys=len(keys))


def _window(query: ListQuery, cursor: Cursor | None) -> Window:
    if query.cursor is not None:
        return Window(
            query.page_size, keyset=True, edges=query.edges,
            position=cursor.position if cursor else None, backwards=cursor is not None and cursor.backwards,
        )  # fmt: skip
    offset = (query.page - 1) * query.page_size if query.offset is None else query.offset
    if offset > MAX_OFFSET:
        fault = Fault(
            "/page" if query.offset is None else "/offset",
            "TOO_FAR",
            f"Pages reach {MAX_OFFSET} rows deep; use cursor= to go on.",
        )
        raise InvalidParameter(faults=[fault])
    return Window(query.page_size, offset, edges=query.edges)


def _listing(query: ListQuery, found: Found, of: str, cursor: Cursor | None) -> Listing:
    cursors = tuple(encode_cursor(Cursor(keys, False), of=of, secret=_cursor_secret()) for keys in found.keys)
    if query.cursor is None:
        pages = None if found.count is None else -(-found.count // query.page_size)
        return Listing(
            found.seq, found.body, found.count, query.page_size, query.page, pages,
            has_next=found.more, has_previous=bool(query.offset) or query.page > 1, cursors=cursors,
            timeless=found.timeless,
        )  # fmt: skip
    backwards = cursor is not None and cursor.backwards
    has_next, has_previous = (True, found.more) if backwards else (found.more, cursor is not None)

    def edge(position: tuple[str | None, ...] | None, *, back: bool) -> str | None:
        return encode_cursor(Cursor(position, back), of=of, secret=_cursor_secret()) if position else None

    return Listing(
        found.seq, found.body, found.count, query.page_size, None, None,
        has_next=has_next and found.last is not None, has_previous=has_previous and found.first is not None,
        next_cursor=edge(found.last, back=False), previous_cursor=edge(found.first, back=True), cursors=cursors,
        timeless=found.timeless,
    )  # fmt: skip


def _cursor_secret() -> bytes:
    secret: bytes = current_app.extensions["oneo.cursor_secret"]
    return secret
