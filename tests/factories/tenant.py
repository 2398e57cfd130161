"""Tenants with people in them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update

from oneo.access import tokens
from oneo.access.passwords import hash_password
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import Session, User
from oneo.operations import tenants as operations
from oneo.operations import users
from tests.api import Api
from tests.factories.mould import SLUG, Mould

PASSWORD = "quiet-otters-map-seven-rivers"
_numbers = itertools.count(1)


@dataclass
class TestUser:
    id: UUID
    email: str
    api: Api
    session_id: UUID
    password: str = PASSWORD


@dataclass
class TestTenant:
    """A tenant, its administrator's API, and ways to add people."""

    __test__ = False

    id: UUID
    slug: str
    app: Flask
    admin: TestUser = field(init=False)

    @property
    def api(self) -> Api:
        return self.admin.api

    def user(self, *user_types: str, email: str | None = None, password: str | None = None) -> TestUser:
        """A new user with these types (a viewer, if none), logged in."""
        email = email or f"user{next(_numbers)}@{self.slug.replace('_', '-')}.example"
        with self.app.app_context():
            user_id, _, _ = users.create_user(
                system_actor(self.id),
                {"email": email, "password": password, "user_types": list(user_types or ("viewer",))},
            )
        return self.logged_in(user_id, email)

    def role(self, slug: str, grants: Sequence[dict[str, Any]]) -> str:
        """A new user type; grants are given as the API takes them."""
        made = self.api.post("/users/types/", {"name": slug, "slug": slug, "grants": list(grants)})
        assert made.status_code == 201, made.text
        return slug

    def logged_in(self, user_id: UUID, email: str) -> TestUser:
        session_id, token = open_session(self.app, self.id, user_id)
        return TestUser(user_id, email, Api(self.app, token), session_id)


TestUser.__test__ = False  # type: ignore[attr-defined]


class TenantFactory:
    """Makes one tenant in earnest, and casts the others from it."""

    def __init__(self, owner_app: Flask, app: Flask) -> None:
        self._owner_app = owner_app
        self._app = app

    def create(self, slug: str | None = None) -> TestTenant:
        mould, first = _first(self._owner_app, self._app)
        tenant = TestTenant(new_id(), slug or f"t{next(_numbers)}_{os.getpid()}", self._app)
        with self._owner_app.app_context(), unit(system_actor(tenant.id)) as work:
            ids = mould.cast(work, tenant.slug)
        user_id, session_id = ids[first.id], ids[first.session_id]
        with self._app.app_context():
            token = tokens.issue_access(tenant.id, user_id, session_id)
        email = f"admin@{tenant.slug.replace('_', '-')}.example"
        tenant.admin = TestUser(user_id, email, Api(self._app, token), session_id)
        return tenant


@cache
def _first(owner_app: Flask, app: Flask) -> tuple[Mould, TestUser]:
    """A tenant as the operation makes it, with its administrator logged in."""
    tenant = TestTenant(new_id(), SLUG, app)
    email = f"admin@{SLUG.replace('_', '-')}.example"
    with owner_app.app_context():
        operations.create_tenant(
            system_actor(tenant.id), slug=SLUG, name=SLUG.title(), admin_email=email, admin_password=None
        )
    admin = tenant.logged_in(_with_password(app, tenant.id, email), email)
    with owner_app.app_context(), unit(system_actor(tenant.id)) as work:
        return Mould.taken(work), admin


def open_session(app: Flask, tenant_id: UUID, user_id: UUID) -> tuple[UUID, str]:
    """A session as a login would leave it, and its access token."""
    with app.app_context(), unit(system_actor(tenant_id)) as work:
        session = Session(user_id=user_id, refresh_id=new_id(), expires_at=datetime.now(UTC) + timedelta(days=1))
        work.created(session, "session.created")
        return session.id, tokens.issue_access(tenant_id, user_id, session.id)


def _with_password(app: Flask, tenant_id: UUID, email: str) -> UUID:
    """The user of this address, who can log in with the one password of all tests."""
    with app.app_context(), unit(system_actor(tenant_id)) as work:
        user_id = work.session.scalars(select(User.id).where(User.email == email)).one()
        unversioned = {"password_hash": hash_password(PASSWORD), "updated_at": User.updated_at, "version": User.version}
        work.session.execute(update(User).where(User.id == user_id).values(unversioned))
        return user_id
