"""One of some choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.base import EQUALITY, ORDER
from oneo.fields.kinds import options
from oneo.fields.kinds.choices import CHOICES, AnyChoice
from oneo.fields.kinds.terms import Family, Option


class SelectKind(AnyChoice):
    name = "select"
    about = "One of the choices that the field lists."
    family = Family.CHOICE
    slot: ClassVar[str | None] = "t"
    is_unique = True
    exact_in_slot = True
    sql_type = "text"
    operators: ClassVar[tuple[str, ...]] = EQUALITY + ORDER
    options: ClassVar[Mapping[str, Option]] = {
        "choices": CHOICES, "default": options.default_value({"type": "string"}),
    }  # fmt: skip

    def from_json(self, value: object) -> str:
        return self.chosen(value)

    def from_text(self, text: str) -> str:
        return self.chosen(text.strip())

    def limits(self) -> dict[str, Any]:
        return self.one_of()

    @property
    def example(self) -> Any:
        return self.config.get("default", next(iter(self.places)))
