"""Doing a write once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from oneo.actor import Actor
from oneo.errors import IdempotencyAnswerWithheld, IdempotencyInProgress, IdempotencyKeyReused
from oneo.events.unit import unit
from oneo.store import idempotency as store
from oneo.store.idempotency import Kept


def perform_once(actor: Actor, key: str, fingerprint: str, work: Callable[[], Kept]) -> tuple[Kept, bool]:
    """The answer, and whether it is a replay. The answer is kept in the write's own transaction, so that a crash
    leaves both or neither. Raises IdempotencyInProgress, IdempotencyKeyReused, IdempotencyAnswerWithheld.
    """
    with unit(actor) as outer:
        if not store.try_lock(outer.connection, actor.tenant_id, actor.principal_id, key):
            raise IdempotencyInProgress
        kept = store.find(outer.connection, actor.tenant_id, actor.principal_id, key)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise IdempotencyKeyReused
            _require_same_view(actor, kept)
            return kept, True
        kept = replace(work(), access_revision=outer.access_revision, schema_revision=outer.schema_revision)
        store.keep(outer.connection, actor.tenant_id, actor.principal_id, key, kept)
        return kept, False


def _require_same_view(actor: Actor, kept: Kept) -> None:
    """Raise IdempotencyAnswerWithheld unless the caller would be shown the same today, or there is nothing to show."""
    same = (kept.access_revision, kept.schema_revision) == (actor.access_revision, actor.schema_revision)
    if kept.body and not same:
        raise IdempotencyAnswerWithheld(
            extra={"original_status": kept.status, "location": kept.headers.get("Location")},
            headers={"Idempotency-Replayed": "true"},
        )
