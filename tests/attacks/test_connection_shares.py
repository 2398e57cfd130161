"""Slow requests of one user or tenant leave connections for other users, other tenants, logins and probes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg2
import pytest
import requests
from flask import Flask

from oneo.actor import Actor
from oneo.errors import DomainError, TooManyRunning, Unavailable
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.store import message, shares
from oneo.store.pool import SERVER_ROLE, Pool, PooledConnection
from oneo.store.shares import Owner, Shares
from tests.api import assert_problem
from tests.attacks.conftest import Scene
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of

SIZE, PER_USER, PER_TENANT = 10, 2, 4
RESERVE = 2


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "OWN_WAIT_SECONDS", 0.1)
    monkeypatch.setattr("oneo.store.pool.WAIT_SECONDS", 0.3)


@pytest.fixture
def pool(database_address: str) -> Iterator[Pool]:
    made = Pool(
        database_address, size=SIZE, role=SERVER_ROLE, statement_timeout_ms=60_000,
        per_user=PER_USER, per_tenant=PER_TENANT,
    )  # fmt: skip
    yield made
    made.drop_idle()


def owners(tenants: int, users: int) -> list[Owner]:
    """Users of these many tenants, those of one tenant next to each other."""
    tenant_ids = [new_id() for _ in range(tenants)]
    return [Owner(tenant_id, new_id()) for tenant_id in tenant_ids for _ in range(users)]


@contextmanager
def held(pool: Pool, *wanted: Owner | None) -> Iterator[list[PooledConnection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(pool.take(owner))) for owner in wanted]


def test_a_user_holds_a_share_of_the_connections_at_most(pool: Pool) -> None:
    user, colleague, stranger = *owners(1, 2), *owners(1, 1)
    with held(pool, *[user] * PER_USER):
        with pytest.raises(TooManyRunning) as refused:
            pool.take(user)
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
        with held(pool, colleague, stranger):
            pass
    with held(pool, user):
        pass


def test_all_users_of_a_tenant_share_what_it_may_hold(pool: Pool) -> None:
    *users, stranger = *owners(1, 3), *owners(1, 1)
    with held(pool, *users[:2] * PER_USER):
        with pytest.raises(TooManyRunning):
            pool.take(users[2])
        with held(pool, stranger):
            pass


def test_callers_leave_connections_for_the_servers_own_work(pool: Pool) -> None:
    users = owners(2, PER_TENANT // PER_USER)
    with held(pool, *users * PER_USER), held(pool, *[None] * RESERVE):
        with pytest.raises(Unavailable):
            pool.take(*owners(1, 1))
        with pytest.raises(Unavailable):
            pool.take()


def test_fast_requests_of_one_user_are_served_in_turn(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "OWN_WAIT_SECONDS", 30)
    monkeypatch.setattr("oneo.store.pool.WAIT_SECONDS", 30)
    user, running, most = owners(1, 1)[0], [0], [0]

    def work(_: int) -> int:
        connection = pool.take(user)
        running[0] += 1
        most[0] = max(most[0], running[0])
        rows = message.execute(connection, "SELECT 1")
        running[0] -= 1
        connection.close()
        return int(rows[0][0])

    with ThreadPoolExecutor(40) as threads:
        assert list(threads.map(work, range(400))) == [1] * 400
    assert most[0] <= PER_USER


def test_a_user_with_a_long_queue_is_refused_at_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "OWN_WAIT_SECONDS", 30)
    monkeypatch.setattr("oneo.store.pool.WAIT_SECONDS", 30)
    monkeypatch.setattr(shares, "MOST_WAITING", 3)
    user, colleague = owners(1, 2)
    with ThreadPoolExecutor(3) as threads:
        with held(pool, *[user] * PER_USER):
            waiting = [threads.submit(lambda: pool.take(user).close()) for _ in range(3)]
            until(lambda: len(pool._shares._queues[user].waiters) == 3)
            with pytest.raises(TooManyRunning):
                pool.take(user)
            with held(pool, colleague):
                pass
        assert [work.result() for work in waiting] == [None] * 3


def test_owners_who_wait_take_turns(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with many waiting requests is not served before a user with one."""
    monkeypatch.setattr(shares, "OWN_WAIT_SECONDS", 30)
    monkeypatch.setattr("oneo.store.pool.WAIT_SECONDS", 30)
    busy, quiet = owners(2, 1)
    order: list[Owner] = []

    def work(owner: Owner) -> None:
        connection = pool.take(owner)
        order.append(owner)
        until(lambda: len(order) > PER_USER)  # the busy user has its share, and the next one can only be the quiet one
        connection.close()

    with ThreadPoolExecutor(7) as threads:
        with held(pool, *[None] * SIZE):
            for waiting, owner in enumerate([busy] * 6 + [quiet], start=1):
                threads.submit(work, owner)
                until(lambda: sum(len(queue.waiters) for queue in pool._shares._queues.values()) == waiting)  # noqa: B023
        threads.shutdown()
    assert quiet in order[: PER_USER + 1]


