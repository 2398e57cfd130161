"""Relationships between records, and the constraints of their types."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Double, ForeignKeyConstraint, Index, Integer, String, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, TenantOwned, Timestamped, Versioned, tenant_table

STATUSES = ("ACTIVE", "INACTIVE", "PENDING", "DELETED")
"""The last one is that of relationships with `deleted_at`, and never stored."""
CONSTRAINT_KINDS = ("CARDINALITY", "EXCLUSIVITY", "DEPENDENCY", "HIERARCHY")
MAX_METADATA_BYTES = 65_536
REASON_LENGTH = 1_000
_ALIVE = text("deleted_at IS NULL")


def _within(column: str, target: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name)


def _end_index(end: str, other: str) -> Index:
    """All that a step of a traversal asks stands in the index."""
    return Index(
        f"ix_relationships_{end}", "tenant_id", f"{end}_id", "type_id",
        postgresql_include=[
            "id", f"{other}_id", f"{other}_pipeline_id", "status", "is_bidirectional", "is_dormant", "effective_from",
            "effective_until", "deleted_at",
        ],
    )  # fmt: skip


class Relationship(TenantOwned, Timestamped, Versioned, Base):
    """Read through the view `my_relationships`. `is_dormant`: a record at one of its ends is removed, so that it is out
    of sight until that is restored.
    """

    __tablename__ = "relationships"
    __table_args__ = tenant_table(
        _within("type_id", "pipelines", "fk_relationships_types"),
        _within("source_id", "records", "fk_relationships_source"),
        _within("target_id", "records", "fk_relationships_target"),
        _end_index("source", "target"),
        _end_index("target", "source"),
        Index("ix_relationships_created_at", "tenant_id", "created_at", "id", postgresql_where=_ALIVE),
        Index("ix_relationships_type", "tenant_id", "type_id", "created_at", "id", postgresql_where=_ALIVE),
        Index(
            "ix_relationships_tenant_metadata",
            literal_column("(jsonb_set('{}'::jsonb, ARRAY[tenant_id::text], metadata))").label("document"),
            postgresql_using="gin", postgresql_ops={"document": "jsonb_path_ops"},
        ),
    )  # fmt: skip

    type_id: Mapped[UUID] = mapped_column()
    source_id: Mapped[UUID] = mapped_column()
    target_id: Mapped[UUID] = mapped_column()
    source_pipeline_id: Mapped[UUID] = mapped_column()
    target_pipeline_id: Mapped[UUID] = mapped_column()
    status: Mapped[str] = mapped_column(String(8), server_default=text("'ACTIVE'"))
    is_bidirectional: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    is_dormant: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    effective_from: Mapped[datetime] = mapped_column(server_default=text("now()"))
    effective_until: Mapped[datetime | None] = mapped_column()
    strength: Mapped[float] = mapped_column(Double, server_default=text("1"))
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=text("'{}'"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_by: Mapped[UUID | None] = mapped_column()
    updated_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()


class Constraint(TenantOwned, Timestamped, Versioned, Base):
    """What relationships of a type have to keep to; `constraint_metadata` says how, by its kind."""

    __tablename__ = "relationship_constraints"
    __table_args__ = tenant_table(
        _within("type_id", "pipelines", "fk_relationship_constraints_types"),
        _within("source_pipeline_id", "pipelines", "fk_relationship_constraints_source"),
        _within("target_pipeline_id", "pipelines", "fk_relationship_constraints_target"),
        Index("ix_relationship_constraints_type", "tenant_id", "type_id"),
    )
    __public__ = (
        "id", "type_id", "constraint_type", "source_pipeline_id", "target_pipeline_id", "min_instances",
        "max_instances", "is_required", "constraint_metadata", "created_by", "created_at", "updated_at", "version",
    )  # fmt: skip

    type_id: Mapped[UUID] = mapped_column()
    constraint_type: Mapped[str] = mapped_column(String(16))
    source_pipeline_id: Mapped[UUID | None] = mapped_column()
    target_pipeline_id: Mapped[UUID | None] = mapped_column()
    min_instances: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    max_instances: Mapped[int | None] = mapped_column(Integer)
    is_required: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    constraint_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    created_by: Mapped[UUID | None] = mapped_column()
