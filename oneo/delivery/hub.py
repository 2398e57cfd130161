"""One hub per process: woken by commits, it reads each tenant's log after its readers' cursors and tells them.

Tenants are served side by side, each in a thread of its own for one turn, and never in two at once. Tenants whose turns
are slow share a few of the slots, so that any number of them leaves the others to the quick ones.
"""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from flask import Flask

from oneo.config import Settings
from oneo.delivery.station import Station
from oneo.delivery.subscriptions import Opened, Reader, close_subscription, open_subscription
from oneo.errors import DomainError, Unavailable
from oneo.store import events

POLL_SECONDS = 0.25
RETRY_SECONDS = 0.5
MAX_CONNECTIONS = 50
SLOTS = 8
"""Turns at once, each with one database connection; fewer where the pool is small."""
SLOW_SHARE = 4
"""One of so many slots is for tenants whose turns are slow."""
_log = logging.getLogger("oneo.hub")


class TooManyConnections(DomainError):
    code, status, title = "TOO_MANY_CONNECTIONS", 429, f"A user has {MAX_CONNECTIONS} connections at most."


class Hub:
    """A wake-up is a hint; the log is the truth. Its thread starts with the first reader, so after any fork."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._settings: Settings = app.extensions["oneo.settings"]
        self._stations: dict[UUID, Station] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._slots = max(2, min(SLOTS, self._settings.database_pool // 2))
        self._slow_slots = max(1, self._slots // SLOW_SHARE)
        self._thread: threading.Thread | None = None
        self._serving: dict[Station, bool] = {}
        """Stations whose turn it is, and whether they are slow."""
        self._stopping = False
        self._polled_at = 0.0

    # -- called by the faces -------------------------------------------------------------------------------------------

    def wake(self, tenant_id: UUID, seq: int) -> None:
        """After a commit of this process; the poll finds those of others."""
        with self._lock:
            station = self._stations.get(tenant_id)
            if station is None:
                return
            station.note(seq)
        self._woken.set()

    def join(self, reader: Reader) -> None:
        """Raises TooManyConnections, and Unavailable when the hub is stopping."""
        with self._lock:
            if self._stopping:
                raise Unavailable
            station = self._stations.setdefault(reader.tenant_id, Station(reader.tenant_id))
            if sum(known.actor.user_id == reader.actor.user_id for known in station.readers) >= MAX_CONNECTIONS:
                raise TooManyConnections
            station.readers.add(reader)
            station.note()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="oneo-hub", daemon=True)
                self._thread.start()
        self._woken.set()

    def leave(self, reader: Reader) -> None:
        with reader.lock:
            reader.subscriptions.clear()
        with self._lock:
            station = self._stations.get(reader.tenant_id)
            if station is not None:
                station.readers.discard(reader)
                if not station.readers:
                    del self._stations[reader.tenant_id]

    def subscribe(self, reader: Reader, topic: str, *, asked: object = None, after: int | None = None) -> Opened:
        """`asked` is a filter in the shared language. Raises what `open_subscription` raises."""
        days = self._settings.event_retention_days
        opened = open_subscription(reader, topic, asked=asked, after=after, retention_days=days)
        self.wake(reader.tenant_id, opened.seq)
        return opened

    def unsubscribe(self, reader: Reader, subscription_id: str) -> None:
        """Raises SubscriptionNotFound."""
        close_subscription(reader, subscription_id)

    def stop(self) -> None:
        """Ends the thread, then tells all who are left. Nobody can join any more."""
        with self._lock:
            self._stopping = True
            thread = self._thread
        self._woken.set()
        if thread is not None:
            thread.join(timeout=5)
        deadline = time.monotonic() + 5
        while self._serving and time.monotonic() < deadline:
            time.sleep(0.01)
        for reader in [reader for station in list(self._stations.values()) for reader in list(station.readers)]:
            reader.channel.close(Unavailable("The server is stopping."))

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        wait: float | None = 0.0
        while not self._stopping:
            self._woken.wait(wait)
            self._woken.clear()
            try:
                with self._app.app_context():
                    wait = self._round()
            except Exception as error:  # noqa: BLE001 - it is said, and cursors move only when events were told
                self._note_failure(error)
                time.sleep(RETRY_SECONDS)
                wait = 0.0

    def _round(self) -> float | None:
        """Start a turn for every station that is due. Return how long to sleep; None means until something happens.

        Raises Unavailable.
        """
        self._poll()
        for station, readers in self._start_turns():
            threading.Thread(target=self._serve, args=(station, readers), name="oneo-hub-turn", daemon=True).start()
        with self._lock:
            if not self._stations:
                return None
            now = time.monotonic()
            # A station that is due and has no slot yet is started when another one has finished its turn.
            waiting = [station.ready_at for station in self._stations.values() if station.ready_at > now]
        return max(0.0, min([self._polled_at + POLL_SECONDS, *waiting]) - now)

    def _start_turns(self) -> list[tuple[Station, list[Reader]]]:
        """The stations that have waited longest, as many as there are slots for."""
        with self._lock:
            now = time.monotonic()
            due = [found for found in self._stations.values() if found.ready_at <= now and found not in self._serving]
            started = []
            for station in sorted(due, key=lambda found: found.ready_at):
                slow = station.is_slow(now)
                if len(self._serving) < self._slots and not (slow and sum(self._serving.values()) >= self._slow_slots):
                    self._serving[station] = slow
                    station.start_turn()
                    started.append((station, list(station.readers)))
            return started

    def _serve(self, station: Station, readers: list[Reader]) -> None:
        began = time.monotonic()
        again = float("inf")
        try:
            with self._app.app_context():
                again = station.serve(readers)
        except Exception as error:  # noqa: BLE001 - one tenant's trouble is not the others'; cursors have not moved
            self._note_failure(error)
            again = time.monotonic() + RETRY_SECONDS
        finally:
            with self._lock:
                station.finish_turn(time.monotonic() - began, again)
                del self._serving[station]
            self._woken.set()

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, Unavailable):
            _log.warning("the hub waits for the database: %s", error)
        else:
            _log.error("the hub could not deliver", exc_info=error)

    def _poll(self) -> None:
        now = time.monotonic()
        if now < self._polled_at + POLL_SECONDS:
            return
        with self._lock:
            known = {tenant_id: station.head for tenant_id, station in self._stations.items()}
        clocks = events.clocks(list(known)) if known else {}
        self._polled_at = now
        for tenant_id, head in known.items():
            seq = clocks.get(tenant_id)
            if seq is None or seq > head:
                self.wake(tenant_id, seq or 0)
