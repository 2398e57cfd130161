"""Which migration the database is at."""

from __future__ import annotations

from oneo.store import message


def applied_revision() -> str | None:
    """None where nothing was ever migrated."""
    if not message.look_up_directory("SELECT to_regclass('public.alembic_version') IS NOT NULL")[0][0]:
        return None
    rows = message.look_up_directory("SELECT version_num FROM public.alembic_version")
    return str(rows[0][0]) if rows else None
