"""How many database connections one user, one tenant and all callers together may hold at the same time."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from oneo.errors import TooManyRunning, Unavailable

OWN_WAIT_SECONDS = 2.0
"""How long work waits for other work of the same user or tenant to end."""
MOST_WAITING = 200
"""Requests of one user that wait for a connection at the same time."""


class Owner(NamedTuple):
    """The caller on whose behalf a statement runs."""

    tenant_id: UUID
    user_id: UUID


@dataclass(eq=False, slots=True)
class _Queue:
    """Work of one owner (None: of the server itself) that waits for a connection, oldest first."""

    owner: Owner | None
    waiters: deque[threading.Event] = field(default_factory=deque)


class Shares:
    """Counts the connections in use and makes further work wait for its turn.

    An owner's work waits in a queue of its own, and the queues take turns. A user who sends many slow requests delays
    only that user, and many fast requests of one user are served one after the other without any being refused.
    Work of the server itself (logins, loading an actor, probes) has no owner. It goes first, and `reserve` connections
    are kept for it.
    """

    def __init__(self, size: int, *, per_user: int, per_tenant: int, reserve: int = 0) -> None:
        self._size = size
        self._for_callers = size - reserve
        self._per_user = per_user
        self._per_tenant = per_tenant
        self._lock = threading.Lock()
        self._total = 0
        self._running: Counter[Hashable] = Counter()
        self._queues: OrderedDict[Owner | None, _Queue] = OrderedDict()

    def enter(self, owner: Owner | None, *, wait_seconds: float) -> None:
        """Take a place; `leave` gives it back. The caller must hold no other place while it waits.

        Raises TooManyRunning when the owner's own work takes up the share, and Unavailable when all places stay in use.
        """
        with self._lock:
            if self._has_room(owner):
                self._count(owner, 1)
                return
            waiter = self._enqueue(owner)
        try:
            self._await_turn(owner, waiter, wait_seconds)
        except BaseException:
            self._withdraw(owner, waiter)
            raise

    def leave(self, owner: Owner | None) -> None:
        with self._lock:
            self._count(owner, -1)
            self._admit_waiting()

    def _has_room(self, owner: Owner | None) -> bool:
        """Queued work never has room: it is admitted as soon as it has."""
        if self._total >= self._size:
            return False
        return owner is None or (self._running[None] < self._for_callers and not self._share_is_full(owner))

    def _share_is_full(self, owner: Owner) -> bool:
        return self._running[owner] >= self._per_user or self._running[owner.tenant_id] >= self._per_tenant

    def _count(self, owner: Owner | None, change: int) -> None:
        self._total += change
        if owner is None:
            return
        for key in (None, owner.tenant_id, owner):
            self._running[key] += change
            if not self._running[key]:
                del self._running[key]

    def _enqueue(self, owner: Owner | None) -> threading.Event:
        queue = self._queues.setdefault(owner, _Queue(owner))
        if owner is not None and len(queue.waiters) >= MOST_WAITING:
            raise TooManyRunning
        waiter = threading.Event()
        queue.waiters.append(waiter)
        return waiter

    def _await_turn(self, owner: Owner | None, waiter: threading.Event, wait_seconds: float) -> None:
        deadline = time.monotonic() + wait_seconds
        if waiter.wait(min(OWN_WAIT_SECONDS, wait_seconds)):
            return
        # The share of a caller may be full at one moment and the whole pool at another: what counts is the last moment.
        while owner is None or not self._share_is_full(owner):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unavailable("All database connections are in use; try again.")
            if waiter.wait(left):
                return
        raise TooManyRunning

    def _withdraw(self, owner: Owner | None, waiter: threading.Event) -> None:
        """Leave the queue, or give back the place that came while the wait ended."""
        with self._lock:
            queue = self._queues.get(owner)
            if queue is None or waiter not in queue.waiters:
                self._count(owner, -1)
                self._admit_waiting()
                return
            queue.waiters.remove(waiter)
            if not queue.waiters:
                del self._queues[owner]

    def _admit_waiting(self) -> None:
        while (queue := self._next_queue()) is not None:
            queue.waiters.popleft().set()
            self._count(queue.owner, 1)
            if queue.waiters:
                self._queues.move_to_end(queue.owner)
            else:
                del self._queues[queue.owner]

    def _next_queue(self) -> _Queue | None:
        """The queue whose turn it is: the server's own, else the first that has room."""
        if self._total >= self._size:
            return None
        if None in self._queues:
            return self._queues[None]
        return next((queue for owner, queue in self._queues.items() if self._has_room(owner)), None)
