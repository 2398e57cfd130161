"""Telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import phonenumbers

from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import AnyText, clean

MAX_LENGTH = 40
_WRITTEN = re.compile(r"\+?[0-9 ().\-/\u00a0\u2010-\u2015]+")
_MARKS = re.compile(r"[ ().\-/\u00a0\u2010-\u2015]+")


def read_region(value: object) -> str:
    region = clean(value, 10)
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidValue("NOT_A_CHOICE", "A country code of two capitals (ISO 3166) is expected.")
    return region


class PhoneKind(AnyText):
    name = "phone"
    about = "A telephone number, kept in E.164: `+442079460018`."
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": r"^\+[1-9][0-9]{2,17}$"}
    max_length = MAX_LENGTH
    exact_in_slot = True
    options: ClassVar[Mapping[str, Option]] = {
        "region": Option(
            "The country (ISO 3166, two capitals) of numbers without `+`; unless given, these are refused.",
            {"type": "string", "pattern": "^[A-Z]{2}$"}, read_region,
        ),
        "default": options.default_value({"type": "string"}),
    }  # fmt: skip

    def normal(self, text: str) -> str:
        written = text.strip()
        try:
            if not _WRITTEN.fullmatch(written):
                raise InvalidValue("INVALID_PHONE", "This is not a telephone number.")
            number = _settled(phonenumbers.parse(written, self.option("region")))
        except phonenumbers.NumberParseException:
            raise InvalidValue("INVALID_PHONE", "A number with + and the code of its country is expected.") from None
        # Whether a number is assigned is not asked: the tables of ranges age faster than servers are updated.
        if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
            raise InvalidValue("INVALID_PHONE", "No number of this country has so many digits.")
        return _e164(number)

    def piece(self, text: str) -> str:
        return _MARKS.sub("", text)

    def limits(self) -> dict[str, Any]:
        return {}

    @property
    def example(self) -> Any:
        number = phonenumbers.example_number(self.option("region") or "GB")
        return self.config.get("default", _e164(number) if number else None)


def _settled(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """As it is read from its own E.164 form: each reading may take one more zero for a prefix of the country."""
    while (again := phonenumbers.parse(_e164(number))) != number:
        number = again
    return number


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
