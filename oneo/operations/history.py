"""A record's past: what happened to it, and how it was at a moment, cut to what the caller may see of it now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight, row_scope
from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter, RecordNotFound
from oneo.fields.dates import DateTime
from oneo.filters.sql import FALSE, TRUE, Sql
from oneo.operations.lists import Listing, ListQuery, list_resource, picked
from oneo.operations.records import reach, sight_of_record
from oneo.store.history import history_resource, holds, past_resource, presence
from oneo.store.lists import get_row
from oneo.store.records import record_resource

CLOCKS_APART = timedelta(seconds=5)
"""The database, whose times callers know, may be ahead of this machine."""


def list_history(actor: Actor, record_id: UUID, query: ListQuery, *, pipeline: str | None = None) -> Listing:
    """Newest first. Raises RecordNotFound, InvalidParameter, InvalidCursor."""
    sight = sight_of_record(actor, record_id, P.RECORDS_READ, pipeline)
    present = _presence(actor, sight, record_id)
    found = list_resource(actor, history_resource(record_id, sight.fields), query, scope=present)
    if found.results == "[]" and not holds(actor, present):
        raise RecordNotFound
    return found


def get_past_record(
    actor: Actor, record_id: UUID, as_of: str, *, pipeline: str | None = None, fields: str = ""
) -> tuple[str, int, Sight]:
    """As `get_record`, of how it was then. Raises RecordNotFound when it was not there, InvalidParameter."""
    sight = sight_of_record(actor, record_id, P.RECORDS_READ, pipeline)
    resource = record_resource(sight.shape, sight.hidden)
    past = past_resource(
        actor, resource, record_id, sight.fields, past_moment(as_of), _presence(actor, sight, record_id)
    )
    found = get_row(actor, past, TRUE, picked(fields, resource))
    if found is None:
        raise RecordNotFound
    return (*found, sight)


def _presence(actor: Actor, sight: Sight, record_id: UUID) -> Sql:
    """Who may read the record may read its past; that of a deleted one, who may restore it."""
    restores = policy.allows(actor, P.RECORDS_DELETE, sight.shape.id)
    return presence(
        actor, sight.shape.id, record_id,
        row_scope(actor, P.RECORDS_READ, sight.shape),
        reach(actor, P.RECORDS_DELETE, sight) if restores else FALSE,
    )  # fmt: skip


def past_moment(text: str) -> datetime:
    """What `as_of=` says. Raises InvalidParameter."""
    try:
        found = DateTime().moment(text)
    except ValueError as error:
        raise InvalidParameter(faults=[Fault("/as_of", "INVALID_VALUE", str(error))]) from None
    if found > datetime.now(UTC) + CLOCKS_APART:
        raise InvalidParameter(faults=[Fault("/as_of", "INVALID_VALUE", "This moment is still to come.")])
    return found
