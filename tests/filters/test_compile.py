"""Compiled filters and orders find exactly the rows, in exactly the order, that the language means (threats 57, 58)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo.fields.scalars import Integer
from oneo.filters.ast import Node
from oneo.filters.columns import Column
from oneo.filters.compile import compile_filter
from oneo.filters.order import Key, beyond, order_sql
from oneo.filters.sql import Sql
from tests.filters.model import COLUMNS, Row, matches, nodes, rows

ID = Column("t.id", Integer())


@pytest.fixture(scope="module")
def cursor(database_address: str) -> Iterator[Any]:
    connection = psycopg2.connect(database_address, options="-c TimeZone=UTC")
    connection.autocommit = True
    with connection.cursor() as found:
        yield found
    connection.close()


def table(found: Sequence[Row]) -> Sql:
    """The rows as a table `t`, in SQL; texts compare by code point."""
    head = "SELECT NULL::int, NULL, NULL, NULL::bigint, NULL::boolean, NULL::timestamptz WHERE false"
    lines, values = [head], []
    for number, row in enumerate(found):
        lines.append("SELECT %s, %s, %s, %s::bigint, %s::boolean, %s::timestamptz")
        values += [number, *(row[key] for key in ("name", "title", "number", "flag", "moment"))]
    text = (
        'SELECT id, name COLLATE "C" AS name, title COLLATE "C" AS title, number, flag, moment '
        f"FROM ({' UNION ALL '.join(lines)}) r(id, name, title, number, flag, moment)"
    )
    return Sql(f"({text}) t", list(values))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=nodes, found=rows)
def test_a_filter_finds_what_it_means(cursor: Any, node: Node, found: list[dict[str, Any]]) -> None:
    source, where = table(found), compile_filter(node, COLUMNS)
    cursor.execute(f"SELECT id FROM {source.text} WHERE {where.text} ORDER BY id", source.values + where.values)
    assert [row[0] for row in cursor.fetchall()] == [n for n, row in enumerate(found) if matches(node, row)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=rows,
    chosen=st.lists(
        st.tuples(st.sampled_from(sorted(COLUMNS)), st.booleans()), max_size=3, unique_by=lambda key: key[0]
    ),
    size=st.integers(1, 3),
)
def test_walking_pages_forth_and_back_meets_each_row_once(
    cursor: Any, found: list[dict[str, Any]], chosen: list[tuple[str, bool]], size: int
) -> None:
    keys = tuple(Key(name, COLUMNS[name], descending) for name, descending in chosen)
    keys = (*keys, Key("id", ID, bool(chosen) and chosen[0][1]))
    source = table(found)
    cursor.execute(f"SELECT id FROM {source.text} ORDER BY {order_sql(keys)}", source.values)
    whole = [row[0] for row in cursor.fetchall()]
    forth = _walk(cursor, source, keys, size, backwards=False)
    assert [row_id for page in forth for row_id in page] == whole
    back = _walk(cursor, source, keys, size, backwards=True)
    assert [row_id for page in back for row_id in page] == whole[::-1]


def _walk(cursor: Any, source: Sql, keys: tuple[Key, ...], size: int, *, backwards: bool) -> list[list[int]]:
    pages: list[list[int]] = []
    position: tuple[Any, ...] | None = None
    columns = ", ".join(f"{key.column.sql}::text" for key in keys)
    while True:
        past = beyond(keys, position, backwards=backwards) if position else Sql("true")
        cursor.execute(
            f"SELECT t.id, {columns} FROM {source.text} WHERE {past.text} "
            f"ORDER BY {order_sql(keys, backwards=backwards)} LIMIT {size}",
            source.values + past.values,
        )
        page = cursor.fetchall()
        if not page:
            return pages
        assert len(pages) <= 20
        pages.append([row[0] for row in page])
        position = page[-1][1:]
