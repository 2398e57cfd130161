"""The hub: every event once, in order, to those who may hear of it, whatever happens around it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.delivery import hub as hub_module
from oneo.delivery import station
from oneo.delivery.hub import Hub, TooManyConnections
from oneo.delivery.subscriptions import Reader
from oneo.delivery.topics import TOPICS, TopicNotFound
from oneo.errors import DomainError, Unavailable
from oneo.events.unit import listeners, unit
from oneo.ids import new_id
from tests.delivery.channels import Notebook, eventually, reader_of
from tests.factories.tenant import TestTenant


@pytest.fixture
def hub(app: Flask) -> Iterator[Hub]:
    """A hub of its own, woken by commits of this process."""
    made = Hub(app)
    with app.app_context():
        listeners().append(made.wake)
        yield made
        listeners().remove(made.wake)
    made.stop()


@pytest.fixture
def deaf(app: Flask) -> Iterator[Hub]:
    """A hub that nobody wakes, as for the commits of other processes."""
    made = Hub(app)
    with app.app_context():
        yield made
    made.stop()


def write(app: Flask, tenant: TestTenant, count: int = 1, *, event_type: str = "user.updated") -> int:
    """Events in one commit; the number of the last."""
    with app.app_context(), unit(system_actor(tenant.id)) as work:
        for _ in range(count):
            work.append(event_type, new_id(), data={})
    return head(tenant)


def head(tenant: TestTenant) -> int:
    last: int = tenant.api.get("/admin/audit/?page_size=1").json["results"][0]["seq"]
    return last


def open_reader(app: Flask, hub: Hub, tenant: TestTenant, *, after: int | None = None) -> tuple[Reader, Notebook]:
    reader, notebook = reader_of(app, tenant.api)
    hub.join(reader)
    hub.subscribe(reader, "users", after=after)
    return reader, notebook


# -- every event, once, in order ---------------------------------------------------------------------------------------


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


def test_other_events_are_passed_over(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant)
    for event_type in ("record.updated", "user_type.updated", "users.updated", "session.created"):
        write(app, tenant, event_type=event_type)
    last = write(app, tenant)
    eventually(lambda: notebook.told)
    assert notebook.numbers == [last]


def test_what_is_rolled_back_is_never_told(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant)
    with pytest.raises(KeyError), app.app_context(), unit(system_actor(tenant.id)) as work:
        work.append("user.updated", new_id(), data={})
        raise KeyError
    last = write(app, tenant)
    eventually(lambda: notebook.told)
    assert notebook.numbers == [last]


def test_a_long_past_is_told_in_order(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    before = head(tenant)
    write(app, tenant, 3 * station.BATCH + 17)
    readers = [open_reader(app, hub, tenant, after=before + skipped)[1] for skipped in (0, 1, 50, 333, 600)]
    last = write(app, tenant)
    for skipped, notebook in zip((0, 1, 50, 333, 600), readers, strict=True):
        eventually(lambda notebook=notebook: notebook.numbers[-1:] == [last])
        assert notebook.numbers == list(range(before + skipped + 1, last + 1))


def test_more_readers_at_different_numbers_than_are_read_at_once(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    before = head(tenant)
    last = write(app, tenant, 300)
    starts = [before + 7 * n for n in range(3 * station.MAX_BATCHES)]
    readers = [open_reader(app, hub, tenant, after=start)[1] for start in starts]
    for start, notebook in zip(starts, readers, strict=True):
        eventually(lambda notebook=notebook: notebook.numbers[-1:] == [last])
        assert notebook.numbers == list(range(start + 1, last + 1))


@pytest.mark.parametrize(
    ("writers", "rounds", "comers"), [(4, 40, 8), pytest.param(8, 400, 45, marks=pytest.mark.prove)]
)
def test_nothing_is_lost_or_told_twice_under_writers(
    app: Flask, hub: Hub, tenant: TestTenant, writers: int, rounds: int, comers: int
) -> None:
    """Readers come at any moment and say after what; each is told everything from there."""
    chance = random.Random(5)
    done = threading.Event()

    def keep_writing() -> None:
        for _ in range(rounds):
            with app.app_context(), unit(system_actor(tenant.id)) as work:
                for _ in range(chance.choice((1, 1, 3))):
                    work.append(chance.choice(("user.updated", "user.created", "record.updated")), new_id(), data={})

    threads = [threading.Thread(target=keep_writing) for _ in range(writers)]
    before = head(tenant)
    readers = [(before, open_reader(app, hub, tenant, after=before)[1])]
    for thread in threads:
        thread.start()
    for _ in range(comers):
        after = chance.choice([None, chance.randint(before, head(tenant))])
        reader, notebook = reader_of(app, tenant.api)
        hub.join(reader)
        opened = hub.subscribe(reader, "users", after=after)
        readers.append((opened.seq if after is None else after, notebook))
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    done.set()
    last = write(app, tenant)
    log = [event["seq"] for event in _all_events(tenant, before) if event["type"].startswith("user.")]
    for after, notebook in readers:
        eventually(lambda notebook=notebook: notebook.numbers[-1:] == [last], seconds=20)
        assert notebook.numbers == [number for number in log if number > after]


def _all_events(tenant: TestTenant, after: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while page := tenant.api.events(after):
        found += page
        after = page[-1]["seq"]
    return found


def test_a_client_without_room_waits_in_the_log(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, slow = open_reader(app, hub, tenant)
    _, fast = open_reader(app, hub, tenant)
    slow.room, first = 2, head(tenant)
    last = write(app, tenant, 10)
    eventually(lambda: fast.numbers[-1:] == [last])
    assert slow.numbers == [first + 1, first + 2]
    slow.room = 5
    eventually(lambda: len(slow.told) == 5)
    slow.room = 1_000
    last = write(app, tenant)
    eventually(lambda: slow.numbers[-1:] == [last])
    assert slow.numbers == fast.numbers == list(range(first + 1, last + 1))


def test_who_takes_nothing_for_too_long_is_cut(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "SLOW_SECONDS", 0.3)
    _, slow = open_reader(app, hub, tenant)
    _, idle = open_reader(app, hub, tenant)
    slow.room = 0
    time.sleep(0.5)
    assert slow.closed is None
    write(app, tenant)
    eventually(lambda: slow.closed == "SLOW_READER")
    assert (len(idle.told), idle.closed) == (1, None)


@pytest.mark.parametrize("after", [0, 1])
def test_replay_reaches_as_far_as_the_setting_says(app: Flask, tenant: TestTenant, after: int) -> None:
    import dataclasses

    settings = app.extensions["oneo.settings"]
    app.extensions["oneo.settings"] = dataclasses.replace(settings, event_retention_days=0)
    hub = Hub(app)
    app.extensions["oneo.settings"] = settings
    with app.app_context():
        reader, notebook = reader_of(app, tenant.api)
        hub.join(reader)
        now = head(tenant)
        opened = hub.subscribe(reader, "users", after=after)
        assert (opened.resync, opened.seq) == (True, now)
        assert notebook.notices == [("resync", {"subscription": opened.subscription.id, "after": after, "seq": now})]
        assert not hub.subscribe(reader, "users", after=now).resync
        assert hub.subscribe(reader, "users", after=now + 1).resync
    hub.stop()
    assert notebook.told == []


# -- rights ------------------------------------------------------------------------------------------------------------


def test_rights_are_those_at_delivery(
    app: Flask, deaf: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event was committed while he had the right; when it would be told, he has it no more."""
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60.0)
    role = tenant.role("reader", [{"permission": "users:read"}])
    reader, notebook = reader_of(app, tenant.user(role).api)
    deaf.join(reader)
    deaf.subscribe(reader, "users")
    time.sleep(0.3)
    write(app, tenant)
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
    assert notebook.told == []
    deaf.wake(tenant.id, head(tenant))
    eventually(lambda: notebook.notices)
    assert [name for name, _ in notebook.notices] == ["unsubscribed"]
    assert (notebook.told, notebook.closed, reader.subscriptions) == ([], None, {})


