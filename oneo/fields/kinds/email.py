"""E-mail addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.emails import MAX_LENGTH, normal_email
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import AnyText


class EmailKind(AnyText):
    name = "email"
    about = "An e-mail address, kept in lower case with its domain in ASCII."
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "email"}
    max_length = MAX_LENGTH
    exact_in_slot = True
    options: ClassVar[Mapping[str, Option]] = {"default": options.default_value({"type": "string", "format": "email"})}

    def normal(self, text: str) -> str:
        try:
            return normal_email(text)
        except ValueError as error:
            raise InvalidValue("INVALID_EMAIL", str(error)) from None

    def piece(self, text: str) -> str:
        return text.lower()

    @property
    def example(self) -> Any:
        return self.config.get("default", "ada@example.com")
