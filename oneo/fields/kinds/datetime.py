"""Moments in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.dates import DateTime, moment_text
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.moments import AnyMoment, moment_options
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import clean

_READER = DateTime()


def written_moment(value: object) -> str:
    """RFC 3339 in UTC with microseconds. Raises InvalidValue."""
    try:
        return moment_text(_READER.moment(clean(value)))
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue("INVALID_DATE", str(error)) from None


class DateTimeKind(AnyMoment):
    name = "datetime"
    about = "A moment (RFC 3339), kept in UTC with microseconds; without an offset it is UTC."
    sql_type = "timestamptz"
    usual = "2026-01-31T12:00:00.000000Z"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date-time"}
    options: ClassVar[Mapping[str, Option]] = moment_options(written_moment, "date-time")
    written = staticmethod(written_moment)

    def slot_value(self, value: Any) -> str:
        return str(value)
