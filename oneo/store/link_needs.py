"""What relationships need, and what needs them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_terms import OTHER, SPAN, Look, ends, matches, meets, needed_type
from oneo.store.records import literal


def lacking(look: Look, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
    """Without what they depend on."""
    head = f"'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY'"
    of = f"w.status = 'ACTIVE' AND w.type_id = '{found.id}'{ends('w', rule)}"
    needed = needed_type(rule)
    if needed is not None:
        detail = f"jsonb_build_object('requires', '{needed}', 'where', '{rule.options.get('where', 'pair')}')"
        rows = f"SELECT w.n AS k, w.n, w.source_id, w.target_id, w.lo, w.hi FROM wanted w{look.many} WHERE {of}"
        yield f"SELECT n, {head}, 'requires', {detail} FROM ({_uncovered(look, rule, needed, rows)}) w"
    for end in OTHER:
        status = rule.options.get(f"{end}_status")
        if status is not None:
            yield (
                f"SELECT w.n, {head}, '{end}_status', jsonb_build_object('status', {literal(status)}::text) "
                f"FROM wanted w WHERE {of} AND w.{end}_status IS DISTINCT FROM {literal(status)}"
            )


def abandoned(look: Look, found: TypeShape, rule: ConstraintShape, needed: UUID) -> str:
    """Dependents that would not have what they need for a part of the time that it leaves."""
    of = f"x.type_id = '{found.id}'{ends('x', rule)}"
    head = (
        "SELECT o.n, x.id, x.source_id, x.target_id, greatest(x.lo, o.lo) AS lo, least(x.hi, o.hi) AS hi "
        f"FROM leaving o{look.many}"
    )
    left, together = f"o.type_id = '{needed}'", "x.lo < o.hi AND x.hi > o.lo"
    dependents: list[str] = []
    for test in matches(rule, "o", "x", "o"):
        stored = look.there(f"{test} AND {of} AND {meets('x', 'o')}")
        dependents += [
            f"{head} CROSS JOIN LATERAL (SELECT x.id, x.source_id, x.target_id, {SPAN} FROM {stored}) x WHERE {left}",
            f"{head} JOIN standing x ON {test} AND {together} WHERE {left} AND x.status = 'ACTIVE' AND {of}",
        ]
    rows = f"SELECT row_number() OVER () AS k, y.* FROM ({' UNION '.join(dependents)}) y"
    return (
        f"SELECT n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', 'dependents', "
        f"jsonb_build_object('relationship_id', min(id::text)) "
        f"FROM ({_uncovered(look, rule, needed, rows)}) d GROUP BY n"
    )


def _uncovered(look: Look, rule: ConstraintShape, needed: UUID, rows: str) -> str:
    """Those of the rows (k, source_id, target_id, lo, hi ...) for which what they need is not there all the time, be it
    one after the other.
    """
    of = f"x.type_id = '{needed}'"
    there: list[str] = []
    for test in matches(rule, "x", "d", "x"):
        stored = look.there(f"{test} AND {of} AND {meets('x', 'd')}")
        there += [
            f"SELECT d.k, x.lo, x.hi FROM needing d CROSS JOIN LATERAL (SELECT {SPAN} FROM {stored}) x",
            f"SELECT d.k, x.lo, x.hi FROM needing d JOIN standing x ON {test} WHERE x.status = 'ACTIVE' AND {of}",
        ]
    return f"""WITH needing AS MATERIALIZED ({rows})
        SELECT d.* FROM needing d LEFT JOIN (
            SELECT t.k, range_agg(tstzrange(t.lo, t.hi)) AS windows FROM ({" UNION ALL ".join(there)}) t GROUP BY t.k
        ) c USING (k) WHERE NOT coalesce(c.windows @> tstzrange(d.lo, d.hi), false)"""
