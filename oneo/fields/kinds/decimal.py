"""Exact decimal numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from oneo.fields.kinds.decimals import AnyDecimal, decimal_options
from oneo.fields.kinds.terms import Option


class DecimalKind(AnyDecimal):
    name = "decimal"
    about = "An exact decimal number, from a JSON number or a text; never rounded."
    options: ClassVar[Mapping[str, Option]] = decimal_options(precision=28, scale=10)
