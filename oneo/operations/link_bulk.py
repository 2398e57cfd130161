"""Many relationships in one call, and one that is only asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import readable, type_sight
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import ArrayExpected, Fault, FaultList, Hints, ValidationFailed, pointer
from oneo.events.unit import unit
from oneo.ids import as_id
from oneo.operations.bulk import MAX_FAULTS, MAX_ROWS, Mode
from oneo.operations.link_locks import Place, rules_for
from oneo.operations.link_values import CHANGE_KEYS, NEW_KEYS, Wanted, read_change, read_new
from oneo.operations.relationships import find_broken, perform_change, perform_insert
from oneo.operations.violations import PLAIN_CODES, entry_of, fault, suggestions, violation
from oneo.pacing import paced
from oneo.store import message
from oneo.store.link_changes import UPDATE
from oneo.store.link_writes import Broken, LinkOutcome
from oneo.store.links import place_of


@dataclass(slots=True)
class Entry:
    """One of the call: what it became, or why it did not."""

    at: int
    wanted: Wanted
    document: str | None = None
    broken: list[Broken] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.wanted.faults.faults and not self.broken

    def faults(self, actor: Actor) -> list[Fault]:
        return [*self.wanted.faults.faults, *(fault(actor, found) for found in self.broken)]


_TRIALS = 3
"""So many times what breaks something is taken out, before the rest are written apart from each other."""
Write = Callable[[Sequence[Entry]], LinkOutcome]
PlaceOf = Callable[[Mapping[str, Any]], Place]
"""Where the relationship of a row is."""


class _NothingKept(Exception):
    """Takes a trial back."""


def bulk_create_relationships(actor: Actor, entries: object, *, mode: Mode = Mode.PARTIAL) -> list[Entry]:
    """Each that breaks nothing, earlier ones before later ones. Raises ArrayExpected, ValidationFailed for a bad entry
    when all must be good.
    """
    policy.require(actor, P.RELATIONSHIPS_CREATE)
    read = [
        Entry(at, read_new(actor, body, faults)) for at, (body, faults) in enumerate(paced(_bodies(entries, NEW_KEYS)))
    ]
    return _perform(actor, read, mode, lambda some: perform_insert(actor, [one.wanted for one in some]), _place_of_new)


def bulk_update_relationships(actor: Actor, entries: object, *, mode: Mode = Mode.PARTIAL) -> list[Entry]:
    """Entries have an `id`, what is to change, and may have the `version` that they expect. Raises as above."""
    policy.require(actor, P.RELATIONSHIPS_UPDATE)
    bodies = list(_bodies(entries, CHANGE_KEYS))
    ids = [as_id(body.get("id")) for body, _ in bodies]
    places = place_of(actor, [found for found in ids if found], readable(actor, P.RELATIONSHIPS_UPDATE))
    first = {link_id: at for at, link_id in reversed(list(enumerate(ids)))}
    read = [
        Entry(at, _read_change(actor, body, faults, link_id, places, repeated=first[link_id] < at))
        for at, ((body, faults), link_id) in enumerate(paced(zip(bodies, ids, strict=True)))
    ]

    def write(some: Sequence[Entry]) -> LinkOutcome:
        rows = [one.wanted.row or {} for one in some]
        return perform_change(actor, UPDATE, P.RELATIONSHIPS_UPDATE, rows, [places[row["id"]] for row in rows])

    return _perform(actor, read, mode, write, lambda row: places[row["id"]])


def validate_relationship(
    actor: Actor, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> dict[str, Any]:  # fmt: skip
    """What stands against it, and what would mend that. Writes nothing.

    Raises ValidationFailed, with all of that among its faults, when the body has the wrong form.
    """
    policy.require(actor, P.RELATIONSHIPS_CREATE)
    malformed = bool(faults and faults.faults)
    wanted = read_new(actor, body, faults or FaultList())
    if wanted.row is None:
        message.confirm(actor)
    broken = find_broken(actor, body, wanted)
    if malformed:
        wanted.faults.take(fault(actor, found) for found in broken)
        wanted.faults.check()
    shape = [
        {
            "constraint_id": None, "constraint_type": None, "code": found.code, "message": found.message,
            "severity": "ERROR", "field_path": found.as_dict()["field"],
        }
        for found in wanted.faults.faults
    ]  # fmt: skip
    violations = shape + [violation(actor, found) for found in broken]
    return {"is_valid": not violations, "violations": violations, "suggestions": suggestions(actor, broken)}


def as_result(actor: Actor, entry: Entry) -> dict[str, Any]:
    """As it is answered, without what was written."""
    return {
        "index": entry.at,
        "success": entry.good,
        "errors": [entry_of(found) for found in entry.faults(actor)],
    }


def _bodies(entries: object, keys: frozenset[str]) -> list[tuple[Mapping[str, Any], FaultList]]:
    """Raises ArrayExpected, ValidationFailed when they are too many."""
    if not isinstance(entries, list):
        raise ArrayExpected("An array expected: the body must be a list of relationships.")
    if len(entries) > MAX_ROWS:
        raise ValidationFailed(faults=[Fault("", "TOO_MANY_ROWS", f"At most {MAX_ROWS} entries are taken in a call.")])
    hints = Hints()
    return [_body(entry, keys, FaultList(hints=hints)) for entry in paced(entries, stride=16)]


def _body(entry: object, keys: frozenset[str], faults: FaultList) -> tuple[Mapping[str, Any], FaultList]:
    if not isinstance(entry, dict):
        faults.add("", "WRONG_TYPE", "An object is expected.")
        return {}, faults
    for name in entry.keys() - keys:
        faults.add(pointer(name), "UNKNOWN_FIELD", "Unknown field.")
    version = entry.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < 2**31:
        faults.add("/version", "WRONG_TYPE", "A version is a whole number.")
    return entry, faults


def _read_change(
    actor: Actor, body: Mapping[str, Any], faults: FaultList, link_id: UUID | None, places: Mapping[UUID, Place], *,
    repeated: bool,
) -> Wanted:  # fmt: skip
    if link_id is None:
        faults.add("/id", "REQUIRED", "The id of a relationship is expected.")
    elif link_id not in places:
        faults.add("/id", "RELATIONSHIP_NOT_FOUND", "There is no such relationship.")
    elif repeated:
        faults.add("/id", "REPEATED", "An earlier entry has this id.")
    if link_id is None or link_id not in places:
        return Wanted(faults)
    found = type_sight(actor, schema_of(actor).types[places[link_id][0]])
    wanted = read_change(actor, found, link_id, body, faults)
    if wanted.row is not None and "version" in body:
        wanted.row["versions"] = [body["version"]]
    return wanted


def _place_of_new(row: Mapping[str, Any]) -> Place:
    return row["type"], row["source"], row["target"]


def _perform(actor: Actor, entries: list[Entry], mode: Mode, write: Write, place: PlaceOf) -> list[Entry]:
    """In one transaction. Raises ValidationFailed when one is bad and all must be good."""
    if mode is Mode.ATOMIC:
        _check_all(actor, entries)
    try:
        with unit(actor):
            _write(actor, entries, write, place)
            if mode is Mode.ATOMIC:
                _check_all(actor, entries)
            if mode is Mode.DRY_RUN:
                raise _NothingKept  # noqa: TRY301 - it ends the transaction
    except _NothingKept:
        for entry in entries:
            entry.document = None
    return entries


def _write(actor: Actor, entries: list[Entry], write: Write, place: PlaceOf) -> None:
    """All at once those that break nothing beside each other; then the rest, each as if it came alone, so that of two
    that exclude each other the earlier one is written.
    """
    good = [entry for entry in entries if entry.good]
    _together(good, write)
    rest = [entry for entry in good if _is_left(entry) or _may_fit(entry)]
    places = {entry.at: place(entry.wanted.row or {}) for entry in rest}
    hierarchies = rules_for(actor, {found[0] for found in places.values()}).hierarchies
    while rest:
        apart, rest = _apart(rest, places, hierarchies)
        for entry in apart:
            entry.broken = []
        _together(apart, write)
        rest = [*(entry for entry in apart if _is_left(entry)), *rest]


def _together(entries: Sequence[Entry], write: Write) -> None:
    waiting = entries
    for _ in range(_TRIALS):
        if not waiting or not _note(waiting, write(waiting)):
            break
        waiting = [entry for entry in waiting if not entry.broken]


def _apart(
    entries: Sequence[Entry], places: Mapping[int, Place], hierarchies: frozenset[UUID]
) -> tuple[list[Entry], list[Entry]]:  # fmt: skip
    """Those that have no record in common with an earlier one, and the rest. What one of them breaks hangs on none of
    the others; in a hierarchy it may, and there they come one by one.
    """
    apart: list[Entry] = []
    rest: list[Entry] = []
    met: set[UUID] = set()
    for entry in paced(entries, stride=16):
        type_id, *ends = places[entry.at]
        ends += [type_id] if type_id in hierarchies else []
        (rest if met.intersection(ends) else apart).append(entry)
        met.update(ends)
    return apart, rest


def _note(entries: Sequence[Entry], outcome: LinkOutcome) -> bool:
    """Whether any breaks something, so that none was written."""
    broken = {written.at: list(written.broken) for written in outcome.rows if written.broken}
    for at, found in broken.items():
        entries[at].broken = found
    if broken:
        return True
    documents = {written.at: written.document for written in outcome.rows}
    for at, entry in enumerate(entries):
        entry.document = documents.get(at)
        if entry.document is None:
            entry.wanted.faults.add("/id", "RELATIONSHIP_NOT_FOUND", "There is no such relationship.")
    return False


def _is_left(entry: Entry) -> bool:
    """Neither written nor refused."""
    return entry.good and entry.document is None


def _may_fit(entry: Entry) -> bool:
    """What it breaks may hang on others of the call."""
    return bool(entry.broken) and not any(
        found.code in PLAIN_CODES or "relationship_id" in found.detail for found in entry.broken
    )


def _check_all(actor: Actor, entries: Sequence[Entry]) -> None:
    faults = [
        Fault(pointer(entry.at) + found.pointer, found.code, found.message, found.allowed, found.suggestion)
        for entry in paced(entries, stride=16)
        for found in entry.faults(actor)
    ]
    if faults:
        raise ValidationFailed(faults=faults[:MAX_FAULTS])
