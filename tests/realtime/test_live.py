"""The same journey on the server that people run: its event loop, its processes, its end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from tests.factories.tenant import TestTenant
from tests.live import LiveServer
from tests.realtime.client import POLLING, UPGRADE, WEBSOCKET, Listener
from tests.realtime.test_transport import Raw


@pytest.fixture(scope="module")
def live(database_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("live"), database_url=database_address) as server:
        yield server


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADE])
def test_a_change_of_another_process_reaches_a_subscriber(
    live: LiveServer, tenant: TestTenant, transports: tuple[str, ...]
) -> None:
    with Listener(live.url, tenant.api.token, transports=transports) as listener:
        listener.subscribe()
        user = tenant.user()
        assert listener.wait_for_events(1, seconds=2)[0]["user_id"] == str(user.id)


def test_who_is_shut_out_hears_no_more(live: LiveServer, tenant: TestTenant) -> None:
    user = tenant.user()
    with Listener(live.url, user.api.token) as listener:
        listener.subscribe()
        assert user.api.post("/auth/logout/").status_code == 204
        assert listener.wait_until_closed() == "TOKEN_REVOKED"


def test_a_client_that_reads_late_gets_every_byte(live: LiveServer, app: Flask, tenant: TestTenant) -> None:
    """The event loop's sockets take what fits; the rest of a frame must follow it."""
    with app.app_context(), unit(system_actor(tenant.id)) as work:
        for number in range(300):
            work.append("user.updated", new_id(), data={"number": number, "text": "x" * 40_000})
    raw = Raw(live.url, tenant.api.token, skip_utf8_validation=True)
    after = tenant.api.get("/admin/audit/?ordering=-seq&page_size=1").json["results"][0]["seq"] - 300
    raw.socket.send('4277["subscribe",' + json.dumps({"topic": "users", "after": after}) + "]")
    assert '"ok":true' in raw.receive()
    time.sleep(2)
    assert [json.loads(raw.receive()[2:])[1]["data"]["number"] for _ in range(300)] == list(range(300))
    raw.socket.close()


def test_many_listeners_are_told_soon(live: LiveServer, tenant: TestTenant) -> None:
    listeners = [Listener(live.url, tenant.api.token) for _ in range(30)]
    for listener in listeners:
        listener.__enter__()
        listener.subscribe()
    started = time.monotonic()
    tenant.user()
    for listener in listeners:
        listener.wait_for_events(1)
    assert time.monotonic() - started < 2
    for listener in listeners:
        listener.client.disconnect()


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_two_processes_and_twenty_kills_lose_nothing(
    database_address: str, app: Flask, tenant: TestTenant, tmp_path: Path
) -> None:
    """The client says where it was; writers never pause."""
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            with app.app_context(), unit(system_actor(tenant.id)) as work:
                work.append("user.updated", new_id(), data={})
            time.sleep(0.002)

    server = LiveServer(tmp_path, "--workers", "2", database_url=database_address)
    writers = [threading.Thread(target=keep_writing) for _ in range(2)]
    seen: list[int] = [tenant.api.events()[-1]["seq"]]
    for writer in writers:
        writer.start()
    try:
        for _ in range(20):
            server.start()
            with Listener(server.url, tenant.api.token) as listener:
                listener.subscribe(after=seen[-1])
                listener.wait_for_events(100, seconds=20)
                server.kill()
                listener.client.wait()
                seen += listener.numbers()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert seen == list(range(seen[0], seen[-1] + 1))
