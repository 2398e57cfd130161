"""Pipelines, so that grants can name them.

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

GRANTS = {
    "pipelines": "SELECT, INSERT, UPDATE",
}
FENCED = ("pipelines",)
OWN = "tenant_id = nullif(current_setting('oneo.tenant', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "pipelines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), server_default=sa.text("'record'"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_pipelines_tenants"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_pipelines"),
    )
    op.create_index(
        "uq_pipelines_tenant_id_slug",
        "pipelines",
        ["tenant_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    for table in FENCED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY fence ON {table} USING ({OWN}) WITH CHECK ({OWN})")
    for table, rights in GRANTS.items():
        op.execute(f"GRANT {rights} ON {table} TO oneo_app")


def downgrade() -> None:
    op.drop_table("pipelines")
