"""Hierarchies of relationships: nobody is above himself, has a second parent or stands too deep."""

from __future__ import annotations

from collections.abc import Iterator

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_crowds import crowded
from oneo.store.link_terms import OTHER, SPAN, Look, ends
from oneo.store.many import MANY

_MEANWHILE = (
    "x.effective_from < (SELECT max(hi) FROM wanted) "
    "AND coalesce(x.effective_until, 'infinity') > (SELECT min(lo) FROM wanted)"
)
"""While any of those in question stands."""


def misplaced(look: Look, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
    """In a circle, under a second parent, or too deep."""
    parent = rule.options.get("parent", "source")
    child = OTHER[parent]
    if rule.options.get("single_parent", True):
        yield crowded(look, rule, [found.id], child, 1)
    most = rule.options.get("max_depth")
    walks, deep = [*_near(look, found, rule, "up", parent), _walk(found, rule, "up", parent)], ""
    if most:
        walks += [*_near(look, found, rule, "down", child), _walk(found, rule, "down", child)]
        deep = f"""UNION ALL SELECT s.n, 'CONSTRAINT_VIOLATION', 'max_depth',
            jsonb_build_object('max', {most:d}, 'depth', s.depth) FROM (
                SELECT u.n, max(u.depth + 1 + d.depth) AS depth
                FROM ({_deepest("up")}) u JOIN ({_deepest("down")}) d ON d.n = u.n AND d.lo < u.hi AND d.hi > u.lo
                GROUP BY u.n HAVING NOT bool_or(u.met)) s
            WHERE s.depth > {most:d}"""
    yield f"""SELECT h.n, h.code, '{rule.id}'::uuid, 'HIERARCHY', h.at, h.detail FROM (
    WITH RECURSIVE {", ".join(walks)}
    SELECT DISTINCT u.n, 'CIRCULAR_RELATIONSHIP' AS code, 'pair' AS at, '{{}}'::jsonb AS detail
    FROM up u WHERE u.node = u.goal
    {deep}) h"""


def both_ways(found: TypeShape, rule: ConstraintShape) -> str:
    """What would be above and below itself."""
    return (
        f"SELECT p.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'HIERARCHY', 'one_way', '{{}}'::jsonb FROM prepared p "
        f"WHERE p.type_id = '{found.id}' AND p.is_bidirectional"
    )


def _near(look: Look, found: TypeShape, rule: ConstraintShape, way: str, ahead: str) -> tuple[str, str]:
    """Records that stored relationships lead to from those in question, each looked up once however many come by it,
    and the steps between them all.
    """
    behind, of = OTHER[ahead], f"type_id = '{found.id}'"
    stored = look.there(f"x.{behind}_id = u.node AND x.{of}{ends('x', rule)} AND {_MEANWHILE}")
    standing = f"standing v WHERE v.status = 'ACTIVE' AND v.{of}{ends('v', rule)}"
    step = f"CROSS JOIN LATERAL (SELECT x.{ahead}_id AS next, {SPAN} FROM {stored} OFFSET 0) s"
    return (
        f"""{way}_near AS (SELECT e.node FROM (SELECT v.* FROM {standing}) v
            CROSS JOIN LATERAL (VALUES (v.source_id), (v.target_id)) e(node)
            UNION SELECT s.next FROM {way}_near u {step})""",
        f"""{way}_steps AS MATERIALIZED (SELECT u.node, s.next, s.lo, s.hi FROM {way}_near u {step}
            UNION ALL SELECT v.{behind}_id, v.{ahead}_id, v.lo, v.hi FROM {standing})""",
    )


def _walk(found: TypeShape, rule: ConstraintShape, way: str, ahead: str) -> str:
    """From one end of each wanted relationship on, as far as there is a moment at which all of the way stands, and
    not beyond its other end. Steps are counted only where too many are too many: in a circle they have no end.
    As MANY the steps are hashed, and not gone through again at each level.
    """
    behind, most = OTHER[ahead], rule.options.get("max_depth")
    counted = ("u.depth + 1", f" AND u.depth <= {most:d}") if most else ("0", "")
    return f"""{way} AS (SELECT w.n, w.{behind}_id AS goal, w.{ahead}_id AS node, w.lo, w.hi, 0 AS depth
        FROM wanted w{MANY} WHERE w.status = 'ACTIVE' AND w.type_id = '{found.id}'{ends("w", rule)}
        UNION SELECT u.n, u.goal, s.next, greatest(u.lo, s.lo), least(u.hi, s.hi), {counted[0]}
        FROM {way} u JOIN {way}_steps s ON s.node = u.node AND s.lo < u.hi AND s.hi > u.lo
        WHERE u.node <> u.goal{counted[1]})"""


def _deepest(way: str) -> str:
    """How far it is at most in each span of time, and whether it comes round."""
    return (
        f"SELECT w.n, w.lo, w.hi, max(w.depth) AS depth, bool_or(w.node = w.goal) AS met FROM {way} w GROUP BY 1, 2, 3"
    )
