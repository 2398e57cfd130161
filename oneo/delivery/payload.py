"""An event as the log keeps it, and as a subscriber is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`envelope` is JSON text made by PostgreSQL and goes out as it is."""

    seq: int
    type: str
    subject_id: UUID
    envelope: str


def logged_event(seq: int, event_type: str, envelope: str) -> LoggedEvent:
    return LoggedEvent(seq, event_type, UUID(orjson.loads(envelope)["subject_id"]), envelope)


def told_to(subscription_id: str, event: LoggedEvent, subject_key: str) -> str:
    """The envelope, with the subject under the name its kind has, and the subscription it comes by."""
    return f'{event.envelope[:-1]},"{subject_key}":"{event.subject_id}","subscription":"{subscription_id}"}}'
