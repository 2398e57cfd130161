"""Whether the client of the current request still waits for its answer: long reads end when it has gone.

The server that owns the socket calls `watch_client`. Under a server that does not, every client counts as present.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from oneo.errors import ClientGone

_has_left: ContextVar[Callable[[], bool] | None] = ContextVar("oneo_client_has_left", default=None)


def watch_client(has_left: Callable[[], bool] | None) -> None:
    """Say how to find out whether the client of the current request has left; None stops watching."""
    _has_left.set(has_left)


def check_client() -> None:
    """Raises ClientGone when the client has closed its connection."""
    has_left = _has_left.get()
    if has_left is not None and has_left():
        raise ClientGone
