"""Work beside the requests of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """A thread that sleeps until somebody has something for it. It starts when it is first woken, so after any fork."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    def wake(self) -> None:
        with self._lock:
            if self._thread is None and not self.is_stopping:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._woken.set()

    def stop(self, seconds: float) -> None:
        """It works once more; waits for it so long."""
        self.is_stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=seconds)

    def _run(self) -> None:
        while not self.is_stopping:
            self._woken.wait()
            self._woken.clear()
            self._work()
