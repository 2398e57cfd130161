"""Statements that a connection keeps planned: the same answers, planned once (checklist 88)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import psycopg2.errors
import pytest
from flask import Flask

from oneo.store import kept, message
from oneo.store.kept import AFTER, MOST, KeptStatements
from oneo.store.pool import SERVER_ROLE, Pool, PooledConnection
from tests.api import SOME_ID, Api
from tests.factories.pipeline import deals, record
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of

NAMES = "SELECT name FROM pg_prepared_statements ORDER BY name"


@pytest.fixture
def connection(database_address: str) -> Iterator[PooledConnection]:
    taken = Pool(database_address, size=1, role=SERVER_ROLE, statement_timeout_ms=5_000).take()
    yield taken
    taken.disconnect()


def ask(connection: PooledConnection, sql: str, parameters: kept.Parameters = ()) -> list[message.Row]:
    return message._execute_kept(connection, "SELECT set_config('oneo.tenant', '', true)", sql, parameters)


def planned(connection: PooledConnection) -> list[str]:
    return [row[0] for row in message.execute(connection, NAMES)]


def test_what_is_asked_often_enough_is_kept(connection: PooledConnection) -> None:
    for number in range(AFTER):
        assert ask(connection, "SELECT %s::int + 1", (number,)) == [(number + 1,)]
    assert planned(connection) == []
    for value in (7, None, 41):
        assert ask(connection, "SELECT %s::int + 1", (value,)) == [(None if value is None else value + 1,)]
    assert len(planned(connection)) == 1


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT %s || '%%' || %s", ("a", "b")),
        ("SELECT %(a)s || %(b)s || %(a)s", {"b": "two", "a": "one", "c": "not asked for"}),
        ("SELECT ARRAY(SELECT unnest(%s::text[]) ORDER BY 1)", (["b", "a"],)),
        ("SELECT %s::uuid[]::text", ([str(SOME_ID), str(SOME_ID)],)),
        ("SELECT %s::text[]", (['a "quoted\\" one', "", None, "NULL", "{a,b}", "it's"],)),
        ("SELECT %s::int[]", ([1, -2],)),
        ("SELECT %s::int[]", ([],)),
        ("SELECT '50' || chr(37)", ()),
        ("SELECT %s::jsonb->>'k'", ('{"k": "it\u0027s"}',)),
    ],
)  # fmt: skip
def test_a_kept_statement_says_the_same(
    connection: PooledConnection, sql: str, parameters: kept.Parameters
) -> None:  # fmt: skip
    answers = [ask(connection, sql, parameters) for _ in range(AFTER + 3)]
    assert answers == [answers[0]] * len(answers)
    assert len(planned(connection)) == 1


def test_no_more_are_kept_than_a_connection_has_room_for(connection: PooledConnection) -> None:
    for number in range(MOST + 5):
        for _ in range(AFTER + 1):
            assert ask(connection, f"SELECT {number} + %s", (1,)) == [(number + 1,)]
    assert len(planned(connection)) == MOST


def test_a_statement_that_cannot_be_planned_without_its_values_is_sent_as_it_is(connection: PooledConnection) -> None:
    for _ in range(AFTER + 3):
        assert ask(connection, "SELECT jsonb_build_object('a', %s)", (1,)) == [({"a": 1},)]
    assert planned(connection) == []


def test_a_plan_whose_result_has_changed_is_thrown_away(connection: PooledConnection) -> None:
    message.execute(connection, "CREATE TEMP TABLE things AS SELECT 1 AS a")
    for _ in range(AFTER + 1):
        assert ask(connection, "SELECT * FROM things") == [(1,)]
    message.execute(connection, "ALTER TABLE things ADD COLUMN b int DEFAULT 2")
    assert ask(connection, "SELECT * FROM things") == [(1, 2)]
    message.execute(connection, "DEALLOCATE ALL")
    assert ask(connection, "SELECT * FROM things") == [(1, 2)]


def test_behind_a_pooler_nothing_is_kept(connection: PooledConnection) -> None:
    connection.kept = KeptStatements(off=True)
    for _ in range(AFTER + 3):
        assert ask(connection, "SELECT %s::int", (1,)) == [(1,)]
    assert planned(connection) == []


def test_a_fault_leaves_the_statement_as_it_was(connection: PooledConnection) -> None:
    for _ in range(AFTER + 1):
        ask(connection, "SELECT 1 / %s", (1,))
    with pytest.raises(psycopg2.errors.DivisionByZero):
        ask(connection, "SELECT 1 / %s", (0,))
    assert ask(connection, "SELECT 1 / %s", (1,)) == [(1,)]


def test_a_kept_plan_belongs_to_no_tenant(app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    """Threat 1: the setting of each message decides, and so does the caller's gate."""
    with app.app_context():
        ours, theirs = actor_of(tenant), actor_of(other)
        for _ in range(AFTER + 3):
            for actor in (ours, theirs):
                found = message.read(actor, "SELECT email FROM users WHERE NOT is_system", keep=True).rows
                assert found == [(f"admin@{(tenant if actor is ours else other).slug.replace('_', '-')}.example",)]


def test_records_are_read_and_written_alike_with_kept_statements(api: Api) -> None:
    deals(api)
    for number in range(3 * AFTER):
        made = record(api, "deals", {"name": f"It's {number}%", "amount": number})
        assert made["title"] == f"It's {number}%"
        assert api.get(f"/records/{made['id']}/").json == made
        changed = api.patch(f"/records/{made['id']}/", {"data": {"amount": None, "stage": "won"}}).json
        assert changed["data"] == {"name": f"It's {number}%", "stage": "won"}
        assert api.get("/pipelines/deals/records/").json["count"] == number + 1
