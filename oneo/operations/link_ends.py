"""What becomes of relationships when records at their ends are removed, come back or are erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from oneo.access.relationships import readable
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.errors import ThingInUse
from oneo.events.unit import Unit, announce, unit
from oneo.fields.links import TypeShape
from oneo.filters.sql import TRUE
from oneo.operations.link_locks import locks_of_records, reach_of, rules_for
from oneo.operations.relationships import all_seen
from oneo.operations.violations import refuse_broken
from oneo.store import link_changes, message
from oneo.store import link_ends as store
from oneo.store.link_changes import DELETE
from oneo.store.locks import Lock

REASON = "record deleted"


@dataclass(frozen=True, slots=True)
class Ends:
    """Records of one pipeline, with nobody relating them meanwhile; without a unit nothing can be at them."""

    actor: Actor
    record_ids: tuple[UUID, ...]
    types: tuple[TypeShape, ...] = ()
    locks: tuple[Lock, ...] = ()
    work: Unit | None = None

    def end(self, removed: Sequence[UUID]) -> None:
        """Of those that have just been removed. Raises ThingInUse, and ConstraintViolation where somebody else needs
        what would end with them.
        """
        if self.work is None or not removed:
            return
        held = store.held(
            self.work.connection, self.actor.tenant_id, removed, self._of("restrict"), readable=readable(self.actor)
        )
        if held:
            named = {found.slug: held[found.id] for found in self.types if held.get(found.id)}
            raise ThingInUse(extra={"relationships": sum(named.values()), "relationship_types": named})
        asleep = store.let_sleep(
            self.work.connection, self.actor.tenant_id, removed, self._of("keep", "restrict")
        )  # fmt: skip
        self._detach(removed)
        rules = rules_for(self.actor, set(asleep.values()), changing=True)
        if rules.needed:
            left = store.check_left(self.actor, rules, locks=self._locks(), link_ids=list(asleep), gone=removed)
            refuse_broken(self.actor, left)

    def wake(self, restored: Sequence[UUID]) -> None:
        """Of those that have just come back. Raises ConstraintViolation where others have taken the places."""
        if self.work is None:
            return
        woken = store.wake(self.work.connection, self.actor.tenant_id, restored)
        if woken:
            rules = rules_for(self.actor, set(woken.values()), changing=True)
            broken = store.check(self.actor, rules, locks=self._locks(), link_ids=list(woken))
            refuse_broken(self.actor, broken)

    def erase(self) -> None:
        """All that ever were at them, with what the log says of them."""
        if self.work is None:
            return
        for link_id, type_id, version in store.erase(self.work.connection, self.actor.tenant_id, self.record_ids):
            self.work.append("relationship.purged", link_id, pipeline_id=type_id, version=version + 1)

    def _detach(self, removed: Sequence[UUID]) -> None:
        if self.work is None:
            return
        found = store.standing_at(self.work.connection, self.actor.tenant_id, removed, self._of("detach"))
        if not found:
            return
        outcome = link_changes.change(
            self.actor, DELETE, [{"id": link_id} for link_id in found], scope=TRUE, reach=reach_of(self.actor),
            rules=rules_for(self.actor, set(found.values()), changing=True), seen=all_seen(self.actor),
            locks=self._locks(), reason=REASON, gone=[str(record_id) for record_id in removed],
        )  # fmt: skip
        refuse_broken(self.actor, [broken for one in outcome.rows for broken in one.broken])
        announce(self.actor, outcome.seq)

    def _of(self, *on_delete: str) -> list[UUID]:
        return [found.id for found in self.types if found.on_delete in on_delete]

    def _locks(self) -> list[Lock]:
        return list(self.locks)


@contextmanager
def at_ends(
    actor: Actor, pipeline_id: UUID, record_ids: Sequence[UUID], *, back: bool = False, always: bool = False
) -> Iterator[Ends]:
    """While it lasts nobody relates these records, and what is done to them and to what joins them is one change.

    `back`: the records come back. `always`: also where no present type joins such records, because a removed one may
    have done so.
    """
    types = tuple(found for found in schema_of(actor).types.values() if found.touches(pipeline_id))
    if not types and not always:
        yield Ends(actor, tuple(record_ids))
        return
    locks = tuple(locks_of_records(actor, record_ids, rules_for(actor, (found.id for found in types)), back=back))
    with unit(actor) as work:
        message.take_in_unit(actor, locks)
        yield Ends(actor, tuple(record_ids), types, locks, work)
