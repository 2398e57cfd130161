"""A database to measure on: migrated, loaded, analysed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import flask_migrate
import psycopg2
from flask import Flask
from sqlalchemy import select

from bench.workloads import Loaded
from oneo.access import tokens
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import Session, User
from oneo.operations.tenants import create_tenant

USERS = 1_000
OTHER_TENANTS = 4


def load(owner: Flask, dsn: str) -> Loaded:
    """Tenants with users; the first is the one that is measured."""
    with owner.app_context():
        flask_migrate.upgrade()
        tenants = [_tenant(number) for number in range(OTHER_TENANTS + 1)]
        _fill(dsn)
        return tenants[0]


def _tenant(number: int) -> Loaded:
    actor = system_actor(new_id())
    create_tenant(
        actor, slug=f"bench{number}", name="Bench", admin_email=f"admin@bench{number}.example",
        admin_password="a long enough passphrase to measure with",
    )  # fmt: skip
    with unit(actor) as work:
        user_id = work.session.scalars(select(User.id).where(~User.is_system)).one()
        session = Session(user_id=user_id, refresh_id=new_id(), expires_at=datetime.now(UTC) + timedelta(days=1))
        work.created(session, "session.created")
        token = tokens.issue_access(actor.tenant_id, user_id, session.id)
    return Loaded(actor.tenant_id, user_id, token)


def _fill(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO users (tenant_id, id, email, name, created_by, created_at)
                   SELECT t.id, gen_random_uuid(), 'user' || n || '@example.com', 'User number ' || n, NULL,
                          now() - n * interval '1 minute'
                   FROM tenants t, generate_series(1, %s) n""",
                (USERS,),
            )
            cursor.execute(
                """INSERT INTO user_roles (tenant_id, user_id, role_id)
                   SELECT u.tenant_id, u.id, r.id FROM users u JOIN roles r ON r.tenant_id = u.tenant_id
                   WHERE r.slug = 'member' AND NOT EXISTS (SELECT FROM user_roles x WHERE x.user_id = u.id)"""
            )
            cursor.execute("VACUUM ANALYZE")
    finally:
        connection.close()
