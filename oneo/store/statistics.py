"""What PostgreSQL knows of the tables that tenants fill: kept close behind what is written.

Without statistics PostgreSQL expects one row of everything, joins by nested loops in any order, and reads a whole index
for each row. So a process that has written many rows has the tables analysed beside its requests, and a statement that
goes through relationships is planned without nested loops while a table has grown by half since it was last analysed.
"""

from __future__ import annotations

import logging
import time
from uuid import UUID

from flask import Flask

from oneo.background import Background
from oneo.store import message

CHECK_AFTER = 50
"""Events since the last look; each tells of a row that was written."""
PAUSE_SECONDS = 1.0
_MOST_TENANTS = 10_000
_log = logging.getLogger("oneo.store")


def analyse() -> None:
    """Analyse what has grown by half since the last time; otherwise do nothing."""
    message.look_up_directory("SELECT oneo_analyse()")


class StatisticsKeeper:
    """Counts what this process commits and has the tables analysed in the background."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._reached: dict[UUID, int] = {}
        self._written = 0
        self._thread = Background("oneo-statistics", self._work)

    def note(self, tenant_id: UUID, seq: int) -> None:
        """A listener of commits: event numbers of a tenant are dense, so their difference is the number of events."""
        if len(self._reached) >= _MOST_TENANTS:
            self._reached.clear()
        self._written += max(seq - self._reached.get(tenant_id, 0), 0)
        self._reached[tenant_id] = seq
        if self._written >= CHECK_AFTER:
            self._written = 0
            self._thread.wake()

    def stop(self) -> None:
        self._thread.stop(seconds=2)

    def _work(self) -> None:
        if self._thread.is_stopping:
            return
        try:
            with self._app.app_context():
                analyse()
        except Exception as error:  # noqa: BLE001 - requests do not depend on it, and autovacuum comes later
            _log.warning("tables could not be analysed: %s", error)
        time.sleep(PAUSE_SECONDS)
