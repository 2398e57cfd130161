"""A database that hangs makes the server not ready; it does not make the probe hang."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from flask import Flask

from oneo.operations import readiness
from oneo.store.pool import Pool
from tests.live import LiveServer

FAILED = {"database": "failed", "migrations": "failed", "role": "failed"}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def test_probes_do_not_wait_for_a_database_that_hangs(
    app: Flask, monkeypatch: pytest.MonkeyPatch, silent: socket.socket
) -> None:
    address = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
    monkeypatch.setitem(app.extensions, "oneo.pool", Pool(address, size=2, role=None, statement_timeout_ms=0))
    monkeypatch.setitem(app.extensions, "oneo.readiness", readiness.ReadinessProbe(app.app_context))
    monkeypatch.setattr(readiness, "PROBE_SECONDS", 0.1)
    for _ in range(5):
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json) == (503, {"status": "unavailable", "checks": FAILED})
    running = [thread for thread in threading.enumerate() if thread.name == "readiness"]
    assert len(running) == 1, "the probes share one run"
    silent.accept()[0].close()
    running[0].join()


@pytest.mark.prove
def test_the_server_says_that_a_frozen_database_is_not_ready() -> None:
    with tempfile.TemporaryDirectory(prefix="oneo-frozen-") as folder, LiveServer(Path(folder)) as server:
        postmaster = int(next(Path(folder).rglob("postmaster.pid")).read_text().split()[0])
        processes = [psutil.Process(postmaster), *psutil.Process(postmaster).children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            for _ in range(3):
                answer = requests.get(f"{server.url}/readyz", timeout=5)
                assert (answer.status_code, answer.json()["checks"]) == (503, FAILED)
        finally:
            for process in processes:
                process.resume()
        assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200
