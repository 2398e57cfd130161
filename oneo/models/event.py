"""The log of everything that happened, and the answers kept for repeated requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, InTenant

TYPE_LENGTH = 64
KEY_LENGTH = 255


class Event(InTenant, Base):
    """One change. `seq` is dense per tenant and rises in commit order; rows are never changed or removed.

    No foreign key: each write of the server adds a row here, and the tenant's clock, which it must take, has one.
    """

    __tablename__ = "events"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "seq"),
        Index("ix_events_tenant_id_subject_id_seq", "tenant_id", "subject_id", "seq"),
        Index("ix_events_tenant_id_type_seq", "tenant_id", "type", "seq"),
        Index("ix_events_tenant_id_actor_id_seq", "tenant_id", "actor_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger)
    id: Mapped[UUID] = mapped_column()
    type: Mapped[str] = mapped_column(String(TYPE_LENGTH))
    occurred_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    actor_id: Mapped[UUID] = mapped_column()
    actor_kind: Mapped[str] = mapped_column(String(16))
    credential_id: Mapped[UUID | None] = mapped_column()
    subject_id: Mapped[UUID] = mapped_column()
    pipeline_id: Mapped[UUID | None] = mapped_column()
    version: Mapped[int | None] = mapped_column(Integer)
    changed_fields: Mapped[list[str]] = mapped_column(ARRAY(String), server_default=text("'{}'"))
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    old: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(String)


class IdempotencyKey(InTenant, Base):
    """The answer to a write that carried an Idempotency-Key, stored in the write's own transaction."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "principal_id", "key"),
        Index("ix_idempotency_keys_tenant_id_created_at", "tenant_id", "created_at"),
    )

    principal_id: Mapped[UUID] = mapped_column()
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    access_revision: Mapped[int | None] = mapped_column(BigInteger)
    schema_revision: Mapped[int | None] = mapped_column(BigInteger)
