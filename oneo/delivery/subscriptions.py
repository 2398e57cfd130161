"""Readers, what they subscribed to, and how far each has read."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from oneo.access import identity, policy
from oneo.actor import Actor, CredentialKind
from oneo.delivery.payload import LoggedEvent, told_to
from oneo.delivery.topics import Topic, topic_named
from oneo.errors import DomainError, NotFound, PermissionDenied, StaleActor, Unavailable
from oneo.ids import new_id
from oneo.store import events, message

MAX_SUBSCRIPTIONS = 50
START_AFTER = 0.02
"""Seconds: a subscription's first event follows the acknowledgement that names it."""
_ATTEMPTS = 3


class SubscriptionNotFound(NotFound):
    code, title = "SUBSCRIPTION_NOT_FOUND", "There is no such subscription on this connection."


class TooManySubscriptions(DomainError):
    code, status, title = "TOO_MANY_SUBSCRIPTIONS", 429, f"A connection has {MAX_SUBSCRIPTIONS} subscriptions at most."


class Channel(Protocol):
    """The way to one connected client. None of this raises or waits: a client that is gone is told nothing."""

    def has_room(self) -> bool:
        """Whether the client takes another event now; what does not fit stays in the log."""

    def send(self, event_name: str, payload: str) -> None:
        """An event, as JSON text."""

    def notify(self, event_name: str, notice: dict[str, Any]) -> None:
        """A notice that is no event of the log."""

    def close(self, reason: DomainError) -> None:
        """Tells the reason and ends the connection."""


@dataclass(slots=True, eq=False)
class Subscription:
    """`cursor` is the last number that was told, or passed over as none of its concern."""

    id: str
    topic: Topic
    cursor: int
    starts_at: float

    def lags(self, head: int, now: float) -> bool:
        return self.cursor < head and self.starts_at <= now


@dataclass(slots=True, eq=False)
class Reader:
    """One connection: as whom it reads, until when its token lasts, and its subscriptions, which the lock guards."""

    channel: Channel
    actor: Actor
    expires_at: float
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    stuck_since: float | None = None

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id

    @property
    def has_key(self) -> bool:
        return self.actor.credential is CredentialKind.API_KEY

    def lagging(self, head: int, now: float) -> list[Subscription]:
        with self.lock:
            return [found for found in self.subscriptions.values() if found.lags(head, now)]

    def tell(self, subscription: Subscription, batch: list[LoggedEvent], end: int) -> None:
        """Tells of the batch as long as there is room; after all of it the cursor is at `end`, if that is further."""
        with self.lock:
            for event in batch:
                if subscription.id not in self.subscriptions:
                    return
                if subscription.topic.shows(self.actor, event):
                    if not self.channel.has_room():
                        return
                    payload = told_to(subscription.id, event, subscription.topic.subject_key)
                    self.channel.send(subscription.topic.event_name, payload)
                subscription.cursor = event.seq
            subscription.cursor = max(subscription.cursor, end)

    def take_rights(self, actor: Actor) -> None:
        """Goes on as this actor; subscriptions that he has no right to any more are ended, with a notice."""
        with self.lock:
            self.actor = actor
            for subscription in list(self.subscriptions.values()):
                if not policy.allows(actor, subscription.topic.permission):
                    del self.subscriptions[subscription.id]
                    notice = {"subscription": subscription.id, "code": PermissionDenied.code}
                    self.channel.notify("unsubscribed", {**notice, "message": PermissionDenied.title})


@dataclass(frozen=True, slots=True)
class Opened:
    """`seq` is the tenant's latest number; `resync` says that `after` is out of reach, so reading begins at `seq`."""

    subscription: Subscription
    seq: int
    resync: bool


def open_subscription(reader: Reader, topic_name: str, *, after: int | None, retention_days: int) -> Opened:
    """Raises TopicNotFound, PermissionDenied, TooManySubscriptions, TokenRevoked."""
    topic = topic_named(topic_name)
    actor, seq = _confirmed(reader.actor)
    policy.require(actor, topic.permission)
    resync = after is not None and not _in_reach(actor.tenant_id, after, seq, retention_days)
    cursor = seq if after is None or resync else after
    opened = Subscription(str(new_id()), topic, cursor, time.monotonic() + START_AFTER)
    with reader.lock:
        if len(reader.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions
        reader.subscriptions[opened.id] = opened
        if resync:
            reader.channel.notify("resync", {"subscription": opened.id, "after": after, "seq": seq})
    return Opened(opened, seq, resync)


def close_subscription(reader: Reader, subscription_id: str) -> None:
    """Nothing is told by it afterwards. Raises SubscriptionNotFound."""
    with reader.lock:
        if reader.subscriptions.pop(subscription_id, None) is None:
            raise SubscriptionNotFound


def _confirmed(actor: Actor) -> tuple[Actor, int]:
    for _ in range(_ATTEMPTS):
        try:
            return actor, message.confirm(actor)
        except StaleActor:
            actor = identity.load_actor(actor.tenant_id, actor.credential, actor.credential_id)
    raise Unavailable


def _in_reach(tenant_id: UUID, after: int, seq: int, retention_days: int) -> bool:
    """A number that the tenant has not come to yet is of another history, such as before a backup was restored."""
    return after == seq or (after < seq and events.reached(tenant_id, after, retention_days))
