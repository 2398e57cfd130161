"""Fills and empties index slots in the background, batch by batch; what a stopped process leaves, the next one does."""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from flask import Flask

from oneo.actor import system_actor
from oneo.background import Background
from oneo.operations import slots

PAUSE_SECONDS = 0.002
RETRY_SECONDS = 1.0
_log = logging.getLogger("oneo.indexer")


class Indexer:
    """Told of a tenant by whoever loads a schema with slots that are not ready."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._waiting: set[UUID] = set()
        self._thread = Background("oneo-indexer", self._work)

    def hint(self, tenant_id: UUID) -> None:
        with self._lock:
            self._waiting.add(tenant_id)
        self._thread.wake()

    def stop(self) -> None:
        """After the batch that is under way."""
        self._thread.stop(seconds=5)

    def _work(self) -> None:
        while not self._thread.is_stopping:
            with self._lock:
                if not self._waiting:
                    break
                tenant_id = self._waiting.pop()
            self._serve(tenant_id)

    def _serve(self, tenant_id: UUID) -> None:
        try:
            with self._app.app_context():
                self._settle(tenant_id)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            _log.warning("an index could not be filled: %s", error)
            time.sleep(RETRY_SECONDS)
            self.hint(tenant_id)

    def _settle(self, tenant_id: UUID) -> None:
        actor = system_actor(tenant_id)
        for pipeline_id, slot in slots.pending(actor):
            while not self._thread.is_stopping and slots.advance(actor, pipeline_id, slot):
                time.sleep(PAUSE_SECONDS)
