"""Counters of one process for the rate limiter: nothing but a dictionary, swept when it has grown."""

from __future__ import annotations

import threading
import time
from typing import Any

from limits.storage import Storage

SCHEME = "local"
SWEEP_FROM = 10_000


class LocalStorage(Storage):
    """The library's own memory storage starts a timer thread a hundred times a second, which walks over every key."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the library reads it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_options: Any) -> None:  # noqa: FBT001, FBT002
        super().__init__(uri, wrap_exceptions)
        self._windows: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = SWEEP_FROM

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            count, ends = self._windows.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
            self._windows[key] = (count + amount, ends)
            if len(self._windows) > self._sweep_at:
                self._sweep(now)
        return count + amount

    def get(self, key: str) -> int:
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return max(time.time(), self._windows.get(key, (0, 0.0))[1])

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._windows))
