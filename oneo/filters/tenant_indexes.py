"""Conditions that the GIN indexes serve. A GIN index cannot lead with the tenant as other indexes do, so the tenant is
part of each entry: in JSON as a key around the document, in words as the beginning of each word. A search then reads
entries of its own tenant alone, and takes no longer because others have the same value.

Each is asked besides the plain condition, which is what decides: the plain one comes first where no index is used.
"""

from __future__ import annotations

from oneo.filters.sql import Sql

_TENANT = "coalesce(current_setting('oneo.tenant', true), '')"


def document_of(row: str, column: str) -> str:
    """A JSON column of a row, with the tenant around it: what its index holds."""
    return f"jsonb_set('{{}}'::jsonb, ARRAY[{row}tenant_id::text], {row}{column})"


def words_of_tenant(row: str) -> str:
    """The words of a record, each of which begins with a mark of the tenant: what their index holds."""
    return f"oneo_of_tenant({row}tenant_id, {row}search)"


def contains(row: str, column: str, document: str) -> Sql:
    """The JSON column contains the document, which is given as text."""
    whole = document_of(f"{row}.", column)
    return Sql(f"({whole} @> jsonb_build_object({_TENANT}, %s::jsonb))", [document])


def matches(row: str, query: Sql) -> Sql:
    """The words of the record match the query."""
    own = f"oneo_of_tenant(nullif({_TENANT}, '')::uuid, {query.text})"
    return Sql(f"({words_of_tenant(f'{row}.')} @@ {own})", query.values)


def is_own(row: str) -> str:
    """The record is one of the tenant, asked of an index that has the tenant as an array beside the rest."""
    return f"(ARRAY[{row}.tenant_id] @> ARRAY[nullif({_TENANT}, '')::uuid])"
