"""What `constraint_metadata` says, by kind of constraint: each option, how it is read, and what holds without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oneo.access.relationships import readable_groups, sees_type
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import FaultList, pointer
from oneo.ids import as_id
from oneo.models.record import STATUS_LENGTH
from oneo.store.relationship_types import readable_records

MAX_TYPES = 100
MAX_TARGETS = 1_000
MAX_DEPTH = 1_000
WHERE = "/constraint_metadata"


@dataclass(frozen=True, slots=True)
class Reading:
    """Who says it, of which type, and what was said before: ids that stand there already may stay."""

    actor: Actor
    type_id: UUID
    faults: FaultList
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """`read` returns what is stored, or adds faults at the place that it is given."""

    about: str
    read: Callable[[Reading, Any, str], Any]
    default: Any = None


def read_options(
    actor: Actor, type_id: UUID, kind: str, given: Mapping[str, Any], faults: FaultList, *,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The options as they are stored: types and pipelines by their ids, those left out as they are by default."""
    reading = Reading(actor, type_id, faults, before or {})
    known = OPTIONS[kind]
    for key in given:
        if key not in known:
            faults.add(
                WHERE + pointer(key), "UNKNOWN_OPTION", f"A constraint of {kind} has no option {key[:64]!r}.",
                allowed=known, near=(key, known),
            )  # fmt: skip
    said = {key: given[key] for key in known if given.get(key) is not None}
    stored = {key: option.default for key, option in known.items() if option.default is not None}
    stored |= {key: known[key].read(reading, value, WHERE + pointer(key)) for key, value in said.items()}
    _COMPLETE[kind](reading, stored, said)
    return {key: stored[key] for key in known if stored.get(key) is not None}


def _one_of(*words: str) -> Callable[[Reading, Any, str], Any]:
    def read(reading: Reading, value: Any, where: str) -> Any:
        if value not in words:
            reading.faults.add(where, "NOT_A_CHOICE", "This is none of the choices.", allowed=words)
        return value

    return read


def _flag(reading: Reading, value: Any, where: str) -> Any:
    if not isinstance(value, bool):
        reading.faults.add(where, "WRONG_TYPE", "true or false is expected.")
    return value


