"""What PostgreSQL itself says about a database: the truth that migrations and models are held against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

_SHAPE = {
    "columns": """
        SELECT c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
               format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attacl::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "policies": "SELECT tablename, policyname, cmd, roles::text, qual, with_check FROM pg_policies",
    "tables": """
        SELECT relname, relrowsecurity, relforcerowsecurity, reloptions::text, relacl::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'""",
    "functions": """
        SELECT proname, pg_get_functiondef(oid), proacl::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace""",
    "views": """
        SELECT relname, reloptions::text, relacl::text, pg_get_viewdef(oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'""",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}


@contextmanager
def connected(address: str) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(address)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def rows(connection: psycopg2.extensions.connection, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def shape(address: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that migrations make, in an order of its own."""
    with connected(address) as connection:
        return {name: sorted(rows(connection, sql), key=repr) for name, sql in _SHAPE.items()}
