"""A database to measure on: migrated, loaded, analysed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import flask_migrate
import psycopg2
from flask import Flask
from sqlalchemy import select

from bench.graphs import draw
from bench.workloads import DEAL, SERIES, Loaded
from oneo.access import tokens
from oneo.access.schema import schema_of
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import Record, RelationshipType, Session, User
from oneo.operations.pipelines import create_pipeline
from oneo.operations.tenants import create_tenant
from oneo.store.record_writes import insert

USERS = 1_000
OTHER_TENANTS = 4
RECORDS, OTHER_RECORDS, BATCH = 100_000, 10_000, 5_000
OTHERS = 30_000
"""So many of the records are ends of relationships that Oneo is asked to make."""
STAGES = ("open", "won", "lost", "stalled")
FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "field_type": "text", "is_required": True},
    {"name": "Amount", "field_type": "number"},
    {"name": "Stage", "field_type": "select", "field_config": {"choices": list(STAGES)}},
    {"name": "Closes", "field_type": "date"},
    {"name": "Probability", "field_type": "number"},
    {"name": "Source", "field_type": "text"},
    {"name": "Contact", "field_type": "email"},
    {"name": "Notes", "field_type": "textarea", "is_indexed": False},
    {"name": "Priority", "field_type": "text"},
    {"name": "Is hot", "field_type": "boolean", "is_indexed": False},
]


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    user_id: UUID
    token: str


def load(owner: Flask, dsn: str, graphs: Iterable[str] = ()) -> Loaded:
    """Tenants with users; the first is the one that is measured."""
    with owner.app_context():
        flask_migrate.upgrade()
        tenants = [_tenant(number) for number in range(OTHER_TENANTS + 1)]
        _fill(dsn)
        for tenant in tenants[1:]:
            _deals(tenant, OTHER_RECORDS)
        loaded = draw(_relate(_deals(tenants[0], RECORDS), dsn), dsn, graphs)
        _settle(dsn)
        return loaded


def _deals(tenant: Tenant, count: int) -> Loaded:
    """A pipeline of deals with ten fields, and records of it."""
    actor = system_actor(tenant.id)
    create_pipeline(actor, {"name": "Deals", "slug": "deals", "title_field": "name", "fields": FIELDS})
    shape = schema_of(actor).find("deals")
    if shape is None:
        raise RuntimeError("the pipeline is not there")
    for start in range(0, count, BATCH):
        rows = [{"id": new_id(), "title": "", "status": "active", "data": _deal(start + at)} for at in range(BATCH)]
        insert(actor, shape, rows, hidden=frozenset())
    with unit(actor) as work:
        found = work.session.scalars(select(Record.id).where(Record.pipeline_id == shape.id).limit(1)).one()
    slots = {field.slug: slot for slot, field in shape.written.items()}
    return Loaded(tenant.id, tenant.user_id, tenant.token, shape.id, found, slots)


def _relate(loaded: Loaded, dsn: str) -> Loaded:
    """A type that joins deals: 10,000 at one of them, and a chain of all."""
    with unit(system_actor(loaded.tenant_id)) as work:
        made = RelationshipType(slug="joins", name="Joins", graphql_name="Joins")
        work.session.add(made)
        work.renew_schema()
        work.session.flush()
        type_id = made.id
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(_RELATE, {"tenant": str(loaded.tenant_id), "type": str(type_id), "hub": str(loaded.record_id)})
        cursor.execute(_SERIES, {"tenant": str(loaded.tenant_id), "hub": str(loaded.record_id), "others": OTHERS})
        cursor.execute(f"SELECT id::text FROM {SERIES}_ids ORDER BY n LIMIT {OTHERS}")
        others = tuple(row[0] for row in cursor.fetchall())
        cursor.execute(f"SELECT id::text FROM {SERIES}_ids ORDER BY n DESC LIMIT 1")
        stranger = UUID(cursor.fetchone()[0])
    connection.close()
    return replace(loaded, link_type_id=type_id, hub_id=loaded.record_id, stranger_id=stranger, others=others)


_RELATE = """
INSERT INTO relationships
    (tenant_id, id, type_id, source_id, target_id, source_pipeline_id, target_pipeline_id, created_at)
SELECT d.tenant_id, gen_random_uuid(), %(type)s, e.source, d.id, d.pipeline_id, d.pipeline_id,
       now() - d.n * interval '1 second'
FROM (SELECT tenant_id, id, pipeline_id, row_number() OVER (ORDER BY id) AS n, lag(id) OVER (ORDER BY id) AS former
      FROM records WHERE tenant_id = %(tenant)s AND id <> %(hub)s) d
CROSS JOIN LATERAL (VALUES (d.former, true), (%(hub)s::uuid, d.n <= 10000)) e(source, wanted)
WHERE e.source IS NOT NULL AND e.wanted
"""
_SERIES = f"""
CREATE TABLE {SERIES}_ids AS
    SELECT row_number() OVER (ORDER BY id) AS n, id FROM records WHERE tenant_id = %(tenant)s AND id <> %(hub)s;
CREATE UNIQUE INDEX ON {SERIES}_ids (n);
CREATE SEQUENCE {SERIES} START %(others)s
"""
"""All other records, numbered; the first of them are related by Oneo, the later ones bare."""


def _deal(number: int) -> dict[str, Any]:
    return {
        **DEAL,
        "name": f"Deal number {number}",
        "amount": (number * 7919) % 100_000,
        "stage": STAGES[number % len(STAGES)],
        "contact": f"person{number}@acme.example",
    }


def _tenant(number: int) -> Tenant:
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
    return Tenant(actor.tenant_id, user_id, token)


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
    finally:
        connection.close()


def _settle(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
