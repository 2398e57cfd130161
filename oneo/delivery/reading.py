"""Reading the log for many at once: one statement for all who are at the same number and are shown the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from oneo.actor import Actor
from oneo.delivery.payload import LoggedEvent
from oneo.delivery.subscriptions import Reader, Subscription
from oneo.filters.sql import Sql
from oneo.store import events
from oneo.store.event_sight import EventSight

BATCH = 200
MAX_CURSORS = 8
MAX_READINGS = 40
MAX_CONDITIONS = 100
"""In one statement; whoever does not fit in is read for next time."""

Key = tuple[int, tuple[str, str, str]]
ConditionKey = tuple[str, str]
"""SQL text and values."""


class Due(NamedTuple):
    """A subscription that has not come to the head of the log, as it was when its reader was this actor."""

    reader: Reader
    subscription: Subscription
    actor: Actor
    sight: EventSight
    condition: Sql | None

    @property
    def key(self) -> Key:
        return self.subscription.cursor, self.sight.key


@dataclass(slots=True)
class Reading:
    """What one statement reads: kinds of events after a number, as a sight shows them, and what is asked of them."""

    cursor: int
    sight: EventSight
    kinds: set[str] = field(default_factory=set)
    conditions: dict[ConditionKey, Sql] = field(default_factory=dict)

    def take(self, due: Due) -> bool:
        if due.condition is not None:
            name = condition_key(due.condition)
            if name not in self.conditions and len(self.conditions) >= MAX_CONDITIONS:
                return False
            self.conditions[name] = due.condition
        self.kinds |= due.subscription.topic.subjects.keys()
        return True


@dataclass(frozen=True, slots=True)
class Batch:
    """`places` says which of an event's answers is that to a condition."""

    events: list[LoggedEvent]
    places: dict[ConditionKey, int]

    @property
    def is_full(self) -> bool:
        return len(self.events) == BATCH


def condition_key(condition: Sql) -> ConditionKey:
    return condition.text, repr(condition.values)


def gather(due: Iterable[Due]) -> tuple[dict[Key, Reading], list[Due]]:
    """What to read, those nearest to the present first, and for whom."""
    readings: dict[Key, Reading] = {}
    served: list[Due] = []
    ordered = sorted(due, key=lambda found: -found.subscription.cursor)
    cursors = list(dict.fromkeys(found.subscription.cursor for found in ordered))[:MAX_CURSORS]
    for found in ordered:
        if found.subscription.cursor not in cursors:
            break
        if found.key not in readings and len(readings) >= MAX_READINGS:
            continue
        reading = readings.setdefault(found.key, Reading(found.subscription.cursor, found.sight))
        if reading.take(found):
            served.append(found)
    return readings, served


def read(tenant_id: UUID, reading: Reading) -> Batch:
    """Events that are not of the kinds, or are not shown, are in it too: they are passed over."""
    rows = events.read_after(
        tenant_id, reading.cursor, BATCH,
        sight=reading.sight, kinds=sorted(reading.kinds), conditions=list(reading.conditions.values()),
    )  # fmt: skip
    places = {name: at for at, name in enumerate(reading.conditions)}
    found = [
        LoggedEvent(seq, event_type, envelope, subject_id, pipeline_id, tuple(answers or ()), (source_id, target_id))
        for seq, event_type, envelope, subject_id, pipeline_id, answers, source_id, target_id in rows
    ]
    return Batch(found, places)
