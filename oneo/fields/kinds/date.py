"""Days of the calendar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.moments import AnyMoment, moment_options
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import clean

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def written_day(value: object) -> str:
    """A day as `YYYY-MM-DD`, year 1 to 9999. Raises InvalidValue."""
    text = clean(value)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidValue("INVALID_DATE", "This date does not exist.") from None
    raise InvalidValue("INVALID_DATE", "A date (YYYY-MM-DD) is expected.")


class DateKind(AnyMoment):
    name = "date"
    about = "A day of the calendar, the same in every time zone."
    sql_type = "date"
    usual = "2026-01-31"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date"}
    options: ClassVar[Mapping[str, Option]] = moment_options(written_day, "date")
    written = staticmethod(written_day)

    def slot_value(self, value: Any) -> str:
        return f"{value}T00:00:00Z"
