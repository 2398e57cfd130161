"""Subscriptions that cost the database too much end, and delay nobody's events but their own tenant's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from flask import Flask

from oneo.delivery import reading, station
from oneo.delivery.hub import Hub
from oneo.delivery.reading import Batch, Reading
from oneo.delivery.station import Station
from oneo.errors import StatementTimeout
from oneo.events.unit import listeners
from oneo.fields.scalars import MAX_TEXT
from oneo.store import message
from tests.api import Api
from tests.attacks.conftest import Scene
from tests.delivery.channels import eventually, head, open_reader, reader_of, write
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant, TestUser
from tests.realtime.client import Listener

Read = Callable[[Station, Reading], Batch]


@pytest.fixture
def hub(app: Flask) -> Iterator[Hub]:
    """A hub of the test's own, woken by commits of this process."""
    made = Hub(app)
    with app.app_context():
        listeners().append(made.wake)
        yield made
        listeners().remove(made.wake)
    made.stop()


def _expensive_filter(number: int = 0) -> dict[str, Any]:
    """None of the records holds such a text, so all twenty comparisons are made for each event."""
    return {"or": [{"data__text": {"contains": f"{'ab' * 40}{number}-{part}"}} for part in range(20)]}


def _long_texts(api: Api, count: int, length: int) -> int:
    """Records with long texts that almost match; the number of the event before them."""
    pipeline(api, "Notes", [{"name": "Text", "field_type": "textarea", "field_config": {"max_length": MAX_TEXT}}])
    before = int(api.get("/admin/audit/?page_size=1").json["results"][0]["seq"])
    for _ in range(count):
        record(api, "notes", {"text": "ab" * (length // 2)})
    return before


@contextmanager
def _held_up(monkeypatch: pytest.MonkeyPatch, *tenants: TestTenant) -> Iterator[threading.Event]:
    """Readings of these tenants do not come back before the block ends. The event says that one has begun."""
    real, begun, released = Station._read, threading.Event(), threading.Event()

    def read(self: Station, found: Reading) -> Batch:
        if self.tenant_id in {tenant.id for tenant in tenants}:
            begun.set()
            released.wait(30)
        return real(self, found)

    with monkeypatch.context() as patch:
        patch.setattr(Station, "_read", read)
        try:
            yield begun
        finally:
            released.set()


def test_a_slow_tenant_delays_no_other(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, slow = open_reader(app, hub, tenant)
    _, quick = open_reader(app, hub, other)
    with _held_up(monkeypatch, tenant) as begun:
        missed = write(app, tenant)
        assert begun.wait(5)
        for _ in range(3):
            quick.wait_for(write(app, other))
        assert slow.told == []
    slow.wait_for(missed)


def test_slow_tenants_leave_slots_to_the_others(
    app: Flask, hub: Hub, tenants: Any, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_ones = [tenants.create() for _ in range(hub._slots + 1)]
    notebooks = [open_reader(app, hub, slow)[1] for slow in slow_ones]
    _, quick = open_reader(app, hub, tenant)
    eventually(lambda: not hub._serving)
    for slow in slow_ones:
        hub._stations[slow.id].finish_turn(station.SLOW_TURN_SECONDS + 0.001, float("inf"))
    with _held_up(monkeypatch, *slow_ones) as begun:
        missed = [write(app, slow) for slow in slow_ones]
        assert begun.wait(5)
        for _ in range(3):
            quick.wait_for(write(app, tenant))
        assert sum(hub._serving.values()) <= hub._slow_slots
    for notebook, number in zip(notebooks, missed, strict=True):
        notebook.wait_for(number, seconds=15)


def test_an_expensive_subscription_ends_alone(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _long_texts(tenant.api, 12, MAX_TEXT)
    monkeypatch.setattr(reading, "READ_MS", 100)
    reader, notebook = reader_of(app, tenant.api)
    hub.join(reader)
    costly = hub.subscribe(reader, "pipeline:notes", asked=_expensive_filter(), after=before).subscription
    hub.subscribe(reader, "users")
    eventually(lambda: notebook.notices, seconds=20)
    name, notice = notebook.notices[0]
    assert (name, notice["subscription"], notice["code"]) == ("unsubscribed", costly.id, "TOO_EXPENSIVE")
    assert notebook.closed is None
    notebook.wait_for(write(app, tenant))
    assert len(notebook.notices) == 1


def test_subscriptions_that_were_read_with_an_expensive_one_go_on(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement reads for all who are shown the same after the same number."""
    before = _long_texts(tenant.api, 12, MAX_TEXT)
    monkeypatch.setattr(reading, "READ_MS", 150)
    reader, notebook = reader_of(app, tenant.api)
    with hub._lock:
        hub._slots = 0  # so that both are read for by the first turn
    hub.join(reader)
    costly = hub.subscribe(reader, "pipeline:notes", asked=_expensive_filter(), after=before).subscription
    cheap = hub.subscribe(reader, "pipeline:notes", asked={"title": {"exists": True}}, after=before).subscription
    time.sleep(0.05)
    hub._slots = 8
    hub._woken.set()
    eventually(lambda: notebook.notices, seconds=20)
    assert [notice["subscription"] for _, notice in notebook.notices] == [costly.id]
    last = head(tenant)
    eventually(lambda: cheap.cursor >= last, seconds=10)
    assert len(notebook.told) == 12
    eventually(lambda: not cheap.is_apart)


def test_a_revoked_key_is_closed_though_its_subscriptions_are_expensive(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _long_texts(tenant.api, 12, MAX_TEXT)
    monkeypatch.setattr(reading, "READ_MS", 100)
    key = tenant.api.post("/auth/api-keys/", {"name": "k", "scopes": ["records:read", "relationships:read"]}).json
    reader, notebook = reader_of(app, Api(app, key["key"]))
    hub.join(reader)
    for number in range(10):
        hub.subscribe(reader, "pipeline:notes", asked=_expensive_filter(number), after=before)
    assert tenant.api.delete(f"/auth/api-keys/{key['id']}/").status_code == 204
    eventually(lambda: notebook.closed == "TOKEN_REVOKED", seconds=10)


def test_nothing_is_read_for_a_credential_that_has_ended(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user: TestUser = tenant.user("admin")
    reader, notebook = reader_of(app, user.api)
    hub.join(reader)
    hub.subscribe(reader, "users")
    eventually(lambda: not hub._serving)
    read: list[Reading] = []
    real = Station._read

    def counted(self: Station, found: Reading) -> Batch:
        read.append(found)
        return real(self, found)

    monkeypatch.setattr(Station, "_read", counted)
    assert user.api.post("/auth/logout/").status_code == 204
    eventually(lambda: notebook.closed == "TOKEN_REVOKED")
    assert read == []


def test_conditions_that_are_long_together_are_asked_in_several_statements(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(tenant.api, "Notes", [{"name": "Text", "field_type": "text"}])
    monkeypatch.setattr(reading, "MAX_READING_LENGTH", 2_000)
    lengths: list[int] = []
    real = Station._read

    def noted(self: Station, found: Reading) -> Batch:
        lengths.append(found.length)
        return real(self, found)

    monkeypatch.setattr(Station, "_read", noted)
    reader, notebook = reader_of(app, tenant.api)
    hub.join(reader)
    for number in range(10):
        hub.subscribe(reader, "records", asked={"title": {"not": f"{number}" * 500}})
    record(tenant.api, "notes", {"text": "x"})
    eventually(lambda: len(notebook.told) == 10)
    assert max(lengths) <= 2_000


def test_a_timeout_of_its_own_holds_for_one_statement(app: Flask, tenant: TestTenant) -> None:
    with app.app_context():
        with pytest.raises(StatementTimeout):
            message.look_up(tenant.id, "SELECT pg_sleep(20)", timeout_ms=50)
        assert message.look_up(tenant.id, "SELECT current_setting('statement_timeout')", timeout_ms=50) == [("50ms",)]
        assert message.look_up(tenant.id, "SELECT current_setting('statement_timeout')") != [("50ms",)]


ROUNDS = 200


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_the_worst_socket_delays_no_other_tenants_events(scene: Scene) -> None:
    """Forty subscriptions, each as expensive as a filter can be, over a log of large records that keeps growing."""
    before = _long_texts(scene.attacker.api, 60, MAX_TEXT)
    user = scene.victim.user()
    with Listener(scene.url, scene.victim.api.token) as listener:
        listener.subscribe()
        idle = _latencies(scene, listener, user)
        stop = threading.Event()
        writer = threading.Thread(target=_keep_writing, args=(scene, stop))
        with scene.undisturbed(), Listener(scene.url, scene.attacker.api.token) as worst:
            for number in range(40):
                worst.subscribe("pipeline:notes", filter=_expensive_filter(number), after=before)
            writer.start()
            disturbed = _latencies(scene, listener, user)
            stop.set()
            writer.join()
        ended = {notice["code"] for notice in worst.notices("unsubscribed")}
    p50s, p99s = (idle[ROUNDS // 2], disturbed[ROUNDS // 2]), (_p99(idle), _p99(disturbed))
    print(f"p50 {p50s[0]:.4f} -> {p50s[1]:.4f} s, p99 {p99s[0]:.4f} -> {p99s[1]:.4f} s")
    assert ended == {"TOO_EXPENSIVE"}
    assert p99s[1] <= max(2 * p99s[0], 0.1), p99s


def _latencies(scene: Scene, listener: Listener, user: TestUser) -> list[float]:
    """From the request that changes a user to the event that tells of it; in ascending order."""
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {scene.victim.api.token}"
    found = []
    for number in range(ROUNDS):
        told, began = len(listener.events()), time.monotonic()
        change = client.patch(f"{scene.url}/api/v1/users/{user.id}/", json={"name": f"{began} {number}"}, timeout=30)
        assert change.status_code == 200, change.text
        listener.wait_for_events(told + 1, seconds=30)
        found.append(time.monotonic() - began)
        time.sleep(0.02)
    return sorted(found)


def _p99(ordered: list[float]) -> float:
    return ordered[int(len(ordered) * 0.99) - 1]


def _keep_writing(scene: Scene, stop: threading.Event) -> None:
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {scene.attacker.api.token}"
    while not stop.wait(0.5):
        body = {"data": {"text": "ab" * (MAX_TEXT // 2)}}
        client.post(f"{scene.url}/api/v1/pipelines/notes/records/", json=body, timeout=30)
