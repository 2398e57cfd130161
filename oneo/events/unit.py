"""The unit of work: one transaction, its events with it, and who is told after the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

import psycopg2.errors
import psycopg2.extensions
from flask import current_app
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.exc import StaleDataError

from oneo.actor import Actor
from oneo.errors import (
    Conflict,
    DomainError,
    DomainTaken,
    EmailTaken,
    RecordTooLarge,
    SlugTaken,
    Unavailable,
    UserTypeInUse,
    VersionMismatch,
)
from oneo.events import log
from oneo.extensions import db
from oneo.models import Constraint, Pipeline, TenantOwned, TenantProfile
from oneo.store import message
from oneo.store.history import changed_since
from oneo.store.pool import borrowing_for

CONSTRAINTS: Mapping[str, type[DomainError]] = {
    "uq_users_tenant_id_email": EmailTaken,
    "uq_roles_tenant_id_slug": SlugTaken,
    "uq_pipelines_tenant_id_slug": SlugTaken,
    "uq_templates_tenant_id_slug": SlugTaken,
    "uq_tenants_slug": SlugTaken,
    "pk_tenant_domains": DomainTaken,
    "fk_user_roles_roles": UserTypeInUse,
}

Row = TypeVar("Row", bound=TenantOwned)
_BOOKKEEPING = frozenset({"version", "updated_at"})
_log = logging.getLogger("oneo.events")
_open: ContextVar[Unit | None] = ContextVar("oneo_unit", default=None)


class Unit:
    """An open transaction of one actor. Operations called inside another's unit join it.

    Nothing is flushed unless asked for, so that one change raises a row's version by one. `access_revision` and
    `schema_revision` are those of the actor and what the unit itself has added to them: if others changed rights or
    schema meanwhile, the tenant's revisions are higher.
    """

    def __init__(self, actor: Actor, session: Session, connection: psycopg2.extensions.connection) -> None:
        self.actor = actor
        self.session = session
        self.connection = connection
        self.reached: int | None = None
        self.access_revision = actor.access_revision
        self.schema_revision = actor.schema_revision
        self._entries: list[log.Entry] = []
        self._former: dict[TenantOwned, dict[str, Any]] = {}

    def lock(self, model: type[Row], row_id: UUID, *, versions: frozenset[int] | None = None) -> Row | None:
        """The row, locked until the end of the unit, and remembered as it was.

        Raises VersionMismatch when the caller named the versions he is willing to change, and it is none of them.
        """
        row = self.session.get(model, (self.actor.tenant_id, row_id), with_for_update=True)
        if row is None:
            return None
        self.require_version(row, versions)
        self._former.setdefault(row, public(row))
        return row

    def require_version(self, row: TenantOwned, versions: frozenset[int] | None) -> None:
        """Raise VersionMismatch unless the row has one of these versions; None allows every version."""
        version = getattr(row, "version", None)
        if versions is not None and version not in versions:
            differing = changed_since(self.actor, row.id, max(versions, default=0))
            raise VersionMismatch(
                extra={"version": version, "differing_fields": [name for name in differing if name in public(row)]}
            )

    def differences(self, row: TenantOwned) -> dict[str, Any]:
        """Former values of what has changed in a locked row."""
        return {
            name: value
            for name, value in self._former[row].items()
            if name not in _BOOKKEEPING and value != getattr(row, name)
        }

    def created(self, row: TenantOwned, event_type: str, **also: Any) -> None:
        self.session.add(row)
        self.session.flush()
        self.append(
            event_type, row.id, data={**public(row), **also}, version=getattr(row, "version", None),
            pipeline_id=_place(row),
        )  # fmt: skip

    def changed(
        self, row: TenantOwned, event_type: str, *, reason: str | None = None,
        old: Mapping[str, Any] | None = None, also: Mapping[str, Any] | None = None,
    ) -> bool:  # fmt: skip
        """Flushes a locked row and appends an event with its former values; False when nothing changed.

        `old` and `also` are former and present values of what belongs to the row but is kept elsewhere.
        """
        former = {**self.differences(row), **(old or {})}
        if not former:
            return False
        self.session.flush()
        self.append(
            event_type, row.id, data={**public(row), **(also or {})}, old=former,
            version=getattr(row, "version", None), reason=reason, pipeline_id=_place(row),
        )  # fmt: skip
        return True

    def append(self, event_type: str, subject_id: UUID, **details: Any) -> None:
        self._entries.append(log.Entry(event_type, subject_id, **details))

    def renew_access(self) -> None:
        """What somebody may do has changed: every loaded actor of the tenant is out of date from the commit on.

        Locks the tenant's profile, so that changes of rights happen one after the other.
        """
        self._advance(TenantProfile.access_revision)
        self.access_revision += 1

    def renew_schema(self) -> None:
        """The shape of the data has changed: whatever was made of it is out of date from the commit on."""
        self._advance(TenantProfile.schema_revision)
        self.schema_revision += 1

    def _advance(self, revision: InstrumentedAttribute[int]) -> None:
        unchanged = {TenantProfile.updated_at: TenantProfile.updated_at}
        advanced = update(TenantProfile).values({revision: revision + 1, **unchanged})
        self.session.execute(advanced, execution_options={"synchronize_session": False})

    def finish(self) -> int | None:
        self.session.flush()
        return log.append(self.connection, self.actor, self._entries) if self._entries else self.reached


@contextmanager
def unit(actor: Actor) -> Iterator[Unit]:
    """Commits at the end, or rolls back and raises. Its first message passes the gate, else StaleActor."""
    current = _open.get()
    if current is not None:
        if current.actor.tenant_id != actor.tenant_id:
            raise RuntimeError("a unit works for one tenant")
        yield current
        return
    with translated():
        try:
            work = _begin(actor)
            token = _open.set(work)
            try:
                with message.joined(work.connection):
                    yield work
                    last = work.finish()
                    work.session.commit()
            finally:
                _open.reset(token)
        finally:
            _leave()
    if last is not None:
        _tell(actor.tenant_id, last)


def announce(actor: Actor, seq: int | None) -> None:
    """A statement that wrote its own events has committed, or will with the unit that it was part of."""
    current = _open.get()
    if current is not None:
        current.reached = seq if current.reached is None else max(current.reached, seq or 0)
    elif seq is not None:
        _tell(actor.tenant_id, seq)


@contextmanager
def attempt() -> Iterator[None]:
    """What fails here can be tried again: a unit that it is part of goes on from where this began."""
    current = _open.get()
    if current is None:
        yield
        return
    message.execute(current.connection, "SAVEPOINT attempt")
    try:
        yield
    except DomainError:
        message.execute(current.connection, "ROLLBACK TO SAVEPOINT attempt")
        raise
    message.execute(current.connection, "RELEASE SAVEPOINT attempt")


def listeners() -> list[Callable[[UUID, int], None]]:
    """Told (tenant, number) after a commit: a hint to look at the log, never the news itself."""
    found: list[Callable[[UUID, int], None]] = current_app.extensions.setdefault("oneo.after_commit", [])
    return found


def _tell(tenant_id: UUID, seq: int) -> None:
    """The change is committed: whatever goes wrong with a listener must not make it look otherwise."""
    for listener in listeners():
        try:
            listener(tenant_id, seq)
        except Exception:  # noqa: BLE001 - whatever it is, the commit stands
            _log.exception("a listener failed after a commit")


def public(row: TenantOwned) -> dict[str, Any]:
    """The row as events may show it."""
    return {name: getattr(row, name) for name in row.__public__}


def _place(row: TenantOwned) -> UUID | None:
    """The pipeline or relationship type that a row is, or is part of."""
    if isinstance(row, Pipeline):
        return row.id
    return row.type_id if isinstance(row, Constraint) else getattr(row, "pipeline_id", None)


def _begin(actor: Actor) -> Unit:
    """Tried twice: a connection that died while it waited in the pool costs nobody an error."""
    for attempt in (1, 2):
        session = db.session()
        session.info["tenant_id"] = actor.tenant_id
        with borrowing_for(message.owner_of(actor)):
            connection: Any = session.connection().connection.driver_connection
        try:
            message.enter(connection, actor)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            _leave()
            if attempt == 2 or not connection.closed:
                raise
            message.pool().drop_idle()
        else:
            return Unit(actor, session, connection)
    raise Unavailable


def _leave() -> None:
    """Gives the connection back; one that is dead cannot even roll back, and is thrown away."""
    try:
        db.session.remove()
    except DBAPIError:
        db.session().invalidate()
        db.session.remove()


@contextmanager
def translated() -> Iterator[None]:
    """What the database refuses, as an error of the domain."""
    try:
        yield
    except StaleDataError:
        raise VersionMismatch from None
    except IntegrityError as error:
        raise _constraint_error(error) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg2.errors.QueryCanceled):
            raise message.refused(error.orig) from error
        if error.connection_invalidated or isinstance(error.orig, psycopg2.OperationalError):
            raise _unavailable(error.orig) from error
        raise
    except psycopg2.errors.ProgramLimitExceeded:
        raise RecordTooLarge from None
    except psycopg2.IntegrityError as error:
        raise CONSTRAINTS.get(error.diag.constraint_name or "", Conflict) from error
    except psycopg2.errors.QueryCanceled as error:
        raise message.refused(error) from error
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise _unavailable(error) from error


def _unavailable(cause: BaseException | None) -> Unavailable:
    """Whoever runs the server is told why."""
    _log.warning("the database does not answer: %s: %s", type(cause).__name__, str(cause).partition("\n")[0])
    return Unavailable()


def _constraint_error(error: IntegrityError) -> DomainError:
    diagnosis = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    return CONSTRAINTS.get(name, Conflict)()