def test_sessions_of_one_user_end_alone(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    user = tenant.user()
    again = tenant.logged_in(user.id, user.email)
    (one, ended), (two, alive) = reader_of(app, user.api), reader_of(app, again.api)
    for reader in (one, two):
        hub.join(reader)
        hub.subscribe(reader, "users")
    assert user.api.post("/auth/logout/").status_code == 204
    eventually(lambda: ended.closed == "TOKEN_REVOKED", seconds=2)
    last = write(app, tenant)
    eventually(lambda: alive.numbers == [last])
    assert (ended.told, alive.closed) == ([], None)


def test_who_is_revoked_between_login_and_joining_is_found(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    user = tenant.user()
    reader, notebook = reader_of(app, user.api)
    assert user.api.post("/auth/logout/").status_code == 204
    hub.join(reader)
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=1)


def test_a_token_that_runs_out_is_noticed_without_events(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    reader, notebook = reader_of(app, tenant.api, expires_at=time.time() + 0.5)
    hub.join(reader)
    eventually(lambda: notebook.closed == "TOKEN_EXPIRED", seconds=1.5)


def test_a_key_that_runs_out_is_noticed_without_events(
    app: Flask, hub: Hub, tenant: TestTenant, database_address: str
) -> None:
    key = tenant.api.post("/auth/api-keys/", {"name": "short", "scopes": ["users:read"]}).json
    from tests.api import Api

    reader, notebook = reader_of(app, Api(app, key["key"]))
    hub.join(reader)
    with psycopg2.connect(database_address) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", (key["id"],))
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=2)


def test_a_deleted_tenant_has_no_readers(app: Flask, owner_app: Flask, deaf: Hub, tenant: TestTenant) -> None:
    from oneo.operations.tenants import delete_tenant

    _, notebook = open_reader(app, deaf, tenant)
    with owner_app.app_context():
        delete_tenant(system_actor(tenant.id))
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=2)


def test_the_system_user_is_shown_to_nobody(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant, after=0)
    eventually(lambda: notebook.told)
    assert all(not event["data"].get("is_system") for event in notebook.told)


# -- its life ----------------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(hub, "_round", lambda: (rounds.append(time.monotonic()), real())[1])
    time.sleep(1.5)
    assert 3 <= len(rounds) <= 9


def test_it_outlives_its_connections(app: Flask, hub: Hub, tenant: TestTenant, server_address: str) -> None:
    _, notebook = open_reader(app, hub, tenant)
    first, last = head(tenant), 0
    for _ in range(5):
        with psycopg2.connect(server_address) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                           "AND backend_type = 'client backend'")  # fmt: skip
        last = write(app, tenant)
        time.sleep(0.05)
    eventually(lambda: notebook.numbers[-1:] == [last])
    assert notebook.numbers == list(range(first + 1, last + 1))


def test_one_tenants_trouble_is_not_the_others(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = station.Station._read

    def read(self: station.Station, cursor: int) -> object:
        if self.tenant_id == tenant.id:
            raise ValueError
        return real(self, cursor)

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
    for name in ("", "Users", "records", "x" * 1_000):
        with pytest.raises(TopicNotFound) as refused:
            hub.subscribe(reader, name)
        assert refused.value.extra == {"topics": sorted(TOPICS)}
    hub.wake(new_id(), 5)
    assert issubclass(TopicNotFound, DomainError)
