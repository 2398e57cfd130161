"""An index of trigrams over the texts of records, where the database has the extension pg_trgm.

Where records are many, make it beforehand with CONCURRENTLY: one of this name is taken as it is.

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXTS = """(jsonb_path_query_array(data, '$.* ? (@.type() == "string")')::text)"""
# pg_trgm folds case as libc does: where ILIKE asks another provider, its index would miss rows.
WANTED = (
    "SELECT coalesce(to_jsonb(d)->>'datlocprovider', 'c') = 'c' FROM pg_database d WHERE datname = current_database()"
)
PLACE = """
SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    place = _place_of_trigrams()
    if place:
        op.execute(
            f"CREATE INDEX IF NOT EXISTS ix_records_trigrams ON records USING gin ({TEXTS} {place}.gin_trgm_ops)"
        )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ix_records_trigrams")


def _place_of_trigrams() -> str | None:
    """The schema of the extension; None where there is nothing to build on."""
    connection = op.get_bind()
    if not connection.scalar(sa.text(WANTED)):
        return None
    place: str | None = connection.scalar(sa.text(PLACE))
    return place
