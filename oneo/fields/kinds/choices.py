"""Lists of choices, and what the kinds share that offer them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from oneo.errors import pointer
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import clean

MAX_CHOICES = 500
MAX_LENGTH = 100
_TOLD = 50
"""Choices that an error lists, and that are searched for the nearest one."""
_COMPARED = 40
"""Characters of a text whose nearest choice is looked for: beyond, the search costs more than it helps."""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
_SCHEMA: Mapping[str, Any] = {
    "type": "array", "minItems": 1, "maxItems": MAX_CHOICES,
    "items": {"anyOf": [_TEXT, {
        "type": "object", "required": ["value"], "additionalProperties": False,
        "properties": {"value": _TEXT, "label": _TEXT, "color": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}},
    }]},
}  # fmt: skip


def read_choices(value: object) -> list[Any]:
    """The choices as they were given. Raises InvalidValue for the first that is wrong."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHOICES:
        raise InvalidValue("WRONG_TYPE", f"A list of 1 to {MAX_CHOICES} choices is expected.")
    seen: set[str] = set()
    for at, choice in enumerate(value):
        name, where = _read_choice(choice, pointer(at))
        if name in seen:
            raise InvalidValue("REPEATED_CHOICE", f"The choice {name!r} stands twice.", where=where)
        seen.add(name)
    return value


def _read_choice(choice: object, where: str) -> tuple[str, str]:
    """Its value, and where that stands."""
    if not isinstance(choice, Mapping):
        return _words(choice, where), where
    _check_parts(choice, where)
    return _words(choice.get("value"), where + "/value"), where + "/value"


def _check_parts(choice: Mapping[str, Any], where: str) -> None:
    known = ("value", "label", "color")
    for name, part in choice.items():
        if name not in known:
            raise InvalidValue(
                "UNKNOWN_OPTION", f"A choice has no {name[:100]!r}.",
                where=where + pointer(name), allowed=known, near=(name, known),
            )  # fmt: skip
        if name == "label" and part is not None:
            _words(part, where + "/label")
        if name == "color" and part is not None and not (isinstance(part, str) and _COLOUR.fullmatch(part)):
            raise InvalidValue("PATTERN_MISMATCH", "A colour (#RRGGBB) is expected.", where=where + "/color")


def _words(value: object, where: str) -> str:
    try:
        text = clean(value, MAX_LENGTH)
    except InvalidValue as error:
        raise InvalidValue(error.code, error.message, where=where) from None
    if not text or text != text.strip() or _CONTROL.search(text):
        raise InvalidValue("INVALID_CHOICE", "A choice is 1 to 100 characters without space around.", where=where)
    return text


CHOICES = Option(
    f"What can be chosen: up to {MAX_CHOICES} texts, or objects of `value`, `label` and `color` (`#RRGGBB`).",
    _SCHEMA, read_choices, required=True,
)  # fmt: skip


class AnyChoice(Kind):
    """Values out of the list that the configuration gives, in its order."""

    family: ClassVar[Any]

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.choices: list[Mapping[str, Any]] = [
            {"value": choice} if isinstance(choice, str) else choice for choice in config["choices"]
        ]
        self.places = {str(choice["value"]): place for place, choice in enumerate(self.choices)}

    def chosen(self, value: object, where: str = "") -> str:
        """Raises InvalidValue with the nearest choice."""
        if not isinstance(value, str):
            raise InvalidValue("WRONG_TYPE", "One of the choices is expected, as a text.", where=where)
        if value not in self.places:
            told = list(self.places)[:_TOLD]
            raise InvalidValue(
                "NOT_A_CHOICE", f"{_shown(value)} is not one of the choices.",
                where=where, allowed=told, near=(value, told) if len(value) <= _COMPARED else None,
            )  # fmt: skip
        return value

    def one_of(self) -> dict[str, Any]:
        """The schema of one choice."""
        if not any(choice.get("label") for choice in self.choices):
            return {"type": "string", "enum": list(self.places)}
        return {"type": "string", "oneOf": [_titled(choice) for choice in self.choices]}

    def in_order(self, values: Iterable[str]) -> list[str]:
        return sorted(values, key=self.places.__getitem__)


def _titled(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {"const": choice["value"], **({"title": choice["label"]} if choice.get("label") else {})}


def _shown(value: str) -> str:
    return repr(value.encode("utf-8", "replace").decode()[:MAX_LENGTH])
