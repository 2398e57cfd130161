"""One message: tenant setting, gate and statement in one round trip (threats 50, 72; house, tenancy 4)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from oneo.access import identity
from oneo.actor import Actor, CredentialKind, system_actor
from oneo.app import create_app
from oneo.errors import StaleActor, StatementTimeout, Unavailable
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import Role, Session, User
from oneo.operations.tenants import delete_tenant, set_tenant_status
from oneo.store import message
from tests import databases
from tests.api import Api
from tests.factories.tenant import TestTenant

SETTING = "SELECT current_setting('oneo.tenant', true)"
EMAILS = "SELECT email FROM users ORDER BY email"


def actor_of(tenant: TestTenant) -> Actor:
    return identity.load_actor(tenant.id, CredentialKind.SESSION, tenant.admin.session_id)


def kill(database_address: str, *pids: int) -> None:
    connection = psycopg2.connect(database_address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for pid in pids:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
                assert cursor.fetchone() == (True,)
    finally:
        connection.close()


def backend(tenant_id: UUID) -> int:
    pid: int = message.look_up(tenant_id, "SELECT pg_backend_pid()")[0][0]
    return pid


def test_a_message_runs_under_its_tenant_and_leaves_no_setting_behind(in_app: Flask, tenant: TestTenant) -> None:
    pid = backend(tenant.id)
    assert message.look_up(tenant.id, SETTING) == [(str(tenant.id),)]
    assert message.look_up_directory(f"{SETTING}, pg_backend_pid()") == [("", pid)]


def test_nobody_inherits_a_tenant_from_the_connection_before(in_app: Flask, tenant: TestTenant) -> None:
    pid = backend(tenant.id)
    assert message.look_up(tenant.id, EMAILS) != []
    assert message.look_up_directory(EMAILS) == []
    assert message.look_up_directory("SELECT pg_backend_pid()") == [(pid,)]


def test_a_unit_leaves_no_setting_behind(in_app: Flask, tenant: TestTenant) -> None:
    pid, actor = backend(tenant.id), actor_of(tenant)
    with unit(actor) as work:
        assert message.execute(work.connection, f"{SETTING}, pg_backend_pid()") == [(str(tenant.id), pid)]
    assert message.look_up_directory(f"{SETTING}, pg_backend_pid()") == [("", pid)]


def test_a_unit_that_fails_leaves_no_setting_behind(in_app: Flask, tenant: TestTenant) -> None:
    pid, actor = backend(tenant.id), actor_of(tenant)

    def fail() -> None:
        with unit(actor):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert message.look_up_directory(f"{SETTING}, pg_backend_pid()") == [("", pid)]
    assert message.look_up_directory(EMAILS) == []


def test_a_failed_statement_leaves_no_setting_behind(in_app: Flask, settled: TestTenant) -> None:
    with pytest.raises(psycopg2.Error):
        message.look_up(settled.id, "SELECT 1 / (SELECT count(*) FROM users WHERE false)")
    assert message.look_up_directory(EMAILS) == []


def test_tenants_take_turns_on_one_connection(in_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    for _ in range(3):
        assert (tenant.admin.email,) in message.look_up(tenant.id, EMAILS)
        assert (other.admin.email,) in message.look_up(other.id, EMAILS)
        assert (tenant.admin.email,) not in message.look_up(other.id, EMAILS)


def test_a_read_answers_with_rows_and_the_number_of_that_moment(in_app: Flask, tenant: TestTenant) -> None:
    actor = actor_of(tenant)
    answer = message.read(actor, EMAILS)
    assert (tenant.admin.email,) in answer.rows
    tenant.user()
    assert message.read(actor, "SELECT 1 WHERE false").rows == []
    assert message.confirm(actor) > answer.seq


def test_a_read_inside_a_unit_sees_what_the_unit_has_written(in_app: Flask, tenant: TestTenant) -> None:
    actor = actor_of(tenant)
    with unit(actor) as work:
        work.created(User(email="new@example.com"), "user.created")
        assert ("new@example.com",) in message.read(actor, EMAILS).rows


# -- the gate ----------------------------------------------------------------------------------------------------------


def end_session(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(
            update(Session).where(Session.id == tenant.admin.session_id).values(revoked_at=datetime.now(UTC))
        )


def let_session_expire(tenant: TestTenant, owner: Flask) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(update(Session).where(Session.id == tenant.admin.session_id).values(expires_at=past))


def deactivate(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(update(User).where(User.id == tenant.admin.id).values(is_active=False))


def delete(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(update(User).where(User.id == tenant.admin.id).values(deleted_at=datetime.now(UTC)))


def change_rights(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.execute(update(Role).where(Role.slug == "viewer").values(description="changed"))
        work.renew_access()


def suspend(tenant: TestTenant, owner: Flask) -> None:
    with owner.app_context():
        set_tenant_status(system_actor(tenant.id), "suspended")


def suspend_alone(tenant: TestTenant, owner: Flask) -> None:
    """By hand, without a word to anybody's rights."""
    with owner.app_context(), unit(system_actor(tenant.id)) as work:
        message.execute(work.connection, "UPDATE tenants SET status = 'suspended' WHERE id = %s", (tenant.id,))


