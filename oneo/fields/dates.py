"""Moments in time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from oneo.fields.base import EQUALITY, ORDER, FieldType

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?)?", re.ASCII)


class DateTime(FieldType):
    """RFC 3339; without an offset it is UTC, and a date alone is its midnight."""

    name = "datetime"
    sql_type = "timestamptz"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date-time"}
    operators: ClassVar[tuple[str, ...]] = EQUALITY + ORDER

    def from_json(self, value: object) -> str:
        return self.moment(value).isoformat()

    def moment(self, value: object) -> datetime:
        """Raises ValueError."""
        # A `+` that nobody escaped in a query string arrives as a space.
        text = re.sub(r" (\d{2}:\d{2})$", r"+\1", value) if isinstance(value, str) and "T" in value.upper() else value
        if not isinstance(text, str) or not _RFC3339.fullmatch(text):
            raise ValueError("A date and time (RFC 3339) is expected.")
        try:
            moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("This date does not exist.") from None


def moment_text(moment: datetime) -> str:
    """A time as the API writes it: RFC 3339, UTC, microseconds always."""
    # Not strftime: its %Y writes the year 1 as "1".
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
