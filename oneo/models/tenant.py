"""The directory (tenants, their domains, their clocks) and what a tenant says of itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, TenantOwned, Timestamped, Versioned, tenant_table

SLUG_LENGTH = 48
NAME_LENGTH = 200
HOST_LENGTH = 253


class Tenant(Base):
    """Directory: routing needs these columns before any tenant is known, so the fence does not cover them."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), unique=True)
    status: Mapped[str] = mapped_column(String(16), server_default=text("'active'"))


class TenantDomain(Base):
    """Directory: a host name that leads to a tenant."""

    __tablename__ = "tenant_domains"
    __table_args__ = (Index("ix_tenant_domains_tenant_id", "tenant_id"),)

    host: Mapped[str] = mapped_column(String(HOST_LENGTH), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))


class TenantClock(Base):
    """Directory: the number of the tenant's latest event; taking the next one orders its commits."""

    __tablename__ = "tenant_clocks"
    __table_args__ = {"postgresql_with": {"fillfactor": "50"}}  # noqa: RUF012 - as the ORM takes it

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class TenantProfile(TenantOwned, Timestamped, Versioned, Base):
    """Name, settings and the revisions that caches are keyed by; one row a tenant, whose id is the tenant's."""

    __tablename__ = "tenant_profiles"
    __table_args__ = tenant_table()
    __public__ = ("id", "name", "settings", "created_at", "updated_at", "version")

    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    access_revision: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    schema_revision: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
