"""A station: every event once, in order, to those who may hear of it when it is told."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from typing import Any

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.delivery import hub as hub_module
from oneo.delivery import reading, station
from oneo.delivery.hub import Hub
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.operations.tenants import delete_tenant
from tests.api import Api
from tests.delivery.channels import eventually, head, open_reader, reader_of, write
from tests.factories.tenant import TestTenant

# -- every event, once, in order ---------------------------------------------------------------------------------------


def test_other_events_are_passed_over(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant)
    for event_type in ("record.updated", "user_type.updated", "session.created"):
        write(app, tenant, event_type=event_type)
    last = write(app, tenant)
    eventually(lambda: notebook.told)
    assert notebook.numbers == [last]


def test_a_long_past_is_told_in_order(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    before = head(tenant)
    write(app, tenant, 3 * reading.BATCH + 17)
    readers = [open_reader(app, hub, tenant, after=before + skipped)[1] for skipped in (0, 1, 50, 333, 600)]
    last = write(app, tenant)
    for skipped, notebook in zip((0, 1, 50, 333, 600), readers, strict=True):
        assert notebook.wait_for(last) == list(range(before + skipped + 1, last + 1))


def test_more_readers_at_different_numbers_than_are_read_at_once(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    before = head(tenant)
    last = write(app, tenant, 300)
    starts = [before + 7 * n for n in range(3 * reading.MAX_CURSORS)]
    readers = [open_reader(app, hub, tenant, after=start)[1] for start in starts]
    for start, notebook in zip(starts, readers, strict=True):
        assert notebook.wait_for(last) == list(range(start + 1, last + 1))


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
        assert notebook.wait_for(last, seconds=20) == [number for number in log if number > after]


def _all_events(tenant: TestTenant, after: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
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
    eventually(lambda: slow.numbers[-1:] == fast.numbers[-1:] == [last])
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
    reader, notebook = reader_of(app, Api(app, key["key"]))
    hub.join(reader)
    with psycopg2.connect(database_address) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", (key["id"],))
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=2)


def test_a_deleted_tenant_has_no_readers(app: Flask, owner_app: Flask, deaf: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, deaf, tenant)
    with owner_app.app_context():
        delete_tenant(system_actor(tenant.id))
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=2)


def test_the_system_user_is_shown_to_nobody(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, notebook = open_reader(app, hub, tenant, after=0)
    eventually(lambda: notebook.told)
    assert all(not event["data"].get("is_system") for event in notebook.told)
