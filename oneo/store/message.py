"""One message to the database: the tenant setting, the caller's gate and a statement, in one round trip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from flask import current_app

from oneo.actor import Actor
from oneo.errors import DomainError, StaleActor, StatementTimeout, Unavailable
from oneo.store.gate import gate_sql
from oneo.store.kept import Parameters
from oneo.store.locks import Lock, LockKind
from oneo.store.pool import Pool, PooledConnection
from oneo.store.shares import Owner

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read found, and the tenant's event number at that very moment."""

    seq: int
    rows: list[Row]


BY_INDEX = "set_config('enable_seqscan', 'off', true), set_config('enable_nestloop', 'off', true)"
"""For a statement that says itself, by LATERAL parts, what is looked up row by row; all else is joined by hashing. What
PostgreSQL expects of a walk's next level is a guess, and a wrong one would cost it a thousand times the right plan.
"""
_BY_HASH = (
    "set_config('enable_nestloop', CASE WHEN oneo_statistics_are_behind() THEN 'off' "
    "ELSE current_setting('enable_nestloop') END, true)"
)
"""For a statement that goes through relationships: while PostgreSQL cannot know how many there are, it joins by
hashing, which reads each table once, whatever it expects of them.
"""
_RELATIONSHIPS = "my_relationships"
_joined: ContextVar[psycopg2.extensions.connection | None] = ContextVar("oneo_joined_connection", default=None)


def pool() -> Pool:
    found: Pool = current_app.extensions["oneo.pool"]
    return found


def owner_of(actor: Actor) -> Owner | None:
    """Whose share of the connections the actor's work uses; None for the server's own work."""
    return None if actor.is_system else Owner(actor.tenant_id, actor.user_id)


def tenant_setting(tenant_id: UUID) -> str:
    """Lasts for the message or transaction it stands in, so a pooled connection never carries a tenant over."""
    return f"SELECT set_config('oneo.tenant', '{tenant_id}', true)"


def read(
    actor: Actor, sql: str, parameters: Parameters = (), *, keep: bool = False, by_index: bool = False
) -> Answer:  # fmt: skip
    """Runs one SELECT whose first column is never null, for a caller who is still what `actor` says.

    `keep`: the same text will come again, and no other plan would be better for other values. `by_index`: see BY_INDEX.
    Raises StaleActor when he is not. Inside a unit the statement joins its transaction, which has passed the gate.
    """
    joined = _joined.get()
    if joined is not None:
        clock = f"SELECT gate.seq, body.* FROM (SELECT 0 AS seq) gate LEFT JOIN LATERAL ({sql}) AS body ON true"
        rows = _execute(joined, _planned(clock), parameters)
    else:
        gate, parameters = _gated(actor, parameters)
        setting = _settings(actor, sql)
        rows = _send(
            f"{setting}, {BY_INDEX}" if by_index else setting,
            f"WITH gate AS MATERIALIZED ({gate}) "
            f"SELECT gate.seq, body.* FROM gate LEFT JOIN LATERAL ({sql}) AS body ON true WHERE gate.seq IS NOT NULL",
            parameters,
            keep=keep,
            asked_by=actor,
        )
    if not rows:
        raise StaleActor
    return Answer(rows[0][0], [row[1:] for row in rows if row[1] is not None])


MOST_COLUMNS = 1_000
"""Of a target list, which PostgreSQL ends at 1,664."""


def write(actor: Actor, sql: str, parameters: Mapping[str, object], *, locks: Sequence[Lock]) -> list[Row]:
    """Runs one writing statement, which follows the CTE `gate` and returns `gate.seq` first, in its own transaction or
    in the unit's. Raises StaleActor.

    Locks are taken in their order, and the statement begins when it has them: it sees what others did under them.
    """
    taken = _taken(locks)
    joined = _joined.get()
    if joined is not None:
        clock = f"SELECT coalesce((SELECT seq FROM tenant_clocks WHERE tenant_id = '{actor.tenant_id}'), 0) AS seq"
        return _execute(joined, f"SELECT {taken}; {_planned(f'WITH gate AS MATERIALIZED ({clock}) {sql}')}", parameters)
    gate, values = _gated(actor, parameters)
    setting = ", ".join([_settings(actor, sql), *([taken] if taken else [])])
    connection = pool().take(owner_of(actor))
    try:
        rows = _execute_kept(connection, setting, f"WITH gate AS MATERIALIZED ({gate}) {sql}", values)
    finally:
        connection.close()
    if rows[0][0] is None:
        raise StaleActor
    return rows


def is_joined() -> bool:
    """Whether what is sent now is part of a unit's transaction."""
    return _joined.get() is not None


def stand_alone(
    connection: psycopg2.extensions.connection, tenant_id: UUID, *shapes: UUID, all_types: bool = False
) -> None:  # fmt: skip
    """Lock pipelines and relationship types, so that nobody writes records or relationships of them until the
    transaction ends. `all_types` also excludes writers that are about too many types to name each. That lock comes
    first, so that no two writers wait for each other in a circle.
    """
    locks = sorted(Lock.of(tenant_id, LockKind.SHAPE, shape, alone=True) for shape in shapes)
    if all_types:
        locks.insert(0, Lock.of(tenant_id, LockKind.TYPES, alone=True))
    _execute(connection, f"SELECT {_taken(locks)}", ())


def _taken(locks: Sequence[Lock]) -> str:
    """What follows a SELECT, and further ones where a target list cannot hold them all."""
    calls = [lock.sql for lock in locks]
    return "; SELECT ".join(", ".join(calls[at : at + MOST_COLUMNS]) for at in range(0, len(calls), MOST_COLUMNS))


