"""Pipelines: the entity types that a tenant defines. Relationship types are rows of kind `relationship`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, TenantOwned, Timestamped, Versioned, tenant_table
from oneo.models.tenant import SLUG_LENGTH

NAME_LENGTH = 200


class Pipeline(TenantOwned, Timestamped, Versioned, Base):
    __tablename__ = "pipelines"
    __table_args__ = tenant_table(
        Index(
            "uq_pipelines_tenant_id_slug", "tenant_id", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")
        )
    )
    __public__ = ("id", "slug", "name", "kind", "created_by", "created_at", "updated_at", "deleted_at", "version")

    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(String(16), default="record", server_default=text("'record'"))
    created_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()
