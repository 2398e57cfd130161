"""An event as the log keeps it, and as a subscriber is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`envelope` is JSON text made by PostgreSQL and goes out as it is; None says that it was not asked for, or must
    not be shown. `answers` are those to the conditions that were asked of the event.
    """

    seq: int
    type: str
    envelope: str | None
    subject_id: UUID
    pipeline_id: UUID | None = None
    answers: tuple[bool, ...] = ()

    @property
    def kind(self) -> str:
        return self.type.partition(".")[0]


def told_to(subscription_id: str, event: LoggedEvent, subject_key: str) -> str:
    """The envelope, with the subject under the name its kind has, and the subscription it comes by."""
    subject = "" if subject_key == "pipeline_id" else f',"{subject_key}":"{event.subject_id}"'
    return f'{(event.envelope or "{}")[:-1]}{subject},"subscription":"{subscription_id}"}}'
