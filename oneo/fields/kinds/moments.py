"""What dates and times share: they are stored as texts whose order is that of time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from oneo.errors import FaultList
from oneo.fields.base import EQUALITY, ORDER
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Family, Option


def moment_options(read: Callable[[object], str], format_: str) -> dict[str, Option]:
    schema = {"type": "string", "format": format_}
    return {
        "min": Option("The earliest value.", schema, read),
        "max": Option("The latest value.", schema, read),
        "default": options.default_value(schema),
    }


class AnyMoment(Kind):
    family = Family.MOMENT
    slot: ClassVar[str | None] = "d"
    is_unique = True
    exact_in_slot = True
    operators: ClassVar[tuple[str, ...]] = EQUALITY + ORDER
    usual: ClassVar[str]
    """The example where the limits allow it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.min: str = config.get("min") or ""
        self.max: str = config.get("max") or "~"

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        options.check_order(cls, config, faults, where, ("min", "max"))

    @staticmethod
    @abstractmethod
    def written(value: object) -> str:
        """The moment as it is stored. Raises InvalidValue."""

    def from_json(self, value: object) -> str:
        text = self.written(value)
        if text < self.min:
            raise InvalidValue("TOO_SMALL", f"{self.min} or later is expected.")
        if text > self.max:
            raise InvalidValue("TOO_LARGE", f"{self.max} or earlier is expected.")
        return text

    def from_text(self, text: str) -> str:
        return self.from_json(text.strip())

    def compared(self, operator: str, value: object, *, from_text: bool) -> str:  # noqa: ARG002 - all compare alike
        """Any moment will do, whatever the field's limits."""
        return self.written(value)

    @property
    def example(self) -> Any:
        return self.config.get("default", min(max(self.usual, self.min), self.max))
