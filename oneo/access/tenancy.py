"""The session guard: every ORM statement is narrowed to the unit's tenant, and refused where there is none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, scoped_session, with_loader_criteria

from oneo.models.base import InTenant


def guard(sessions: scoped_session[Any]) -> None:
    """Installs the guard on a session registry; call it once per registry."""
    event.listen(sessions, "do_orm_execute", _narrow)
    event.listen(sessions, "before_flush", _claim)


def _tenant_of(session: Session) -> UUID:
    tenant_id = session.info.get("tenant_id")
    if not isinstance(tenant_id, UUID):
        raise RuntimeError("tenant data was asked for outside a unit")  # noqa: TRY004 - a state, not a type
    return tenant_id


def _narrow(state: ORMExecuteState) -> None:
    tenant_id = _tenant_of(state.session)
    if not state.is_orm_statement or state.is_insert or state.is_from_statement:
        raise RuntimeError("SQL that is not the ORM's belongs in the store, and rows are added to the session")
    state.statement = state.statement.options(
        with_loader_criteria(InTenant, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)
    )


def _claim(session: Session, _context: UOWTransaction, _instances: object) -> None:
    tenant_id = _tenant_of(session)
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, InTenant):
            claimed: UUID | None = row.tenant_id
            if claimed is None:
                row.tenant_id = tenant_id
            elif claimed != tenant_id:
                raise RuntimeError("a row of another tenant was brought into this unit")
