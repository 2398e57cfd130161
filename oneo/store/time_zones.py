"""The time zones that both Python and the database know: a name that only one of them knows fails in the other."""

from __future__ import annotations

import zoneinfo

from flask import current_app

from oneo.store import message

_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Files of the zone database that are no zones of their own."""


def time_zones() -> frozenset[str]:
    """Names of IANA time zones, read once in each process."""
    known: frozenset[str] | None = current_app.extensions.get("oneo.time_zones")
    if known is None:
        rows = message.look_up_directory("SELECT name FROM pg_timezone_names")
        known = frozenset(zoneinfo.available_timezones() & {row[0] for row in rows}) - _NO_ZONES
        current_app.extensions["oneo.time_zones"] = known
    return known