def test_whoever_gives_up_waiting_leaves_no_trace(pool: Pool) -> None:
    users = owners(3, 3)
    for _ in range(3):
        with held(pool, *[user for user in users[:2] for _ in range(PER_USER)]):
            for user in users[:3]:
                with pytest.raises(DomainError):
                    pool.take(user)
    assert not pool._shares._queues
    assert not pool._shares._running
    assert pool._shares._total == 0


def test_one_tenant_exports_with_a_part_of_the_connections_for_exports(database_address: str) -> None:
    pool = Pool(database_address, size=20, role=SERVER_ROLE, statement_timeout_ms=60_000)
    user, colleague, stranger = *owners(1, 2), *owners(1, 1)
    with closing(pool.take_long(user)), closing(pool.take_long(colleague)):
        with pytest.raises(TooManyRunning, match="exports"):
            pool.take_long(user)
        pool.take_long(stranger).close()
    pool.take_long(user).close()


@pytest.mark.parametrize("how", ["read", "unit"])
def test_reads_and_units_count_for_their_caller(
    in_app: Flask, tenant: TestTenant, other: TestTenant, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Of a message and of the ORM alike; the gate, actors and logins are the server's own work."""
    share = 3
    small = Shares(in_app.extensions["oneo.settings"].database_pool, per_user=share, per_tenant=2 * share)
    monkeypatch.setattr(in_app.extensions["oneo.pool"], "_shares", small)
    colleague = tenant.user("viewer")
    with busy(actor_of(tenant), share, how):
        assert_problem(tenant.api.get("/users/"), 429, "TOO_MANY_RUNNING")
        assert_problem(tenant.api.post("/pipelines/", {"name": "One more"}), 429, "TOO_MANY_RUNNING")
        assert colleague.api.get("/pipelines/").status_code == 200
        assert other.api.get("/users/").status_code == 200
        assert message.confirm(actor_of(tenant)) >= 0
    assert tenant.api.get("/users/").status_code == 200


@contextmanager
def busy(actor: Actor, count: int, how: str) -> Iterator[None]:
    """As many statements or transactions of the caller as run at the same time."""
    end, running = threading.Event(), threading.Semaphore(0)
    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def in_unit() -> None:
        with app.app_context(), unit(actor):
            running.release()
            end.wait(30)

    def in_read() -> None:
        with app.app_context(), closing(message.pool().take(message.owner_of(actor))):
            running.release()
            end.wait(30)

    with ThreadPoolExecutor(count) as threads:
        started = [threads.submit(in_unit if how == "unit" else in_read) for _ in range(count)]
        for _ in started:
            assert running.acquire(timeout=30)
        try:
            yield
        finally:
            end.set()


def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def records_locked(database_address: str) -> Iterator[None]:
    """Whatever reads or writes records waits as long as this lasts."""
    with closing(psycopg2.connect(database_address)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE records IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.prove
def test_slow_requests_of_one_user_do_not_disturb_other_tenants(scene: Scene, database_address: str) -> None:
    """Forty lists that wait in the database: as many connections as two processes have."""
    pipeline(scene.attacker.api, "Deals", [])
    record(scene.attacker.api, "deals", {})
    url = f"{scene.url}/api/v1/pipelines/deals/records/"
    statuses: list[int] = []

    def ask(_: int) -> None:
        headers = {"Authorization": f"Bearer {scene.attacker.api.token}"}
        answer: Any = requests.get(url, headers=headers, timeout=60)
        statuses.append(answer.status_code)
        assert answer.status_code != 429 or answer.json()["code"] == "TOO_MANY_RUNNING"

    with ThreadPoolExecutor(40) as threads, scene.undisturbed(), records_locked(database_address):
        list(threads.map(ask, range(80)))
    assert statuses.count(429) >= 30
