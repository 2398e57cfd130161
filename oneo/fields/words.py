"""Words of a closed set, as conditions name them."""

from __future__ import annotations

from collections.abc import Iterable

from oneo.fields.base import EQUALITY
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.scalars import Keyword


class Word(Keyword):
    """One of a closed set of words. Comparing with another word, which no row can have, is a mistake of the caller."""

    def __init__(
        self, words: Iterable[str], *, any_case: bool = False, listed: bool = True,
        operators: tuple[str, ...] = Keyword.operators,
    ) -> None:  # fmt: skip
        """`any_case`: the words are in capitals and may be written in any case. `listed`: errors list the words."""
        self.words = tuple(words)
        self.operators = operators  # type: ignore[misc] # as each kind of column needs them
        self._any_case = any_case
        self._listed = listed
        if listed:
            self.json_schema = {"type": "string", "enum": list(self.words)}  # type: ignore[misc] # of these words

    def compared(self, operator: str, value: object, *, from_text: bool) -> object:
        found = super().compared(operator, value, from_text=from_text)
        word = str(found).upper() if self._any_case else str(found)
        if operator in EQUALITY and word not in self.words:
            allowed, near = (self.words, (word, self.words)) if self._listed else ((), None)
            raise InvalidValue("NOT_A_CHOICE", f"{word[:50]!r} is none of the choices.", allowed=allowed, near=near)
        return found
