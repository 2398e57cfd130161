"""What relationships would break, in words: for who is refused, and for who asks beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import sees_type
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import (
    CircularRelationship,
    ConstraintViolation,
    DomainError,
    DuplicateRelationship,
    Fault,
    InactiveThing,
    InvalidRelationshipType,
    ValidationFailed,
    VersionMismatch,
)
from oneo.fields.links import TypeShape
from oneo.store.link_writes import Broken

_ERRORS: Mapping[str, type[DomainError]] = {
    "VERSION_MISMATCH": VersionMismatch,
    "RECORD_NOT_FOUND": ValidationFailed,
    "VALIDATION_FAILED": ValidationFailed,
    "INVALID_RELATIONSHIP_TYPE": InvalidRelationshipType,
    "INACTIVE_THING": InactiveThing,
    "DUPLICATE_RELATIONSHIP": DuplicateRelationship,
    "CIRCULAR_RELATIONSHIP": CircularRelationship,
    "CONSTRAINT_VIOLATION": ConstraintViolation,
}
"""The first that applies names the whole failure."""
PLAIN_CODES = frozenset(
    {"VERSION_MISMATCH", "RECORD_NOT_FOUND", "VALIDATION_FAILED", "INVALID_RELATIONSHIP_TYPE", "INACTIVE_THING"}
)
"""Of what lies with one relationship alone, whatever others there are."""
END_CODES = frozenset({"RECORD_NOT_FOUND", "INVALID_RELATIONSHIP_TYPE", "INACTIVE_THING"})
"""Of what lies with the record at an end, whatever else the relationship says."""
_PLAIN = {
    "VERSION_MISMATCH": "The relationship has changed since it was read.",
    "RECORD_NOT_FOUND": "There is no such record.",
    "VALIDATION_FAILED": "A relationship must begin before it ends.",
    "INVALID_RELATIONSHIP_TYPE": "A record of this pipeline cannot be at this end.",
    "INACTIVE_THING": "The record is not active.",
    "DUPLICATE_RELATIONSHIP": "These records are related in this way already, at the same time.",
    "CIRCULAR_RELATIONSHIP": "One of the records is above the other already.",
}
_POINTERS = {
    "source": "/source_record_id", "target": "/target_record_id", "source_status": "/source_record_id",
    "target_status": "/target_record_id", "kept_status": "/status", "one_way": "/is_bidirectional",
    "effective_until": "/effective_until", "version": "/version",
}  # fmt: skip


def refuse_broken(actor: Actor, broken: Sequence[Broken], *, count: int | None = None) -> None:
    """Raises what the worst of it is, with all of it as faults and violations; `count` is of how many it is some."""
    if not broken:
        return
    codes = {found.code for found in broken}
    error = next(_ERRORS[code] for code in _ERRORS if code in codes)
    extra: dict[str, Any] = {}
    if error is VersionMismatch:
        extra = dict(broken[0].detail)
    elif issubclass(error, ConstraintViolation | DuplicateRelationship):
        extra = {"violations": [violation(actor, found) for found in broken]}
        if count is not None:
            extra["relationships"] = count
    raise error(faults=[fault(actor, found) for found in broken], extra=extra)


def fault(actor: Actor, found: Broken) -> Fault:
    return Fault(_POINTERS.get(found.at, ""), found.code, message_of(actor, found))


def violation(actor: Actor, found: Broken) -> dict[str, Any]:
    return {
        "constraint_id": str(found.rule) if found.rule else None,
        "constraint_type": found.kind,
        "code": found.code,
        "message": message_of(actor, found),
        "severity": "ERROR",
        "field_path": _POINTERS.get(found.at, "").removeprefix("/") or "relationship_type",
    }


def message_of(actor: Actor, found: Broken) -> str:
    """Say what is allowed, and never how many relationships there are: the caller may not see all of them."""
    if found.code in _PLAIN:
        return _PLAIN[found.code]
    if "min" in found.detail:
        return f"The record needs at least {found.detail['min']} such relationships."
    if found.kind in {"CARDINALITY", "EXCLUSIVITY"} or found.at in {"source", "target"}:
        where = {"source": "The source has", "target": "The target has", "pair": "This pair of records has"}[found.at]
        return f"{where} as many such relationships at the same time as it may have: {found.detail['max']}."
    if found.at == "one_way":
        return "Relationships of a hierarchy go one way."
    if found.at == "max_depth":
        return f"The hierarchy would be deeper than the {found.detail['max']} levels that it may have."
    if found.at == "dependents":
        return "Another relationship needs this one."
    if found.at == "requires":
        return f"Another relationship is needed first{_named(actor, found.detail.get('requires'))}, for the whole time."
    if found.at == "kept_status":
        needing = _seen(actor, found.detail["type"])
        if needing is None:
            return "A relationship needs this record to keep its status."
        status = found.detail["status"]
        return f"Relationships of the type {needing.name!r} need this record to have the status {status!r}."
    return f"The status of the record must be {found.detail['status']!r}."


def suggestions(actor: Actor, broken: Iterable[Broken]) -> list[dict[str, str]]:
    """What would mend it, each once."""
    found = {entry["action"]: entry for one in broken for entry in _mending(actor, one)}
    return list(found.values())


def _mending(actor: Actor, found: Broken) -> list[dict[str, str]]:
    def say(action: str, message: str) -> dict[str, str]:
        return {"action": action, "message": message}

    match found.code:
        case "DUPLICATE_RELATIONSHIP":
            there = _readable_duplicate(actor, found)
            action = f"update:{there}" if there else "change_dates"
            return [say(action, "Change the relationship that is there, or let this one begin when that ends.")]
        case "INVALID_RELATIONSHIP_TYPE":
            return [
                say(f"use_type:{one.slug}", f"Relationships of the type {one.name!r} join such records.")
                for one in _fitting(actor, found.detail)
            ]
        case "INACTIVE_THING":
            return [say("activate_record", "Restore the record, or make it or its pipeline active.")]
        case "CIRCULAR_RELATIONSHIP":
            return [say("choose_other_record", "Choose another record, or end the relationships between these.")]
        case "CONSTRAINT_VIOLATION" if found.at == "requires":
            needed = _seen(actor, found.detail["requires"])
            action = f"create:{needed.slug}" if needed else "create_needed"
            return [say(action, f"Relate the records first{_named(actor, found.detail['requires'])}.")]
        case "CONSTRAINT_VIOLATION" if found.at.endswith("_status"):
            return [say("change_record_status", f"Give the record the status {found.detail['status']!r}.")]
        case "CONSTRAINT_VIOLATION" if found.at == "max_depth":
            return [say("choose_other_record", "Choose another record, or end a relationship above or below.")]
        case "CONSTRAINT_VIOLATION" if "max" in found.detail:
            return [
                say("end_existing", "End or deactivate a relationship that is there."),
                say("change_dates", "Choose a time at which there are fewer."),
            ]
    return []


def _readable_duplicate(actor: Actor, found: Broken) -> str | None:
    """The id of the relationship that is there, if the caller may read relationships of its type."""
    there: str | None = found.detail.get("relationship_id")
    return there if there and policy.allows(actor, P.RELATIONSHIPS_READ, UUID(found.detail["type"])) else None


def _fitting(actor: Actor, places: Mapping[str, Any]) -> list[TypeShape]:
    """Types that the caller sees and that join records of these pipelines."""
    return [
        one
        for one in schema_of(actor).types.values()
        if places and sees_type(actor, one.id)
        and str(one.source_id or places["source"]) == places["source"]
        and str(one.target_id or places["target"]) == places["target"]
    ]  # fmt: skip


def _seen(actor: Actor, type_id: str | None) -> TypeShape | None:
    found = schema_of(actor).find_type(UUID(type_id)) if type_id else None
    return found if found and sees_type(actor, found.id) else None


def _named(actor: Actor, type_id: str | None) -> str:
    """Only by a name that the caller sees."""
    found = _seen(actor, type_id)
    return f", of the type {found.name!r}" if found else ""


def entry_of(found: Fault) -> dict[str, Any]:
    """As bulk answers say it of one entry."""
    return {"field": found.as_dict()["field"], "message": found.message, "code": found.code}
