"""Fair use of the processor: long loops pause for other requests and end when their request's budget is used up.

All requests of a process share one event loop, so a loop over input that never waits holds up every other client. Wrap
each loop whose length a client chooses in `paced`, or call `Pacer.step` where there is no loop to wrap (a recursion, a
callback). Every few milliseconds the loop then lets other requests run, and what it has used is taken from the budget
that `start_budget` gave the request.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from oneo.errors import TooExpensive

SLICE_SECONDS = 0.002
"""How long a loop runs before other requests get a turn."""

PAUSE_SECONDS = 0.0001
"""Not 0: gevent runs up to 50 loops that sleep for no time before it looks at sockets again."""

Item = TypeVar("Item")
_seconds_left: ContextVar[float | None] = ContextVar("oneo_cpu_seconds_left", default=None)
_waits: ContextVar[int] = ContextVar("oneo_waits", default=0)


def start_budget(seconds: float | None) -> None:
    """Give the current request (or message of a socket) this much computing time; None means no limit."""
    _seconds_left.set(seconds)


def note_wait() -> None:
    """Say that other requests had their turn just now: slices that began before are over, and are not charged."""
    _waits.set(_waits.get() + 1)


class Pacer:
    """Counts the time between pauses."""

    __slots__ = ("_left_in_stride", "_slice_began", "_stride", "_waits")

    def __init__(self, stride: int = 1) -> None:
        self._stride = stride
        self._left_in_stride = stride
        self._begin_slice()

    def step(self) -> None:
        """Pause if this slice is over. Raises TooExpensive when the budget is used up.

        With a stride above one, only every such step looks at the clock: for loops whose single step is tiny.
        """
        self._left_in_stride -= 1
        if self._left_in_stride:
            return
        self._left_in_stride = self._stride
        used = time.perf_counter() - self._slice_began
        if used < SLICE_SECONDS:
            return
        if self._waits == _waits.get():
            spend(used)
            # Looked up at each call, because a server may patch it later.
            time.sleep(PAUSE_SECONDS)
            note_wait()  # for the loops around this one, whose time has just been charged
        self._begin_slice()

    def _begin_slice(self) -> None:
        self._waits = _waits.get()
        self._slice_began = time.perf_counter()


def paced(items: Iterable[Item], *, stride: int = 1) -> Iterator[Item]:
    """Yield the items, pausing as `Pacer.step` does. Raises TooExpensive."""
    pacer = Pacer(stride)
    for item in items:
        yield item
        pacer.step()


def spend(seconds: float) -> None:
    """Take time from the current request's budget. Raises TooExpensive when nothing is left."""
    left = _seconds_left.get()
    if left is None:
        return
    _seconds_left.set(left - seconds)
    if left <= seconds:
        raise TooExpensive
