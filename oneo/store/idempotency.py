"""SQL of the answers kept for repeated requests."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson
import psycopg2
import psycopg2.extensions

from oneo.store import message
from oneo.store.locks import Lock, LockKind

_FIND = """
SELECT fingerprint, status, headers::text, body FROM idempotency_keys
WHERE tenant_id = %s AND principal_id = %s AND key = %s AND created_at > now() - interval '24 hours'
"""
_KEEP = """
WITH gone AS (
    DELETE FROM idempotency_keys WHERE tenant_id = %(tenant)s AND created_at <= now() - interval '24 hours'
    AND (principal_id, key) <> (%(principal)s, %(key)s)
)
INSERT INTO idempotency_keys (tenant_id, principal_id, key, fingerprint, status, headers, body)
VALUES (%(tenant)s, %(principal)s, %(key)s, %(fingerprint)s, %(status)s, %(headers)s, %(body)s)
ON CONFLICT (tenant_id, principal_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
    status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = now()
"""


@dataclass(frozen=True, slots=True)
class Kept:
    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes


def try_lock(connection: psycopg2.extensions.connection, tenant_id: UUID, principal_id: UUID, key: str) -> bool:
    """Until the transaction ends; False when another request with this key is running."""
    lock = Lock.of(tenant_id, LockKind.IDEMPOTENCY, principal_id, key)
    locked: bool = message.execute(connection, f"SELECT {lock.try_sql}")[0][0]
    return locked


def find(connection: psycopg2.extensions.connection, tenant_id: UUID, principal_id: UUID, key: str) -> Kept | None:
    rows = message.execute(connection, _FIND, (tenant_id, principal_id, key))
    if not rows:
        return None
    fingerprint, status, headers, body = rows[0]
    return Kept(fingerprint, status, orjson.loads(headers), bytes(body))


def keep(connection: psycopg2.extensions.connection, tenant_id: UUID, principal_id: UUID, key: str, kept: Kept) -> None:
    message.execute(
        connection,
        _KEEP,
        {
            "tenant": tenant_id,
            "principal": principal_id,
            "key": key,
            "fingerprint": kept.fingerprint,
            "status": kept.status,
            "headers": orjson.dumps(kept.headers).decode(),
            "body": psycopg2.Binary(kept.body),
        },
    )
