"""Reading the log for many at once: one statement for all who are at the same number and are shown the same."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from oneo.actor import Actor
from oneo.delivery.payload import LoggedEvent
from oneo.delivery.subscriptions import Reader, Subscription
from oneo.filters.sql import Sql
from oneo.pacing import paced
from oneo.store import events
from oneo.store.event_sight import EventSight

BATCH = 200
APART_BATCH = 10
READ_MS = 1_000
"""How long one statement may run. What takes longer is read apart, subscription by subscription; see `Subscription`."""
MAX_READING_LENGTH = 262_144
"""Characters of all conditions in one statement: PostgreSQL cannot be interrupted while it parses or plans them."""
MAX_CURSORS = 8
MAX_READINGS = 40
MAX_CONDITIONS = 100
"""In one statement; whoever does not fit in is read for next time."""

Key = tuple[int, tuple[str, str, str], str]
ConditionKey = tuple[str, str]
"""SQL text and values."""


class Due(NamedTuple):
    """A subscription that has not come to the head of the log, as it was when its reader was this actor. Those with the
    same key are read for by the same statement.
    """

    reader: Reader
    subscription: Subscription
    actor: Actor
    sight: EventSight
    condition: Sql | None
    key: Key

    @classmethod
    def of(cls, reader: Reader, subscription: Subscription, sight: EventSight, condition: Sql | None) -> Due:
        key = subscription.cursor, sight.key, subscription.id if subscription.is_apart else ""
        return cls(reader, subscription, reader.actor, sight, condition, key)


@dataclass(slots=True)
class Reading:
    """What one statement reads: kinds of events after a number, as a sight shows them, and what is asked of them."""

    cursor: int
    sight: EventSight
    limit: int = BATCH
    kinds: set[str] = field(default_factory=set)
    conditions: dict[ConditionKey, Sql] = field(default_factory=dict)
    length: int = 0

    def take(self, due: Due) -> bool:
        if due.condition is not None:
            name = condition_key(due.condition)
            if name not in self.conditions:
                length = sum(map(len, name))
                if self.conditions and not self._has_room(length):
                    return False
                self.length += length
                self.conditions[name] = due.condition
        self.kinds |= due.subscription.topic.subjects.keys()
        return True

    def _has_room(self, length: int) -> bool:
        return len(self.conditions) < MAX_CONDITIONS and self.length + length <= MAX_READING_LENGTH


@dataclass(frozen=True, slots=True)
class Batch:
    """`places` says which of an event's answers is that to a condition. `is_full`: there may be more events."""

    events: list[LoggedEvent]
    places: dict[ConditionKey, int]
    is_full: bool
    seconds: float


def condition_key(condition: Sql) -> ConditionKey:
    return condition.text, repr(condition.values)


def gather(due: Iterable[Due]) -> tuple[dict[Key, Reading], list[Due]]:
    """What to read and for whom: those nearest to the present first, then those that are read apart, last first."""
    readings: dict[Key, Reading] = {}
    served: list[Due] = []
    ordered = sorted(due, key=_place_in_turn)
    cursors = list(dict.fromkeys(found.subscription.cursor for found in ordered))[:MAX_CURSORS]
    for found in paced(ordered):
        if found.subscription.cursor not in cursors:
            break
        if found.key not in readings and len(readings) >= MAX_READINGS:
            continue
        limit = APART_BATCH if found.subscription.is_apart else BATCH
        reading = readings.setdefault(found.key, Reading(found.subscription.cursor, found.sight, limit))
        if reading.take(found):
            served.append(found)
    return readings, served


def _place_in_turn(due: Due) -> tuple[bool, int]:
    """Among those that are read apart, the one that is furthest behind comes first, so that each has its turn."""
    cursor = due.subscription.cursor
    return due.subscription.is_apart, cursor if due.subscription.is_apart else -cursor


def read(tenant_id: UUID, reading: Reading) -> Batch:
    """Events that are not of the kinds, or are not shown, are in it too: they are passed over.

    Raises StatementTimeout.
    """
    began = time.monotonic()
    rows = events.read_after(
        tenant_id, reading.cursor, reading.limit,
        sight=reading.sight, kinds=sorted(reading.kinds), conditions=list(reading.conditions.values()),
        timeout_ms=READ_MS,
    )  # fmt: skip
    places = {name: at for at, name in enumerate(reading.conditions)}
    found = [
        LoggedEvent(seq, event_type, envelope, subject_id, pipeline_id, tuple(answers or ()), (source_id, target_id))
        for seq, event_type, envelope, subject_id, pipeline_id, answers, source_id, target_id in rows
    ]
    return Batch(found, places, len(found) == reading.limit, time.monotonic() - began)
