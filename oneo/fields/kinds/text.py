"""One line of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.errors import FaultList
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.patterns import MAX_LENGTH, compiled, portable, read_pattern
from oneo.fields.kinds.terms import SLOT_LENGTH, Option
from oneo.fields.kinds.texts import AnyText

_EXAMPLE = "Some text"


class LimitedText(AnyText):
    """Text whose length the tenant limits."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.max_length = self.option("max_length")
        self.min_length: int = self.option("min_length")
        self.exact_in_slot = self.max_length <= SLOT_LENGTH

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        options.check_order(cls, config, faults, where, ("min_length", "max_length"))

    def normal(self, text: str) -> str:
        if len(text) < self.min_length:
            raise InvalidValue("TOO_SHORT", f"At least {self.min_length:,} characters are expected.")
        return text

    def whole(self, text: str) -> str:
        return text

    def limits(self) -> dict[str, Any]:
        return {**super().limits(), **({"minLength": self.min_length} if self.min_length else {})}

    @property
    def example(self) -> Any:
        return self.config.get("default", _EXAMPLE.ljust(self.min_length, ".")[: self.max_length])


class TextKind(LimitedText):
    name = "text"
    about = "A text of a line or so."
    options: ClassVar[Mapping[str, Option]] = {
        "min_length": options.whole("Characters that a value has at least.", 0, 1_000, 0),
        "max_length": options.whole("Characters that a value has at most.", 1, 1_000, 255),
        "pattern": Option(
            f"A regular expression (RE2, {MAX_LENGTH} characters) that the whole value matches.",
            {"type": "string", "maxLength": MAX_LENGTH}, read_pattern,
        ),
        "default": options.default_value({"type": "string"}),
    }  # fmt: skip

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.pattern: str | None = self.option("pattern")

    def normal(self, text: str) -> str:
        if self.pattern is not None and not compiled(self.pattern).fullmatch(text):
            raise InvalidValue("PATTERN_MISMATCH", f"The text does not match the pattern {self.pattern}.")
        return super().normal(text)

    def limits(self) -> dict[str, Any]:
        pattern = portable(self.pattern) if self.pattern is not None else None
        return {**super().limits(), **({"pattern": pattern} if pattern is not None else {})}

    @property
    def example(self) -> Any:
        found = super().example
        return found if self.pattern is None or compiled(self.pattern).fullmatch(found) else None