def erase(tenant: TestTenant, owner: Flask) -> None:
    with owner.app_context():
        delete_tenant(system_actor(tenant.id))


CHANGES = (end_session, let_session_expire, deactivate, delete, change_rights, suspend, suspend_alone, erase)


@pytest.mark.parametrize("change", CHANGES)
def test_whoever_is_no_longer_what_he_was_is_stopped(
    in_app: Flask, owner_app: Flask, tenant: TestTenant, change: Callable[[TestTenant, Flask], None]
) -> None:
    """Threat 50: by the very message that would have answered, in reads and in units."""
    actor = actor_of(tenant)
    message.confirm(actor)
    change(tenant, owner_app)
    with pytest.raises(StaleActor):
        message.read(actor, "SELECT 1")
    with pytest.raises(StaleActor):
        message.confirm(actor)
    with pytest.raises(StaleActor), unit(actor):
        pytest.fail("the unit began")


PRETENCES: dict[str, dict[str, Any]] = {
    "another user": {"user_id": new_id()},
    "another credential": {"credential_id": new_id()},
    "another kind of credential": {"credential": CredentialKind.API_KEY},
    "older rights": {"access_revision": 0},
    "newer rights": {"access_revision": 1_000},
    "another schema": {"schema_revision": 1_000},
}


@pytest.mark.parametrize("pretence", PRETENCES.values(), ids=PRETENCES.keys())
def test_the_gate_asks_for_every_part_of_the_actor(
    in_app: Flask, settled: TestTenant, pretence: dict[str, Any]
) -> None:
    real = actor_of(settled)
    assert message.read(real, EMAILS).rows != []
    with pytest.raises(StaleActor):
        message.read(replace(real, **pretence), EMAILS)


