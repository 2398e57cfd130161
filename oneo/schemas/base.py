"""Pieces that shapes are made of: strict types, list parameters, envelopes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Any, Self

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, pre_load, validate

from oneo.errors import MAX_FAULTS
from oneo.fields.slugs import MAX_LENGTH as SLUG_LENGTH
from oneo.fields.slugs import PATTERN
from oneo.operations.lists import MAX_PAGE_SIZE, PAGE_SIZE
from oneo.pacing import paced


class Refusal(str):
    """A message of the schema library that lists the values which would be allowed."""

    __slots__ = ("allowed",)
    allowed: tuple[str, ...]

    def __new__(cls, allowed: Iterable[Any]) -> Self:
        words = tuple(map(str, allowed))
        made = super().__new__(cls, f"Must be one of: {', '.join(words)}.")
        made.allowed = words
        return made


class OneOf(validate.OneOf):
    """One of the choices; the fault lists them."""

    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            raise ValidationError(Refusal(self.choices))
        return value


class Choice(fields.Enum[Any]):
    """A member of an enumeration, by its value; the fault lists the values."""

    def __init__(self, enum: type[Enum], **kwargs: Any) -> None:
        super().__init__(enum, by_value=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.enum(value)
        except ValueError:
            raise ValidationError(Refusal(member.value for member in self.enum)) from None


class StrictString(fields.String):
    """A JSON string without NUL; surrounding white space is the caller's to keep."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("A text is expected.")
        if "\0" in value:
            raise ValidationError("The character NUL cannot be stored.")
        return value


class StrictBoolean(fields.Boolean):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("true or false is expected.")
        return value


class StrictInteger(fields.Integer):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("A whole number is expected.")
        return value


class Entries(fields.List[Any]):
    """A list whose sound entries keep their places when others are not: None stands for those.

    A required part that an entry lacks is missing in what is left of it.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        self._check_length(value)
        sound: list[Any] = []
        errors: dict[int, Any] = {}
        for at, entry in enumerate(value):
            try:
                sound.append(self.inner.deserialize(entry, **kwargs))
            except ValidationError as error:
                sound.append(error.valid_data if isinstance(entry, dict) else None)
                errors[at] = error.messages
        if errors:
            raise ValidationError(errors, valid_data=sound)
        return sound

    def _check_length(self, value: list[Any]) -> None:
        """A list that is too long is refused before its entries are read."""
        for validator in self.validators:
            validator(value)


class Whole(fields.Integer):
    """A whole number in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 18:
            raise ValidationError("A whole number is expected.")
        return int(value)


class Moment(fields.String):
    """A time as the API writes it."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "date-time", "example": "2026-01-31T09:30:00.000000Z", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)


def _not_blank(text: str) -> None:
    if text and not text.strip():
        raise ValidationError("A text that is not blank is expected.")


def text(*, maximum: int, minimum: int = 0, about: str = "", blank: bool = True, **kwargs: Any) -> StrictString:
    """A text of bounded length; `blank`: white space alone will do."""
    metadata: dict[str, Any] = {"description": about} if about else {}
    metadata |= {} if blank else {"pattern": r"\S"}
    metadata |= kwargs.pop("metadata", {})
    length = validate.Length(min=minimum, max=maximum)
    return StrictString(validate=length if blank else [length, _not_blank], metadata=metadata, **kwargs)


def slug(about: str = "", **metadata: Any) -> StrictString:
    """A slug that is given to something new; the operation checks its form, so that the fault has a code of its own."""
    return text(minimum=1, maximum=SLUG_LENGTH, about=about, metadata={"pattern": PATTERN, **metadata})


class Input(Schema):
    """A body; unknown keys are refused."""

    class Meta:
        unknown = RAISE
        ordered = True

    @pre_load
    def refuse_heaps(self, data: Any, **_: Any) -> Any:
        """More unknown keys than are told are refused at once: the library takes quadratic time to gather them."""
        if isinstance(data, dict) and len(data) > len(self.fields) + MAX_FAULTS:
            known = {field.data_key or name for name, field in self.load_fields.items()}
            messages = [self.error_messages["unknown"]]
            raise ValidationError({key: messages for key in paced(data, stride=64) if key not in known})
        return data


class ListParameters(Schema):
    """What every list takes. Further parameters are conditions, checked against what the list may be asked."""

    class Meta:
        unknown = INCLUDE

    page = Whole(
        load_default=1,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"description": "Page number."},
    )
    page_size = Whole(
        load_default=PAGE_SIZE, validate=validate.Range(min=1, max=MAX_PAGE_SIZE),
        metadata={"description": "Rows in a page."},
    )  # fmt: skip
    cursor = fields.String(
        load_default=None, metadata={"description": "Keyset paging: empty for the first page, then as `next` says."}
    )
    ordering = fields.String(load_default="", metadata={"description": "Keys, comma separated; `-` turns one round."})
    search = fields.String(load_default="", metadata={"description": "Rows that contain this text."})
    count = fields.String(
        load_default="exact", validate=OneOf(["exact", "estimated", "none"]),
        metadata={"description": "How to count."},
    )  # fmt: skip
    fields_ = fields.String(load_default="", data_key="fields", metadata={"description": "Keys to return."})
    include = fields.String(load_default="", metadata={"description": "Things beside a row, where there are any."})
    filter = fields.String(load_default=None, metadata={"description": "Conditions as JSON, see docs/filters.md."})


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The envelope of a list of these; `fields=` may leave out keys of a row."""
    name = item.__name__.removesuffix("Schema") + "Page"
    return Schema.from_dict(
        {
            "count": fields.Integer(required=True, allow_none=True),
            "pages": fields.Integer(required=True, allow_none=True),
            "page_size": fields.Integer(required=True),
            "current_page": fields.Integer(required=True, allow_none=True),
            "next": fields.String(required=True, allow_none=True),
            "previous": fields.String(required=True, allow_none=True),
            "results": fields.List(fields.Nested(item(partial=True)), required=True),
        },
        name=name,
    )
