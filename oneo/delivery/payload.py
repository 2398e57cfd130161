"""An event as the log keeps it, and as a subscriber is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`envelope` is JSON text made by PostgreSQL and goes out as it is; None says that it was not asked for, or must
    not be shown. `answers` are those to the conditions that were asked of it; `ends` are the source and the target
    of a relationship, unless it has been erased.
    """

    seq: int
    type: str
    envelope: str | None
    subject_id: UUID
    pipeline_id: UUID | None = None
    answers: tuple[bool, ...] = ()
    ends: tuple[UUID | None, UUID | None] = (None, None)

    @property
    def kind(self) -> str:
        return self.type.partition(".")[0]


def told_to(subscription_id: str, event: LoggedEvent, subject_key: str) -> str:
    """The envelope, with the subject under the name its kind has, a relationship's ends, and the subscription it comes
    by."""
    keys: dict[str, UUID | None] = {} if subject_key == "pipeline_id" else {subject_key: event.subject_id}
    if event.kind == "relationship":
        keys |= {"source_record_id": event.ends[0], "target_record_id": event.ends[1]}
    more = orjson.dumps({**keys, "subscription": subscription_id}).decode()
    return f"{(event.envelope or '{}')[:-1]},{more[1:]}"
