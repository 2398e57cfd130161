"""The pool: bounded, shared by messages and units, honest when it is used up (threat 72; checklist 90)."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.errors import Unavailable
from oneo.events.unit import unit
from oneo.store import message, pool
from oneo.store.pool import SERVER_ROLE, Pool
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant
from tests.threads import together

SIZE = 3


@pytest.fixture
def small(database_address: str, monkeypatch: pytest.MonkeyPatch) -> Pool:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    return Pool(database_address, size=SIZE, role=SERVER_ROLE, statement_timeout_ms=5_000)


def test_the_last_one_given_back_is_the_next_one_taken(small: Pool) -> None:
    first, second = small.take(), small.take()
    first.close()
    second.close()
    assert small.take() is second
    assert small.take() is first


def test_there_are_never_more_connections_than_its_size(small: Pool) -> None:
    taken = [small.take() for _ in range(SIZE)]
    assert len({connection.info.backend_pid for connection in taken}) == SIZE
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        small.take()
    assert 0.1 < time.monotonic() - began < 3
    assert refused.value.headers["Retry-After"] == "1"
    taken[1].close()
    assert small.take() is taken[1]


def test_who_waits_gets_the_first_that_comes_free(small: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 10)
    taken = [small.take() for _ in range(SIZE)]
    threading.Timer(0.1, taken[0].close).start()
    assert small.take() is taken[0]


def test_giving_back_twice_frees_one_place_only(small: Pool) -> None:
    taken = [small.take() for _ in range(SIZE)]
    taken[0].close()
    taken[0].close()
    small.take()
    with pytest.raises(Unavailable):
        small.take()


def test_few_connections_are_taken_for_long(database_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that short work never waits for all of them; and each goes back as it came."""
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    shared = Pool(database_address, size=2 * pool.LONG_SHARE, role=SERVER_ROLE, statement_timeout_ms=5_000)
    for _ in range(3):
        taken = [shared.take_long() for _ in range(2)]
        for connection in taken:
            connection.patience_ms = 60_000
        with pytest.raises(Unavailable):
            shared.take_long()
        short = [shared.take() for _ in range(2 * pool.LONG_SHARE - 2)]
        assert {connection.patience_ms for connection in short} == {None}
        for connection in (*taken, *taken, *short):
            connection.close()
        assert {connection.patience_ms for connection in taken} == {None}


def test_a_transaction_left_open_is_rolled_back_before_the_next_user(small: Pool) -> None:
    first = small.borrow()
    with first.cursor() as cursor:
        cursor.execute("SELECT set_config('oneo.tenant', 'somebody', true)")
    assert first.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INTRANS
    first.close()
    again = small.take()
    assert again is first
    assert again.autocommit
    with again.cursor() as cursor:
        cursor.execute("SELECT current_setting('oneo.tenant', true)")
        assert cursor.fetchone() == ("",)


def test_a_broken_transaction_does_not_reach_the_next_user(small: Pool) -> None:
    first = small.borrow()
    with pytest.raises(psycopg2.Error), first.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    first.close()
    with small.take().cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_connection_closed_for_good_is_replaced_and_its_place_is_free(small: Pool) -> None:
    for _ in range(SIZE + 1):
        connection = small.take()
        connection.disconnect()
        connection.close()
    assert len([small.take() for _ in range(SIZE)]) == SIZE


def test_a_database_that_cannot_be_reached_is_said_and_uses_up_no_place(database_address: str) -> None:
    absent = database_address.replace("oneo_test_", "no_such_database_")
    unreachable = Pool(absent, size=1, role=None, statement_timeout_ms=0)
    for _ in range(3):
        with pytest.raises(Unavailable):
            unreachable.take()


def test_connections_act_as_the_fenced_role_in_utc(small: Pool) -> None:
    with small.take().cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('TimeZone'), current_setting('statement_timeout')")
        assert cursor.fetchone() == (SERVER_ROLE, "UTC", "5s")


def test_many_threads_share_few_connections(small: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken, given back and dropped from all sides at once: nobody fails, and no place is lost."""
    monkeypatch.setattr(pool, "WAIT_SECONDS", 30)

    def work() -> int:
        done = 0
        for turn in range(60):
            connection = small.take(autocommit=turn % 2 == 0)
            if turn % 20 == 0:
                small.drop_idle()
            connection.close()
            done += 1
        return done

    assert together([work] * 8) == [60] * 8
    assert len([small.take() for _ in range(SIZE)]) == SIZE


def test_messages_and_units_draw_on_the_same_pool(in_app: Flask, tenant: TestTenant) -> None:
    with unit(system_actor(tenant.id)) as work:
        held = message.execute(work.connection, "SELECT pg_backend_pid()")
        assert message.look_up(tenant.id, "SELECT pg_backend_pid()") != held
    assert message.look_up(tenant.id, "SELECT pg_backend_pid()") == held


def test_a_used_up_pool_answers_503_and_recovers(
    app: Flask, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    shared: Pool = app.extensions["oneo.pool"]
    api: Api = tenant.api
    taken: list[Any] = []
    try:
        for _ in range(100):
            # What works beside the requests may have one for a moment.
            with suppress(Unavailable):
                taken.append(shared.take())
            if len(taken) == app.extensions["oneo.settings"].database_pool:
                break
        for path in ("/users/", "/tenants/current/"):
            refused = api.get(path)
            assert_problem(refused, 503, "UNAVAILABLE")
            assert refused.headers["Retry-After"] == "1"
    finally:
        for connection in taken:
            connection.close()
    assert api.get("/users/").status_code == 200
