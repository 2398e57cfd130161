"""People and programs: users, their sessions, their API keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, TenantOwned, Timestamped, Versioned, tenant_table

EMAIL_LENGTH = 254
NAME_LENGTH = 200
AGENT_LENGTH = 300


class User(TenantOwned, Timestamped, Versioned, Base):
    __tablename__ = "users"
    __table_args__ = tenant_table(
        Index(
            "uq_users_tenant_id_email", "tenant_id", "email", unique=True, postgresql_where=text("deleted_at IS NULL")
        ),
        Index("ix_users_tenant_id_created_at", "tenant_id", "created_at", "id"),
    )
    __public__ = (
        "id", "email", "name", "is_active", "is_system", "timezone", "locale",
        "created_at", "updated_at", "deleted_at", "version",
    )  # fmt: skip

    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), server_default=text("''"))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    is_system: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC", server_default=text("'UTC'"))
    locale: Mapped[str] = mapped_column(String(35), default="en", server_default=text("'en'"))
    created_by: Mapped[UUID | None] = mapped_column()
    updated_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"])


class Session(TenantOwned, Base):
    """One login. Its refresh token rotates; `refresh_id` names the only one that counts."""

    __tablename__ = "sessions"
    __table_args__ = tenant_table(
        _of_user(),
        Index("ix_sessions_tenant_id_user_id", "tenant_id", "user_id", postgresql_where=text("revoked_at IS NULL")),
    )
    __public__ = ("id", "user_id", "created_at", "expires_at", "revoked_at", "agent", "peer")

    user_id: Mapped[UUID] = mapped_column()
    refresh_id: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    refreshed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime] = mapped_column()
    revoked_at: Mapped[datetime | None] = mapped_column()
    agent: Mapped[str] = mapped_column(String(AGENT_LENGTH), server_default=text("''"))
    peer: Mapped[str] = mapped_column(String(64), server_default=text("''"))


class ApiKey(TenantOwned, Base):
    """A credential for programs: hashed at rest, shown once, never more than its user may do."""

    __tablename__ = "api_keys"
    __table_args__ = tenant_table(
        _of_user(), Index("ix_api_keys_tenant_id_user_id", "tenant_id", "user_id"),
    )  # fmt: skip
    __public__ = ("id", "user_id", "name", "scopes", "created_at", "expires_at", "revoked_at")

    user_id: Mapped[UUID] = mapped_column()
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(String(64)))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None] = mapped_column()
    last_used_at: Mapped[datetime | None] = mapped_column()
    revoked_at: Mapped[datetime | None] = mapped_column()
