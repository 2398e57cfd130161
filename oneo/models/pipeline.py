"""Pipelines: the entity types that a tenant defines, their fields and templates; relationship types among them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from oneo.models.base import Base, InTenant, TenantOwned, Timestamped, Versioned, tenant_table
from oneo.models.tenant import SLUG_LENGTH

NAME_LENGTH = 200
TYPE_LENGTH = 32
DESCRIPTION_LENGTH = 5_000
DEFAULT_ICON, DEFAULT_COLOR, DEFAULT_TYPE = "database", "#3B82F6", "custom"
CARDINALITIES, ON_DELETE = ("one_to_one", "one_to_many", "many_to_one", "many_to_many"), ("restrict", "detach", "keep")
DEFAULT_CARDINALITY, DEFAULT_ON_DELETE = "many_to_many", "detach"
_ALIVE = text("deleted_at IS NULL")


def _slug_index(table: str, *columns: str) -> Index:
    """Unique among rows that are not deleted."""
    return Index(f"uq_{table}_tenant_id_{columns[-1]}", "tenant_id", *columns, unique=True, postgresql_where=_ALIVE)


class Pipeline(TenantOwned, Timestamped, Versioned, Base):
    """Of records. The columns from `source_pipeline_id` on are a relationship type's."""

    __tablename__ = "pipelines"
    __table_args__ = tenant_table(
        _slug_index("pipelines", "slug"),
        _slug_index("pipelines", "graphql_name"),
        *(
            ForeignKeyConstraint(
                ["tenant_id", f"{end}_pipeline_id"], ["pipelines.tenant_id", "pipelines.id"], name=f"fk_pipelines_{end}"
            )
            for end in ("source", "target")
        ),
    )
    __public__: ClassVar[tuple[str, ...]] = (
        "id", "slug", "name", "kind", "description", "pipeline_type", "icon", "color", "is_active", "settings",
        "title_field", "template", "graphql_name", "created_by", "updated_by", "created_at", "updated_at",
        "deleted_at", "version",
    )  # fmt: skip

    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(String(16), default="record", server_default=text("'record'"))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    pipeline_type: Mapped[str] = mapped_column(
        String(TYPE_LENGTH), default=DEFAULT_TYPE, server_default=text(f"'{DEFAULT_TYPE}'")
    )
    icon: Mapped[str] = mapped_column(String(64), default=DEFAULT_ICON, server_default=text(f"'{DEFAULT_ICON}'"))
    color: Mapped[str] = mapped_column(String(7), default=DEFAULT_COLOR, server_default=text(f"'{DEFAULT_COLOR}'"))
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    title_field: Mapped[str | None] = mapped_column(String(SLUG_LENGTH))
    template: Mapped[str | None] = mapped_column(String(SLUG_LENGTH))
    graphql_name: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[UUID | None] = mapped_column()
    updated_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()
    source_pipeline_id: Mapped[UUID | None] = mapped_column()
    target_pipeline_id: Mapped[UUID | None] = mapped_column()
    cardinality: Mapped[str] = mapped_column(
        String(16), default=DEFAULT_CARDINALITY, server_default=text(f"'{DEFAULT_CARDINALITY}'")
    )
    is_bidirectional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    forward_label: Mapped[str] = mapped_column(String(NAME_LENGTH), default="", server_default=text("''"))
    reverse_label: Mapped[str] = mapped_column(String(NAME_LENGTH), default="", server_default=text("''"))
    on_delete: Mapped[str] = mapped_column(
        String(8), default=DEFAULT_ON_DELETE, server_default=text(f"'{DEFAULT_ON_DELETE}'")
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        own = {"version_id_col": cls.version, "eager_defaults": True, "polymorphic_on": cls.kind}
        return {**own, "polymorphic_identity": "record"}


class RelationshipType(Pipeline):
    """Which records can be related and how; its fields are those of its relationships. A row of kind `relationship`,
    so that its slug is no pipeline's.
    """

    __mapper_args__ = {"polymorphic_identity": "relationship"}  # noqa: RUF012 - as the library declares it
    __public__ = (
        "id", "slug", "name", "kind", "description", "is_active", "settings", "source_pipeline_id",
        "target_pipeline_id", "cardinality", "is_bidirectional", "forward_label", "reverse_label", "on_delete",
        "graphql_name", "created_by", "updated_by", "created_at", "updated_at", "deleted_at", "version",
    )  # fmt: skip


class Field(TenantOwned, Timestamped, Versioned, Base):
    """A removed field keeps its row while records hold values of it: it can be restored, and its slug stays taken."""

    __tablename__ = "fields"
    __table_args__ = tenant_table(
        ForeignKeyConstraint(["tenant_id", "pipeline_id"], ["pipelines.tenant_id", "pipelines.id"]),
        Index("uq_fields_tenant_id_pipeline_id_slug", "tenant_id", "pipeline_id", "slug", unique=True),
    )
    __public__ = (
        "id", "pipeline_id", "slug", "name", "description", "field_type", "field_config", "is_required", "is_unique",
        "is_indexed", "display_order", "is_visible_in_list", "created_by", "updated_by", "created_at", "updated_at",
        "deleted_at", "version",
    )  # fmt: skip

    pipeline_id: Mapped[UUID] = mapped_column()
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    field_type: Mapped[str] = mapped_column(String(TYPE_LENGTH))
    field_config: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    is_required: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    is_unique: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    is_indexed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    display_order: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    is_visible_in_list: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    created_by: Mapped[UUID | None] = mapped_column()
    updated_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()


class Slot(InTenant, Base):
    """An index slot of a pipeline's records that is not free: in use by a field, being filled, or being emptied."""

    __tablename__ = "slots"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "pipeline_id", "slot"),
        ForeignKeyConstraint(["tenant_id", "pipeline_id"], ["pipelines.tenant_id", "pipelines.id"]),
        ForeignKeyConstraint(["tenant_id", "field_id"], ["fields.tenant_id", "fields.id"]),
        Index("ix_slots_tenant_id_state", "tenant_id", "state", postgresql_where=text("state <> 'ready'")),
    )

    pipeline_id: Mapped[UUID] = mapped_column()
    slot: Mapped[str] = mapped_column(String(2))
    field_id: Mapped[UUID | None] = mapped_column()
    state: Mapped[str] = mapped_column(String(8))
    reached: Mapped[UUID | None] = mapped_column()
    done: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    total: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))


class Template(TenantOwned, Timestamped, Base):
    """A pipeline kept as a pattern: what it is and its fields, without records. Events do not tell the pattern, since
    some of its fields may be hidden from who reads them."""

    __tablename__ = "templates"
    __table_args__ = tenant_table(Index("uq_templates_tenant_id_slug", "tenant_id", "slug", unique=True))
    __public__ = ("id", "slug", "name", "description", "created_by", "created_at", "updated_at")

    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    pattern: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID | None] = mapped_column()
