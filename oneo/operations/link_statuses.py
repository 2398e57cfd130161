"""Statuses of records that relationships need, by constraints of DEPENDENCY: nobody takes one away from under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.events.unit import unit
from oneo.operations.link_locks import locks_of_statuses
from oneo.store import link_ends, message
from oneo.store.link_ends import NeededStatus
from oneo.store.link_writes import Broken
from oneo.store.locks import Lock, LockKind
from oneo.store.record_writes import Written

Lacking = dict[UUID, list[Broken]]
"""What the statuses of records break, by their ids."""


@contextmanager
def keeping_statuses(
    actor: Actor, pipeline_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[Iterable[Written]], Lacking]]:
    """`rows` are changes of records of the pipeline: while it lasts nobody relates those that are given a status. What
    is yielded tells what those that were written break; who raises takes them back.
    """
    statuses = {row["id"]: row["status"] for row in rows if "status" in row}
    needed = needed_statuses(actor, pipeline_id) if statuses else []
    if not needed:
        if statuses:
            message.take_in_unit(actor, [Lock.of(actor.tenant_id, LockKind.SHAPE, pipeline_id)])
        yield lambda _: {}
        return

    def broken(written: Iterable[Written]) -> Lacking:
        given = {one.id: statuses[one.id] for one in written if one.willing and one.id in statuses}
        return link_ends.lacking(actor, given, needed)

    locks = locks_of_statuses(actor, statuses, {one.type_id for one in needed})
    with unit(actor):
        message.take_in_unit(actor, [*locks, Lock.of(actor.tenant_id, LockKind.SHAPE, pipeline_id)])
        yield broken


def lacking(actor: Actor, pipeline_id: UUID, statuses: Mapping[UUID, str]) -> Lacking:
    """What would break if records of the pipeline had these statuses now."""
    needed = needed_statuses(actor, pipeline_id) if statuses else []
    return link_ends.lacking(actor, statuses, needed) if needed else {}


def needed_statuses(actor: Actor, pipeline_id: UUID) -> list[NeededStatus]:
    """What constraints ask of the statuses of the pipeline's records."""
    return [
        NeededStatus(found.id, rule, end, rule.options[f"{end}_status"])
        for found in schema_of(actor).types.values()
        for rule in found.constraints
        for end, places in (
            ("source", {found.source_id, rule.source_id}), ("target", {found.target_id, rule.target_id})
        )
        if rule.options.get(f"{end}_status") and places <= {None, pipeline_id}
    ]  # fmt: skip
