"""Group commit: while one write is in flight, further writes of the same batch queue and are sent together in the next
statement.

A batch is its own key: writes are put together when their batches are equal, and the statement is made by the batch
itself, from its fields and the items. A batch that leaves out of its fields what its statement depends on cannot be
written, so the items of one caller or pipeline cannot be stored for another.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

MOST = 100
"""Of one message."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(Protocol[Item, Result]):
    """What the items of one statement share, as a frozen dataclass that is compared by all of its fields."""

    def __hash__(self) -> int: ...

    def perform(self, items: list[Item]) -> list[Result]:
        """Write the items in one statement and return one result for each, in order."""
        ...


@dataclass(slots=True, eq=False)
class _Seat(Generic[Item]):
    """Of one who waits: until somebody has done his work with their own, or he leads the next, with some company."""

    item: Item
    turn: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    company: list[_Seat[Item]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)

    def end(self, results: list[Any]) -> None:
        """Without a result he has to see to it himself."""
        self.results = results
        self.turn.set()


class Convoy:
    """Who comes first goes at once; nobody waits for company, only for the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Batch[Any, Any], list[_Seat[Any]]] = {}

    def run(self, batch: Batch[Item, Result], item: Item) -> Result:
        """Perform the item, alone or together with items of equal batches, and return its result.

        When a statement of several items fails, each item is performed by itself. Raises what it raises for the item
        alone.
        """
        seat = self._enter(batch, item)
        if seat is not None and not seat.leads:
            seat.turn.wait()
            if not seat.leads:
                return seat.results[0] if seat.results else batch.perform([item])[0]
        company = seat.company if seat is not None else []
        try:
            return self._lead(batch, item, company)
        finally:
            for left in company:
                if not left.turn.is_set():
                    left.end([])
            self._hand_over(batch)

    def _enter(self, batch: Batch[Item, Any], item: Item) -> _Seat[Item] | None:
        """None for who goes at once."""
        with self._lock:
            waiting = self._waiting.get(batch)
            if waiting is None:
                self._waiting[batch] = []
                return None
            seat = _Seat(item)
            waiting.append(seat)
            return seat

    def _lead(self, batch: Batch[Item, Result], item: Item, company: list[_Seat[Item]]) -> Result:
        try:
            results = batch.perform([item, *(seat.item for seat in company)])
        except Exception:
            if not company:
                raise
            for seat in company:
                seat.end([])
            return batch.perform([item])[0]
        for seat, result in zip(company, results[1:], strict=True):
            seat.end([result])
        return results[0]

    def _hand_over(self, batch: Batch[Any, Any]) -> None:
        with self._lock:
            waiting = self._waiting[batch]
            if not waiting:
                del self._waiting[batch]
                return
            first, *company = waiting[:MOST]
            self._waiting[batch] = waiting[MOST:]
        first.leads, first.company = True, company
        first.turn.set()
