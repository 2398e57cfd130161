"""The names that errors have where things are spoken of; everywhere else they have those of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from oneo.errors import Fault

THINGS: Final = "things"
"""The words of a root field whose errors are named so."""

OF_THINGS: Mapping[str, str] = {
    "RECORD_NOT_FOUND": "THING_NOT_FOUND",
    "PIPELINE_NOT_FOUND": "THING_CLASS_NOT_FOUND",
    "VALIDATION_FAILED": "INVALID_ATTRIBUTES",
    "INVALID_RELATIONSHIP_TYPE": "THING_CLASS_MISMATCH",
    "CONSTRAINT_VIOLATION": "RELATIONSHIP_CONSTRAINT_VIOLATION",
    "CIRCULAR_RELATIONSHIP": "RELATIONSHIP_CONSTRAINT_VIOLATION",
    "DUPLICATE_RELATIONSHIP": "RELATIONSHIP_CONSTRAINT_VIOLATION",
    "VALUE_TAKEN": "DUPLICATE_THING",
    "PERMISSION_DENIED": "INSUFFICIENT_PERMISSIONS",
}
"""Codes of the catalogue; those that are not here keep their name."""
_SCHEMA = {"UNKNOWN_FIELD", "WRONG_TYPE"}
"""What does not fit what a class is made of, whatever its rules."""


def name_of(code: str, words: str | None) -> str:
    return OF_THINGS.get(code, code) if words == THINGS else code


def fault_of(fault: Fault, words: str | None) -> dict[str, Any]:
    """A fault of the input; where it is one of an attribute of a thing it has the name of that, and its own beside."""
    found = fault.as_dict()
    if words != THINGS or not fault.pointer.startswith("/data/"):
        return found
    name = "ATTRIBUTE_SCHEMA_VIOLATION" if fault.code in _SCHEMA else "ATTRIBUTE_VALIDATION_FAILED"
    return {**found, "code": name, "canonicalCode": fault.code}
