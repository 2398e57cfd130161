"""Any JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from oneo import strict_json
from oneo.errors import MalformedJson, pointer
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.numbers import MAX_EXPONENT
from oneo.fields.kinds.terms import Family, Option
from oneo.fields.kinds.texts import clean
from oneo.pacing import Pacer

MAX_DEPTH = 32
MAX_BYTES = 1_048_576
_Place = tuple["_Place | None", str | int]
"""Where a node stands: the place of its parent, and its name or number there."""


class JsonKind(Kind):
    name = "json"
    about = "Any JSON value."
    family = Family.DOCUMENT
    slot: ClassVar[str | None] = None
    is_unique = False
    sql_type = "jsonb"
    operators: ClassVar[tuple[str, ...]] = ("exact", "not", "contains", "exists")
    json_schema: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[Mapping[str, Option]] = {
        "max_bytes": options.whole("Bytes that a value has at most, without white space.", 2, MAX_BYTES, 65_536),
        "default": options.default_value({}),
    }

    def from_json(self, value: object) -> Any:
        if value is None:
            raise InvalidValue("WRONG_TYPE", "A JSON value is expected.")
        _check(value)
        if len(self.as_text(value).encode()) > self.option("max_bytes"):
            raise InvalidValue("TOO_LONG", f"At most {self.option('max_bytes'):,} bytes are allowed.")
        return value

    def from_text(self, text: str) -> Any:
        try:
            return self.from_json(strict_json.loads(clean(text, MAX_BYTES).encode(), max_depth=MAX_DEPTH))
        except MalformedJson as error:
            raise InvalidValue(error.faults[0].code, error.detail) from None

    def as_text(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    @property
    def example(self) -> Any:
        return self.config.get("default", {"key": "value"})


def _check(value: object) -> None:
    """Walks the whole value, by hand: the depth of a hostile one would exhaust the stack."""
    levels: list[Iterator[tuple[object, _Place | None]]] = [iter([(value, None)])]
    pacer = Pacer(stride=64)
    while levels:
        for item, place in levels[-1]:
            pacer.step()
            try:
                _check_one(item, len(levels))
            except InvalidValue as error:
                raise InvalidValue(error.code, error.message, where=_where(place)) from None
            if isinstance(item, Mapping | list):
                levels.append(_children(item, place))
                break
        else:
            levels.pop()


def _children(item: Mapping[str, object] | list[object], place: _Place | None) -> Iterator[tuple[object, _Place]]:
    members: Iterable[tuple[str | int, object]] = enumerate(item) if isinstance(item, list) else item.items()
    return ((child, (place, name)) for name, child in members)


def _where(place: _Place | None) -> str:
    """The JSON pointer of a place, which only an error needs."""
    parts: list[str | int] = []
    while place is not None:
        place, part = place
        parts.append(part)
    return pointer(*reversed(parts))


def _check_one(item: object, depth: int) -> None:
    match item:
        case Mapping() | list() if depth > MAX_DEPTH:
            raise InvalidValue("TOO_DEEP", f"At most {MAX_DEPTH} levels are allowed.")
        case Mapping():
            for name in item:
                clean(name, MAX_BYTES)
        case str():
            clean(item, MAX_BYTES)
        case int() | float():
            _check_number(item)
        case Decimal():
            # The reader of bodies makes a Decimal of nothing but what float64 cannot hold.
            raise InvalidValue("TOO_PRECISE", "The number has more digits than float64 holds.")
        case None | list():
            pass
        case _:
            raise InvalidValue("WRONG_TYPE", "A JSON value is expected.")


def _check_number(number: float) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise InvalidValue("NOT_FINITE", "A finite number is expected.")
    if isinstance(number, int) and number.bit_length() > 4 * MAX_EXPONENT:
        raise InvalidValue("TOO_LARGE", "The number is too large.")
