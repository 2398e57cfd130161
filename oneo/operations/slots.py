"""Which index slot a field has: taking one, giving it back, and filling or emptying it in the background."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

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


def has_room(work: Unit, pipeline_id: UUID, kind: str | None, *, wanted: bool | None) -> bool:
    """Whether a field of this kind of slot would get one."""
    return kind is not None and wanted is not False and _free(work, pipeline_id, kind) is not None


def take_plain(work: Unit, field: Field, *, wanted: bool | None) -> bool:
    """Whether the field has an index slot now. Raises NoSlotLeft when one was asked for and there is none."""
    kind = _kind(field).slot
    if kind is None or wanted is False:
        return False
    name = _free(work, field.pipeline_id, kind)
    if name is None:
        if wanted:
            raise _none_left(work, field, kind)
        return False
    waiting = store.holders(work.connection, work.actor.tenant_id, field.pipeline_id, field.slug)
    state = FILLING if waiting else READY
    work.session.add(Slot(pipeline_id=field.pipeline_id, slot=name, field_id=field.id, state=state, total=waiting))
    work.session.flush()
    return True


def take_unique(work: Unit, field: Field) -> None:
    """Filled at once, because it must keep values apart from now on. Raises NoSlotLeft, FieldInUse."""
    name = _free(work, field.pipeline_id, "u")
    if name is None:
        raise _none_left(work, field, "u", "The pipeline has as many unique fields as it can have.")
    work.session.add(Slot(pipeline_id=field.pipeline_id, slot=name, field_id=field.id, state=READY))
    work.session.flush()
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
            field.is_indexed = take_plain(work, field, wanted=None)


def fit(work: Unit, field: Field, *, unique: bool | None, indexed: bool | None) -> None:
    """What was asked for, made so. Raises NoSlotLeft, FieldInUse."""
    if unique is not None and unique != field.is_unique:
        field.is_unique = unique
        if unique:
            take_unique(work, field)
        else:
            release(work, field, kinds="u")
    held = any(slot.slot[0] != "u" for slot in _slots_of(work, field))
    if indexed and not held:
        field.is_indexed = take_plain(work, field, wanted=True)
    elif indexed is False and held:
        release(work, field, kinds="tnd")
        field.is_indexed = False


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
        message.stand_alone(work.connection, pipeline_id)
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
        raise FieldInUse(
            "Records share values of this field, so that it cannot be unique.",
            extra={"records": count, "examples": examples},
        )
    store.fill_unique(*place, name, field.slug, _kind(field))


def _give_back(slot: Slot) -> None:
    slot.field_id, slot.state, slot.reached, slot.done = None, EMPTYING, None, 0


def _free(work: Unit, pipeline_id: UUID, kind: str) -> str | None:
    taken = set(work.session.scalars(select(Slot.slot).where(Slot.pipeline_id == pipeline_id)))
    names = (f"{kind}{number}" for number in range(1, SLOTS[kind] + 1))
    return next((name for name in names if name not in taken), None)


def _none_left(work: Unit, field: Field, kind: str, why: str | None = None) -> NoSlotLeft:
    """Says so where one is on its way to be free."""
    rows = select(Slot.slot).where(Slot.pipeline_id == field.pipeline_id, Slot.state == EMPTYING)
    emptying = [name for name in work.session.scalars(rows) if name[0] == kind]
    if not emptying:
        return NoSlotLeft(why)
    return NoSlotLeft(
        "Every index of this kind is taken, but one that another field gave up is being emptied: try again shortly.",
        extra={"emptying": len(emptying)},
    )


def _slots_of(work: Unit, field: Field) -> list[Slot]:
    return list(work.session.scalars(select(Slot).where(Slot.field_id == field.id).order_by(Slot.slot)))


def _kind(field: Field) -> Kind:
    return kind_named(field.field_type, field.field_config)
