"""Amounts of money."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.decimals import AnyDecimal, decimal_options
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import clean

_CODE = "[A-Z]{3}"


def read_currency(value: object) -> str:
    code = clean(value, 100)
    if not re.fullmatch(_CODE, code):
        raise InvalidValue("INVALID_CURRENCY", "A currency code of three capitals (ISO 4217) is expected.")
    return code


class CurrencyKind(AnyDecimal):
    name = "currency"
    about = "An amount of money in the currency of the field, exact."
    options: ClassVar[Mapping[str, Option]] = {
        "currency": Option(
            "The currency of all values (ISO 4217, three capitals).",
            {"type": "string", "pattern": f"^{_CODE}$"}, read_currency,
        ),
        **decimal_options(precision=28, scale=2),
    }  # fmt: skip

    def limits(self) -> dict[str, Any]:
        currency = self.option("currency")
        return {**super().limits(), **({"x-currency": currency} if currency else {})}
