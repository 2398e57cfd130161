"""Rendered documents, kept while there is room: built by who needs one first, while the others wait for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Rendered:
    body: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes) -> Rendered:
        return cls(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')


class Kept:
    """The latest used ones, so many bytes of them; the last one always."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Rendered] = OrderedDict()
        self._turns: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], Rendered]) -> Rendered:
        found = self._find(key)
        if found is not None:
            return found
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        try:
            with turn:
                return self._find(key) or self._keep(key, make())
        finally:
            with self._lock:
                self._turns.pop(key, None)

    def _find(self, key: Hashable) -> Rendered | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def _keep(self, key: Hashable, made: Rendered) -> Rendered:
        with self._lock:
            self._known[key] = made
            self._bytes += len(made.body)
            while self._bytes > self._max_bytes and len(self._known) > 1:
                _, gone = self._known.popitem(last=False)
                self._bytes -= len(gone.body)
        return made
