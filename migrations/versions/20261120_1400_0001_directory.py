"""The directory: tenants, their domains, their clocks; and the role that servers act as.

Revision: 0001
Follows:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GRANTS = {
    "tenants": "SELECT",
    "tenant_domains": "SELECT",
    "tenant_clocks": "SELECT, UPDATE (seq)",
}


def upgrade() -> None:
    # The role is the cluster's, not this database's: another database may have made it, and may still need it.
    op.execute(
        """
        DO $$ BEGIN
            -- Looked up first: an owner without CREATEROLE may not even try to create a role that exists.
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oneo_app') THEN
                CREATE ROLE oneo_app NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    # Where owner and server share one login, the server's connections take this role on.
    op.execute(
        """
        DO $$ BEGIN
            GRANT oneo_app TO CURRENT_USER;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END $$
        """
    )
    op.execute("GRANT USAGE ON SCHEMA public TO oneo_app")
    op.execute("GRANT SELECT ON alembic_version TO oneo_app")
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=48), nullable=False),
        sa.Column("status", sa.String(length=16), server_default=sa.text("'active'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("slug", name="uq_tenants_slug"),
    )
    op.create_table(
        "tenant_domains",
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tenant_domains_tenants", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("host", name="pk_tenant_domains"),
    )
    op.create_index("ix_tenant_domains_tenant_id", "tenant_domains", ["tenant_id"])
    op.create_table(
        "tenant_clocks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tenant_clocks_tenants", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenant_clocks"),
        postgresql_with={"fillfactor": "50"},
    )
    for table, rights in GRANTS.items():
        op.execute(f"GRANT {rights} ON {table} TO oneo_app")


def downgrade() -> None:
    op.drop_table("tenant_clocks")
    op.drop_table("tenant_domains")
    op.drop_table("tenants")
