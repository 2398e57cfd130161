"""SQL that erases a record for good, with all that was kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg2.extensions

from oneo.filters.sql import Sql
from oneo.store import message

_BLANK = """
UPDATE events SET data = NULL, old = NULL, reason = NULL
WHERE tenant_id = %s AND subject_id = ANY(%s::uuid[]) AND (data IS NOT NULL OR old IS NOT NULL OR reason IS NOT NULL)
"""

_FORGET = """
DELETE FROM idempotency_keys k USING unnest(%s::uuid[]) gone(id)
WHERE k.tenant_id = %s AND position(convert_to(gone.id::text, 'UTF8') IN k.body) > 0
"""
"""Answers that are kept for repeated requests, and speak of it."""


def blank_events(
    connection: psycopg2.extensions.connection, tenant_id: UUID, subject_ids: Sequence[UUID]
) -> None:  # fmt: skip
    """What the log says of these is gone, and so is what was kept of them for repeated requests; that it happened
    stays.
    """
    ids = [str(subject_id) for subject_id in subject_ids]
    message.execute(connection, _BLANK, (tenant_id, ids))
    message.execute(connection, _FORGET, (ids, tenant_id))


def lock_removed_record(
    connection: psycopg2.extensions.connection, tenant_id: UUID, pipeline_id: UUID, record_id: UUID, scope: Sql
) -> int | None:
    """Lock a removed record until the transaction ends and return its version; None when the scope reaches none."""
    found = message.execute(
        connection,
        "SELECT r.version FROM records r WHERE r.tenant_id = %s AND r.id = %s AND r.pipeline_id = %s "
        f"AND r.deleted_at IS NOT NULL AND {scope.text} FOR UPDATE",
        [tenant_id, record_id, pipeline_id, *scope.values],
    )
    return found[0][0] if found else None


def erase_record(connection: psycopg2.extensions.connection, tenant_id: UUID, record_id: UUID) -> None:
    """Delete a locked record and its comments, and blank what the log says of them."""
    comments = message.execute(
        connection, "DELETE FROM comments WHERE tenant_id = %s AND record_id = %s RETURNING id", (tenant_id, record_id)
    )
    blank_events(connection, tenant_id, [record_id, *(row[0] for row in comments)])
    message.execute(connection, "DELETE FROM records WHERE tenant_id = %s AND id = %s", (tenant_id, record_id))


def lock_removed_link(
    connection: psycopg2.extensions.connection, tenant_id: UUID, link_id: UUID, scope: Sql
) -> int | None:  # fmt: skip
    """Lock a removed relationship until the transaction ends and return its version; None when the scope reaches
    none.
    """
    found = message.execute(
        connection,
        "SELECT x.version FROM relationships x WHERE x.tenant_id = %s AND x.id = %s AND x.deleted_at IS NOT NULL "
        f"AND {scope.text} FOR UPDATE OF x",
        [tenant_id, link_id, *scope.values],
    )
    return found[0][0] if found else None


def erase_link(connection: psycopg2.extensions.connection, tenant_id: UUID, link_id: UUID) -> None:
    """Delete a locked relationship, and blank what the log says of it."""
    message.execute(connection, "DELETE FROM relationships WHERE tenant_id = %s AND id = %s", (tenant_id, link_id))
    blank_events(connection, tenant_id, [link_id])
