"""Records: rows of the pipelines, one table for all, and what people say about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import Computed, Double, ForeignKeyConstraint, Index, String, Text, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from oneo.models.base import Base, TenantOwned, Timestamped, Versioned, tenant_table

TITLE_LENGTH = 255
STATUS_LENGTH = 50
COMMENT_LENGTH = 20_000
MAX_RECORD_BYTES = 262_144
"""Of a record's data as JSON: all its words must fit into one search vector."""

TRIGRAMS = "ix_records_tenant_trigrams"
"""An index that is there where the server has pg_trgm: a migration makes it, and no model declares it."""
SLOTS = {"t": 8, "n": 8, "d": 4, "u": 4}
"""Index slots of each kind: text, number, date, and the unique ones."""
SLOT_NAMES = tuple(f"{kind}{number}" for kind, most in SLOTS.items() for number in range(1, most + 1))
DATA_WORDS = """jsonb_to_tsvector('simple'::regconfig, CASE WHEN strpos({0}::text, '/') = 0 THEN {0}
    ELSE translate({0}::text, '/', ' ')::jsonb END, '["string", "numeric"]'::jsonb)"""
"""The words of a record's data. PostgreSQL takes what a slash joins for one word, a path; people look for the parts."""
TITLE_WORDS = "to_tsvector('simple'::regconfig, translate(coalesce({0}, ''), '/', ' '))"
VECTOR = f"{TITLE_WORDS.format('title')} || {DATA_WORDS.format('data')}"
_ALIVE, _GONE = text("deleted_at IS NULL"), text("deleted_at IS NOT NULL")

TextSlot = Annotated[str | None, mapped_column(Text(collation="C"))]
NumberSlot = Annotated[float | None, mapped_column(Double)]
DateSlot = Annotated[datetime | None, mapped_column()]


def is_declared(name: str | None, kind: str, _place: object) -> bool:
    """Whether something of the database is for the models to have."""
    return (kind, name) != ("index", TRIGRAMS)


def _list_index(column: str) -> Index:
    return Index(f"ix_records_{column}", "tenant_id", "pipeline_id", column, "id", postgresql_where=_ALIVE)


def _slot_index(name: str) -> Index:
    if name[0] == "u":
        where = text(f"{name} IS NOT NULL AND deleted_at IS NULL")
        return Index(f"uq_records_{name}", "tenant_id", "pipeline_id", name, unique=True, postgresql_where=where)
    return Index(
        f"ix_records_{name}", "tenant_id", "pipeline_id", name, "id", postgresql_where=text(f"{name} IS NOT NULL")
    )


class Record(TenantOwned, Timestamped, Versioned, Base):
    """Read through the view `my_records`, where every operator keeps its index; written to the fenced table."""

    __tablename__ = "records"
    __table_args__ = tenant_table(
        ForeignKeyConstraint(["tenant_id", "pipeline_id"], ["pipelines.tenant_id", "pipelines.id"]),
        _list_index("created_at"),
        _list_index("updated_at"),
        Index("ix_records_deleted_at", "tenant_id", "pipeline_id", "id", postgresql_where=_GONE),
        Index(
            "ix_records_tenant_data",
            literal_column("(jsonb_set('{}'::jsonb, ARRAY[tenant_id::text], data))").label("document"),
            postgresql_using="gin", postgresql_ops={"document": "jsonb_path_ops"},
        ),
        Index("ix_records_tenant_words", text("oneo_of_tenant(tenant_id, search)"), postgresql_using="gin"),
        *(_slot_index(name) for name in SLOT_NAMES),
    )  # fmt: skip

    pipeline_id: Mapped[UUID] = mapped_column()
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH), server_default=text("''"))
    status: Mapped[str] = mapped_column(String(STATUS_LENGTH), server_default=text("'active'"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_by: Mapped[UUID | None] = mapped_column()
    updated_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()
    search: Mapped[str] = mapped_column(TSVECTOR, Computed(VECTOR, persisted=True))
    t1: Mapped[TextSlot]
    t2: Mapped[TextSlot]
    t3: Mapped[TextSlot]
    t4: Mapped[TextSlot]
    t5: Mapped[TextSlot]
    t6: Mapped[TextSlot]
    t7: Mapped[TextSlot]
    t8: Mapped[TextSlot]
    n1: Mapped[NumberSlot]
    n2: Mapped[NumberSlot]
    n3: Mapped[NumberSlot]
    n4: Mapped[NumberSlot]
    n5: Mapped[NumberSlot]
    n6: Mapped[NumberSlot]
    n7: Mapped[NumberSlot]
    n8: Mapped[NumberSlot]
    d1: Mapped[DateSlot]
    d2: Mapped[DateSlot]
    d3: Mapped[DateSlot]
    d4: Mapped[DateSlot]
    u1: Mapped[TextSlot]
    u2: Mapped[TextSlot]
    u3: Mapped[TextSlot]
    u4: Mapped[TextSlot]


class Comment(TenantOwned, Timestamped, Versioned, Base):
    """What somebody says about a record; answers name the comment they answer."""

    __tablename__ = "comments"
    __table_args__ = tenant_table(
        ForeignKeyConstraint(["tenant_id", "record_id"], ["records.tenant_id", "records.id"]),
        ForeignKeyConstraint(["tenant_id", "parent_id"], ["comments.tenant_id", "comments.id"]),
        Index("ix_comments_tenant_id_record_id_id", "tenant_id", "record_id", "id"),
    )
    __public__ = (
        "id", "pipeline_id", "record_id", "parent_id", "body", "created_by", "created_at", "updated_at", "deleted_at",
        "version",
    )  # fmt: skip

    pipeline_id: Mapped[UUID] = mapped_column()
    record_id: Mapped[UUID] = mapped_column()
    parent_id: Mapped[UUID | None] = mapped_column()
    body: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()
