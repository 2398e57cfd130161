"""A login renews a hash that was made with former parameters (operations/auth.py)."""

from __future__ import annotations

from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select, update

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import User
from tests.factories.tenant import PASSWORD, TestTenant, TestUser
from tests.operations.test_auth import log_in
from tests.threads import together


def _stored(tenant: TestTenant, user: TestUser, *, weakened: str | None = None) -> str:
    """The hash of the user's password, after it was replaced by another one."""
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        if weakened is not None:
            work.session.execute(update(User).where(User.id == user.id).values(password_hash=weakened))
        found = work.session.scalars(select(User.password_hash).where(User.id == user.id)).one()
        assert found is not None
        return found


def test_a_login_renews_a_hash_of_former_parameters(app: Flask, tenant: TestTenant) -> None:
    user, weak = tenant.user(password=PASSWORD), PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    former = _stored(tenant, user, weakened=weak.hash(PASSWORD))
    before, seq = tenant.api.get(f"/users/{user.id}/").json, tenant.api.events()[-1]["seq"]
    assert log_in(app, tenant, email=user.email, password="four wrong words").status_code == 401
    assert _stored(tenant, user) == former
    assert log_in(app, tenant, email=user.email).status_code == 200
    renewed = _stored(tenant, user)
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert tenant.api.get(f"/users/{user.id}/").json == before, "the user has not changed"
    assert [event["type"] for event in tenant.api.events(seq)] == ["session.created"]
    assert log_in(app, tenant, email=user.email).status_code == 200
    assert _stored(tenant, user) == renewed


def test_logins_at_once_renew_a_hash_and_all_succeed(app: Flask, tenant: TestTenant) -> None:
    user, weak = tenant.user(password=PASSWORD), PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    _stored(tenant, user, weakened=weak.hash(PASSWORD))
    answers = together([lambda: log_in(app, tenant, email=user.email)] * 4)
    assert [answer.status_code for answer in answers] == [200] * 4
