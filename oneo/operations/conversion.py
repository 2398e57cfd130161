"""Changes of fields that present values must survive: they are checked first, and nothing is lost silently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneo.access.schema import Sight
from oneo.errors import FaultList, FieldInUse
from oneo.events.unit import Unit, announce
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.registry import kind_named, read_kind
from oneo.models import Field
from oneo.operations import slots
from oneo.store import conversion as store

EXAMPLES = 3
_REASON = "field changed"


@dataclass(frozen=True, slots=True)
class Used:
    """How many records stand in the way of a change, and some of them."""

    count: int
    examples: list[str]

    def as_extra(self) -> dict[str, Any]:
        return {"records": self.count, "examples": self.examples}


def usage(work: Unit, field: Field) -> Used:
    """Records that have a value of the field, deleted ones too."""
    return Used(*store.having(work.connection, work.actor.tenant_id, field.pipeline_id, field.slug, EXAMPLES))


def require_values(work: Unit, sight: Sight, field: Field, body: Mapping[str, Any]) -> None:
    """Records without a value get `default`, or stay as they are with `force`. Raises FieldInUse, ValidationFailed."""
    found = Used(*store.lacking(work.connection, work.actor.tenant_id, field.pipeline_id, field.slug, EXAMPLES))
    if not found.count or body.get("force"):
        return
    if body.get("default") is None:
        raise FieldInUse("Records have no value of this field: give a default, or force.", extra=found.as_extra())
    value = _checked(kind_named(field.field_type, field.field_config), body["default"])
    announce(work.actor, store.fill(work.connection, work.actor, sight.shape, field.slug, value, _REASON))


def change_kind(work: Unit, sight: Sight, field: Field, body: Mapping[str, Any]) -> None:
    """Every value is read by the new kind. Those that it refuses become `default`, or go with `force`.

    Raises FieldInUse with a count and examples, ValidationFailed.
    """
    old = kind_named(field.field_type, field.field_config)
    new, config = _wanted(field, body)
    present = store.distinct(work.connection, work.actor.tenant_id, sight.shape.id, field.slug)
    converted: list[dict[str, Any]] = []
    refused: list[store.Value] = []
    for value in present:
        try:
            read = _convert(value.value, old, new)
        except InvalidValue:
            refused.append(value)
        else:
            if read != value.value:
                converted.append({"old": value.value, "new": read})
    if refused:
        stand_in = _stand_in(new, refused, body)
        converted += [{"old": value.value, "new": stand_in} for value in refused]
    moved = old.slot != new.slot or old.name != new.name
    field.field_type, field.field_config = new.name, config
    work.session.flush()
    if converted:
        seq = store.convert(work.connection, work.actor, sight.shape, field.slug, converted, _REASON)
        announce(work.actor, seq)
    if converted or moved:
        slots.refill(work, field)


def _wanted(field: Field, body: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    faults = FaultList()
    name = body.get("field_type", field.field_type)
    given = body.get("field_config", field.field_config if name == field.field_type else {})
    kind = read_kind(name, faults, "/field_type")
    config = kind.read_config(given, faults, "/field_config") if kind else {}
    faults.check()
    return kind_named(name, config), config


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


def _stand_in(new: Kind, refused: list[store.Value], body: Mapping[str, Any]) -> Any:
    if body.get("default") is not None:
        return _checked(new, body["default"])
    if body.get("force"):
        return None
    found = Used(sum(value.count for value in refused), [value.example for value in refused[:EXAMPLES]])
    raise FieldInUse(
        "Records have values that the field would refuse: give a default, or force.", extra=found.as_extra()
    )


def _checked(kind: Kind, value: object) -> Any:
    """Raises ValidationFailed."""
    faults = FaultList()
    try:
        return kind.from_json(value)
    except InvalidValue as error:
        error.add_to(faults, "/default")
    faults.check()
    return None
