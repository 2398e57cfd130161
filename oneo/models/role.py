"""User types: named sets of grants, and who has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, InTenant, TenantOwned, Timestamped, Versioned, tenant_table
from oneo.models.tenant import SLUG_LENGTH

NAME_LENGTH = 100
DESCRIPTION_LENGTH = 1000


class Role(TenantOwned, Timestamped, Versioned, Base):
    """`grants` is a list of grant objects as the API takes them; operations check it before it is stored."""

    __tablename__ = "roles"
    __table_args__ = tenant_table(
        Index("uq_roles_tenant_id_slug", "tenant_id", "slug", unique=True, postgresql_where=text("deleted_at IS NULL"))
    )
    __public__ = (
        "id", "slug", "name", "description", "grants", "is_shipped",
        "created_at", "updated_at", "deleted_at", "version",
    )  # fmt: skip

    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), default="", server_default=text("''"))
    grants: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    is_shipped: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    deleted_at: Mapped[datetime | None] = mapped_column()


class UserRole(InTenant, Base):
    """Which user has which user type."""

    __tablename__ = "user_roles"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "user_id", "role_id"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name="fk_user_roles_users"),
        ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"], name="fk_user_roles_roles"),
        Index("ix_user_roles_tenant_id_role_id", "tenant_id", "role_id"),
    )

    user_id: Mapped[UUID] = mapped_column()
    role_id: Mapped[UUID] = mapped_column()
