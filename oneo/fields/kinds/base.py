"""The contract of a kind: a field type bound to the checked configuration of one field."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from oneo.errors import FaultList, pointer
from oneo.fields.base import FieldType
from oneo.fields.kinds.terms import SLOT_LENGTH, Family, Option

MAX_KEY = 200
_HASHED = "sha256:"


class InvalidValue(ValueError):
    """A value that a kind refuses; `where` points into values that have parts."""

    def __init__(
        self, code: str, message: str, *, where: str = "", allowed: Iterable[str] = (),
        near: tuple[str, Iterable[str]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.allowed = tuple(allowed)
        self.near = near

    def add_to(self, faults: FaultList, where: str) -> None:
        faults.add(where + self.where, self.code, self.message, allowed=self.allowed, near=self.near)


class Kind(FieldType):
    """Immutable, and shared between threads and tenants."""

    about: ClassVar[str]
    family: ClassVar[Family]
    slot: ClassVar[str | None]
    is_unique: ClassVar[bool]
    """Whether fields of this kind can be unique."""
    options: ClassVar[Mapping[str, Option]]
    exact_in_slot: bool = False
    """Whether comparing index slots is comparing values; else the slot only narrows."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """The configuration is one that read_config has returned."""
        self.config: Mapping[str, Any] = MappingProxyType(dict(config))

    @classmethod
    def read_config(cls, config: object, faults: FaultList, where: str) -> dict[str, Any]:
        """The options that were given, as JSON, null ones left out. Adds every fault to the list."""
        own_faults, checked = FaultList(), {}
        if not isinstance(config, Mapping):
            faults.add(where, "WRONG_TYPE", "An object of options is expected.")
            return {}
        for name, given in config.items():
            option = cls.options.get(name)
            if option is None:
                own_faults.add(
                    where + pointer(name), "UNKNOWN_OPTION", f"A {cls.name} field has no option {name[:100]!r}.",
                    allowed=cls.options, near=(name, cls.options),
                )  # fmt: skip
            elif given is not None:
                try:
                    checked[name] = option.read(given)
                except InvalidValue as error:
                    error.add_to(own_faults, where + pointer(name))
        for name, option in cls.options.items():
            if option.required and config.get(name) is None:
                own_faults.add(where + pointer(name), "REQUIRED", f"A {cls.name} field needs the option {name!r}.")
        if all(name in checked for name, given in config.items() if name in cls.options and given is not None):
            cls.check_config(checked, own_faults, where)
        if not own_faults.faults and "default" in checked:
            cls._check_default(checked, own_faults, where)
        faults.take(own_faults.faults, own_faults.left_out)
        return checked

    @classmethod
    def check_config(cls, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
        """What single options cannot know: that they contradict each other."""

    @classmethod
    def _check_default(cls, config: dict[str, Any], faults: FaultList, where: str) -> None:
        given = config.pop("default")
        kind = cls(config)
        try:
            config["default"] = kind.as_json(kind.from_json(given))
        except InvalidValue as error:
            error.add_to(faults, where + pointer("default"))

    @classmethod
    def effective(cls, config: Mapping[str, Any], name: str) -> Any:
        """An option as it applies: the given one, or what holds without."""
        given = config.get(name)
        return cls.options[name].default if given is None else given

    def option(self, name: str) -> Any:
        return self.effective(self.config, name)

    def operand(self, operator: str, value: object, *, from_text: bool) -> object:
        """Raises InvalidValue."""
        try:
            return super().operand(operator, value, from_text=from_text)
        except InvalidValue:
            raise
        except ValueError as error:
            raise InvalidValue("WRONG_TYPE", str(error)) from None

    def slot_value(self, value: Any) -> str | float | None:
        """What stands in the index slot for a stored value."""
        return self.as_text(value)[:SLOT_LENGTH] if self.slot == "t" else None

    def unique_key(self, value: Any) -> str:
        """Equal for equal values only; short enough for an index."""
        text = self.as_text(value)
        # A text that looks like a hash could be taken for that of another.
        if len(text.encode()) <= MAX_KEY and not text.startswith(_HASHED):
            return text
        return _HASHED + hashlib.sha256(text.encode()).hexdigest()

    def left_of(self, _refused: Any) -> Any:
        """What of a stored value that it refuses it would take; None is nothing."""
        return None

    def as_text(self, value: Any) -> str:
        """For titles and cells of a table; from_text reads it back."""
        return str(value)

    def as_json(self, value: Any) -> Any:
        """The stored value in what every JSON writer knows."""
        return value

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of a stored value."""
        default = {"default": self.config["default"]} if "default" in self.config else {}
        return {**self.json_schema, **self.limits(), **default}

    def limits(self) -> dict[str, Any]:
        """The keywords that the configuration adds to the schema."""
        return {}

    @property
    def example(self) -> Any:
        """A value that this field accepts, as JSON; None when none is known."""
        return self.config.get("default")
