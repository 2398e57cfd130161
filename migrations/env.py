"""How migrations run: as the owner of the tables, one process at a time, never waiting long for a lock."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, text

from oneo.config import sqlalchemy_url
from oneo.models import Base, is_declared

ADVISORY_LOCK = 0x0E0  # any fixed number: all migrating processes of one database meet at it
LOCK_TIMEOUT = "5s"


def run() -> None:
    engine = create_engine(sqlalchemy_url(current_app.extensions["oneo.addresses"].owner))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        try:
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                include_name=is_declared,
                compare_type=True,
                compare_server_default=True,
                transaction_per_migration=True,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database; there is no offline mode.")
run()
