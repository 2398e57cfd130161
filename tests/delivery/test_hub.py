"""The hub: woken by commits or by itself, limited, stopped in order, and not to be killed."""

from __future__ import annotations

import time

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.delivery import hub as hub_module
from oneo.delivery import station
from oneo.delivery.hub import Hub, TooManyConnections
from oneo.delivery.reading import Reading
from oneo.delivery.topics import TOPICS, TopicNotFound
from oneo.errors import DomainError, Unavailable
from oneo.events.unit import unit
from oneo.ids import new_id
from tests.delivery.channels import eventually, head, open_reader, reader_of, write
from tests.factories.tenant import TestTenant


def test_what_is_committed_is_told(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant)
    first = head(tenant)
    last = write(app, tenant, 3)
    eventually(lambda: notebook.numbers == [first + 1, first + 2, last])
    assert {event["event_name"] for event in notebook.told} == {"user_event"}


def test_commits_of_other_processes_are_found(app: Flask, deaf: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, deaf, tenant)
    last = write(app, tenant)
    eventually(lambda: notebook.numbers == [last], seconds=1.5)


def test_what_is_rolled_back_is_never_told(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant)

    def fail() -> None:
        with app.app_context(), unit(system_actor(tenant.id)) as work:
            work.append("user.updated", new_id(), data={})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    last = write(app, tenant)
    eventually(lambda: notebook.told)
    assert notebook.numbers == [last]


def test_connections_of_a_user_are_limited(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MAX_CONNECTIONS", 3)
    readers = [reader_of(app, tenant.api)[0] for _ in range(4)]
    for reader in readers[:3]:
        hub.join(reader)
    with pytest.raises(TooManyConnections):
        hub.join(readers[3])
    hub.join(reader_of(app, tenant.user().api)[0])
    hub.leave(readers[0])
    hub.join(readers[3])


def test_nobody_is_left_behind(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    reader, notebook = open_reader(app, hub, tenant)
    hub.leave(reader)
    hub.leave(reader)
    write(app, tenant)
    time.sleep(0.3)
    assert notebook.told == []
    assert hub._stations == {}


def test_it_stops_in_order(app: Flask, tenant: TestTenant) -> None:
    hub = Hub(app)
    hub.stop()
    hub = Hub(app)
    with app.app_context():
        _, notebook = open_reader(app, hub, tenant)
        hub.stop()
        assert notebook.closed == "UNAVAILABLE"
        assert hub._thread is not None
        assert not hub._thread.is_alive()
        with pytest.raises(Unavailable):
            hub.join(reader_of(app, tenant.api)[0])
        hub.stop()


def test_an_idle_hub_sleeps(app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    open_reader(app, hub, tenant)
    time.sleep(0.5)
    rounds: list[float] = []
    real = hub._round

    def counted() -> float | None:
        rounds.append(time.monotonic())
        return real()

    monkeypatch.setattr(hub, "_round", counted)
    time.sleep(1.5)
    assert 3 <= len(rounds) <= 9


def test_it_outlives_its_connections(app: Flask, hub: Hub, tenant: TestTenant, database_address: str) -> None:
    _, notebook = open_reader(app, hub, tenant)
    first, last = head(tenant), 0
    for _ in range(5):
        with psycopg2.connect(database_address) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        last = write(app, tenant)
        time.sleep(0.05)
    eventually(lambda: notebook.numbers[-1:] == [last])
    assert notebook.numbers == list(range(first + 1, last + 1))


def test_one_tenants_trouble_is_not_the_others(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = station.Station._read

    def read(self: station.Station, reading: Reading) -> object:
        if self.tenant_id == tenant.id:
            raise ValueError
        return real(self, reading)

    _, troubled = open_reader(app, hub, tenant)
    _, untroubled = open_reader(app, hub, other)
    with monkeypatch.context() as patch:
        patch.setattr(station.Station, "_read", read)
        first, last = write(app, tenant), write(app, other)
        eventually(lambda: untroubled.numbers == [last])
        assert troubled.told == []
    eventually(lambda: troubled.numbers == [first])


def test_unknown_topics_and_tenants_are_refused(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    reader, _ = reader_of(app, tenant.api)
    hub.join(reader)
    for name in ("", "Users", "record", "pipeline", "x" * 1_000):
        with pytest.raises(TopicNotFound) as refused:
            hub.subscribe(reader, name)
        assert refused.value.extra == {"topics": sorted(TOPICS)}
    hub.wake(new_id(), 5)
    assert issubclass(TopicNotFound, DomainError)
