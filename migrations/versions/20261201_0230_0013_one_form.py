"""Store every user's e-mail address in Unicode form NFKC, and replace time zones that the database does not know.

Two accounts whose addresses differ only in their Unicode form are both kept: the older one gets the address, the other
keeps its old spelling, cannot log in by it any more, and needs another address from an administrator.

Revision: 0013
Follows: 0012
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UNKNOWN_ZONE = "NOT IN (SELECT name FROM pg_timezone_names WHERE name NOT IN ('localtime', 'posixrules', 'Factory'))"


def upgrade() -> None:
    op.execute(f"UPDATE users SET timezone = 'UTC' WHERE timezone {UNKNOWN_ZONE}")
    op.execute(
        f"UPDATE tenant_profiles SET settings = settings - 'timezone' WHERE settings->>'timezone' {UNKNOWN_ZONE}"
    )
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT tenant_id, id, email FROM users WHERE email ~ '[^ -~]' ORDER BY created_at, id")
    ).all()
    for tenant_id, user_id, email in rows:
        same = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().lower())
        if same != email:
            connection.execute(
                sa.text(
                    "UPDATE users SET email = :same WHERE tenant_id = :tenant AND id = :id AND NOT EXISTS "
                    "(SELECT FROM users o WHERE o.tenant_id = :tenant AND o.email = :same)"
                ),
                {"same": same, "tenant": tenant_id, "id": user_id},
            )


def downgrade() -> None:
    """Earlier programs read these values as they are."""
