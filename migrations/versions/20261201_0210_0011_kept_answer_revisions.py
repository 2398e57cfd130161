"""The revisions of rights and schema at which an answer was kept for repeated requests.

Answers that the program before keeps have none.

Revision: 0011
Follows: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = ("access_revision", "schema_revision")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("idempotency_keys", sa.Column(name, sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("idempotency_keys", name)
