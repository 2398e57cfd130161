"""How fast one connection may send. Whoever sends faster is read more slowly, and closed when that does not help."""

from __future__ import annotations

import threading
import time

FRAMES_PER_SECOND = 20.0
BURST = 200.0
PATIENCE_SECONDS = 10.0


class TooFast(Exception):
    """The client has sent more than its connection may for longer than PATIENCE_SECONDS."""


class Pace:
    """A token bucket: it holds BURST tokens and gains FRAMES_PER_SECOND. A client may be in debt and wait for it."""

    def __init__(self) -> None:
        self._tokens = BURST
        self._counted_at = time.monotonic()
        self._slowed_since: float | None = None
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a token; return for how many seconds nothing more must be read. Raises TooFast."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._counted_at) * FRAMES_PER_SECOND) - 1
            self._counted_at = now
            if self._tokens >= FRAMES_PER_SECOND:
                self._slowed_since = None
            if self._tokens >= 0:
                return 0.0
            self._slowed_since = self._slowed_since or now
            wait = -self._tokens / FRAMES_PER_SECOND
            if wait > PATIENCE_SECONDS or now - self._slowed_since > PATIENCE_SECONDS:
                raise TooFast
            return wait
