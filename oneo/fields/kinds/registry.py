"""All kinds by name, and the bound ones by their configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from oneo.errors import FaultList
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.boolean import BooleanKind
from oneo.fields.kinds.currency import CurrencyKind
from oneo.fields.kinds.date import DateKind
from oneo.fields.kinds.datetime import DateTimeKind
from oneo.fields.kinds.decimal import DecimalKind
from oneo.fields.kinds.email import EmailKind
from oneo.fields.kinds.json import JsonKind
from oneo.fields.kinds.multiselect import MultiSelectKind
from oneo.fields.kinds.number import NumberKind
from oneo.fields.kinds.percentage import PercentageKind
from oneo.fields.kinds.phone import PhoneKind
from oneo.fields.kinds.select import SelectKind
from oneo.fields.kinds.text import TextKind
from oneo.fields.kinds.textarea import TextAreaKind
from oneo.fields.kinds.url import UrlKind
from oneo.fields.kinds.user import UserKind

_ALL: tuple[type[Kind], ...] = (
    TextKind, TextAreaKind, EmailKind, UrlKind, PhoneKind, NumberKind, DecimalKind, CurrencyKind, PercentageKind,
    BooleanKind, DateKind, DateTimeKind, SelectKind, MultiSelectKind, UserKind, JsonKind,
)  # fmt: skip
KINDS: Mapping[str, type[Kind]] = MappingProxyType({kind.name: kind for kind in _ALL})


def read_kind(field_type: object, faults: FaultList, where: str) -> type[Kind] | None:
    """The kind of that name; adds a fault when there is none."""
    if isinstance(field_type, str) and field_type in KINDS:
        return KINDS[field_type]
    name = field_type if isinstance(field_type, str) else ""
    faults.add(
        where, "UNKNOWN_FIELD_TYPE", f"There is no field type {name[:100]!r}.",
        allowed=KINDS, near=(name, KINDS),
    )  # fmt: skip
    return None


def kind_named(field_type: str, config: Mapping[str, Any]) -> Kind:
    """The kind bound to a checked configuration; the same object for the same one. Raises KeyError."""
    return _bound(field_type, json.dumps(config, sort_keys=True))


@lru_cache(maxsize=4096)
def _bound(field_type: str, config: str) -> Kind:
    return KINDS[field_type](json.loads(config))
