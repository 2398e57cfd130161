"""Doing a write once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from oneo.actor import Actor
from oneo.errors import IdempotencyInProgress, IdempotencyKeyReused
from oneo.events.unit import unit
from oneo.store import idempotency as store
from oneo.store.idempotency import Kept


def perform_once(actor: Actor, key: str, fingerprint: str, work: Callable[[], Kept]) -> tuple[Kept, bool]:
    """The answer, and whether it is a replay. The answer is kept in the write's own transaction, so that a crash
    leaves both or neither. Raises IdempotencyInProgress, IdempotencyKeyReused.
    """
    with unit(actor) as outer:
        if not store.try_lock(outer.connection, actor.tenant_id, actor.user_id, key):
            raise IdempotencyInProgress
        kept = store.find(outer.connection, actor.tenant_id, actor.user_id, key)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise IdempotencyKeyReused
            return kept, True
        kept = work()
        store.keep(outer.connection, actor.tenant_id, actor.user_id, key, kept)
        return kept, False
