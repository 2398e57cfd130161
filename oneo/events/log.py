"""What happened, as the log keeps it: one entry per change, written by the unit that made the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import psycopg2.extensions

from oneo import exact_json
from oneo.actor import Actor
from oneo.event_types import event_type
from oneo.fields.dates import moment_text
from oneo.ids import new_id
from oneo.store import events as store


@dataclass(frozen=True, slots=True)
class Entry:
    """`type` is one of `EventType`. `data` is the state after the change, `old` the former values of what changed."""

    type: str
    subject_id: UUID
    data: Mapping[str, Any] | None = None
    old: Mapping[str, Any] | None = None
    version: int | None = None
    reason: str | None = None
    pipeline_id: UUID | None = None
    id: UUID = field(default_factory=new_id)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": event_type(self.type),
            "subject_id": self.subject_id,
            "pipeline_id": self.pipeline_id,
            "version": self.version,
            "changed_fields": sorted(self.old or ()),
            "data": self.data,
            "old": self.old,
            "reason": self.reason,
        }


def append(connection: psycopg2.extensions.connection, actor: Actor, entries: list[Entry]) -> int:
    """Call it as the last statement of the transaction: it takes the tenant's clock."""
    return store.append(
        connection,
        tenant_id=actor.tenant_id,
        actor_id=actor.user_id,
        actor_kind=actor.credential.value,
        credential_id=actor.credential_id,
        events=orjson.dumps(
            exact_json.written_out([entry.as_json() for entry in entries]),
            default=_plain,
            option=orjson.OPT_PASSTHROUGH_DATETIME,
        ).decode(),
        count=len(entries),
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"cannot be kept in an event: {type(value)!r}")
