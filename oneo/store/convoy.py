"""Writes that would wait for each other leave together: those who come while one is under way go with the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

MOST = 100
"""Of one message."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Perform = Callable[[list[Item]], list[Result]]


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
        self._waiting: dict[Hashable, list[_Seat[Any]]] = {}

    def run(self, key: Hashable, item: Item, perform: Perform[Item, Result]) -> Result:
        """The result for the item of `perform`, which is given some items of one key and gives back as many results.

        When it fails for several, it is tried for each by himself. Raises what it raises for the item alone.
        """
        seat = self._enter(key, item)
        if seat is not None and not seat.leads:
            seat.turn.wait()
            if not seat.leads:
                return seat.results[0] if seat.results else perform([item])[0]
        company = seat.company if seat is not None else []
        try:
            return self._lead(item, company, perform)
        finally:
            for left in company:
                if not left.turn.is_set():
                    left.end([])
            self._hand_over(key)

    def _enter(self, key: Hashable, item: Item) -> _Seat[Item] | None:
        """None for who goes at once."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                return None
            seat = _Seat(item)
            waiting.append(seat)
            return seat

    def _lead(self, item: Item, company: list[_Seat[Item]], perform: Perform[Item, Result]) -> Result:
        try:
            results = perform([item, *(seat.item for seat in company)])
        except Exception:
            if not company:
                raise
            for seat in company:
                seat.end([])
            return perform([item])[0]
        for seat, result in zip(company, results[1:], strict=True):
            seat.end([result])
        return results[0]

    def _hand_over(self, key: Hashable) -> None:
        with self._lock:
            waiting = self._waiting[key]
            if not waiting:
                del self._waiting[key]
                return
            first, *company = waiting[:MOST]
            self._waiting[key] = waiting[MOST:]
        first.leads, first.company = True, company
        first.turn.set()
