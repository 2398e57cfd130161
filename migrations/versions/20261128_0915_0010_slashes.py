"""Words that a slash joins are found one by one: the vector of every record is made anew.

The table is written anew while nobody reads or writes it: minutes where there are millions of records.

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OWN = "tenant_id = nullif(current_setting('oneo.tenant', true), '')::uuid"
KINDS = """'["string", "numeric"]'::jsonb"""
WHOLE = (
    f"to_tsvector('simple'::regconfig, coalesce(title, '')) || jsonb_to_tsvector('simple'::regconfig, data, {KINDS})"
)
PARTS = (
    "to_tsvector('simple'::regconfig, translate(coalesce(title, ''), '/', ' ')) || "
    "jsonb_to_tsvector('simple'::regconfig, CASE WHEN strpos(data::text, '/') = 0 THEN data "
    f"ELSE translate(data::text, '/', ' ')::jsonb END, {KINDS})"
)


def upgrade() -> None:
    _make_anew(PARTS)


def downgrade() -> None:
    _make_anew(WHOLE)


def _make_anew(vector: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    if op.get_bind().dialect.server_version_info >= (17,):
        op.execute(f"ALTER TABLE records ALTER COLUMN search SET EXPRESSION AS ({vector})")
    else:
        _replace_column(vector)


def _replace_column(vector: str) -> None:
    """The view shows the column, so it goes and comes back with it."""
    op.execute("DROP VIEW my_records")
    op.execute("ALTER TABLE records DROP COLUMN search")
    op.execute(f"ALTER TABLE records ADD COLUMN search tsvector GENERATED ALWAYS AS ({vector}) STORED NOT NULL")
    op.execute("CREATE INDEX ix_records_search ON records USING gin (search)")
    op.execute(f"CREATE VIEW my_records AS SELECT * FROM records WHERE {OWN} WITH CHECK OPTION")
    op.execute("GRANT SELECT ON my_records TO oneo_app")
