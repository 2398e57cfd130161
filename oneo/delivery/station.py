"""One tenant's readers in this process: reading the log for them, and seeing that they still may.

A turn is bounded: it stops reading after TURN_SECONDS, and each statement has a timeout. A tenant whose turn was slow
is served in one of the hub's few slots for slow tenants for a while, and rests after each slow turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from oneo.access import identity
from oneo.actor import Actor
from oneo.delivery.reading import Batch, Due, Key, Reading, condition_key, gather, read
from oneo.delivery.subscriptions import Reader
from oneo.errors import (
    DomainError,
    StaleActor,
    StatementTimeout,
    TokenExpired,
    TokenRevoked,
    TooExpensive,
    Unavailable,
)
from oneo.pacing import paced
from oneo.store.standing import standing

RETRY_FULL = 0.02
SLOW_SECONDS = 30.0
RECHECK = 15.0
RECHECK_KEYS = 1.0
"""An API key can run out without an event that would say so."""
TURN_SECONDS = 1.0
SLOW_TURN_SECONDS = 0.25
SLOW_FOR_SECONDS = 10.0
MAX_REST_SECONDS = 2.0
QUICK_SECONDS = 0.1
"""A subscription that is read apart and needs no more is read with the others again."""


class SlowReader(DomainError):
    code, status, title = "SLOW_READER", 503, "The connection did not take its events for too long."


class Station:
    """Works in one thread of the hub at a time; `readers`, `note` and `finish_turn` are guarded by the hub's lock."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.readers: set[Reader] = set()
        self.due_at = 0.0
        self._rests_until = 0.0
        self._slow_until = 0.0
        self._head = 0
        self._notes = 1
        self._notes_checked = 0
        self._checked_at = 0.0

    @property
    def head(self) -> int:
        return self._head

    def note(self, head: int | None = None) -> None:
        """Something has happened: the log has come to `head`, or a reader has come."""
        self._head = max(self._head, head or 0)
        self._notes += 1
        self.due_at = min(self.due_at, time.monotonic())

    @property
    def ready_at(self) -> float:
        """The time of the next turn."""
        return max(self.due_at, self._rests_until)

    def is_slow(self, now: float) -> bool:
        return now < self._slow_until

    def start_turn(self) -> None:
        self.due_at = float("inf")

    def finish_turn(self, seconds: float, again: float) -> None:
        """The turn took so long, and the next one is due at `again` or when something happens."""
        self.due_at = min(self.due_at, again)
        if seconds > SLOW_TURN_SECONDS:
            now = time.monotonic()
            self._slow_until = now + SLOW_FOR_SECONDS
            self._rests_until = now + min(seconds, MAX_REST_SECONDS)

    def serve(self, readers: list[Reader]) -> float:
        """Send each reader what is due, at most a batch; return the time at which to serve again. Raises Unavailable.

        Those nearest to the present come first. Rights are checked before the log is read, so that a revoked credential
        costs nothing more, and afterwards, so that no event is sent to a reader who lost them before it: a reader with
        other rights by then is read for anew.
        """
        now, head = time.monotonic(), self._head
        readers = self._without_expired(readers)
        if self._notes > self._notes_checked or now >= self._next_check(readers):
            readers = self._with_rights(readers)
        due = self._due(readers, head, now)
        readings, served = gather(found for found in due if isinstance(found, Due))
        batches, cancelled = self._batches(readings, readers)
        if due:
            readers = self._with_rights(readers)
        _tell(served, set(readers), batches, head)
        for found in served:
            if found.key in cancelled:
                _set_apart_or_end(found)
            elif found.key in batches and _is_quick(batches[found.key]):
                found.subscription.is_apart = False
        return self._next_time(readers, now)

    def _due(self, readers: list[Reader], head: int, now: float) -> list[Due | Reader]:
        """Subscriptions that lag, and readers of whom it is not known what they see: their rights are out of date."""
        due: list[Due | Reader] = []
        for reader in paced(readers):
            if not self._has_room(reader, head, now):
                continue
            for subscription in reader.lagging(head, now):
                try:
                    sight = reader.sight_for(subscription.topic)
                    condition = reader.condition_for(subscription)
                except StaleActor:
                    due.append(reader)
                except DomainError:
                    continue
                else:
                    due.append(Due.of(reader, subscription, sight, condition))
        return due

    def _batches(self, readings: dict[Key, Reading], readers: list[Reader]) -> tuple[dict[Key, Batch], set[Key]]:
        """What was read until the turn was over, and which readings took too long.

        What readers see may have changed so that it cannot be asked: then their rights come first next time.
        """
        batches: dict[Key, Batch] = {}
        cancelled: set[Key] = set()
        ends = time.monotonic() + TURN_SECONDS
        for key, reading in readings.items():
            try:
                batches[key] = self._read(reading)
            except StatementTimeout:
                cancelled.add(key)
            except Unavailable:
                raise
            except Exception:
                self._with_rights(readers)
                raise
            if time.monotonic() >= ends:
                break
        return batches, cancelled

    def _read(self, reading: Reading) -> Batch:
        return read(self.tenant_id, reading)

    def _without_expired(self, readers: list[Reader]) -> list[Reader]:
        expired = {reader for reader in readers if reader.expires_at <= time.time()}
        _close(expired, TokenExpired())
        return [reader for reader in readers if reader not in expired]

    def _has_room(self, reader: Reader, head: int, now: float) -> bool:
        """Ends the connection of one who has had no room for too long."""
        if reader.channel.has_room() or not reader.lagging(head, now):
            reader.stuck_since = None
            return reader.channel.has_room()
        reader.stuck_since = reader.stuck_since or now
        if now - reader.stuck_since > SLOW_SECONDS:
            _close([reader], SlowReader())
        return False

    def _with_rights(self, readers: list[Reader]) -> list[Reader]:
        """Those whose credential still counts, with the rights they have now; the others are disconnected."""
        notes = self._notes
        held = {reader.actor.credential_id: reader.actor for reader in readers}
        unchanged = standing(self.tenant_id, list(held.values())) if held else frozenset()
        present = {
            credential_id: actor if credential_id in unchanged else _renewed(actor)
            for credential_id, actor in held.items()
        }
        self._notes_checked, self._checked_at = notes, time.monotonic()
        kept = []
        for reader in readers:
            actor = present[reader.actor.credential_id]
            if actor is None:
                _close([reader], TokenRevoked())
                continue
            if actor is not reader.actor:
                reader.take_rights(actor)
            kept.append(reader)
        return kept

    def _next_check(self, readers: Iterable[Reader]) -> float:
        return self._checked_at + (RECHECK_KEYS if any(reader.has_key for reader in readers) else RECHECK)

    def _next_time(self, readers: list[Reader], now: float) -> float:
        times = [self._next_check(readers)]
        for reader in readers:
            times.append(now + max(0.0, reader.expires_at - time.time()))
            with reader.lock:
                behind = [found for found in reader.subscriptions.values() if found.cursor < self._head]
            if behind:
                soonest = min(found.starts_at for found in behind)
                times.append(max(soonest, now if reader.channel.has_room() else now + RETRY_FULL))
        return min(times)


def _tell(served: list[Due], allowed: set[Reader], batches: dict[Key, Batch], head: int) -> None:
    for due in paced(served):
        batch = batches.get(due.key)
        if batch is not None and due.reader in allowed and due.reader.actor is due.actor:
            place = batch.places[condition_key(due.condition)] if due.condition is not None else None
            due.reader.tell(due.subscription, batch.events, place, 0 if batch.is_full else head)


def _is_quick(batch: Batch) -> bool:
    """Whether it was read quickly, and was not cut off where a larger batch would have been slow."""
    return batch.seconds < QUICK_SECONDS and not batch.is_full


def _set_apart_or_end(due: Due) -> None:
    """The statement that read for this subscription took too long."""
    if due.subscription.is_apart:
        due.reader.end(due.subscription, TooExpensive("Reading the events for this subscription takes too long."))
    due.subscription.is_apart = True


def _renewed(actor: Actor) -> Actor | None:
    try:
        return identity.load_actor(actor.tenant_id, actor.credential, actor.credential_id)
    except TokenRevoked:
        return None


def _close(readers: Iterable[Reader], reason: DomainError) -> None:
    for reader in readers:
        with reader.lock:
            reader.subscriptions.clear()
        reader.channel.close(reason)
