"""What relationships need, and what needs them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_terms import OTHER, WINDOW, Look, ends, matches, meets, needed_type
from oneo.store.records import literal


def lacking(look: Look, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
    """Without what they depend on."""
    head = (
        f"SELECT w.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', "
        "'{at}', jsonb_build_object({detail}) FROM wanted w"
    )
    of = f"WHERE w.status = 'ACTIVE' AND w.type_id = '{found.id}'{ends('w', rule)}"
    required = needed_type(rule)
    if required is not None:
        detail = f"'requires', '{required}', 'where', '{rule.options.get('where', 'pair')}'"
        yield f"{head.format(at='requires', detail=detail)} {of} AND NOT {_covered(look, rule, required, 'w')}"
    for end in OTHER:
        status = rule.options.get(f"{end}_status")
        if status is not None:
            detail = f"'status', {literal(status)}::text"
            yield (
                f"{head.format(at=f'{end}_status', detail=detail)} {of} "
                f"AND w.{end}_status IS DISTINCT FROM {literal(status)}"
            )


def _covered(look: Look, rule: ConstraintShape, required: UUID, row: str) -> str:
    """That what a relationship needs is there from its `lo` until its `hi`, be it one after the other."""
    of = f"type_id = '{required}' AND {meets('x', row)}"
    tests = matches(rule, "x", row, "x")
    there = [f"{WINDOW} FROM {look.there(f'{test} AND x.{of}')}" for test in tests] + [
        f"SELECT x.lo, x.hi FROM standing x WHERE x.status = 'ACTIVE' AND x.type_id = '{required}' AND {test}"
        for test in tests
    ]
    return (
        f"coalesce((SELECT range_agg(tstzrange(q.lo, q.hi)) @> tstzrange({row}.lo, {row}.hi) "
        f"FROM ({' UNION ALL '.join(there)}) q), false)"
    )


def abandoned(look: Look, found: TypeShape, rule: ConstraintShape, required: UUID) -> str:
    """Dependents that would not have what they need for a part of the time that it leaves."""
    pair = "x.id, x.source_id, x.target_id"
    of = f"x.type_id = '{found.id}'{ends('x', rule)}"
    meeting = meets("x", "o")
    dependents = " UNION ".join(
        f"SELECT {pair}, x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi "
        f"FROM {look.there(f'{test} AND {of} AND {meeting}')} UNION "
        f"SELECT {pair}, x.lo, x.hi FROM standing x "
        f"WHERE x.status = 'ACTIVE' AND {test} AND {of} AND x.lo < o.hi AND x.hi > o.lo"
        for test in matches(rule, "o", "x", "o")
    )
    return (
        f"SELECT o.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', 'dependents', "
        f"jsonb_build_object('relationship_id', min(d.id::text)) FROM leaving o CROSS JOIN LATERAL ("
        f"SELECT y.id, y.source_id, y.target_id, greatest(y.lo, o.lo) AS lo, least(y.hi, o.hi) AS hi "
        f"FROM ({dependents}) y) d "
        f"WHERE o.type_id = '{required}' AND NOT {_covered(look, rule, required, 'd')} GROUP BY o.n"
    )