def _depth(reading: Reading, value: Any, where: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        reading.faults.add(where, "WRONG_TYPE", "A whole number is expected.")
    elif not 1 <= value <= MAX_DEPTH:
        code = "TOO_SMALL" if value < 1 else "TOO_LARGE"
        reading.faults.add(where, code, f"A number from 1 to {MAX_DEPTH:,} is expected.")
    return value


def _status(reading: Reading, value: Any, where: str) -> Any:
    if not isinstance(value, str):
        reading.faults.add(where, "WRONG_TYPE", "A text is expected.")
    elif not 1 <= len(value) <= STATUS_LENGTH:
        code = "TOO_LONG" if value else "TOO_SHORT"
        reading.faults.add(where, code, f"A status has from 1 to {STATUS_LENGTH} characters.")
    elif "\0" in value:
        reading.faults.add(where, "NUL_CHARACTER", "The character NUL cannot be stored.")
    return value


def _shorthand(reading: Reading, value: Any, where: str) -> Any:
    """The server's own: it may be sent as it was read."""
    if value is not reading.before.get("shorthand", False):
        reading.faults.add(where, "READ_ONLY", "Whether a constraint is of the type's cardinality is not for others.")
    return value or None


def _type(reading: Reading, value: Any, where: str) -> Any:
    """By id or slug; its id."""
    if not isinstance(value, str):
        reading.faults.add(where, "WRONG_TYPE", "A text is expected.")
        return None
    found = schema_of(reading.actor).find_type(as_id(value) or value)
    if found is not None and (found.id == reading.type_id or sees_type(reading.actor, found.id)):
        return str(found.id)
    if value in (reading.before.get("requires"), *reading.before.get("types", ())):
        return value
    reading.faults.add(where, "RELATIONSHIP_TYPE_NOT_FOUND", "There is no such relationship type.")
    return None


def _types(reading: Reading, value: Any, where: str) -> Any:
    if not _is_list(reading, value, where, MAX_TYPES):
        return []
    return [_type(reading, entry, where + pointer(at)) for at, entry in enumerate(value)]


def _targets(reading: Reading, value: Any, where: str) -> Any:
    """Ids of records that the caller sees."""
    if not _is_list(reading, value, where, MAX_TARGETS):
        return None
    if not value:
        reading.faults.add(where, "TOO_SHORT", "At least one record is expected; without it all records count.")
    ids = [as_id(entry) if isinstance(entry, str) else None for entry in value]
    kept = {as_id(found) for found in reading.before.get("targets", ())}
    asked = [found for found in ids if found is not None and found not in kept]
    known = kept | readable_records(reading.actor, asked, readable_groups(reading.actor)) if asked else kept
    for at, found in enumerate(ids):
        if found is None:
            reading.faults.add(where + pointer(at), "INVALID_ID", "This is not an id.")
        elif found not in known:
            reading.faults.add(where + pointer(at), "RECORD_NOT_FOUND", "There is no such record.")
    return sorted({str(found) for found in ids if found in known}) or None


def _is_list(reading: Reading, value: Any, where: str, most: int) -> bool:
    if not isinstance(value, list):
        reading.faults.add(where, "WRONG_TYPE", "A list is expected.")
        return False
    if len(value) > most:
        reading.faults.add(where, "TOO_LONG", f"At most {most:,} entries are taken.")
        return False
    return True


def _exclusivity(reading: Reading, stored: dict[str, Any], _: Mapping[str, Any]) -> None:
    """The constraint's own type is always one of them."""
    stored["types"] = sorted({str(reading.type_id), *filter(None, stored.get("types") or ())})


def _dependency(reading: Reading, stored: dict[str, Any], said: Mapping[str, Any]) -> None:
    if not said.keys() & {"requires", "source_status", "target_status"}:
        message = "One of requires, source_status and target_status is needed."
        reading.faults.add(WHERE, "REQUIRED", message, allowed=("requires", "source_status", "target_status"))
    if stored.get("requires") == str(reading.type_id):
        message = "A type that requires itself could never have a first relationship."
        reading.faults.add(WHERE + "/requires", "CONTRADICTION", message)
    if "requires" not in said:
        del stored["where"]
        if "where" in said:
            reading.faults.add(WHERE + "/where", "CONTRADICTION", "This says nothing without requires.")


def _nothing(_: Reading, __: dict[str, Any], ___: Mapping[str, Any]) -> None:
    """What was read is all there is."""


_END = "`source` or `target`"
OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "CARDINALITY": {
        "per": Option(
            f"{_END}: the record whose relationships of the type are counted.", _one_of("source", "target"), "source"
        ),
        "shorthand": Option("Whether it follows from the type's `cardinality`. The server's own.", _shorthand),
    },
    "EXCLUSIVITY": {
        "per": Option(
            f"{_END}, or `pair`: at most one for each such record, or for each two records.",
            _one_of("source", "target", "pair"), "source",
        ),
        "types": Option(
            "Relationship types that together allow at most one, by id or slug; its own is always one of them.", _types
        ),
        "targets": Option("Ids of records: only relationships to one of these count. All, if left out.", _targets),
    },
    "DEPENDENCY": {
        "requires": Option("A relationship type, by id or slug, of which there must be a relationship.", _type),
        "where": Option(
            "Between which records: `pair`, the same two, the same way round; `reversed`, the same two, the other way "
            "round; `source`, any that begins at the source; `target`, any that ends at the target.",
            _one_of("pair", "reversed", "source", "target"), "pair",
        ),
        "source_status": Option("The status that the source must have.", _status),
        "target_status": Option("The status that the target must have.", _status),
    },
    "HIERARCHY": {
        "parent": Option(f"{_END}: which of the two is above the other.", _one_of("source", "target"), "source"),
        "single_parent": Option("Whether a record has one parent at most.", _flag, default=True),
        "max_depth": Option(f"How many steps there are from top to bottom at most, 1 to {MAX_DEPTH:,}.", _depth),
    },
}  # fmt: skip
_COMPLETE: Mapping[str, Callable[[Reading, dict[str, Any], Mapping[str, Any]], None]] = {
    "CARDINALITY": _nothing, "EXCLUSIVITY": _exclusivity, "DEPENDENCY": _dependency, "HIERARCHY": _nothing,
}  # fmt: skip
