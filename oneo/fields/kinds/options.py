"""Builders of the options that kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from oneo.errors import FaultList, pointer
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Option


def whole(about: str, least: int, most: int, default: int | None = None) -> Option:
    """A whole number between two limits."""

    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValue("WRONG_TYPE", "A whole number is expected.")
        if not least <= value <= most:
            code = "TOO_SMALL" if value < least else "TOO_LARGE"
            raise InvalidValue(code, f"A number from {least:,} to {most:,} is expected.")
        return value

    return Option(about, {"type": "integer", "minimum": least, "maximum": most}, read, default)


def flag(about: str) -> Option:
    """An option that is on or off; off unless said."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise InvalidValue("WRONG_TYPE", "true or false is expected.")
        return value

    return Option(about, {"type": "boolean"}, read, default=False)


def default_value(schema: Mapping[str, Any]) -> Option:
    """Taken as it is: the field itself reads it once its other options are known."""
    return Option("The value of new records that do not name one.", schema, _anything)


def check_order(cls: type[Kind], config: Mapping[str, Any], faults: FaultList, where: str, pair: tuple[str, str],
                key: Callable[[Any], Any] = lambda value: value) -> None:  # fmt: skip
    """Adds CONTRADICTION when the lower limit is above the upper one."""
    low, high = (cls.effective(config, name) for name in pair)
    if low is not None and high is not None and key(low) > key(high):
        # The fault stands at an option that was given, not at one that holds by default.
        name = pair[0] if pair[0] in config else pair[1]
        faults.add(where + pointer(name), "CONTRADICTION", f"{pair[0]} is above {pair[1]}.")


def _anything(value: object) -> object:
    return value
