"""Pipelines in full, their fields, index slots and templates; records and comments.

Records are written to the fenced table and read through a view of the owner's, whose own condition is the fence:
under row security the operators of JSON and of full-text search would lose their indexes.

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

GRANTS = {
    "fields": "SELECT, INSERT, UPDATE, DELETE",
    "slots": "SELECT, INSERT, UPDATE, DELETE",
    "templates": "SELECT, INSERT, UPDATE, DELETE",
    "records": "SELECT, INSERT, UPDATE, DELETE",
    "comments": "SELECT, INSERT, UPDATE, DELETE",
}
OWN = "tenant_id = nullif(current_setting('oneo.tenant', true), '')::uuid"
SLOT_TYPES = {"t": (sa.Text(collation="C"), 8), "n": (sa.Double(), 8), "d": (sa.DateTime(timezone=True), 4),
              "u": (sa.Text(collation="C"), 4)}  # fmt: skip
SLOTS = [(f"{kind}{n}", type_) for kind, (type_, most) in SLOT_TYPES.items() for n in range(1, most + 1)]
VECTOR = (
    "to_tsvector('simple'::regconfig, coalesce(title, '')) || "
    """jsonb_to_tsvector('simple'::regconfig, data, '["string", "numeric"]'::jsonb)"""
)
PIPELINE_COLUMNS = (
    ("description", sa.Text(), "''"),
    ("pipeline_type", sa.String(32), "'custom'"),
    ("icon", sa.String(64), "'database'"),
    ("color", sa.String(7), "'#3B82F6'"),
    ("is_active", sa.Boolean(), "true"),
    ("settings", JSONB(), "'{}'"),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _widen_pipelines()
    _create_fields()
    _create_records()
    for table, rights in GRANTS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY fence ON {table} USING ({OWN}) WITH CHECK ({OWN})")
        op.execute(f"GRANT {rights} ON {table} TO oneo_app")
    op.execute(f"CREATE VIEW my_records AS SELECT * FROM records WHERE {OWN} WITH CHECK OPTION")
    op.execute("GRANT SELECT ON my_records TO oneo_app")
    # A record that is erased takes what the log says of it along; the log itself stays as long as it is.
    op.execute("GRANT UPDATE (data, old, reason) ON events TO oneo_app")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (data, old, reason) ON events FROM oneo_app")
    op.execute("DROP VIEW my_records")
    for table in ("comments", "records", "slots", "fields", "templates"):
        op.drop_table(table)
    op.drop_index("uq_pipelines_tenant_id_graphql_name", "pipelines")
    for name in ("graphql_name", "updated_by", "template", "title_field"):
        op.drop_column("pipelines", name)
    for name, _, _ in reversed(PIPELINE_COLUMNS):
        op.drop_column("pipelines", name)


def _widen_pipelines() -> None:
    for name, type_, default in PIPELINE_COLUMNS:
        op.add_column("pipelines", sa.Column(name, type_, server_default=sa.text(default), nullable=False))
    op.add_column("pipelines", sa.Column("title_field", sa.String(48), nullable=True))
    op.add_column("pipelines", sa.Column("template", sa.String(48), nullable=True))
    op.add_column("pipelines", sa.Column("updated_by", sa.Uuid(), nullable=True))
    op.add_column("pipelines", sa.Column("graphql_name", sa.String(64), nullable=True))
    op.execute("UPDATE pipelines SET graphql_name = 'P' || replace(id::text, '-', '')")
    op.alter_column("pipelines", "graphql_name", nullable=False)
    op.create_index(
        "uq_pipelines_tenant_id_graphql_name", "pipelines", ["tenant_id", "graphql_name"], unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )  # fmt: skip


def _owned(name: str, *columns: sa.schema.SchemaItem, versioned: bool = True) -> None:
    """A table of rows with ids and times of their own."""
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *([sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)] if versioned else []),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{name}_tenants"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )


def _people(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid(), nullable=True) for name in names]


def _within(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=f"fk_{table}_{target}"
    )


def _create_fields() -> None:
    _owned(
        "fields",
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(48), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("field_type", sa.String(32), nullable=False),
        sa.Column("field_config", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_unique", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_indexed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("display_order", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_visible_in_list", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        *_people("created_by", "updated_by"),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        _within("fields", "pipeline_id", "pipelines"),
    )
    op.create_index("uq_fields_tenant_id_pipeline_id_slug", "fields", ["tenant_id", "pipeline_id", "slug"], unique=True)
    op.create_table(
        "slots",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.String(2), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "pipeline_id", "slot", name="pk_slots"),
        _within("slots", "pipeline_id", "pipelines"),
        _within("slots", "field_id", "fields"),
    )
    op.create_index(
        "ix_slots_tenant_id_state", "slots", ["tenant_id", "state"], postgresql_where=sa.text("state <> 'ready'")
    )
    _owned(
        "templates",
        sa.Column("slug", sa.String(48), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("pattern", JSONB(), nullable=False),
        *_people("created_by"),
        versioned=False,
    )
    op.create_index("uq_templates_tenant_id_slug", "templates", ["tenant_id", "slug"], unique=True)


def _create_records() -> None:
    _owned(
        "records",
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(255), server_default=sa.text("''"), nullable=False),
        sa.Column("status", sa.String(50), server_default=sa.text("'active'"), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        *_people("created_by", "updated_by"),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search", TSVECTOR(), sa.Computed(VECTOR, persisted=True), nullable=False),
        *(sa.Column(name, type_, nullable=True) for name, type_ in SLOTS),
        _within("records", "pipeline_id", "pipelines"),
    )
    keys = ["tenant_id", "pipeline_id"]
    for column in ("created_at", "updated_at"):
        alive = sa.text("deleted_at IS NULL")
        op.create_index(f"ix_records_{column}", "records", [*keys, column, "id"], postgresql_where=alive)
    gone = sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_records_deleted_at", "records", [*keys, "id"], postgresql_where=gone)
    op.create_index(
        "ix_records_data", "records", ["data"], postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"}
    )
    op.create_index("ix_records_search", "records", ["search"], postgresql_using="gin")
    for name, _ in SLOTS:
        if name.startswith("u"):
            where = sa.text(f"{name} IS NOT NULL AND deleted_at IS NULL")
            op.create_index(f"uq_records_{name}", "records", [*keys, name], unique=True, postgresql_where=where)
        else:
            where = sa.text(f"{name} IS NOT NULL")
            op.create_index(f"ix_records_{name}", "records", [*keys, name, "id"], postgresql_where=where)
    _owned(
        "comments",
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        *_people("created_by"),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        _within("comments", "record_id", "records"),
        _within("comments", "parent_id", "comments"),
    )
    op.create_index("ix_comments_tenant_id_record_id_id", "comments", ["tenant_id", "record_id", "id"])
