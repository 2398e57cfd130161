"""Parts of a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.kinds.decimals import AnyDecimal, decimal_options
from oneo.fields.kinds.terms import Option


class PercentageKind(AnyDecimal):
    name = "percentage"
    about = "A percentage, exact: 12.5 means 12.5 %."
    options: ClassVar[Mapping[str, Option]] = decimal_options(precision=15, scale=4)

    def limits(self) -> dict[str, Any]:
        return {**super().limits(), "x-unit": "%"}
