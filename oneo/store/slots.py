"""SQL that fills and empties index slots."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo.actor import Actor
from oneo.fields.kinds.base import Kind
from oneo.filters.data import slot_expression
from oneo.store import message

_BATCH = """
WITH batch AS MATERIALIZED (
    SELECT r.id, {value} IS NOT NULL AS held FROM records r
    WHERE r.tenant_id = %s AND r.pipeline_id = %s AND r.id > %s ORDER BY r.id LIMIT %s FOR NO KEY UPDATE
), filled AS (
    UPDATE records r SET {slot} = {value} FROM batch
    WHERE r.tenant_id = %s AND r.id = batch.id AND r.{slot} IS DISTINCT FROM {value}
)
SELECT max(id::text), count(*), count(*) FILTER (WHERE held) FROM batch
"""
_NOTE = "UPDATE slots SET reached = %s, done = done + %s WHERE tenant_id = %s AND pipeline_id = %s AND slot = %s"


@dataclass(frozen=True, slots=True)
class PendingSlot:
    name: str
    field_id: UUID | None
    reached: UUID | None


def holders(connection: Connection, tenant_id: UUID, pipeline_id: UUID, slug: str) -> int:
    """How many records have a value of this field, deleted ones too."""
    sql = f"SELECT count(*) FROM my_records WHERE tenant_id = %s AND pipeline_id = %s AND data->'{slug}' IS NOT NULL"
    count: int = message.execute(connection, sql, (tenant_id, pipeline_id))[0][0]
    return count


def pending(actor: Actor) -> list[tuple[UUID, str]]:
    sql = (
        f"SELECT pipeline_id, slot FROM slots WHERE tenant_id = '{actor.tenant_id}' AND state <> 'ready' ORDER BY 1, 2"
    )
    return [(row[0], row[1]) for row in message.read(actor, sql).rows]


def lock_pending(connection: Connection, tenant_id: UUID, pipeline_id: UUID, name: str) -> PendingSlot | None:
    """None when it is done, or when somebody else is at it."""
    sql = (
        "SELECT slot, field_id, reached FROM slots WHERE tenant_id = %s AND pipeline_id = %s AND slot = %s "
        "AND state <> 'ready' FOR UPDATE SKIP LOCKED"
    )
    rows = message.execute(connection, sql, (tenant_id, pipeline_id, name))
    return PendingSlot(*rows[0]) if rows else None


def fill_batch(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, slot: PendingSlot, field: tuple[str, Kind] | None, *,
    size: int,
) -> bool:  # fmt: skip
    """Goes on where the last batch ended; whether there is more. Without a field the slot is emptied."""
    value = slot_expression(slot.name, *field) if field else "NULL"
    sql = _BATCH.format(slot=slot.name, value=value)
    reached = slot.reached or UUID(int=0)
    [(last, count, held)] = message.execute(connection, sql, (tenant_id, pipeline_id, reached, size, tenant_id))
    if count:
        message.execute(connection, _NOTE, (last, held, tenant_id, pipeline_id, slot.name))
    return bool(count == size)


def fill_unique(
    connection: Connection, tenant_id: UUID, pipeline_id: UUID, slot: str, slug: str, kind: Kind
) -> None:  # fmt: skip
    sql = f"UPDATE records r SET {slot} = {slot_expression(slot, slug, kind)} WHERE tenant_id = %s AND pipeline_id = %s"
    message.execute(connection, f"{sql} AND r.data->'{slug}' IS NOT NULL", (tenant_id, pipeline_id))


def empty(connection: Connection, tenant_id: UUID, pipeline_id: UUID, slot: str) -> None:
    sql = f"UPDATE records SET {slot} = NULL WHERE tenant_id = %s AND pipeline_id = %s AND {slot} IS NOT NULL"
    message.execute(connection, sql, (tenant_id, pipeline_id))
