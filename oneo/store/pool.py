"""The process's database connections: one bounded pool, for messages and for the ORM alike."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from oneo.errors import Unavailable
from oneo.store.kept import KeptStatements

WAIT_SECONDS = 5.0
LONG_SHARE = 4
"""Of so many connections one may be taken for long."""
SERVER_ROLE = "oneo_app"

psycopg2.extras.register_uuid()


class PooledConnection(psycopg2.extensions.connection):
    """A connection whose `close` gives it back; the ORM's engine borrows it by `Pool.borrow`."""

    pool: Pool | None = None
    patience_ms: int | None = None
    """How long its statements may take, where that is not what holds for all."""
    kept = KeptStatements(off=True)

    def close(self) -> None:
        if self.pool is None:
            super().close()
        else:
            self.pool.give_back(self)

    def disconnect(self) -> None:
        super().close()


class Pool:
    """Last in, first out; never more than `size` connections; waiting for one is bounded."""

    def __init__(
        self, dsn: str, *, size: int, role: str | None, statement_timeout_ms: int, keep_statements: bool = True
    ) -> None:
        options = [
            "-c TimeZone=UTC",
            "-c jit=off",
            f"-c statement_timeout={statement_timeout_ms}",
            # Whoever waits for somebody else is told so, before he is told that he asks too much.
            f"-c lock_timeout={statement_timeout_ms * 2 // 3}",
        ]
        if role:
            options.append(f"-c role={role}")
        self._dsn = dsn
        self._options = " ".join(options)
        self._keep_statements = keep_statements
        self._idle: deque[PooledConnection] = deque()
        self._slots = threading.BoundedSemaphore(size)
        self._long_slots = threading.BoundedSemaphore(max(1, size // LONG_SHARE))

    def take(self, *, autocommit: bool = True) -> PooledConnection:
        """Raises Unavailable when none is free in time or the database cannot be reached."""
        if not self._slots.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("All database connections are in use; try again.")
        try:
            connection = self._idle_one() or self._connect()
            connection.autocommit = autocommit
            connection.pool = self
        except psycopg2.Error:
            self._slots.release()
            raise Unavailable from None
        except BaseException:
            self._slots.release()
            raise
        return connection

    def borrow(self) -> PooledConnection:
        """A connection for the ORM, which begins and ends transactions itself."""
        return self.take(autocommit=False)

    def take_long(self, patience_ms: int) -> PooledConnection:
        """A transaction's connection for what takes its time: never so many that short work must wait for them.

        Raises Unavailable.
        """
        if not self._long_slots.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("As much is being exported as can be at once; try again.")
        try:
            connection = self.take(autocommit=False)
        except BaseException:
            self._long_slots.release()
            raise
        connection.patience_ms = patience_ms
        return connection

    def give_back(self, connection: PooledConnection) -> None:
        if connection.pool is None:
            return
        connection.pool = None
        try:
            if (
                not connection.closed
                and connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE
            ):
                connection.rollback()
        except psycopg2.Error:
            connection.disconnect()
        was_long, connection.patience_ms = connection.patience_ms is not None, None
        if not connection.closed:
            self._idle.append(connection)
        self._slots.release()
        if was_long:
            self._long_slots.release()

    def drop_idle(self) -> None:
        """After the database went away: the connections that waited are dead too."""
        while (connection := self._idle_one()) is not None:
            connection.disconnect()

    def _idle_one(self) -> PooledConnection | None:
        """Asked by many threads at once, so there is no looking before the leap."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.closed:
                return connection

    def _connect(self) -> PooledConnection:
        connection: Any = psycopg2.connect(
            self._dsn, options=self._options, connection_factory=PooledConnection, connect_timeout=5
        )
        connection.autocommit = True
        connection.kept = KeptStatements(off=not self._keep_statements)
        return connection  # type: ignore[no-any-return]
