"""How many there are: constraints of number, and relationships that are there already."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_sight import ids_sql
from oneo.store.link_terms import OTHER, SPAN, THERE, Look, ends, meets

_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"


def duplicates(look: Look) -> str:
    live = f"{{x}}.status IN ('ACTIVE', 'PENDING') AND {THERE}"
    same = f"x.source_id = w.source_id AND x.target_id = w.target_id AND x.type_id = w.type_id AND {meets('x', 'w')}"
    turned = (
        "x.source_id = w.target_id AND x.target_id = w.source_id AND x.type_id = w.type_id "
        f"AND (x.is_bidirectional OR w.is_bidirectional) AND {meets('x', 'w')}"
    )
    found = " UNION ALL ".join(f"SELECT x.id FROM {look.there(test, stands=live)}" for test in (same, turned))
    return (
        "SELECT w.n, 'DUPLICATE_RELATIONSHIP', NULL::uuid, NULL::text, 'pair', "
        "jsonb_build_object('relationship_id', o.id, 'type', w.type_id) "
        f"FROM wanted w CROSS JOIN LATERAL ({found} LIMIT 1) o"
    )


def twins() -> str:
    """Later ones in the same call that are as earlier ones are, and those that are as one that stays so is."""
    return """SELECT DISTINCT w.n, 'DUPLICATE_RELATIONSHIP', NULL::uuid, NULL::text, 'pair', '{}'::jsonb
        FROM wanted w JOIN standing v ON v.type_id = w.type_id AND v.n <> w.n
            AND (v.n < w.n OR v.n NOT IN (SELECT n FROM wanted))
            AND least(v.source_id, v.target_id) = least(w.source_id, w.target_id)
            AND greatest(v.source_id, v.target_id) = greatest(w.source_id, w.target_id)
            AND (v.source_id = w.source_id OR v.is_bidirectional OR w.is_bidirectional)
            AND v.lo < w.hi AND v.hi > w.lo"""


def crowded(look: Look, rule: ConstraintShape, types: Iterable[UUID], per: str, most: int) -> str:
    """More than so many at one moment, at one record or between two."""
    of = f"type_id = ANY({ids_sql(types)})"
    if per == "pair":
        places = "SELECT least(w.source_id, w.target_id) AS at, greatest(w.source_id, w.target_id) AS beside"
        ways = [
            "x.source_id = d.at AND x.target_id = d.beside",
            "x.source_id = d.beside AND x.target_id = d.at AND d.at <> d.beside",
        ]
    else:
        back = OTHER[per]
        places = f"SELECT w.{per}_id AS at, {_NIL} AS beside UNION SELECT w.{back}_id, {_NIL} WHERE w.is_bidirectional"
        ways = [f"x.{per}_id = d.at", f"x.{back}_id = d.at AND x.is_bidirectional AND x.source_id <> x.target_id"]
    same = f"x.{of}{ends('x', rule)} AND {meets('x', 'd')}"
    present = " UNION ALL ".join(f"SELECT {SPAN} FROM {look.there(f'{way} AND {same}')}" for way in ways)
    return f"""SELECT v.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, '{rule.kind}', '{per}',
        jsonb_build_object('max', {most:d}, 'present', v.most - 1) FROM (
    WITH counted AS MATERIALIZED (
        SELECT w.n, w.lo, w.hi, s.at, s.beside FROM standing w CROSS JOIN LATERAL ({places}) s
        WHERE w.status = 'ACTIVE' AND w.{of}{ends("w", rule)}
    ), subjects AS MATERIALIZED (
        SELECT c.* FROM counted c WHERE c.n IN (SELECT n FROM wanted)
    ), links AS (
        SELECT d.at, d.beside, x.lo, x.hi FROM (
            SELECT at, beside, min(lo) AS lo, max(hi) AS hi FROM subjects GROUP BY at, beside) d
        CROSS JOIN LATERAL ({present}) x
        UNION ALL SELECT at, beside, lo, hi FROM counted
    ), points AS (
        SELECT l.at, l.beside, e.moment, e.step, sum(e.step) OVER (
            PARTITION BY l.at, l.beside ORDER BY e.moment, e.step ROWS UNBOUNDED PRECEDING) AS running
        FROM links l CROSS JOIN LATERAL (VALUES (l.lo, 1), (l.hi, -1)) e(moment, step)
    ), crowds AS MATERIALIZED (
        SELECT at, beside, moment, running FROM points WHERE step = 1 AND running > {most:d}
    )
    SELECT s.n, max(p.running) AS most FROM subjects s
    JOIN crowds p ON p.at = s.at AND p.beside = s.beside AND p.moment >= s.lo AND p.moment < s.hi
    GROUP BY s.n) v"""


def too_few(look: Look, found: TypeShape, rule: ConstraintShape) -> str:
    """Less than so many at a moment, from now on, at which one leaves."""
    per = rule.options.get("per", "source")
    back = OTHER[per]
    of = f"type_id = '{found.id}'"
    at = {x: f"({x}.{per}_id = s.at OR ({x}.is_bidirectional AND {x}.{back}_id = s.at))" for x in ("p", "w")}
    same = f"x.{of} AND {meets('x', 'o')}{ends('x', rule)}"
    kept = "".join(
        f"SELECT x.id, {SPAN} FROM {look.there(f'{way} AND {same}')} UNION "
        for way in (f"x.{per}_id = s.at", f"x.{back}_id = s.at AND x.is_bidirectional")
    )
    kept += (
        f"SELECT p.id, p.lo, p.hi FROM standing p WHERE p.status = 'ACTIVE' AND p.{of} AND {at['p']}{ends('p', rule)}"
    )
    return f"""SELECT o.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'CARDINALITY', '{per}',
        jsonb_build_object('min', {rule.least:d}, 'present', min(q.running)) FROM leaving o
        CROSS JOIN LATERAL (SELECT o.{per}_id AS at UNION SELECT o.{back}_id WHERE o.is_bidirectional) s
        LEFT JOIN standing w ON w.n = o.n AND w.status = 'ACTIVE' AND {at["w"]}
        CROSS JOIN LATERAL (
            SELECT e.moment, sum(e.step) OVER (ORDER BY e.moment) AS running FROM (
                SELECT b.moment, b.step FROM ({kept}) k CROSS JOIN LATERAL (VALUES (k.lo, 1), (k.hi, -1))
                    b(moment, step)
                UNION ALL SELECT greatest(o.lo, now()), 0) e) q
        WHERE o.{of}{ends("o", rule)} AND s.at <> ALL(%(gone)s::uuid[]) AND q.running < {rule.least:d}
        AND q.moment >= greatest(o.lo, now()) AND q.moment < o.hi
        AND (w.n IS NULL OR q.moment < w.lo OR q.moment >= w.hi) GROUP BY o.n"""
