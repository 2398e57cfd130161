"""The terms in which kinds describe themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SLOT_LENGTH = 256
"""Characters of a text that stand in an index slot."""


class Family(StrEnum):
    """How values compare."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    FLAG = "flag"
    CHOICE = "choice"
    SET = "set"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a field's configuration; `read` returns it checked, as JSON, or raises InvalidValue."""

    about: str
    schema: Mapping[str, Any]
    read: Callable[[object], Any]
    default: Any = None
    required: bool = False
