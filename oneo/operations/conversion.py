"""Changes of fields that present values must survive: they are checked first, and nothing is lost silently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.relationships import reads_all_relationships
from oneo.access.schema import Sight
from oneo.actor import Actor
from oneo.errors import FaultList, FieldInUse
from oneo.events.unit import Unit, announce
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.registry import kind_named, read_kind
from oneo.models import Field
from oneo.operations import slots
from oneo.store import conversion as store
from oneo.store.conversion import RELATIONSHIPS, Rows
from oneo.store.records import unknown_users

_REASON = "field changed"


@dataclass(frozen=True, slots=True)
class Used:
    """How many records, or relationships, stand in the way of a change, and some of them."""

    rows: Rows
    place: UUID
    count: int
    examples: list[str]

    def error(self, actor: Actor, about: str = "have values that this change would not keep.") -> FieldInUse:
        """`about` follows the name of the rows. Only a caller who reads all rows is told how many, and which."""
        extra = {self.rows.table: self.count, "examples": self.examples} if self.is_told(actor) else {}
        return FieldInUse(f"{self.rows.table.capitalize()} {about}", extra=extra)

    def is_told(self, actor: Actor) -> bool:
        if self.rows is RELATIONSHIPS:
            return reads_all_relationships(actor, self.place)
        return policy.reads_all(actor, self.place)


def usage(work: Unit, rows: Rows, field: Field) -> Used:
    """Rows that have a value of the field, deleted ones too."""
    return Used(
        rows,
        field.pipeline_id,
        *store.having(work.connection, rows, work.actor.tenant_id, field.pipeline_id, field.slug),
    )


def require_values(
    work: Unit, rows: Rows, sight: Sight, field: Field, body: Mapping[str, Any], *, force: bool
) -> None:  # fmt: skip
    """Rows without a value get `default`, or stay as they are with `force`. Raises FieldInUse, ValidationFailed."""
    place = field.pipeline_id
    found = Used(rows, place, *store.lacking(work.connection, rows, work.actor.tenant_id, place, field.slug))
    if not found.count or force:
        return
    if body.get("default") is None:
        raise found.error(work.actor, "have no value of this field: give a default, or force.")
    value = _checked(work, kind_named(field.field_type, field.field_config), body["default"], required=True)
    announce(work.actor, store.fill(work.connection, rows, work.actor, sight.shape, field.slug, value, _REASON))
    work.session.flush()
    slots.refill(work, field)


def change_kind(
    work: Unit, rows: Rows, sight: Sight, field: Field, new: Kind, body: Mapping[str, Any], *, force: bool
) -> None:  # fmt: skip
    """Every value is read by the new kind. Those that it refuses become `default`, or, with `force`, what is left of
    them, which is mostly nothing.

    Raises FieldInUse with a count and examples, ValidationFailed.
    """
    old = kind_named(field.field_type, field.field_config)
    converted, refused = _read_anew(work, rows, sight, field.slug, old, new)
    if refused:
        required = body.get("is_required", field.is_required)
        stand_in = _stand_in(work, rows, field, new, refused, body, required=required, force=force)
        converted += [
            {"old": value.value, "new": new.left_of(value.value) if stand_in is None else stand_in} for value in refused
        ]
    moved = old.slot != new.slot or old.name != new.name
    field.field_type, field.field_config = new.name, dict(new.config)
    work.session.flush()
    if converted:
        seq = store.convert(work.connection, rows, work.actor, sight.shape, field.slug, converted, _REASON)
        announce(work.actor, seq)
    if converted or moved:
        slots.refill(work, field)


def _read_anew(
    work: Unit, rows: Rows, sight: Sight, slug: str, old: Kind, new: Kind
) -> tuple[list[dict[str, Any]], list[store.Value]]:
    """Values that become others, and those that the new kind refuses."""
    read: list[tuple[store.Value, Any]] = []
    refused: list[store.Value] = []
    for value in store.distinct(work.connection, rows, work.actor.tenant_id, sight.shape.id, slug):
        try:
            read.append((value, _convert(value.value, old, new)))
        except InvalidValue:
            refused.append(value)
    if new.name == "user":
        unknown = unknown_users(work.actor, (str(found) for _, found in read))
        refused += [value for value, found in read if found in unknown]
        read = [(value, found) for value, found in read if found not in unknown]
    changed = [(value, found) for value, found in read if not _same(value.value, found)]
    return [{"old": value.value, "new": found} for value, found in changed], refused


def _same(one: Any, other: Any) -> bool:
    """As JSON: 1 and true are two."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(_exact(one) == _exact(other))


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def wanted_kind(work: Unit, field: Field, body: Mapping[str, Any], faults: FaultList) -> Kind | None:
    """The kind that the field is to have; None where something is wrong with it."""
    name = body.get("field_type", field.field_type)
    if not {"field_type", "field_config"} & body.keys():
        return kind_named(name, field.field_config)
    kind = read_kind(name, faults, "/field_type")
    if kind is None or faults.covers("/field_type") or faults.covers("/field_config"):
        return None
    own = FaultList(hints=faults.hints)
    given = body.get("field_config", field.field_config if name == field.field_type else {})
    config = kind.read_config(given, own, "/field_config")
    check_default(work, name, config, own, "/field_config")
    faults.take(own.faults, own.left_out)
    return None if own.faults else kind_named(name, config)


def check_default(work: Unit, name: str, config: Mapping[str, Any], faults: FaultList, where: str) -> None:
    """What the configuration alone cannot know: whether the user who stands in is there."""
    if name == "user" and config.get("default") and unknown_users(work.actor, [config["default"]]):
        faults.add(where + "/default", "USER_NOT_FOUND", "There is no such user.")


def _convert(value: Any, old: Kind, new: Kind) -> Any:
    """Raises InvalidValue."""
    try:
        return new.from_json(value)
    except InvalidValue:
        if old.name == new.name:
            raise
    try:
        return new.from_text(old.as_text(old.from_json(value)))
    except ValueError as error:
        raise InvalidValue("WRONG_TYPE", str(error)) from None


def _stand_in(
    work: Unit, rows: Rows, field: Field, new: Kind, refused: list[store.Value], body: Mapping[str, Any], *,
    required: bool, force: bool,
) -> Any:  # fmt: skip
    if body.get("default") is not None:
        return _checked(work, new, body["default"], required=required)
    if force:
        return None
    examples = [value.example for value in refused[: store.EXAMPLES]]
    found = Used(rows, field.pipeline_id, sum(value.count for value in refused), examples)
    raise found.error(work.actor, "have values that the field would refuse: give a default, or force.")


def _checked(work: Unit, kind: Kind, value: object, *, required: bool) -> Any:
    """Raises ValidationFailed."""
    faults = FaultList()
    try:
        read = kind.from_json(value)
    except InvalidValue as error:
        error.add_to(faults, "/default")
    else:
        check_default(work, kind.name, {"default": read}, faults, "")
        if read == "" and required:
            faults.add("/default", "REQUIRED", "This field must have a value.")
    faults.check()
    return read
