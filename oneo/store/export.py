"""Reading many rows of one list in batches, inside a transaction that has passed the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg2
import psycopg2.errors

from oneo.actor import Actor
from oneo.client import check_client
from oneo.errors import Unavailable
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.terms import Family
from oneo.filters.data import text_of
from oneo.filters.order import Key, order_sql
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.message import Row
from oneo.store.pool import PooledConnection
from oneo.store.resources import Resource

FIRST_BATCH, MOST_ROWS = 20, 500
BATCH_BYTES = 1_000_000
PATIENCE_MS = 600_000
"""How long the database may take for a batch after the first, which has the usual time of a statement."""
IDLE_MS = 60_000
"""How long the reader may take for a batch, until the database gives up on him."""


def json_item(resource: Resource, fields: tuple[str, ...] | None) -> list[str]:
    """A record as one JSON text, as lists show it."""
    return [f"{resource.json(fields)}::text"]


def cell_items(resource: Resource, cells: Iterable[tuple[str, Kind]]) -> list[str]:
    """Each cell of a row as text, by the name that `fields=` knows it by."""
    return [_cell(resource, name, kind) for name, kind in cells]


def _cell(resource: Resource, name: str, kind: Kind) -> str:
    if name in resource.document:
        return f"({resource.document[name]})::text"
    if kind.family in {Family.SET, Family.DOCUMENT}:
        return f"({resource.parts['data'][name]})::text"
    return text_of(name.removeprefix("data__"))


class Batches:
    """The rows of a list as one moment has them. Whoever opens it closes it, whatever happens."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection: PooledConnection | None = connection
        self._size = FIRST_BATCH
        self._begun = False

    def __iter__(self) -> Iterator[list[Row]]:
        """Ends the transaction with the last row.

        Raises StatementTimeout when the first rows take too long, Unavailable when the database goes away or has waited
        too long, and ClientGone when the client has left.
        """
        while rows := self._fetch():
            yield rows
        self.close()

    def weigh(self, rows: int, size: int) -> None:
        """Told how many bytes some rows were, it takes more or fewer of them the next time."""
        self._size = max(1, min(MOST_ROWS, BATCH_BYTES * rows // max(size, 1)))

    def close(self) -> None:
        """Once: a connection that was given back may be another's by now."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _fetch(self) -> list[Row]:
        if self._connection is None:
            raise Unavailable
        check_client()
        try:
            if self._begun and self._connection.patience_ms is None:
                self._be_patient(self._connection)
            rows = message.execute(self._connection, f"FETCH {self._size:d} FROM exported")
        except psycopg2.errors.QueryCanceled as error:
            raise (Unavailable() if self._begun else message.refused(error)) from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            raise Unavailable from None
        self._begun = True
        return rows

    def _be_patient(self, connection: PooledConnection) -> None:
        """The answer has begun: what follows may take its time."""
        message.execute(connection, f"SET LOCAL statement_timeout = {PATIENCE_MS}")
        connection.patience_ms = PATIENCE_MS


def open_batches(actor: Actor, resource: Resource, items: list[str], *, where: Sql, keys: tuple[Key, ...]) -> Batches:
    """Raises StaleActor, StatementTimeout, Unavailable."""
    alias = resource.alias
    sql = (
        f"SELECT {', '.join(items)} FROM {resource.table} {alias} "
        f"WHERE {alias}.tenant_id = '{actor.tenant_id}' AND {resource.base} AND {where.text} ORDER BY {order_sql(keys)}"
    )
    for attempt in (1, 2):
        connection = message.pool().take_long(message.owner_of(actor))
        try:
            _declare(connection, actor, Sql(sql, where.values))
        except psycopg2.errors.QueryCanceled as error:
            connection.close()
            raise message.refused(error) from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            died = bool(connection.closed)
            connection.close()
            if died:
                message.pool().drop_idle()
            if not died or attempt == 2:
                raise Unavailable from None
        except BaseException:
            connection.close()
            raise
        else:
            return Batches(connection)
    raise Unavailable


def _declare(connection: PooledConnection, actor: Actor, query: Sql) -> None:
    # One snapshot for all: the rows are those of the moment at which the caller was let in.
    message.execute(
        connection,
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}",
    )
    message.enter(connection, actor)
    message.execute(connection, f"DECLARE exported NO SCROLL CURSOR FOR {query.text}", query.values)
