"""Figures about one pipeline, as far as the caller sees its records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from oneo.access.permissions import P
from oneo.access.relationships import readable
from oneo.access.schema import find_pipeline, row_scope
from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter
from oneo.operations.tenants import SETTINGS
from oneo.store.pipeline_analytics import Days, figures

DEFAULT_DAYS, MAX_DAYS = 30, 366


def get_pipeline_analytics(
    actor: Actor, name: str, *, days: int | None = None, since: date | None = None, until: date | None = None
) -> str:
    """JSON text: counts of today and of each day of a range in the tenant's time zone.

    Raises PipelineNotFound, InvalidParameter.
    """
    sight = find_pipeline(actor, name, P.RECORDS_READ)
    _check_range(days, since, until)
    return figures(
        actor,
        sight.shape,
        hidden=sight.hidden,
        scope=row_scope(actor, P.RECORDS_READ, sight.shape),
        links=readable(actor, near=sight.shape.id),
        days=Days(days or DEFAULT_DAYS, since, until),
        zone=SETTINGS["timezone"].default,
    )


def _check_range(days: int | None, since: date | None, until: date | None) -> None:
    """Raises InvalidParameter. Where today counts, it is the latest that it can be anywhere."""
    last = until or datetime.now(UTC).date() + timedelta(days=1)
    if since is None:
        if last.toordinal() >= (days or DEFAULT_DAYS):
            return
        fault = Fault("/to", "TOO_FAR", "Days are counted from the year 1 on.")
    elif days is not None:
        fault = Fault("/days", "CONTRADICTION", "Either the number of days is given or the first of them.")
    elif last < since:
        fault = Fault("/from", "CONTRADICTION", "The first day is after the last.")
    elif (last - since).days > MAX_DAYS:
        fault = Fault("/from", "TOO_FAR", f"A range has at most {MAX_DAYS} days.")
    else:
        return
    raise InvalidParameter(faults=[fault])
