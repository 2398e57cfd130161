"""One connected socket, as the hub sees it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import orjson
import socketio

from oneo.errors import AuthenticationRequired, DomainError

ROOM_WEBSOCKET = 256
ROOM_POLLING = 12
"""Clients take 16 packets in one answer at most, acknowledgements and pings among them."""
ROOM_BYTES = 1_048_576
_log = logging.getLogger("oneo.realtime")


class SocketChannel:
    """Its queue is bounded by what `has_room` says; what a slow client has not taken waits in the log."""

    def __init__(self, server: socketio.Server, sid: str) -> None:
        self._server = server
        self._sid = sid
        self.eio_sid: str = server.manager.eio_sid_from_sid(sid, "/")
        self._bytes = 0

    def has_room(self) -> bool:
        connection = self._server.eio.sockets.get(self.eio_sid)
        if connection is None:
            return False
        queued: int = connection.queue.qsize()
        if queued == 0:
            self._bytes = 0
        return queued < (ROOM_WEBSOCKET if connection.upgraded else ROOM_POLLING) and self._bytes < ROOM_BYTES

    def send(self, event_name: str, payload: str) -> None:
        self._bytes += len(payload)
        self._try(lambda: self._server.emit(event_name, orjson.Fragment(payload), to=self._sid))

    def notify(self, event_name: str, notice: dict[str, Any]) -> None:
        self._try(lambda: self._server.emit(event_name, notice, to=self._sid))

    def close(self, reason: DomainError) -> None:
        """Clients come back by themselves when the transport ends, and do not when they are told to leave: who needs
        another token is told to leave.
        """
        _log.info("socket closed", extra={"reason": reason.code})
        self.notify("closing", {"code": reason.code, "message": reason.detail})
        if isinstance(reason, AuthenticationRequired):
            self._try(lambda: self._server.disconnect(self._sid))
        self.hang_up()

    def hang_up(self) -> None:
        """Ends the transport once what is queued has been sent."""
        connection = self._server.eio.sockets.get(self.eio_sid)
        if connection is not None:
            self._try(lambda: connection.close(wait=False))

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a socket can go at any moment; what notices it tells the hub
            _log.debug("a socket is gone: %s", error)
