"""Relationship types, relationships between records, and what they have to keep to.

Relationships are read through a view of the owner's, as records are. Shipped user types get the grants that came with
comments and relationships.

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OWN = "tenant_id = nullif(current_setting('oneo.tenant', true), '')::uuid"
TABLES = ("relationships", "relationship_constraints")
TYPE_COLUMNS = (
    ("cardinality", sa.String(16), "'many_to_many'"),
    ("is_bidirectional", sa.Boolean(), "false"),
    ("forward_label", sa.String(200), "''"),
    ("reverse_label", sa.String(200), "''"),
    ("on_delete", sa.String(8), "'detach'"),
)
READING = ["relationships:read"]
LINKING = [*READING, "relationships:create", "relationships:update", "relationships:delete"]
NEW_GRANTS = {
    "manager": ["comments:create", *LINKING], "member": ["comments:create", *LINKING], "viewer": READING,
}  # fmt: skip
GRANT = """
UPDATE roles SET grants = grants || (
    SELECT coalesce(jsonb_agg(jsonb_build_object('permission', p, 'pipelines', NULL, 'rows', 'all',
                                                 'hidden_fields', '[]'::jsonb, 'read_only_fields', '[]'::jsonb)), '[]')
    FROM unnest(ARRAY[{permissions}]) AS p
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(grants) g WHERE g->>'permission' = p)
), version = version + 1, updated_at = now()
WHERE slug = '{slug}' AND is_shipped AND deleted_at IS NULL
"""
TAKE_BACK = """
UPDATE roles SET grants = (SELECT coalesce(jsonb_agg(g), '[]') FROM jsonb_array_elements(grants) g
                           WHERE NOT starts_with(g->>'permission', 'relationships:'))
WHERE grants::text LIKE '%relationships:%'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for end in ("source", "target"):
        op.add_column("pipelines", sa.Column(f"{end}_pipeline_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            f"fk_pipelines_{end}", "pipelines", "pipelines", ["tenant_id", f"{end}_pipeline_id"], ["tenant_id", "id"]
        )
    for name, type_, default in TYPE_COLUMNS:
        op.add_column("pipelines", sa.Column(name, type_, server_default=sa.text(default), nullable=False))
    _create_relationships()
    _create_constraints()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY fence ON {table} USING ({OWN}) WITH CHECK ({OWN})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO oneo_app")
    op.execute(f"CREATE VIEW my_relationships AS SELECT * FROM relationships WHERE {OWN} WITH CHECK OPTION")
    op.execute("GRANT SELECT ON my_relationships TO oneo_app")
    for slug, permissions in NEW_GRANTS.items():
        op.execute(GRANT.format(slug=slug, permissions=", ".join(f"'{name}'" for name in permissions)))
    op.execute("UPDATE tenant_profiles SET access_revision = access_revision + 1")


def downgrade() -> None:
    op.execute(TAKE_BACK)
    op.execute("UPDATE tenant_profiles SET access_revision = access_revision + 1")
    op.execute("DROP VIEW my_relationships")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM slots USING pipelines p WHERE slots.pipeline_id = p.id AND p.kind = 'relationship'")
    op.execute("DELETE FROM fields USING pipelines p WHERE fields.pipeline_id = p.id AND p.kind = 'relationship'")
    op.execute("DELETE FROM pipelines WHERE kind = 'relationship'")
    for end in ("source", "target"):
        op.drop_constraint(f"fk_pipelines_{end}", "pipelines")
        op.drop_column("pipelines", f"{end}_pipeline_id")
    for name, _, _ in reversed(TYPE_COLUMNS):
        op.drop_column("pipelines", name)


def _owned(name: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of rows with ids, times and versions."""
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{name}_tenants"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )


def _ids(*names: str, nullable: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid(), nullable=nullable) for name in names]


def _within(table: str, column: str, target: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=f"fk_{table}_{name}"
    )


def _create_relationships() -> None:
    _owned(
        "relationships",
        *_ids("type_id", "source_id", "target_id", "source_pipeline_id", "target_pipeline_id"),
        sa.Column("status", sa.String(8), server_default=sa.text("'ACTIVE'"), nullable=False),
        sa.Column("is_bidirectional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_dormant", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("effective_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("strength", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("metadata", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        *_ids("created_by", "updated_by", nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        _within("relationships", "type_id", "pipelines", "types"),
        _within("relationships", "source_id", "records", "source"),
        _within("relationships", "target_id", "records", "target"),
    )
    for end, other in (("source", "target"), ("target", "source")):
        op.create_index(
            f"ix_relationships_{end}", "relationships", ["tenant_id", f"{end}_id", "type_id"],
            postgresql_include=[
                "id", f"{other}_id", f"{other}_pipeline_id", "status", "is_bidirectional", "is_dormant",
                "effective_from", "effective_until", "deleted_at",
            ],
        )  # fmt: skip
    alive = sa.text("deleted_at IS NULL")
    for name, columns in (
        ("created_at", ["tenant_id", "created_at", "id"]),
        ("type", ["tenant_id", "type_id", "created_at", "id"]),
    ):
        op.create_index(f"ix_relationships_{name}", "relationships", columns, postgresql_where=alive)
    op.create_index(
        "ix_relationships_metadata", "relationships", ["metadata"], postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
    )  # fmt: skip


def _create_constraints() -> None:
    name = "relationship_constraints"
    _owned(
        name,
        *_ids("type_id"),
        sa.Column("constraint_type", sa.String(16), nullable=False),
        *_ids("source_pipeline_id", "target_pipeline_id", nullable=True),
        sa.Column("min_instances", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_instances", sa.Integer(), nullable=True),
        sa.Column("is_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("constraint_metadata", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        *_ids("created_by", nullable=True),
        _within(name, "type_id", "pipelines", "types"),
        _within(name, "source_pipeline_id", "pipelines", "source"),
        _within(name, "target_pipeline_id", "pipelines", "target"),
    )
    op.create_index("ix_relationship_constraints_type", name, ["tenant_id", "type_id"])