def test_the_gate_of_one_tenant_knows_nobody_of_another(in_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    """Threat 3: a genuine session, taken to the wrong tenant."""
    with pytest.raises(StaleActor):
        message.read(replace(actor_of(tenant), tenant_id=other.id), EMAILS)


# -- when the database goes away ---------------------------------------------------------------------------------------


def test_a_connection_that_died_in_the_pool_costs_nobody_an_error(
    in_app: Flask, tenant: TestTenant, database_address: str
) -> None:
    pid = backend(tenant.id)
    kill(database_address, pid)
    assert backend(tenant.id) != pid


def test_one_dead_connection_makes_the_pool_drop_all_that_wait(tenant: TestTenant, database_address: str) -> None:
    """Threat 72: after a restart of the database every waiting connection is dead, and nobody meets them one by one."""
    with create_app(databases.settings(database_address)).app_context():
        pool = message.pool()
        taken = [pool.take() for _ in range(4)]
        pids = [connection.info.backend_pid for connection in taken]
        for connection in taken:
            connection.close()
        kill(database_address, *pids)
        assert backend(tenant.id) not in pids
        assert not any(connection.info.backend_pid in pids for connection in pool._idle)


def test_a_unit_begins_again_on_a_living_connection(in_app: Flask, tenant: TestTenant, database_address: str) -> None:
    kill(database_address, backend(tenant.id))
    with unit(actor_of(tenant)) as work:
        assert message.execute(work.connection, SETTING) == [(str(tenant.id),)]


def test_a_connection_that_dies_inside_a_unit_is_said_and_the_next_one_works(
    in_app: Flask, tenant: TestTenant, database_address: str
) -> None:
    actor = actor_of(tenant)
    seq = message.confirm(actor)

    def write() -> None:
        with unit(actor) as work:
            work.created(User(email="lost@example.com"), "user.created")
            kill(database_address, message.execute(work.connection, "SELECT pg_backend_pid()")[0][0])

    with pytest.raises(Unavailable):
        write()
    assert message.confirm(actor) == seq
    assert ("lost@example.com",) not in message.read(actor, EMAILS).rows


def test_a_statement_that_runs_too_long_is_ended(database_address: str, tenant: TestTenant) -> None:
    app = create_app(databases.settings(database_address, statement_timeout_ms=2_000))
    with app.app_context():
        began = time.monotonic()
        with pytest.raises(Unavailable):
            message.look_up(tenant.id, "SELECT pg_sleep(60)")
        assert time.monotonic() - began < 30
        with pytest.raises(StatementTimeout):
            message.read(actor_of(tenant), "SELECT pg_sleep(60)::text")
        actor = actor_of(tenant)
        with pytest.raises(StatementTimeout), unit(actor):
            message.read(actor, "SELECT pg_sleep(60)::text")
        with pytest.raises(StatementTimeout), unit(actor) as work:
            work.session.execute(select(User.id, func.pg_sleep(60)))
        assert message.look_up(tenant.id, SETTING) == [(str(tenant.id),)]


def test_who_waits_too_long_for_somebody_else_is_told_to_try_again(
    app: Flask, database_address: str, tenant: TestTenant
) -> None:
    waits = create_app(databases.settings(database_address, statement_timeout_ms=3_000))
    lock = f"SELECT pg_advisory_xact_lock({tenant.id.int % 2**62})"
    with app.app_context():
        actor = actor_of(tenant)
    connection = psycopg2.connect(database_address)
    try:
        with connection.cursor() as cursor, waits.app_context():
            cursor.execute(lock)
            with pytest.raises(Unavailable):
                message.read(actor, f"{lock}::text")
    finally:
        connection.close()


def test_one_connection_is_enough_for_everything(database_address: str, tenant: TestTenant) -> None:
    """Nothing waits for a second connection while it holds one: a full pool would never come free again."""
    app = create_app(databases.settings(database_address, database_pool=1))
    with app.app_context():
        api = Api(app, tenant.api.token)
        made = api.post("/users/", {"email": "ada@example.com"}, headers={"Idempotency-Key": "one"})
        assert made.status_code == 201, made.text
        password = {"current_password": tenant.admin.password, "new_password": "four other words of mine"}
        assert api.post("/auth/user/password/", password).status_code == 204
        login = {"tenant": tenant.slug, "email": tenant.admin.email, "password": password["new_password"]}
        pair = Api(app).post("/auth/login/", login)
        assert pair.status_code == 200, pair.text
        renewed = Api(app).post("/auth/refresh/", {"refresh_token": pair.json["refresh_token"]})
        assert renewed.status_code == 200, renewed.text
        for path in ("/users/", "/users/types/", "/users/permissions/", "/tenants/current/", "/admin/audit/"):
            assert Api(app, renewed.json["access_token"]).get(path).status_code == 200, path
