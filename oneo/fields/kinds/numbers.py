"""What all kinds of numbers share: they are read exactly as written, and never rounded."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from oneo.errors import FaultList
from oneo.fields.base import EQUALITY, ORDER
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Family

MAX_EXPONENT = 400
"""Powers of ten: more than any number has that is stored, few enough to be written out."""
MAX_EXACT = 2**53
_NUMERAL = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?", re.ASCII)


def exact(value: object, *, numerals: bool) -> Decimal:
    """The number as it was written; from text too where numerals are. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise InvalidValue("WRONG_TYPE", "A number is expected.")
    if isinstance(value, str):
        if not numerals or not _NUMERAL.fullmatch(value):
            raise InvalidValue("WRONG_TYPE", "A number is expected.")
        number = Decimal(value)
    elif isinstance(value, int):
        number = Decimal(value) if value.bit_length() <= 4 * MAX_EXPONENT else Decimal((0, (1,), MAX_EXPONENT + 1))
    else:
        number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        raise InvalidValue("NOT_FINITE", "A finite number is expected.")
    return _written_out(number)


def _written_out(number: Decimal) -> Decimal:
    """Without exponent, trailing zeros and the sign of zero. Raises InvalidValue."""
    if number and number.adjusted() > MAX_EXPONENT:
        raise InvalidValue("TOO_LARGE", "The number is too large.")
    if number and (number.adjusted() < -MAX_EXPONENT or len(number.as_tuple().digits) > 3 * MAX_EXPONENT):
        raise InvalidValue("TOO_PRECISE", "The number has too many decimals.")
    return Decimal(plain(number)) if number else Decimal(0)


def plain(number: Decimal) -> str:
    """The digits of a number, never as a power of ten."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_number(number: Decimal) -> int | float | None:
    """The JSON number that every reader takes for this one; None when there is none."""
    near = float(number)
    if math.isinf(near) or Decimal(repr(near)) != number:
        return None
    return int(near) if near.is_integer() and abs(near) <= MAX_EXACT else near


class AnyNumber(Kind):
    family = Family.NUMBER
    slot: ClassVar[str | None] = "n"
    is_unique = True
    operators: ClassVar[tuple[str, ...]] = EQUALITY + ORDER
    numerals: ClassVar[bool] = False
    """Whether JSON texts are numbers too."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.min, self.max = (
            None if config.get(name) is None else exact(config[name], numerals=True) for name in ("min", "max")
        )

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        options.check_order(cls, config, faults, where, ("min", "max"), lambda limit: exact(limit, numerals=True))

    def from_json(self, value: object) -> int | float | Decimal:
        return self._checked(exact(value, numerals=self.numerals))

    def from_text(self, text: str) -> int | float | Decimal:
        return self._checked(exact(text.strip(), numerals=True))

    def _checked(self, number: Decimal) -> int | float | Decimal:
        self.check_limits(number)
        return self.held(number)

    def check_limits(self, number: float | Decimal) -> None:
        """Raises InvalidValue."""
        if self.min is not None and number < self.min:
            raise InvalidValue("TOO_SMALL", f"At least {plain(self.min)} is expected.")
        if self.max is not None and number > self.max:
            raise InvalidValue("TOO_LARGE", f"At most {plain(self.max)} is expected.")

    @abstractmethod
    def held(self, number: Decimal) -> int | float | Decimal:
        """The number as it is stored. Raises InvalidValue when that would change it."""

    def compared(self, operator: str, value: object, *, from_text: bool) -> Decimal:  # noqa: ARG002 - all compare alike
        """Any number will do, whatever the field's limits."""
        read = from_text and isinstance(value, str)
        return exact(value.strip() if isinstance(value, str) and read else value, numerals=self.numerals or read)

    def slot_value(self, value: Any) -> float:
        return float(value)

    def as_text(self, value: Any) -> str:
        return plain(exact(value, numerals=False))

    def limits(self) -> dict[str, Any]:
        bounds = {"minimum": self.min, "maximum": self.max}
        numbers = {name: as_number(bound) for name, bound in bounds.items() if bound is not None}
        return {name: number for name, number in numbers.items() if number is not None}

    @property
    def example(self) -> Any:
        if "default" in self.config:
            return self.config["default"]
        return next((self.as_json(self._checked(number)) for number in self._candidates()), None)

    def _candidates(self) -> Iterator[Decimal]:
        for number in (Decimal(12), Decimal(0), self.min, self.max):
            if number is not None and self._accepts(number):
                yield number

    def _accepts(self, number: Decimal) -> bool:
        try:
            self._checked(number)
        except InvalidValue:
            return False
        return True
