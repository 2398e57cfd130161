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
SELECT fingerprint, status, headers::text, body, access_revision, schema_revision FROM idempotency_keys
WHERE tenant_id = %s AND principal_id = %s AND key = %s AND created_at > now() - interval '24 hours'
"""
_KEEP = """
WITH gone AS (
    DELETE FROM idempotency_keys WHERE tenant_id = %(tenant)s AND created_at <= now() - interval '24 hours'
    AND (principal_id, key) <> (%(principal)s, %(key)s)
)
INSERT INTO idempotency_keys (tenant_id, principal_id, key, fingerprint, status, headers, body, access_revision,
                              schema_revision)
VALUES (%(tenant)s, %(principal)s, %(key)s, %(fingerprint)s, %(status)s, %(headers)s, %(body)s, %(access_revision)s,
        %(schema_revision)s)
ON CONFLICT (tenant_id, principal_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
    status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = now(),
    access_revision = excluded.access_revision, schema_revision = excluded.schema_revision
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and the revisions of rights and schema that it was made at; None where they are not known."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes
    access_revision: int | None = None
    schema_revision: int | None = None


def try_lock(connection: psycopg2.extensions.connection, tenant_id: UUID, principal_id: UUID, key: str) -> bool:
    """Until the transaction ends; False when another request with this key is running."""
    lock = Lock.of(tenant_id, LockKind.IDEMPOTENCY, principal_id, key)
    locked: bool = message.execute(connection, f"SELECT {lock.try_sql}")[0][0]
    return locked


def find(connection: psycopg2.extensions.connection, tenant_id: UUID, principal_id: UUID, key: str) -> Kept | None:
    rows = message.execute(connection, _FIND, (tenant_id, principal_id, key))
    if not rows:
        return None
    fingerprint, status, headers, body, access_revision, schema_revision = rows[0]
    return Kept(fingerprint, status, orjson.loads(headers), bytes(body), access_revision, schema_revision)


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
            "access_revision": kept.access_revision,
            "schema_revision": kept.schema_revision,
        },
    )
