"""What the exact kinds share: digits counted in tens, stored as they were written."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from oneo.errors import FaultList, pointer
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.numbers import AnyNumber, as_number, exact, plain
from oneo.fields.kinds.terms import Option

MAX_PRECISION = 30
MAX_SCALE = 15
FLOAT_DIGITS = 15
"""Digits that float64 tells apart, whatever they are."""
_NUMERAL: Mapping[str, Any] = {"type": ["number", "string"]}


def json_decimal(number: Decimal) -> int | float | str:
    """A JSON number where that is exact for every reader, else the digits as a text."""
    found = as_number(number)
    return plain(number) if found is None else found


def read_limit(value: object) -> int | float | str:
    return json_decimal(exact(value, numerals=True))


def decimal_options(*, precision: int, scale: int) -> dict[str, Option]:
    """The options of an exact kind with its own usual sizes."""
    return {
        "precision": options.whole("Digits at most, those after the point among them.", 1, MAX_PRECISION, precision),
        "scale": options.whole("Digits after the point at most.", 0, MAX_SCALE, scale),
        "min": Option("The least value.", _NUMERAL, read_limit),
        "max": Option("The greatest value.", _NUMERAL, read_limit),
        "default": options.default_value(_NUMERAL),
    }


class AnyDecimal(AnyNumber):
    sql_type = "numeric"
    json_schema = _NUMERAL
    numerals: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.precision: int = self.option("precision")
        self.scale: int = self.option("scale")
        self._end = Decimal((0, (1,), self.precision - self.scale))
        self.exact_in_slot = self.precision <= FLOAT_DIGITS

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        super().check_config(config, faults, where)
        precision, scale = cls.effective(config, "precision"), cls.effective(config, "scale")
        if scale > precision:
            name = "scale" if "scale" in config else "precision"
            faults.add(where + pointer(name), "CONTRADICTION", f"precision ({precision}) is below scale ({scale}).")

    def held(self, number: Decimal) -> Decimal:
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.scale:
            raise InvalidValue("TOO_PRECISE", f"At most {self.scale} digits after the point are kept.")
        if number.copy_abs() >= self._end:
            code = "TOO_LARGE" if number > 0 else "TOO_SMALL"
            raise InvalidValue(code, f"At most {self.precision - self.scale} digits before the point are kept.")
        return number

    def as_json(self, value: Any) -> int | float | str:
        return json_decimal(value)

    def limits(self) -> dict[str, Any]:
        """A number beyond what the precision allows is not told by the schema where float64 cannot say it."""
        before = self.precision - self.scale
        after = rf"(\.[0-9]{{1,{self.scale}}})?" if self.scale else ""
        end = {"exclusiveMinimum": -(10**before), "exclusiveMaximum": 10**before} if before <= FLOAT_DIGITS else {}
        pattern = f"^-?{f'[0-9]{{1,{before}}}' if before else '0'}{after}$"
        return {**super().limits(), **end, "pattern": pattern, "x-precision": self.precision, "x-scale": self.scale}
