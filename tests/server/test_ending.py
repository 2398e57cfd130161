"""How the server ends: in order, at once, or by force."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.factories.tenant import TestTenant
from tests.live import LiveServer
from tests.realtime.client import POLLING, WEBSOCKET, Listener, token_of
from tests.server.asking import DEMO, ask, has_ended


class Slow:
    """A request that has begun: half of its body is still to come."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._body = json.dumps({**DEMO, "tenant": "no_such_tenant"}).encode()
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        head = (
            f"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(self._body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + self._body[:10])

    def finish(self) -> bytes:
        """Sends the rest; returns the status line."""
        self._socket.sendall(self._body[10:])
        with self._socket, self._socket.makefile("rb") as answer:
            return answer.readline()


def test_requests_under_way_are_answered_before_it_ends(own: LiveServer) -> None:
    slow = Slow(own.url)
    time.sleep(0.3)
    own.process.terminate()
    time.sleep(2.0)
    assert own.process.poll() is None
    with pytest.raises(OSError, match="refused"):
        ask(f"{own.url}/healthz")
    assert b" 401 " in slow.finish()
    assert own.process.wait(10) == 0


def test_idle_clients_do_not_hold_it_up(own: LiveServer, tenant: TestTenant) -> None:
    """Nor does a connection that is kept for a next request, or one on which nothing was ever sent."""
    address = urlsplit(own.url)
    kept = http.client.HTTPConnection(address.netloc)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    with (
        socket.create_connection((address.hostname, address.port)),
        Listener(own.url, token_of(tenant.api), transports=POLLING) as polling,
        Listener(own.url, token_of(tenant.api), transports=WEBSOCKET) as listener,
    ):
        polling.subscribe()
        listener.subscribe()
        time.sleep(0.5)
        began = time.monotonic()
        own.process.terminate()
        assert own.process.wait(10) == 0
        assert time.monotonic() - began < 4, "idle connections would take five seconds"
        assert {polling.wait_until_closed(), listener.wait_until_closed()} == {"UNAVAILABLE"}
    assert '"level":"error"' not in own.log


@pytest.mark.prove
def test_open_sockets_do_not_hold_it_up(own: LiveServer, tenant: TestTenant) -> None:
    with Listener(own.url, token_of(tenant.api)) as listener:
        listener.subscribe()
        began = time.monotonic()
        assert own.stop() == 0
        assert time.monotonic() - began < 10
        assert listener.wait_until_closed() == "UNAVAILABLE"


@pytest.mark.prove
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.3, 1.8])
def test_it_can_be_ended_while_it_starts(
    database_address: str, tmp_path: Path, how: signal.Signals, seconds: float
) -> None:
    """Signals reach its children too, as from a terminal."""
    server = LiveServer(tmp_path, database_url=database_address)
    process = psutil.Process(server.launch().pid)
    try:
        time.sleep(seconds)
        children = process.children()
        for running in [*children, process]:
            running.send_signal(how)
        assert has_ended(process.pid, 10)
        assert all(has_ended(child.pid, 5) for child in children)
    finally:
        if process.is_running():
            process.kill()
    assert "Traceback" not in server.log


@pytest.mark.prove
def test_a_hangup_replaces_the_workers(own: LiveServer) -> None:
    [before] = own.workers()
    own.process.send_signal(signal.SIGHUP)
    assert has_ended(before.pid, 10)
    assert ask(f"{own.url}/readyz")[0] == 200
    assert own.log.count("serves at") == 1


@pytest.mark.prove
def test_an_interrupt_ends_it_at_once(own: LiveServer) -> None:
    own.process.send_signal(signal.SIGINT)
    assert own.process.wait(5) == 0
    assert "Traceback" not in own.log


@pytest.mark.prove
def test_workers_end_with_their_parent(own: LiveServer) -> None:
    workers = own.workers()
    assert len(workers) == 1
    own.kill()
    assert all(has_ended(worker.pid, 5) for worker in workers)
    own.start()


@pytest.mark.prove
def test_a_worker_that_dies_is_replaced(own: LiveServer) -> None:
    [worker] = own.workers()
    worker.kill()
    assert ask(f"{own.url}/readyz")[0] == 200
    assert [process.pid for process in own.workers()] != [worker.pid]
