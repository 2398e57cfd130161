"""The gate: whether a caller is still what a server holds him for, asked with every message.

A function keeps its plan for the life of a connection; planned anew each time, the same five look-ups cost
as much as a small query.

Revision: 0005
Follows: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SIGNATURE = "oneo_gate(uuid, text, uuid, uuid, integer, integer)"
GATE = """
CREATE FUNCTION oneo_gate(
    of_tenant uuid, kind text, credential uuid, of_user uuid, of_access integer, of_schema integer
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT c.seq FROM public.tenant_clocks c
        WHERE c.tenant_id = of_tenant
        AND CASE kind
            WHEN 'session' THEN (SELECT s.revoked_at IS NULL AND s.expires_at > now() FROM public.sessions s
                                 WHERE s.tenant_id = of_tenant AND s.id = credential)
            WHEN 'api_key' THEN (SELECT k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true)
                                 FROM public.api_keys k WHERE k.tenant_id = of_tenant AND k.id = credential)
            ELSE false END
        AND (SELECT u.is_active AND u.deleted_at IS NULL FROM public.users u
             WHERE u.tenant_id = of_tenant AND u.id = of_user)
        AND (SELECT t.status = 'active' FROM public.tenants t WHERE t.id = of_tenant)
        AND (SELECT p.access_revision = of_access AND p.schema_revision = of_schema
             FROM public.tenant_profiles p WHERE p.tenant_id = of_tenant AND p.id = of_tenant)
    );
END $$
"""


def upgrade() -> None:
    op.execute(GATE)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO oneo_app")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
