"""What can be subscribed to: which events, under which permission, by which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oneo.access.permissions import P
from oneo.actor import Actor, system_user_id
from oneo.delivery.payload import LoggedEvent
from oneo.errors import NotFound


class TopicNotFound(NotFound):
    code, title = "TOPIC_NOT_FOUND", "There is no such topic."


@dataclass(frozen=True, slots=True)
class Topic:
    """`event_name` is what a socket's listener hears; `subject_key` names the subject in what it is told."""

    name: str
    permission: P
    types: str
    event_name: str
    subject_key: str

    def shows(self, actor: Actor, event: LoggedEvent) -> bool:
        """Whether the event is of this topic, for one who holds the permission. The system user is shown to nobody."""
        return event.type.startswith(self.types) and event.subject_id != system_user_id(actor.tenant_id)


TOPICS: Mapping[str, Topic] = {"users": Topic("users", P.USERS_READ, "user.", "user_event", "user_id")}


def topic_named(name: str) -> Topic:
    """Raises TopicNotFound."""
    topic = TOPICS.get(name)
    if topic is None:
        raise TopicNotFound(f"There is no topic {name[:100]!r}.", extra={"topics": sorted(TOPICS)})
    return topic
