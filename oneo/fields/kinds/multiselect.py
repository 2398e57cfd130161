"""Several of some choices."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.errors import FaultList, pointer
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.choices import CHOICES, MAX_CHOICES, AnyChoice
from oneo.fields.kinds.terms import Family, Option
from oneo.fields.kinds.texts import clean


class MultiSelectKind(AnyChoice):
    name = "multiselect"
    about = "Any of the choices that the field lists, kept in the order of that list."
    family = Family.SET
    slot: ClassVar[str | None] = None
    is_unique = False
    sql_type = "jsonb"
    operators: ClassVar[tuple[str, ...]] = ("contains", "not_contains", "in", "not_in", "exact", "not", "exists")
    bare = "contains"
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    options: ClassVar[Mapping[str, Option]] = {
        "choices": CHOICES,
        "min_items": options.whole("Choices that a value has at least.", 0, MAX_CHOICES, 0),
        "max_items": options.whole("Choices that a value has at most.", 1, MAX_CHOICES, MAX_CHOICES),
        "default": options.default_value({"type": "array", "items": {"type": "string"}}),
    }

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        options.check_order(cls, config, faults, where, ("min_items", "max_items"))
        choices = config.get("choices")
        if choices is not None and cls.effective(config, "min_items") > len(choices):
            faults.add(where + "/min_items", "CONTRADICTION", "min_items is above the number of choices.")

    def from_json(self, value: object) -> list[str]:
        found = self._several(value)
        if len(found) < self.option("min_items"):
            raise InvalidValue("TOO_SHORT", f"At least {self.option('min_items')} choices are expected.")
        if len(found) > self.option("max_items"):
            raise InvalidValue("TOO_LONG", f"At most {self.option('max_items')} choices are allowed.")
        return found

    def from_text(self, text: str) -> list[str]:
        return self.from_json(self._split(text))

    def _several(self, value: object) -> list[str]:
        if not isinstance(value, list):
            raise InvalidValue("WRONG_TYPE", "A list of choices is expected.")
        seen: set[str] = set()
        for at, item in enumerate(value):
            choice = self.chosen(item, pointer(at))
            if choice in seen:
                raise InvalidValue("REPEATED_CHOICE", f"The choice {choice!r} stands twice.", where=pointer(at))
            seen.add(choice)
        return self.in_order(seen)

    def left_of(self, refused: Any) -> list[str] | None:
        """Those of the choices that are still among the field's."""
        known = [item for item in refused if item in self.places] if isinstance(refused, list) else []
        try:
            return self.from_json(known) if known else None
        except InvalidValue:
            return None

    def _split(self, text: str) -> list[str]:
        """Choices between commas; one that has a comma itself is quoted as in CSV, or stands alone."""
        if text.strip() in self.places:
            return [text.strip()]
        try:
            rows = list(csv.reader([clean(text)], skipinitialspace=True))
        except csv.Error:
            raise InvalidValue("WRONG_TYPE", "Choices, comma separated, are expected.") from None
        return [part.strip() for row in rows for part in row if part.strip()]

    def operand(self, operator: str, value: object, *, from_text: bool) -> object:
        """All operators but `exists` take a set; `contains` also a single choice. No limit counts its members."""
        if operator == "exists" or value is None:
            return super().operand(operator, value, from_text=from_text)
        if isinstance(value, str) and (from_text or operator in {"contains", "not_contains"}):
            value = self._split(value) if from_text else [value]
        return self._several(value)

    def as_text(self, value: Any) -> str:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()

    def limits(self) -> dict[str, Any]:
        return {"items": self.one_of(), "minItems": self.option("min_items"), "maxItems": self.option("max_items")}

    @property
    def example(self) -> Any:
        return self.config.get("default", list(self.places)[: max(1, self.option("min_items"))])
