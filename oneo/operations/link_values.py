"""What somebody wants of a relationship, held against its type: every fault is found at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from oneo import exact_json
from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import TypeSight, readable_groups, sees_type, type_sight
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import FaultList, pointer
from oneo.fields.dates import DateTime
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.registry import kind_named
from oneo.ids import as_id, new_id
from oneo.models.relationship import MAX_METADATA_BYTES, STATUSES
from oneo.operations.values import Checker
from oneo.store.link_writes import Broken
from oneo.store.relationship_types import readable_records

PLAIN_KEYS = frozenset(
    {"status", "is_bidirectional", "effective_from", "effective_until", "strength", "metadata", "data"}
)  # fmt: skip
NEW_KEYS = PLAIN_KEYS | {"relationship_type", "source_record_id", "target_record_id"}
CHANGE_KEYS = PLAIN_KEYS | {"id", "version"}
_JSON = kind_named("json", {"max_bytes": MAX_METADATA_BYTES})


@dataclass(slots=True)
class Wanted:
    """An entry as it is written; with faults it is not."""

    faults: FaultList
    type_id: UUID | None = None
    row: dict[str, Any] | None = None


def read_new(actor: Actor, body: Mapping[str, Any], faults: FaultList) -> Wanted:
    """A relationship that is to be made. A type that the caller does not see does not exist."""
    found = _type(actor, body, faults)
    ends = {end: _id(body, f"{end}_record_id", faults) for end in ("source", "target")}
    row = _plain(body, faults)
    metadata = body.get("metadata")
    metadata = {} if metadata is None else _metadata(metadata, faults)
    if found is None:
        return Wanted(faults)
    row.update(
        {
            "id": new_id(),
            "type": found.type.id,
            **ends,
            "status": row.get("status", "ACTIVE"),
            "is_bidirectional": row.get("is_bidirectional", found.type.is_bidirectional),
            "strength": row.get("strength", 1),
            "metadata": metadata,
        }
    )
    _check_one_way(found, row, faults)
    checker = Checker(actor, found.own, P.RELATIONSHIPS_CREATE)
    data = _data(body, faults)
    row["data"] = checker.check_new(data, faults).set
    checker.check_users()
    return Wanted(faults, found.type.id, row)


def read_change(
    actor: Actor, found: TypeSight, link_id: UUID, body: Mapping[str, Any], faults: FaultList, *, whole: bool = False
) -> Wanted:
    """Merge patch: what is not given stays; given whole, it takes its default."""
    row = _plain(body, faults)
    checker, data = Checker(actor, found.own, P.RELATIONSHIPS_UPDATE), _data(body, faults)
    values = checker.check_whole(data, faults) if whole else checker.check_change(data, faults)
    if not whole:
        checker.check_required(values, faults)
    checker.check_users()
    metadata = body.get("metadata")
    if whole:
        row = {"is_bidirectional": found.type.is_bidirectional, "strength": 1, "effective_until": None, **row}
        row["metadata"] = {} if metadata is None else _metadata(metadata, faults)
    elif metadata is not None:
        given = _metadata(metadata, faults)
        row["metadata_set"] = {name: value for name, value in given.items() if value is not None}
        row["metadata_unset"] = [name for name, value in given.items() if value is None]
    row.update({"id": link_id, "set": values.set, "unset": values.unset})
    _check_one_way(found, row, faults)
    return Wanted(faults, found.type.id, row)


def missing_ends(actor: Actor, body: Mapping[str, Any], faults: FaultList) -> list[Broken]:
    """The ends of a relationship without a type that are no records which the caller sees."""
    named = {end: body.get(f"{end}_record_id") for end in ("source", "target")}
    ids = {end: given if isinstance(given, UUID) else as_id(given) for end, given in named.items()}
    asked = {end: found for end, found in ids.items() if found and not faults.covers(f"/{end}_record_id")}
    known = readable_records(actor, list(asked.values()), readable_groups(actor)) if asked else set()
    return [
        Broken("RECORD_NOT_FOUND", None, None, end, {}) for end, found in asked.items() if found not in known
    ]  # fmt: skip


def _type(actor: Actor, body: Mapping[str, Any], faults: FaultList) -> TypeSight | None:
    if faults.covers("/relationship_type"):
        return None
    schema, name = schema_of(actor), body.get("relationship_type")
    found = schema.find_type(as_id(name) or name) if isinstance(name, str) else None
    if found is None or not sees_type(actor, found.id):
        known = (one.slug for one in schema.types.values() if sees_type(actor, one.id))
        code, message = ("RELATIONSHIP_TYPE_NOT_FOUND", "There is no such relationship type.")
        if name is None:
            code, message = "REQUIRED", "A relationship has a type."
        faults.add("/relationship_type", code, message, near=(name, known) if isinstance(name, str) else None)
        return None
    if not policy.allows(actor, P.RELATIONSHIPS_CREATE, found.id):
        faults.add("/relationship_type", "PERMISSION_DENIED", "The caller may not make such relationships.")
        return None
    if not found.own.is_active:
        faults.add("/relationship_type", "RELATIONSHIP_TYPE_INACTIVE", "The type is not active and takes nothing new.")
        return None
    return type_sight(actor, found)


def _check_one_way(found: TypeSight, row: Mapping[str, Any], faults: FaultList) -> None:
    """What goes both ways would be above and below itself."""
    if row.get("is_bidirectional") is True and any(rule.kind == "HIERARCHY" for rule in found.type.constraints):
        faults.add("/is_bidirectional", "CONTRADICTION", "Relationships of a hierarchy go one way.")


def _id(body: Mapping[str, Any], name: str, faults: FaultList) -> UUID:
    given = body.get(name)
    if faults.covers(pointer(name)):
        return UUID(int=0)
    found = given if isinstance(given, UUID) else as_id(given)
    if found is None:
        faults.add(pointer(name), "REQUIRED" if given is None else "INVALID_ID", "The id of a record is expected.")
    return found or UUID(int=0)


def _data(body: Mapping[str, Any], faults: FaultList) -> Mapping[str, Any]:
    data = body.get("data")
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        faults.add("/data", "WRONG_TYPE", "An object is expected.")
        return {}
    return data


def _metadata(value: object, faults: FaultList) -> dict[str, Any]:
    if not isinstance(value, dict):
        faults.add("/metadata", "WRONG_TYPE", "An object is expected.")
        return {}
    try:
        _JSON.from_json(value)
    except InvalidValue as error:
        error.add_to(faults, "/metadata")
        return {}
    if len(exact_json.dumps(value)) > MAX_METADATA_BYTES:
        faults.add("/metadata", "TOO_LONG", f"At most {MAX_METADATA_BYTES:,} bytes are allowed.")
    return value


def _plain(body: Mapping[str, Any], faults: FaultList) -> dict[str, Any]:
    """The columns that are given, read."""
    row: dict[str, Any] = {}
    for name, (read, nullable) in _READERS.items():
        if name not in body:
            continue
        if body[name] is None:
            if nullable:
                row[name] = None
            else:
                faults.add(pointer(name), "REQUIRED", "This has a value.")
            continue
        try:
            row[name] = read(body[name])
        except InvalidValue as error:
            error.add_to(faults, pointer(name))
        except ValueError as error:
            faults.add(pointer(name), "INVALID_VALUE", str(error))
    _check_order(row, faults)
    return row


def _check_order(row: Mapping[str, Any], faults: FaultList) -> None:
    """Where only one of the two is given, the statement that writes compares it with the other."""
    begin, end = row.get("effective_from"), row.get("effective_until")
    if begin and end and datetime.fromisoformat(begin) >= datetime.fromisoformat(end):
        faults.add("/effective_until", "VALIDATION_FAILED", "A relationship must begin before it ends.")


def _status(value: object) -> str:
    known = STATUSES[:-1]
    raised = value.upper() if isinstance(value, str) else value
    if raised not in known:
        raise InvalidValue("INVALID_VALUE", f"One of {', '.join(known)} is expected.", allowed=known)
    return str(raised)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is expected.")  # noqa: TRY004 - one error for all that is wrong with a value
    return value


def _moment(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else DateTime().from_json(value)


def _strength(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("A number from 0 to 1 is expected.")
    return float(value)


_READERS: Mapping[str, tuple[Callable[[object], Any], bool]] = {
    "status": (_status, False),
    "is_bidirectional": (_flag, False),
    "effective_from": (_moment, False),
    "effective_until": (_moment, True),
    "strength": (_strength, False),
}
"""How each is read, and whether null takes it away."""
