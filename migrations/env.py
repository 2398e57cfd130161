"""How migrations run: as the owner of the tables, one process at a time, never waiting long for a lock."""

from __future__ import annotations

import click
from alembic import context
from flask import current_app
from sqlalchemy import Connection, create_engine, text

from oneo.config import sqlalchemy_url
from oneo.models import Base, is_declared
from oneo.store.pool import SERVER_ROLE

ADVISORY_LOCK = 0x0E0  # any fixed number: all migrating processes of one database meet at it
LOCK_TIMEOUT = "5s"
OWN_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname = 'public' AND pg_has_role(tableowner, 'USAGE')
"""


RIGHTS = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role),
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user),
       has_schema_privilege('public', 'CREATE')
"""


def check_rights(connection: Connection) -> None:
    """Raise ClickException when the owner's login cannot run the migrations: one line instead of a failure midway."""
    role_exists, may_create_roles, may_create_tables = connection.execute(text(RIGHTS), {"role": SERVER_ROLE}).one()
    if not (role_exists or may_create_roles):
        raise click.ClickException(
            f"The owner's login may not create the role {SERVER_ROLE}. As a superuser, run "
            f"`CREATE ROLE {SERVER_ROLE} NOLOGIN` once, or give the owner's login CREATEROLE."
        )
    if not may_create_tables:
        raise click.ClickException(
            "The owner's login may not create tables in the schema public. As a superuser, make it the owner of the "
            "database, or run `GRANT CREATE ON SCHEMA public TO <owner>`."
        )


def run() -> None:
    engine = create_engine(sqlalchemy_url(current_app.extensions["oneo.addresses"].owner))
    with engine.connect() as connection:
        check_rights(connection)
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
            _analyse(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
    engine.dispose()


def _analyse(connection: Connection) -> None:
    """New columns and indexes, and tables that were just restored, have no statistics yet."""
    names = connection.scalars(text(OWN_TABLES)).all()
    if names:
        connection.execute(text(f"ANALYZE (SKIP_LOCKED) {', '.join(names)}"))
    connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database; there is no offline mode.")
run()