def take_in_unit(actor: Actor, locks: Sequence[Lock]) -> None:
    """In a unit that has changed no shape itself: who held them before may have, and the gate was passed before that.

    Raises StaleActor. Without a unit it does nothing: the statement itself passes the gate when it has its locks.
    """
    connection = _joined.get()
    if connection is not None and locks:
        gate = gate_sql(actor)
        _passed(_execute(connection, f"SELECT {_taken(locks)}; {gate.text}", gate.values))


def confirm(actor: Actor) -> int:
    """The tenant's event number, if the caller is still what `actor` says; else StaleActor."""
    gate = gate_sql(actor)
    return _passed(_send(tenant_setting(actor.tenant_id), gate.text, gate.values, keep=True))


def enter(connection: psycopg2.extensions.connection, actor: Actor) -> int:
    """The first message of a transaction: the tenant setting and the gate. Raises StaleActor."""
    gate = gate_sql(actor)
    return _passed(_execute(connection, f"{tenant_setting(actor.tenant_id)}; {gate.text}", gate.values))


def look_up(tenant_id: UUID, sql: str, parameters: Parameters = (), *, timeout_ms: int | None = None) -> list[Row]:
    """A read before there is an actor (login, loading an actor, the event hub): fenced, not gated.

    With a timeout of its own, a statement that takes longer raises StatementTimeout.
    """
    setting = tenant_setting(tenant_id)
    if timeout_ms is not None:
        setting += f", set_config('statement_timeout', '{timeout_ms:d}', true)"
    return _send(setting, sql, parameters, has_own_timeout=timeout_ms is not None)


def note(tenant_id: UUID, sql: str, parameters: Parameters = ()) -> list[Row]:
    """A write that is no change of the tenant's data: no event tells of it, and twice is as good as once."""
    return _send(tenant_setting(tenant_id), sql, parameters)


def look_up_directory(sql: str, parameters: Parameters = ()) -> list[Row]:
    """A read of the directory tables, the only ones that no tenant setting is needed for.

    Inside a unit it joins the transaction: whoever holds a connection must not wait for a second one.
    """
    joined = _joined.get()
    return _send("", sql, parameters) if joined is None else _execute(joined, sql, parameters)


def execute(connection: psycopg2.extensions.connection, sql: str, parameters: Parameters = ()) -> list[Row]:
    """A statement inside somebody's transaction."""
    return _execute(connection, _planned(sql), parameters)


@contextmanager
def joined(connection: psycopg2.extensions.connection) -> Iterator[None]:
    """While this lasts, reads of this thread of work happen on that connection."""
    token = _joined.set(connection)
    try:
        yield
    finally:
        _joined.reset(token)


def _settings(actor: Actor, sql: str) -> str:
    setting = tenant_setting(actor.tenant_id)
    return f"{setting}, {_BY_HASH}" if _RELATIONSHIPS in sql else setting


def _planned(sql: str) -> str:
    """A statement inside a transaction that has its tenant already."""
    return f"SELECT {_BY_HASH}; {sql}" if _RELATIONSHIPS in sql else sql


def _passed(rows: list[Row]) -> int:
    seq: int | None = rows[0][0]
    if seq is None:
        raise StaleActor
    return seq


def _gated(actor: Actor, parameters: Parameters) -> tuple[str, Parameters]:
    """The gate's SQL, which comes first, and its values with the others."""
    gate = gate_sql(actor)
    if not isinstance(parameters, Mapping):
        return gate.text, [*gate.values, *parameters]
    text, names = gate.named("gate")
    return text, {**names, **parameters}


def _send(
    setting: str, sql: str, parameters: Parameters, *, keep: bool = False, asked_by: Actor | None = None,
    has_own_timeout: bool = False,
) -> list[Row]:  # fmt: skip
    """What is sent may be sent twice: a connection that died while it waited in the pool costs nobody an error.

    `asked_by`: this caller's question decides how long it takes, so it counts for the caller's share and ends when
    the client leaves. The server's own short work, the gate included, has no share and is never refused for what a
    caller does. Raises StatementTimeout for a caller's question, or with a timeout of its own; else Unavailable.
    """
    owner = owner_of(asked_by) if asked_by is not None else None
    for attempt in (1, 2):
        connection = pool().take(owner)
        connection.ends_with_client = asked_by is not None
        try:
            if keep:
                return _execute_kept(connection, setting, sql, parameters)
            return _execute(connection, f"{setting}; {sql}" if setting else sql, parameters)
        except psycopg2.errors.QueryCanceled as error:
            raise (refused(error) if asked_by is not None or has_own_timeout else Unavailable()) from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            died = bool(connection.closed)
            if died:
                pool().drop_idle()
            if not died or attempt == 2:
                raise Unavailable from None
        finally:
            connection.close()
    raise Unavailable


def refused(error: psycopg2.errors.QueryCanceled) -> DomainError:
    """A statement that was ended: for its time, unless somebody at the database did it by hand."""
    return Unavailable() if "user request" in str(error) else StatementTimeout()


def _execute_kept(connection: PooledConnection, setting: str, sql: str, parameters: Parameters) -> list[Row]:
    """In one message, with a plan that the connection has kept; it never gets as far as doing anything when it turns
    out that the plan cannot be used any more.
    """
    kept = connection.kept.find(connection, sql)
    if kept is not None:
        call, values = kept.call(parameters)
        try:
            return _execute(connection, f"{setting}; {call}", values)
        except (psycopg2.errors.FeatureNotSupported, psycopg2.errors.InvalidSqlStatementName):
            connection.kept.forget(sql)
    return _execute(connection, f"{setting}; {sql}", parameters)


def _execute(connection: psycopg2.extensions.connection, text: str, parameters: Parameters) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(text, parameters or None)
        return cursor.fetchall() if cursor.description else []
