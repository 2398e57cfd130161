"""A live server with two tenants: one that attacks, and a bystander who must not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.bystander import Bystander
from tests.factories.tenant import TestTenant
from tests.live import LiveServer

P99_SECONDS = 0.3


class Scene:
    """The server under attack, the tenant that attacks it, and the tenant that only wants to work."""

    def __init__(self, server: LiveServer, attacker: TestTenant, victim: TestTenant) -> None:
        self.server = server
        self.attacker = attacker
        self.victim = victim

    @property
    def url(self) -> str:
        return self.server.url

    @contextmanager
    def undisturbed(self) -> Iterator[Bystander]:
        """While the block lasts, 99 % of the other tenant's small requests are answered within P99_SECONDS, and no
        worker process is replaced.
        """
        workers = [process.pid for process in self.server.workers()]
        token = self.victim.api.token
        assert token is not None
        with Bystander(self.url, token) as bystander:
            yield bystander
        assert bystander.p99 < P99_SECONDS, f"p99 was {bystander.p99:.3f} s of {len(bystander.durations)} answers"
        assert [process.pid for process in self.server.workers()] == workers, "a worker was killed"


@pytest.fixture
def scene(database_address: str, tmp_path: Path, tenant: TestTenant, other: TestTenant) -> Iterator[Scene]:
    """A server of the test's own, without rate limits: those are another defence than the one under test."""
    with LiveServer(tmp_path, database_url=database_address, ONEO_RATE_LIMITS="false") as server:
        yield Scene(server, tenant, other)
