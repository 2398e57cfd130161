"""Connections whose clients have not logged in yet: bounded by network, in number and in time."""

from __future__ import annotations

import threading
import time
from typing import Any

import socketio

MAX_PENDING = 1_000
MAX_PENDING_PER_NETWORK = 50
PENDING_SECONDS = 10.0
NETWORK_KEY = "oneo.network"
"""Where the WSGI environment of a handshake holds the client's network, as the rate limits count it."""


class PendingConnections:
    """A client's first packet must be a CONNECT that the server accepts; anything else ends its connection.

    A network that opens too many connections loses its own oldest ones. Only when all networks together hold too many
    is the oldest connection of the network that holds most of them closed.
    """

    def __init__(self, server: socketio.Server) -> None:
        self._eio = server.eio
        self._networks: dict[str, dict[str, float]] = {}
        self._network_of: dict[str, str] = {}
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self._connected = server.eio.handlers["connect"]
        self._handled = server.eio.handlers["message"]
        self._disconnected = server.eio.handlers["disconnect"]
        server.eio.on("connect", self._connect)
        server.eio.on("message", self._message)
        server.eio.on("disconnect", self._disconnect)

    def is_pending(self, eio_sid: str) -> bool:
        return eio_sid in self._network_of

    def remove(self, eio_sid: str) -> None:
        """The client has logged in, or its connection has ended."""
        with self._lock:
            self._forget(eio_sid)

    def close(self, eio_sid: str) -> None:
        self.remove(eio_sid)
        connection = self._eio.sockets.get(eio_sid)
        if connection is not None:
            connection.close(wait=False, abort=True)

    def _connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        network = environ.get(NETWORK_KEY, "")
        with self._lock:
            self._networks.setdefault(network, {})[eio_sid] = time.monotonic()
            self._network_of[eio_sid] = network
            displaced = self._overdue()
            if len(self._networks[network]) > MAX_PENDING_PER_NETWORK:
                displaced.append(next(iter(self._networks[network])))
            elif len(self._network_of) > MAX_PENDING:
                largest = max(self._networks, key=lambda name: len(self._networks[name]))
                displaced.append(next(iter(self._networks[largest])))
        for other in displaced:
            self.close(other)
        return self._connected(eio_sid, environ)

    def _message(self, eio_sid: str, data: str | bytes) -> Any:
        connection = self._eio.sockets.get(eio_sid)
        if connection is None or connection.closed:
            return None
        if not self.is_pending(eio_sid):
            return self._handled(eio_sid, data)
        if eio_sid in self._refused or not isinstance(data, str) or not data.startswith("0"):
            return self.close(eio_sid)
        try:
            return self._handled(eio_sid, data)
        finally:
            if self.is_pending(eio_sid):
                self._refuse(eio_sid)

    def _disconnect(self, eio_sid: str, reason: str) -> Any:
        self.remove(eio_sid)
        return self._disconnected(eio_sid, reason)

    def _refuse(self, eio_sid: str) -> None:
        """End the connection once the refusal is sent. A client that polls has yet to fetch it, so it may do that."""
        connection = self._eio.sockets.get(eio_sid)
        if connection is not None and connection.upgraded:
            self.remove(eio_sid)
            connection.close(wait=False)
        else:
            self._refused.add(eio_sid)

    def _overdue(self) -> list[str]:
        before = time.monotonic() - PENDING_SECONDS
        return [
            eio_sid for opened in self._networks.values() for eio_sid, opened_at in opened.items() if opened_at < before
        ]

    def _forget(self, eio_sid: str) -> None:
        network = self._network_of.pop(eio_sid, None)
        self._refused.discard(eio_sid)
        if network is not None:
            opened = self._networks[network]
            opened.pop(eio_sid, None)
            if not opened:
                del self._networks[network]
