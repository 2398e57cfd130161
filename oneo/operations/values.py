"""Values that somebody wants in a record, held against the fields of its pipeline: every fault is found at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oneo import exact_json
from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight
from oneo.actor import Actor
from oneo.errors import FaultList, pointer
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.shapes import FieldShape
from oneo.models.record import MAX_RECORD_BYTES
from oneo.pacing import Pacer, paced
from oneo.store.records import taken_keys, unknown_users

_SUGGESTED = 100
"""Unknown fields of all records of a call for which the nearest one is looked for."""


@dataclass(slots=True)
class Values:
    """Checked values by slug, and the slugs whose values are to go."""

    set: dict[str, Any] = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)


class Checker:
    """For one caller, one pipeline and one kind of write; used for many records in turn."""

    def __init__(self, actor: Actor, sight: Sight, permission: P) -> None:
        self._actor = actor
        self._sight = sight
        self._fields = sight.fields
        self._read_only = policy.read_only_fields(actor, permission, sight.shape.id)
        self._near = _SUGGESTED
        self._pacer = Pacer(stride=4)
        self._users: list[tuple[str, FaultList, str]] = []

    def check_new(self, data: Mapping[str, Any], faults: FaultList, where: str = "/data") -> Values:
        """Every field of a new record: defaults stand in for what is missing, required ones must be there."""
        values = self.check_change(data, faults, where)
        for slug, found in self._sight.shape.fields.items():
            if slug in values.set or (slug in data and data[slug] is not None):
                continue
            default = found.kind.config.get("default")
            if default is not None:
                values.set[slug] = found.kind.from_json(default)
            elif found.is_required and slug in self._fields and slug not in self._read_only:
                self._require(slug, faults, where)
        values.unset = []
        self._check_size(values, faults, where)
        return values

    def check_change(self, data: Mapping[str, Any], faults: FaultList, where: str = "/data") -> Values:
        """The fields that are given; null takes a value away."""
        values = Values()
        for slug, value in data.items():
            found = self._fields.get(slug)
            if found is None:
                self._near -= 1
                faults.add(
                    where + pointer(slug), "UNKNOWN_FIELD", f"There is no field {slug[:100]!r}.",
                    near=(slug, self._fields) if self._near > 0 else None,
                )  # fmt: skip
            elif slug in self._read_only:
                faults.add(where + pointer(slug), "READ_ONLY", "The caller may not write this field.")
            elif value is None:
                values.unset.append(slug)
            else:
                self._take(found, value, values, faults, where)
        self._check_size(values, faults, where)
        return values

    def check_whole(self, data: Mapping[str, Any], faults: FaultList, where: str = "/data") -> Values:
        """All that the caller may write: what is not given goes."""
        values = self.check_change(data, faults, where)
        for slug in self._fields:
            if slug not in data and slug not in self._read_only:
                values.unset.append(slug)
        self.check_required(values, faults, where)
        return values

    def check_required(self, values: Values, faults: FaultList, where: str = "/data") -> None:
        """Required values are not among those that go."""
        for slug in values.unset:
            if self._fields[slug].is_required:
                self._require(slug, faults, where)

    def check_users(self) -> None:
        """Ids of users that were met so far; one look-up for all of them."""
        if self._users:
            unknown = unknown_users(self._actor, {user_id for user_id, _, _ in self._users})
            for user_id, faults, where in self._users:
                if user_id in unknown:
                    faults.add(where, "USER_NOT_FOUND", "There is no such user.")
            self._users.clear()

    def _take(self, found: FieldShape, value: object, values: Values, faults: FaultList, where: str) -> None:
        self._pacer.step()
        try:
            values.set[found.slug] = read = found.kind.from_json(value)
        except InvalidValue as error:
            error.add_to(faults, where + pointer(found.slug))
            return
        if read == "" and found.is_required:
            self._require(found.slug, faults, where)
        if found.kind.name == "user":
            self._users.append((str(read), faults, where + pointer(found.slug)))

    def _require(self, slug: str, faults: FaultList, where: str) -> None:
        """A value that the input does have, or a title that stands in for it, is not asked for again."""
        place, title = where + pointer(slug), where.removesuffix("/data") + "/title"
        named = slug == self._sight.shape.title_field and faults.covers(title)
        if not named and not faults.covers(place):
            faults.add(place, "REQUIRED", "This field must have a value.")

    def _check_size(self, values: Values, faults: FaultList, where: str) -> None:
        if len(exact_json.dumps(values.set)) > MAX_RECORD_BYTES:
            faults.add(where, "RECORD_TOO_LARGE", f"A record holds at most {MAX_RECORD_BYTES} bytes of JSON.")


def repeated_keys(sight: Sight, rows: Sequence[Values]) -> list[tuple[int, str]]:
    """(row, field) of unique values that stand in an earlier row already."""
    seen: set[tuple[str, str]] = set()
    repeated = []
    for at, row in enumerate(paced(rows, stride=16)):
        for found in unique_fields(sight, row.set):
            key = (found.slug, found.kind.unique_key(row.set[found.slug]))
            if key in seen:
                repeated.append((at, found.slug))
            seen.add(key)
    return repeated


def taken_fields(actor: Actor, sight: Sight, values: Values, *, but: UUID | None = None) -> list[str]:
    """Slugs of the unique fields whose values another record than `but` has."""
    keys = {
        (found.unique_slot or "", found.kind.unique_key(values.set[found.slug])): found.slug
        for found in unique_fields(sight, values.set)
        if found.slug not in sight.hidden
    }
    holders = taken_keys(actor, sight.shape.id, keys)
    return [slug for key, slug in keys.items() if holders.get(key, but) != but]


def unique_fields(sight: Sight, slugs: Iterable[str]) -> list[FieldShape]:
    return [found for slug in slugs if (found := sight.shape.fields[slug]).unique_slot]
