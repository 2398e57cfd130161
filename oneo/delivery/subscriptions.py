"""Readers, what they subscribed to, and how far each has read."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from oneo.access import identity
from oneo.access.event_sight import event_sight_of
from oneo.actor import Actor, CredentialKind
from oneo.delivery.conditions import condition_of
from oneo.delivery.payload import LoggedEvent, told_to
from oneo.delivery.topics import Topic, topic_named
from oneo.errors import DomainError, NotFound, PermissionDenied, StaleActor, Unavailable
from oneo.filters.sql import Sql
from oneo.ids import new_id
from oneo.store import events, message
from oneo.store.event_sight import PLAIN, EventSight

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
    """`cursor` is the last number that was told, or passed over as none of its concern. `condition` is what `asked`
    means for the actor that it was `made_for`.

    `is_apart`: a statement that read for it, perhaps among others, took too long. It is read alone and in small
    batches until that proves quick. If that takes too long as well, the subscription ends.
    """

    id: str
    topic: Topic
    cursor: int
    starts_at: float
    asked: object = None
    condition: Sql | None = None
    made_for: Actor | None = None
    is_apart: bool = False

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
    _sight: tuple[Actor, EventSight] | None = None

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id

    @property
    def has_key(self) -> bool:
        return self.actor.credential is CredentialKind.API_KEY

    def lagging(self, head: int, now: float) -> list[Subscription]:
        with self.lock:
            return [found for found in self.subscriptions.values() if found.lags(head, now)]

    def sight_for(self, topic: Topic) -> EventSight:
        """What he is shown of its events. Raises StaleActor."""
        if not topic.is_cut:
            return PLAIN
        if self._sight is None or self._sight[0] is not self.actor:
            self._sight = (self.actor, event_sight_of(self.actor))
        return self._sight[1]

    def condition_for(self, subscription: Subscription) -> Sql | None:
        """What the subscription asks, for the actor that he is now. Raises StaleActor; where it cannot be asked any
        more it is ended, with a notice, and DomainError raised.
        """
        if subscription.made_for is not self.actor and subscription.asked:
            try:
                subscription.condition = condition_of(self.actor, subscription.topic, subscription.asked)
            except StaleActor:
                raise
            except DomainError as error:
                self.end(subscription, error)
                raise
        subscription.made_for = self.actor
        return subscription.condition

    def tell(self, subscription: Subscription, batch: list[LoggedEvent], place: int | None, end: int) -> None:
        """Tells of the batch as long as there is room; after all of it the cursor is at `end`, if that is further.

        `place` is that of the answer to the subscription's condition, if it has one.
        """
        topic = subscription.topic
        with self.lock:
            for event in batch:
                if subscription.id not in self.subscriptions:
                    return
                answered = place is None or (event.answers[place : place + 1] == (True,))
                if event.envelope is not None and answered and topic.shows(self.actor, event):
                    if not self.channel.has_room():
                        return
                    payload = told_to(subscription.id, event, topic.subjects[event.kind])
                    self.channel.send(topic.event_name, payload)
                subscription.cursor = event.seq
            subscription.cursor = max(subscription.cursor, end)

    def take_rights(self, actor: Actor) -> None:
        """Goes on as this actor; subscriptions that he has no right to any more are ended, with a notice."""
        with self.lock:
            self.actor = actor
            for subscription in list(self.subscriptions.values()):
                if not subscription.topic.is_open_to(actor):
                    self.end(subscription, PermissionDenied())

    def end(self, subscription: Subscription, reason: DomainError) -> None:
        """Nothing more is told by the subscription; the client is told why."""
        with self.lock:
            if self.subscriptions.pop(subscription.id, None) is not None:
                notice = {"subscription": subscription.id, "code": reason.code, "message": reason.detail}
                self.channel.notify("unsubscribed", notice)


@dataclass(frozen=True, slots=True)
class Opened:
    """`seq` is the tenant's latest number; `resync` says that `after` is out of reach, so reading begins at `seq`."""

    subscription: Subscription
    seq: int
    resync: bool


def open_subscription(
    reader: Reader, topic_name: str, *, asked: object, after: int | None, retention_days: int
) -> Opened:
    """Raises TopicNotFound, PipelineNotFound, RecordNotFound, ValidationFailed, PermissionDenied,
    TooManySubscriptions, TokenRevoked.
    """
    actor, seq, topic, condition = _confirmed(reader.actor, topic_name, asked)
    resync = after is not None and not _in_reach(actor.tenant_id, after, seq, retention_days)
    cursor = seq if after is None or resync else after
    starts_at = time.monotonic() + START_AFTER
    opened = Subscription(str(new_id()), topic, cursor, starts_at, asked, condition, actor)
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


def _confirmed(actor: Actor, topic_name: str, asked: object) -> tuple[Actor, int, Topic, Sql | None]:
    """What is asked, as the actor may ask it who holds at this number."""
    for _ in range(_ATTEMPTS):
        try:
            seq = message.confirm(actor)
            topic = topic_named(actor, topic_name)
            return actor, seq, topic, condition_of(actor, topic, asked)
        except StaleActor:
            actor = identity.load_actor(actor.tenant_id, actor.credential, actor.credential_id)
    raise Unavailable


def _in_reach(tenant_id: UUID, after: int, seq: int, retention_days: int) -> bool:
    """A number that the tenant has not come to yet is of another history, such as before a backup was restored."""
    return after == seq or (after < seq and events.reached(tenant_id, after, retention_days))
