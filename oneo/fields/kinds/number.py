"""Numbers as computers count: float64."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.numbers import MAX_EXACT, AnyNumber, as_number, exact
from oneo.fields.kinds.terms import Option


def read_limit(value: object) -> int | float:
    found = as_number(exact(value, numerals=False))
    if found is None:
        raise InvalidValue("TOO_PRECISE", "A number that float64 holds is expected.")
    return found


class NumberKind(AnyNumber):
    name = "number"
    about = "A number that float64 holds: refused where storing would round it."
    sql_type = "double precision"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "number"}
    exact_in_slot = True
    options: ClassVar[Mapping[str, Option]] = {
        "min": Option("The least value.", {"type": "number"}, read_limit),
        "max": Option("The greatest value.", {"type": "number"}, read_limit),
        "integer": options.flag("Whole numbers only, up to 2^53 in both directions."),
        "default": options.default_value({"type": "number"}),
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.integer: bool = self.option("integer")

    def from_json(self, value: object) -> int | float | Decimal:
        """What float64 holds already needs no arithmetic with decimals, which costs ten times as much."""
        if type(value) is float and math.isfinite(value) and not self.integer:
            number: float = int(value) if value.is_integer() and abs(value) <= MAX_EXACT else value
        elif type(value) is int and abs(value) <= MAX_EXACT:
            number = value
        else:
            return super().from_json(value)
        self.check_limits(number)
        return number

    def held(self, number: Decimal) -> int | float:
        if self.integer:
            return self._whole(number)
        found = as_number(number)
        if found is None:
            raise InvalidValue("TOO_PRECISE", "The number has more digits than float64 holds.")
        return found

    @staticmethod
    def _whole(number: Decimal) -> int:
        if number != int(number):
            raise InvalidValue("NOT_INTEGER", "A whole number is expected.")
        if number.copy_abs() > MAX_EXACT:
            raise InvalidValue("TOO_LARGE" if number > 0 else "TOO_SMALL", "A whole number up to 2^53 is expected.")
        return int(number)

    def limits(self) -> dict[str, Any]:
        if not self.integer:
            return super().limits()
        return {"type": "integer", "minimum": -MAX_EXACT, "maximum": MAX_EXACT, **super().limits()}
