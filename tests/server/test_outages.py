"""The database goes away and comes back while the server runs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from oneo.store import embedded
from tests.factories.tenant import TenantFactory
from tests.live import LiveServer
from tests.server.asking import ask, log_in
from tests.wire import Gate


def ready_within(server: LiveServer, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if ask(f"{server.url}/readyz", seconds=seconds)[0] == 200:
                return True
        time.sleep(0.1)
    return False


@pytest.mark.prove
def test_it_recovers_when_the_database_restarts(bundled: LiveServer) -> None:
    token = log_in(bundled)
    embedded.stop(bundled.folder)
    began = time.monotonic()
    assert ask(f"{bundled.url}/readyz") == (
        503, {"status": "unavailable", "checks": dict.fromkeys(("database", "migrations", "role"), "failed")}
    )  # fmt: skip
    assert ask(f"{bundled.url}/api/v1/users/", token=token)[0] == 503
    assert time.monotonic() - began < 2
    assert ask(f"{bundled.url}/healthz")[0] == 200
    embedded.start(bundled.folder, stop_at_exit=False)
    assert ready_within(bundled, 10)
    assert ask(f"{bundled.url}/api/v1/users/", token=token)[0] == 200


@pytest.mark.prove
@pytest.mark.parametrize("way", ["refuse", "silence"])
def test_it_recovers_when_the_network_comes_back(
    database_address: str, tenants: TenantFactory, tmp_path: Path, way: str
) -> None:
    tenant = tenants.create()
    with (
        Gate(database_address) as gate,
        LiveServer(
            tmp_path, database_url=gate.address, ONEO_STATEMENT_TIMEOUT_MS="1000", ONEO_RATE_LIMITS="false"
        ) as server,
    ):
        url = f"{server.url}/api/v1/users/"
        assert ask(url, token=tenant.api.token or "")[0] == 200
        getattr(gate, way)()
        began = time.monotonic()
        assert ask(f"{server.url}/readyz")[0] == 503
        assert ask(url, token=tenant.api.token or "")[0] == 503
        assert time.monotonic() - began < 25
        assert ask(f"{server.url}/healthz", seconds=1)[0] == 200
        gate.open()
        assert ready_within(server, 10)
        assert ask(url, token=tenant.api.token or "")[0] == 200


@pytest.mark.prove
def test_a_worker_waits_for_the_database(database_address: str, tmp_path: Path) -> None:
    with Gate(database_address) as gate, LiveServer(tmp_path, database_url=gate.address) as server:
        gate.refuse()
        [worker] = server.workers()
        worker.kill()
        time.sleep(4)
        assert server.process.poll() is None
        gate.open()
        assert ready_within(server, 10)
