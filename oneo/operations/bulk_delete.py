"""Removing many records at once, by their ids or by a filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.schema import Sight, find_pipeline
from oneo.actor import Actor
from oneo.errors import Fault, InvalidParameter, TooManyAffected, ValidationFailed, pointer
from oneo.events.unit import unit
from oneo.filters.compile import compile_filter
from oneo.filters.parse import parse_json
from oneo.filters.sql import TRUE, Sql, all_of
from oneo.operations.bulk import MAX_ROWS, Mode
from oneo.operations.link_ends import at_ends
from oneo.operations.records import perform_change, reach
from oneo.store.record_writes import DELETE
from oneo.store.records import select_ids


@dataclass(frozen=True, slots=True)
class Removed:
    count: int
    valid: int
    """Records that were, or could be, removed."""
    failed: Mapping[int, Fault] = field(default_factory=dict)
    """By their places, the ids that are no records, none that the caller may remove, or an earlier id again."""


def delete_by_ids(actor: Actor, pipeline: str, ids: Sequence[UUID], *, mode: Mode = Mode.PARTIAL) -> Removed:
    """Raises ValidationFailed for an id that cannot be removed when all must be."""
    sight = find_pipeline(actor, pipeline, P.RECORDS_DELETE)
    known = select_ids(actor, sight.shape, all_of([reach(actor, P.RECORDS_DELETE, sight), _among(ids)]), MAX_ROWS)
    failed = _failed(ids, known)
    if mode is Mode.DRY_RUN:
        return Removed(0, len(known), failed)
    if mode is Mode.PARTIAL:
        removed = _remove(actor, sight, known)
        return Removed(len(removed), len(removed), _failed(ids, removed))
    _refuse(failed)
    with unit(actor):
        removed = _remove(actor, sight, known)
        _refuse(_failed(ids, removed))
    return Removed(len(removed), len(removed))


def delete_by_filter(
    actor: Actor, pipeline: str, asked: Any, *, max_affected: int | None = None, mode: Mode = Mode.PARTIAL
) -> Removed:
    """A filter that asks nothing removes all, and only where it is said how many they may be.

    Raises TooManyAffected, and then nothing is removed; ValidationFailed for a filter that cannot be read.
    """
    sight = find_pipeline(actor, pipeline, P.RECORDS_DELETE)
    try:
        node = parse_json(asked, sight.columns, partial(relations_of, actor, sight.shape))
        chosen = compile_filter(node, sight.columns)
    except InvalidParameter as error:  # here it is part of a body
        raise ValidationFailed(faults=error.faults, extra=error.extra) from None
    max_affected = _most(chosen) if max_affected is None else max_affected
    scope = all_of([reach(actor, P.RECORDS_DELETE, sight), chosen])
    known = select_ids(actor, sight.shape, scope, max_affected + 1)
    if len(known) > max_affected:
        raise TooManyAffected(f"More than {max_affected} records match.", extra={"max_affected": max_affected})
    if mode is Mode.DRY_RUN:
        return Removed(0, len(known))
    removed = _remove(actor, sight, known, also=chosen)
    return Removed(len(removed), len(removed))


def _failed(ids: Sequence[UUID], removable: Iterable[UUID]) -> dict[int, Fault]:
    left, seen, failed = frozenset(removable), set[UUID](), dict[int, Fault]()
    for at, record_id in enumerate(ids):
        if record_id in seen:
            failed[at] = Fault(pointer("ids", at), "REPEATED", "An earlier entry has this id.")
        elif record_id not in left:
            failed[at] = Fault(pointer("ids", at), "RECORD_NOT_FOUND", "There is no such record.")
        seen.add(record_id)
    return failed


def _refuse(failed: Mapping[int, Fault]) -> None:
    if failed:
        raise ValidationFailed(faults=list(failed.values()))


def _most(chosen: Sql) -> int:
    if chosen == TRUE:
        fault = Fault("/max_affected", "REQUIRED", "A filter without a condition removes all: say how many at most.")
        raise ValidationFailed(faults=[fault])
    return MAX_ROWS


def _remove(actor: Actor, sight: Sight, ids: Sequence[UUID], *, also: Sql | None = None) -> list[UUID]:
    """Those that are still there."""
    if not ids:
        return []
    with unit(actor), at_ends(actor, sight.shape.id, ids) as ends:
        outcome = perform_change(
            actor, sight, DELETE, P.RECORDS_DELETE, [{"id": record_id} for record_id in ids], also=also
        )
        removed = [written.id for written in outcome.rows]
        ends.end(removed)
    return removed


def _among(ids: Any) -> Sql:
    return Sql("r.id = ANY(%s::uuid[])", [[str(record_id) for record_id in ids]])
