"""Which index slot a field has: taking one, giving it back, and filling or emptying it in the background."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy
from oneo.actor import Actor
from oneo.errors import FieldInUse, NoSlotLeft
from oneo.events.unit import Unit, unit
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import kind_named
from oneo.filters.data import slot_expression
from oneo.models import Field, Slot
from oneo.models.record import SLOTS
from oneo.store import conversion, message
from oneo.store import slots as store

READY, FILLING, EMPTYING = "ready", "filling", "emptying"
BATCH = 2_000


class Room:
    """The index slots of a pipeline that nobody has yet."""

    def __init__(self, taken: Mapping[str, str]) -> None:
        """States of those that are not free, by their names."""
        self._taken = dict(taken)

    @classmethod
    def of(cls, work: Unit, pipeline_id: UUID) -> Room:
        rows = work.session.execute(select(Slot.slot, Slot.state).where(Slot.pipeline_id == pipeline_id))
        return cls({row.slot: row.state for row in rows})

    def plain(self, kind: Kind, *, wanted: bool | None) -> str | None:
        """One for a field of this kind, if it has any. Raises NoSlotLeft when it was asked for."""
        if kind.slot is None or wanted is False:
            return None
        found = self._take(kind.slot)
        if found is None and wanted:
            raise self._none_left(kind.slot)
        return found

    def unique(self) -> str:
        """Raises NoSlotLeft."""
        found = self._take("u")
        if found is None:
            raise self._none_left("u", "The pipeline has as many unique fields as it can have.")
        return found

    def _take(self, letter: str) -> str | None:
        names = (f"{letter}{number}" for number in range(1, SLOTS[letter] + 1))
        found = next((name for name in names if name not in self._taken), None)
        if found is not None:
            self._taken[found] = READY
        return found

    def _none_left(self, letter: str, why: str | None = None) -> NoSlotLeft:
        """Says so where one is on its way to be free."""
        emptying = sum(name[0] == letter and state == EMPTYING for name, state in self._taken.items())
        if not emptying:
            return NoSlotLeft(why)
        return NoSlotLeft(
            "Every index of this kind is taken, but one that another field gave up is being emptied: try again "
            "shortly.",
            extra={"emptying": emptying},
        )


def hold(work: Unit, taken: Mapping[str, Field], *, new: bool = False) -> None:
    """Fields have these slots from now on; in a new pipeline there is nothing to fill them with.

    Unique ones are filled at once, because they must keep values apart. Raises FieldInUse.
    """
    for name, field in taken.items():
        place = work.actor.tenant_id, field.pipeline_id, field.slug
        waiting = 0 if new or name[0] == "u" else store.holders(work.connection, *place)
        state = FILLING if waiting else READY
        work.session.add(Slot(pipeline_id=field.pipeline_id, slot=name, field_id=field.id, state=state, total=waiting))
    work.session.flush()
    for name, field in taken.items():
        if name[0] == "u" and not new:
            _fill_unique(work, field, name)


def refill(work: Unit, field: Field) -> None:
    """The values of the field have been converted: its slots are those of its present kind, and filled anew."""
    letter = _kind(field).slot
    for slot in _slots_of(work, field):
        if slot.slot[0] == "u":
            store.empty(work.connection, work.actor.tenant_id, field.pipeline_id, slot.slot)
            _fill_unique(work, field, slot.slot)
        elif slot.slot[0] == letter:
            slot.state, slot.reached, slot.done = FILLING, None, 0
            slot.total = store.holders(work.connection, work.actor.tenant_id, field.pipeline_id, field.slug)
        else:
            _give_back(slot)
            work.session.flush()
            field.is_indexed = _take_plain(work, field, wanted=None)


def fit(work: Unit, field: Field, *, unique: bool | None, indexed: bool | None) -> None:
    """What was asked for, made so. Raises NoSlotLeft, FieldInUse."""
    if unique is not None and unique != field.is_unique:
        field.is_unique = unique
        if unique:
            hold(work, {Room.of(work, field.pipeline_id).unique(): field})
        else:
            release(work, field, kinds="u")
    held = any(slot.slot[0] != "u" for slot in _slots_of(work, field))
    if indexed and not held:
        field.is_indexed = _take_plain(work, field, wanted=True)
    elif indexed is False and held:
        release(work, field, kinds="tnd")
        field.is_indexed = False


def come_back(work: Unit, field: Field) -> None:
    """A field that was removed has slots again, as far as there are any left. Raises NoSlotLeft, FieldInUse."""
    unique, field.is_unique = field.is_unique, False
    fit(work, field, unique=unique, indexed=None)
    field.is_indexed = _take_plain(work, field, wanted=field.is_indexed and None)


def release(work: Unit, field: Field, *, kinds: str = "tndu") -> None:
    """Slots are emptied before another field gets them."""
    for slot in _slots_of(work, field):
        if slot.slot[0] in kinds:
            _give_back(slot)
    work.session.flush()


def pending(actor: Actor) -> list[tuple[UUID, str]]:
    """(pipeline, slot) of all that are to be filled or emptied."""
    return store.pending(actor)


def advance(actor: Actor, pipeline_id: UUID, name: str) -> bool:
    """One batch; whether there is more to do. Another process at the same slot is not waited for."""
    with unit(actor) as work:
        slot = store.lock_pending(work.connection, actor.tenant_id, pipeline_id, name)
        if slot is None:
            return False
        expression = None
        if slot.field_id is not None:
            field = work.session.get_one(Field, (actor.tenant_id, slot.field_id))
            expression = (field.slug, _kind(field))
        more = store.fill_batch(work.connection, actor.tenant_id, pipeline_id, slot, expression, size=BATCH)
    if not more:
        _finish(actor, pipeline_id, name)
    return more


def _finish(actor: Actor, pipeline_id: UUID, name: str) -> None:
    with unit(actor) as work:
        message.stand_alone(work.connection, actor.tenant_id, pipeline_id)
        slot = work.session.get(Slot, (actor.tenant_id, pipeline_id, name), with_for_update=True)
        if slot is None or slot.state == READY:
            return
        if slot.state == EMPTYING:
            work.session.delete(slot)
            return
        slot.state = READY
        work.renew_schema()
        if slot.field_id is not None:
            data = {"id": slot.field_id, "indexed": slot.done}
            work.append("field.indexed", slot.field_id, data=data, pipeline_id=pipeline_id)


def _fill_unique(work: Unit, field: Field, name: str) -> None:
    place = work.connection, work.actor.tenant_id, field.pipeline_id
    count, examples = conversion.sharing(*place, slot_expression(name, field.slug, _kind(field)), conversion.EXAMPLES)
    if count:
        told = policy.reads_all(work.actor, field.pipeline_id)
        raise FieldInUse(
            "Records share values of this field, so that it cannot be unique.",
            extra={"records": count, "examples": examples} if told else {},
        )
    store.fill_unique(*place, name, field.slug, _kind(field))


def _give_back(slot: Slot) -> None:
    slot.field_id, slot.state, slot.reached, slot.done = None, EMPTYING, None, 0


def _take_plain(work: Unit, field: Field, *, wanted: bool | None) -> bool:
    """Whether the field has an index slot now. Raises NoSlotLeft when one was asked for and there is none."""
    name = Room.of(work, field.pipeline_id).plain(_kind(field), wanted=wanted)
    if name is not None:
        hold(work, {name: field})
    return name is not None


def _slots_of(work: Unit, field: Field) -> list[Slot]:
    return list(work.session.scalars(select(Slot).where(Slot.field_id == field.id).order_by(Slot.slot)))


def _kind(field: Field) -> Kind:
    return kind_named(field.field_type, field.field_config)
