"""Tenants that are cast are like one that is made."""

from __future__ import annotations

from contextlib import closing
from uuid import UUID

import psycopg2
from flask import Flask

from oneo.actor import system_actor
from oneo.ids import new_id
from oneo.operations.tenants import create_tenant
from oneo.store.fence import tenant_tables
from tests.factories.mould import TABLES
from tests.factories.tenant import TestTenant

LOGIN = ("sessions", "events")
"""Where a login leaves a row: one that is cast is logged in."""


def _rows(database_address: str, tenant_id: UUID) -> dict[str, int]:
    found = {}
    with closing(psycopg2.connect(database_address)) as connection, connection.cursor() as cursor:
        for table in sorted({*tenant_tables(), *TABLES, "tenant_domains"} - {"tenants"}):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (str(tenant_id),))
            [(found[table],)] = cursor.fetchall()
    return found


def test_what_is_cast_has_all_rows_of_what_is_made(owner_app: Flask, tenant: TestTenant, database_address: str) -> None:
    made = new_id()
    with owner_app.app_context():
        create_tenant(
            system_actor(made), slug="made_in_earnest", name="Made", admin_email="a@made.example", admin_password=None
        )
    expected = _rows(database_address, made)
    expected |= {table: expected[table] + 1 for table in LOGIN}
    assert _rows(database_address, tenant.id) == expected
    assert {event["seq"] for event in tenant.api.events()} == set(range(1, expected["events"] + 1))
