"""The session guard alone, at work as the owner whom row security does not bind (threats 1, 7; house, tenancy 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.orm import Session, aliased

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.extensions import db
from oneo.ids import new_id
from oneo.models import Role, Tenant, User, UserRole
from oneo.store import message
from tests.factories.tenant import TenantFactory, TestTenant


@pytest.fixture(scope="module")
def ours(owner_app: Flask, app: Flask) -> TestTenant:
    return TenantFactory(owner_app, app).create()


@pytest.fixture(scope="module")
def theirs(owner_app: Flask, app: Flask) -> TestTenant:
    return TenantFactory(owner_app, app).create()


@pytest.fixture
def session(owner_app: Flask, ours: TestTenant, theirs: TestTenant) -> Iterator[Session]:
    """Of a unit of ours; what it does is rolled back."""
    with owner_app.app_context(), unit(system_actor(ours.id)) as work:
        everybody = message.execute(work.connection, "SELECT DISTINCT tenant_id FROM users")
        assert (theirs.id,) in everybody, "without the guard, the owner sees all tenants"
        yield work.session
        work.session.rollback()


Other = aliased(User)
Named = aliased(User, select(User).where(User.email.is_not(None)).subquery())
_cte = select(User.tenant_id.label("tenant_id")).cte()
_subquery = select(User.tenant_id.label("tenant_id")).subquery()

QUERIES: dict[str, Any] = {
    "entity": select(User),
    "column": select(User.tenant_id),
    "alias": select(Other),
    "alias of a subquery": select(Named),
    "subquery": select(_subquery.c.tenant_id),
    "common table expression": select(_cte.c.tenant_id),
    "join": select(User).join(UserRole, UserRole.user_id == User.id),
    "join to all": select(Role).join(User, literal(value=True)),
    "joined alone": select(Other.tenant_id).select_from(User).join(Other, literal(value=True)),
    "outer join": select(User).outerjoin(Other, Other.email == User.email),
    "condition in a subquery": select(User).where(User.id.in_(select(UserRole.user_id))),
    "union": union_all(select(User.tenant_id), select(Role.tenant_id)),
    "ordered and limited": select(User).order_by(User.tenant_id.desc()).limit(1000),
    "distinct": select(User.tenant_id).distinct(),
    "locked": select(User).with_for_update(),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_finds_one_tenant_only(session: Session, ours: TestTenant, query: Any) -> None:
    found = session.scalars(query).all()
    assert {row if isinstance(row, UUID) else row.tenant_id for row in found} == {ours.id}


FOREIGN: dict[str, Callable[[UUID], Any]] = {
    "by its id": lambda user_id: select(User).where(User.id == user_id),
    "by an alias": lambda user_id: select(Other).where(Other.id == user_id),
    "in a condition": lambda user_id: select(User).where(exists().where(Other.id == user_id)),
    "as a scalar": lambda user_id: select(User).where(
        select(Other.email).where(Other.id == user_id).scalar_subquery().is_not(None)
    ),
    "in a table expression": lambda user_id: select(User).where(
        User.is_active.in_(select(select(Other).where(Other.id == user_id).cte().c.is_active))
    ),
    "beside a row of ours": lambda user_id: select(User).join(Other, Other.id == user_id),
}


@pytest.mark.parametrize("query", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_row_of_another_tenant_is_not_found(
    session: Session, ours: TestTenant, theirs: TestTenant, query: Callable[[UUID], Any]
) -> None:
    assert session.execute(query(ours.admin.id)).all() != []
    assert session.execute(query(theirs.admin.id)).all() == []


def test_naming_another_tenant_does_not_help(session: Session, theirs: TestTenant) -> None:
    assert session.scalars(select(User).where(User.tenant_id == theirs.id)).all() == []
    either = session.scalars(select(User.tenant_id).where((User.tenant_id == theirs.id) | literal(value=True)))
    assert theirs.id not in set(either)


def test_counts_count_one_tenant_only(session: Session) -> None:
    everybody = session.scalar(select(func.count()).select_from(User))
    assert everybody == len(session.scalars(select(User)).all())
    assert session.scalar(select(func.count(User.id))) == everybody
    assert session.query(User).count() == everybody


def test_get_finds_no_row_of_another_tenant(session: Session, ours: TestTenant, theirs: TestTenant) -> None:
    assert session.get(User, (ours.id, ours.admin.id)) is not None
    assert session.get(User, (theirs.id, theirs.admin.id)) is None
    assert session.get(User, (theirs.id, theirs.admin.id), with_for_update=True) is None
    assert session.get(User, (ours.id, theirs.admin.id)) is None


def test_update_and_delete_reach_no_row_of_another_tenant(session: Session, theirs: TestTenant) -> None:
    own = session.scalar(select(func.count()).select_from(User))
    plain = {"synchronize_session": False}
    changed = session.execute(update(User).values(name="changed"), execution_options=plain)
    assert changed.rowcount == own  # type: ignore[attr-defined]
    foreign = session.execute(update(User).where(User.id == theirs.admin.id).values(name="x"), execution_options=plain)
    assert foreign.rowcount == 0  # type: ignore[attr-defined]
    removed = session.execute(delete(UserRole).where(UserRole.tenant_id == theirs.id), execution_options=plain)
    assert removed.rowcount == 0  # type: ignore[attr-defined]


def test_one_statement_serves_tenants_in_turn(owner_app: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    """Statements are cached by their shape: the tenant must be a value of each run, not a part of the shape."""
    query = select(User.email).where(User.is_active)
    for tenant in (ours, theirs, ours, theirs):
        with owner_app.app_context(), unit(system_actor(tenant.id)) as work:
            found = set(work.session.scalars(query))
            assert tenant.admin.email in found
            assert not found & {ours.admin.email, theirs.admin.email} - {tenant.admin.email}


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_tenant_data_is_not_to_be_had_outside_a_unit(owner_app: Flask) -> None:
    with owner_app.app_context(), pytest.raises(RuntimeError, match="outside a unit"):
        db.session.scalars(select(User)).all()


def test_a_unit_leaves_no_tenant_in_the_session(owner_app: Flask, ours: TestTenant) -> None:
    with owner_app.app_context():
        with unit(system_actor(ours.id)) as work:
            work.session.scalars(select(User)).all()
        with pytest.raises(RuntimeError, match="outside a unit"):
            db.session.scalars(select(User)).all()


def test_units_of_two_tenants_cannot_be_mixed(owner_app: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    with owner_app.app_context(), unit(system_actor(ours.id)), pytest.raises(RuntimeError, match="one tenant"):
        unit(system_actor(theirs.id)).__enter__()


PAST_THE_ORM: dict[str, Any] = {
    "text": text("SELECT * FROM users"),
    "table": select(User.__table__),
    "expression": select(func.count()).select_from(text("users")),
    "text as entities": select(User).from_statement(text("SELECT * FROM users")),
    "insert": insert(User).values(tenant_id=new_id(), id=new_id(), email="x@example.com", name=""),
}


@pytest.mark.parametrize("statement", PAST_THE_ORM.values(), ids=PAST_THE_ORM.keys())
def test_statements_that_cannot_be_narrowed_are_refused(session: Session, statement: Any) -> None:
    with pytest.raises(RuntimeError, match="belongs in the store"):
        session.execute(statement)


def test_a_new_row_belongs_to_the_unit_s_tenant(session: Session, ours: TestTenant) -> None:
    user = User(email="new@example.com", name="New")
    session.add(user)
    session.flush()
    assert user.tenant_id == ours.id


def test_a_new_row_of_another_tenant_is_refused(session: Session, theirs: TestTenant) -> None:
    session.add(User(tenant_id=theirs.id, email="new@example.com", name="New"))
    with pytest.raises(RuntimeError, match="another tenant"):
        session.flush()


def test_a_row_cannot_be_moved_to_another_tenant(session: Session, ours: TestTenant, theirs: TestTenant) -> None:
    session.get_one(User, (ours.id, ours.admin.id)).tenant_id = theirs.id
    with pytest.raises(RuntimeError, match="another tenant"):
        session.flush()


def test_a_row_of_another_tenant_cannot_be_merged(session: Session, theirs: TestTenant) -> None:
    session.merge(User(tenant_id=theirs.id, id=theirs.admin.id, email="taken-over@example.com"))
    with pytest.raises(RuntimeError, match="another tenant"):
        session.flush()


def test_a_detached_row_of_another_tenant_cannot_be_deleted(
    owner_app: Flask, ours: TestTenant, theirs: TestTenant
) -> None:
    with owner_app.app_context(), unit(system_actor(theirs.id)) as work:
        row = work.session.get_one(User, (theirs.id, theirs.admin.id))
        work.session.expunge(row)

    def remove() -> None:
        with unit(system_actor(ours.id)) as work:
            work.session.delete(row)

    with owner_app.app_context(), pytest.raises(RuntimeError, match="another tenant"):
        remove()


def test_the_directory_is_read_by_id(session: Session, ours: TestTenant) -> None:
    """Tenants have no tenant: who reads them says which."""
    assert session.get_one(Tenant, ours.id).slug == ours.slug
