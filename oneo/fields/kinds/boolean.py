"""Yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.base import EQUALITY, truth
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Family, Option


class BooleanKind(Kind):
    name = "boolean"
    about = "true or false."
    family = Family.FLAG
    slot: ClassVar[str | None] = "t"
    is_unique = False
    exact_in_slot = True
    sql_type = "boolean"
    operators: ClassVar[tuple[str, ...]] = EQUALITY
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "boolean"}
    options: ClassVar[Mapping[str, Option]] = {"default": options.default_value({"type": "boolean"})}

    def from_json(self, value: object) -> bool:
        return self._read(value, from_text=False)

    def from_text(self, text: str) -> bool:
        return self._read(text.strip(), from_text=True)

    @staticmethod
    def _read(value: object, *, from_text: bool) -> bool:
        try:
            return truth(value, from_text=from_text)
        except ValueError as error:
            raise InvalidValue("WRONG_TYPE", str(error)) from None

    def as_text(self, value: Any) -> str:
        return "true" if value else "false"

    @property
    def example(self) -> Any:
        return self.config.get("default", True)
