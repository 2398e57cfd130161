"""The process's database connections: one bounded pool, for messages and for the ORM alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from oneo.errors import TooManyRunning, Unavailable
from oneo.store.kept import KeptStatements
from oneo.store.shares import Owner, Shares

WAIT_SECONDS = 5.0
LONG_SHARE = 4
"""Of so many connections one may be taken for long."""
RESERVED_SHARE = 5
"""Of so many connections one is kept for the server's own short work: logins, loading an actor, probes."""
CLIENT_CHECK_MS = 1_000
"""How often PostgreSQL looks whether the process that sent a running statement still holds the connection."""
SERVER_ROLE = "oneo_app"
_borrower: ContextVar[Owner | None] = ContextVar("oneo_borrower", default=None)

psycopg2.extras.register_uuid()


class PooledConnection(psycopg2.extensions.connection):
    """A connection whose `close` gives it back; the ORM's engine borrows it by `Pool.borrow`."""

    pool: Pool | None = None
    owner: Owner | None = None
    is_long = False
    ends_with_client = False
    """Whether its statement only reads, so that it may be broken off when the client of the request has left."""
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


@contextmanager
def borrowing_for(owner: Owner | None) -> Iterator[None]:
    """While this lasts, connections that the ORM borrows count as the owner's."""
    token = _borrower.set(owner)
    try:
        yield
    finally:
        _borrower.reset(token)


class Pool:
    """Last in, first out; never more than `size` connections; waiting for one is bounded.

    One user holds at most `per_user` of them at once and one tenant at most `per_tenant`; 0 means a quarter (but two at
    least) and a half of those that callers may hold.
    """

    def __init__(
        self, dsn: str, *, size: int, role: str | None, statement_timeout_ms: int, keep_statements: bool = True,
        per_user: int = 0, per_tenant: int = 0,
    ) -> None:  # fmt: skip
        options = [
            "-c TimeZone=UTC",
            "-c jit=off",
            f"-c statement_timeout={statement_timeout_ms}",
            # Whoever waits for somebody else is told so, before he is told that he asks too much.
            f"-c lock_timeout={statement_timeout_ms * 2 // 3}",
            # A connection that is closed here, or lost with a killed process, ends its statement too.
            f"-c client_connection_check_interval={CLIENT_CHECK_MS}",
        ]
        if role:
            options.append(f"-c role={role}")
        self._dsn = dsn
        self._options = " ".join(options)
        self._keep_statements = keep_statements
        self._idle: deque[PooledConnection] = deque()
        reserve, long = size // RESERVED_SHARE, max(1, size // LONG_SHARE)
        self._shares = Shares(
            size, per_user=per_user or max(2, size // 4), per_tenant=per_tenant or max(2, size // 2), reserve=reserve
        )
        self._long_shares = Shares(long, per_user=max(1, long // 2), per_tenant=max(1, long // 2))

    def take(self, owner: Owner | None = None, *, autocommit: bool = True) -> PooledConnection:
        """A connection for work of this caller, or of the server itself.

        Raises Unavailable when none is free in time or the database cannot be reached, and TooManyRunning when other
        work of the same user or tenant takes up what one of them may hold.
        """
        self._shares.enter(owner, wait_seconds=WAIT_SECONDS)
        try:
            connection = self._idle_one() or self._connect()
            connection.autocommit = autocommit
            connection.pool, connection.owner = self, owner
        except psycopg2.Error:
            self._shares.leave(owner)
            raise Unavailable from None
        except BaseException:
            self._shares.leave(owner)
            raise
        return connection

    def borrow(self) -> PooledConnection:
        """A connection for the ORM, which begins and ends transactions itself, and for whom `borrowing_for` names."""
        return self.take(_borrower.get(), autocommit=False)

    def take_long(self, owner: Owner | None = None) -> PooledConnection:
        """A transaction's connection for an export: never so many that short work must wait for them.

        Raises Unavailable, TooManyRunning.
        """
        try:
            self._long_shares.enter(owner, wait_seconds=WAIT_SECONDS)
        except Unavailable:
            raise Unavailable("As many exports are running as can run at once; try again.") from None
        except TooManyRunning:
            raise TooManyRunning("Too many exports of this tenant are running; try again when one has ended.") from None
        try:
            connection = self.take(owner, autocommit=False)
        except BaseException:
            self._long_shares.leave(owner)
            raise
        connection.is_long = connection.ends_with_client = True
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
        owner, was_long = connection.owner, connection.is_long
        connection.owner, connection.patience_ms = None, None
        connection.is_long = connection.ends_with_client = False
        if not connection.closed:
            self._idle.append(connection)
        self._shares.leave(owner)
        if was_long:
            self._long_shares.leave(owner)

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
