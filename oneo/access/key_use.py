"""When API keys were last used: noted in memory, written beside the requests, about once a minute for each key."""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from flask import Flask

from oneo.background import Background
from oneo.store import identity as store

REST_SECONDS = 60.0
_MOST_KEYS = 20_000
_log = logging.getLogger("oneo.keys")


class KeyUses:
    """A request costs a look into a dictionary."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._rests_until: dict[UUID, float] = {}
        self._pending: dict[UUID, set[UUID]] = {}
        self._lock = threading.Lock()
        self._thread = Background("oneo-key-uses", self._work)

    def note(self, tenant_id: UUID, key_id: UUID) -> None:
        now = time.monotonic()
        if now < self._rests_until.get(key_id, 0.0):
            return
        with self._lock:
            if len(self._rests_until) >= _MOST_KEYS:
                self._rests_until.clear()
            self._rests_until[key_id] = now + REST_SECONDS
            self._pending.setdefault(tenant_id, set()).add(key_id)
        self._thread.wake()

    def stop(self) -> None:
        """Writes what is left."""
        self._thread.stop(seconds=2)

    def _work(self) -> None:
        try:
            with self._app.app_context():
                self._write()
        except Exception as error:  # noqa: BLE001 - requests do not depend on it, and the next use is noted anew
            _log.warning("the use of API keys could not be noted: %s", error)
            self._rests_until.clear()

    def _write(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, {}
        for tenant_id, key_ids in pending.items():
            store.note_key_use(tenant_id, sorted(key_ids))
