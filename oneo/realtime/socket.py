"""Socket.IO: connecting with a token, subscribing, resuming, leaving. Every answer is an acknowledgement."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO

from oneo.config import Settings
from oneo.delivery.hub import Hub
from oneo.delivery.subscriptions import Reader
from oneo.errors import AuthenticationRequired, DomainError, FaultList, InternalError, TokenInvalid, ValidationFailed
from oneo.http import limits
from oneo.http.bearer import authenticated, bearer_token
from oneo.realtime.answers import acknowledged, members
from oneo.realtime.channel import SocketChannel
from oneo.realtime.door import Door, arrive
from oneo.realtime.pending import PendingConnections
from oneo.realtime.transport import MAX_MESSAGE_BYTES, StrictCodec, TextPacket, bind

MAX_SEQ = 2**63 - 1
_SUBSCRIBE = frozenset({"topic", "filter", "after"})
_log = logging.getLogger("oneo.realtime")
_library_log = logging.getLogger("oneo.realtime.library")


class UnknownMessage(DomainError):
    code, title = "UNKNOWN_MESSAGE", "There is no such message; there are `subscribe` and `unsubscribe`."


def register_realtime(app: Flask, settings: Settings, hub: Hub) -> None:
    """`threading` is right under every server: gevent's worker turns the threads, queues and events that it uses
    into greenlets, while the `gevent` mode would not work anywhere else.
    """
    # What the library logs as errors are malformed packets; failures of ours are logged here.
    _library_log.setLevel(logging.CRITICAL)
    socketio = SocketIO(
        app,
        async_mode="threading",
        async_handlers=False,
        manage_session=False,
        cors_allowed_origins=list(settings.cors_origins) or None,
        cors_credentials=False,
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        serializer=TextPacket,
        json=StrictCodec,
        logger=_library_log,
        engineio_logger=_library_log,
    )
    pending = PendingConnections(socketio.server)
    bind(socketio.server, pending)
    SocketFace(socketio, hub, pending).listen()
    app.wsgi_app = Door(app, app.wsgi_app)  # type: ignore[method-assign]


class SocketFace:
    """The handlers, and the reader behind each connected socket."""

    def __init__(self, socketio: SocketIO, hub: Hub, pending: PendingConnections) -> None:
        self._socketio = socketio
        self._hub = hub
        self._pending = pending
        self._readers: dict[str, Reader] = {}

    def listen(self) -> None:
        on = self._socketio.on
        on("connect")(self._connect)
        on("disconnect")(self._disconnect)
        on("subscribe")(acknowledged(self._subscribe))
        on("unsubscribe")(acknowledged(self._unsubscribe))
        on("*")(acknowledged(self._refuse))

    def _connect(self, auth: object = None) -> None:
        """Raises Refused, which reaches the client; nothing he sends is handled then."""
        try:
            self._open(_sid(), auth)
        except DomainError as error:
            raise Refused(error.detail, {"code": error.code}) from None
        except Exception:  # noqa: BLE001 - the client is told no more than this
            _log.exception("a socket could not be opened")
            raise Refused(InternalError.title, {"code": InternalError.code}) from None

    def _open(self, sid: str, auth: object) -> None:
        if sid in self._readers:
            raise UnknownMessage
        arrive()
        claims, actor, _ = authenticated(lambda: _token(auth))
        channel = SocketChannel(self._socketio.server, sid)
        reader = Reader(channel, actor, claims.expires_at)
        self._hub.join(reader)
        self._readers[sid] = reader
        self._pending.remove(channel.eio_sid)
        _log.info("socket opened", extra={"tenant_id": actor.tenant_id, "user_id": actor.user_id})

    def _disconnect(self, *_reason: object) -> None:
        reader = self._readers.pop(_sid(), None)
        if reader is not None:
            self._hub.leave(reader)
            if isinstance(reader.channel, SocketChannel):
                reader.channel.hang_up()

    def _subscribe(self, *arguments: object) -> dict[str, Any]:
        reader, body = self._reader(), members(arguments, _SUBSCRIBE)
        faults = FaultList()
        topic, after = body.get("topic"), body.get("after")
        if not isinstance(topic, str):
            faults.add("/topic", "REQUIRED", "A topic is required.")
        if after is not None and (type(after) is not int or not 0 <= after <= MAX_SEQ):
            faults.add("/after", "INVALID_VALUE", "This must be the number of an event, or 0.")
        faults.check(ValidationFailed)
        after = after if isinstance(after, int) else None
        opened = self._hub.subscribe(reader, str(topic), asked=body.get("filter"), after=after)
        answer = {"subscription": opened.subscription.id, "seq": opened.seq}
        return {**answer, "resync": True} if opened.resync else answer

    def _unsubscribe(self, *arguments: object) -> dict[str, Any]:
        reader, body = self._reader(), members(arguments, frozenset({"subscription"}))
        if not isinstance(body.get("subscription"), str):
            faults = FaultList()
            faults.add("/subscription", "REQUIRED", "The id of a subscription is required.")
            faults.check(ValidationFailed)
        self._hub.unsubscribe(reader, body["subscription"])
        return {}

    def _refuse(self, *_arguments: object) -> dict[str, Any]:
        self._reader()
        raise UnknownMessage

    def _reader(self) -> Reader:
        """Each message counts as a request of its sender. Raises AuthenticationRequired, RateLimited."""
        reader = self._readers.get(_sid())
        if reader is None:
            raise AuthenticationRequired
        limits.check_caller(reader.tenant_id, reader.actor.user_id)
        return reader


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined] # set by the socket library
    return sid


def _token(auth: object) -> str:
    if auth is None or auth == {}:
        return bearer_token()
    token = auth.get("token") if isinstance(auth, dict) else None
    if not isinstance(token, str):
        raise TokenInvalid('The handshake\'s auth must read {"token": "<token>"}.')
    return token
