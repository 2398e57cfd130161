"""How much a statement handles, by the database's own count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo.store import message

_GATE = "WITH gate AS MATERIALIZED (SELECT 0 AS seq)"
_HANDLED = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")


def handled_rows(connection: Connection, sql: str, values: Mapping[str, Any]) -> int:
    """Does what the statement, which follows the gate, says; how many rows its steps gave on or put away."""
    [(plans,)] = message.execute(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {_GATE} {sql}", values)
    return sum(step["Actual Loops"] * sum(step.get(name, 0) for name in _HANDLED) for step in _steps(plans[0]["Plan"]))


def touched_rows(connection: Connection, sql: str, values: Mapping[str, Any]) -> int:
    """The same, and one more for each time that a scan began: a probe of an index that finds nothing costs too."""
    [(plans,)] = message.execute(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {_GATE} {sql}", values)
    return sum(
        step["Actual Loops"] * (("Scan" in step["Node Type"]) + sum(step.get(name, 0) for name in _HANDLED))
        for step in _steps(plans[0]["Plan"])
    )


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)
