"""Hierarchies of relationships: nobody is above himself, has a second parent or stands too deep."""

from __future__ import annotations

from collections.abc import Iterator

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_crowds import crowded
from oneo.store.link_terms import OTHER, Look, ends


def misplaced(look: Look, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
    """In a circle, under a second parent, or too deep."""
    parent = rule.options.get("parent", "source")
    child = OTHER[parent]
    if rule.options.get("single_parent", True):
        yield crowded(look, rule, [found.id], child, 1)
    most = rule.options.get("max_depth")
    deep = down = ""
    if most:
        down = f", down AS ({_walk(look, found, rule, child, parent)})"
        deep = f"""UNION ALL SELECT s.n, 'CONSTRAINT_VIOLATION', 'max_depth',
            jsonb_build_object('max', {most:d}, 'depth', s.depth) FROM (
                SELECT u.n, max(u.depth + 1 + d.depth) AS depth
                FROM up u JOIN down d ON d.n = u.n AND d.lo < u.hi AND d.hi > u.lo
                GROUP BY u.n HAVING NOT bool_or(u.node = u.goal)) s
            WHERE s.depth > {most:d}"""
    yield f"""SELECT h.n, h.code, '{rule.id}'::uuid, 'HIERARCHY', h.at, h.detail FROM (
    WITH RECURSIVE up AS ({_walk(look, found, rule, parent, child)}){down}
    SELECT DISTINCT u.n, 'CIRCULAR_RELATIONSHIP' AS code, 'pair' AS at, '{{}}'::jsonb AS detail
    FROM up u WHERE u.node = u.goal
    {deep}) h"""


def both_ways(found: TypeShape, rule: ConstraintShape) -> str:
    """What would be above and below itself."""
    return (
        f"SELECT p.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'HIERARCHY', 'one_way', '{{}}'::jsonb FROM prepared p "
        f"WHERE p.type_id = '{found.id}' AND p.is_bidirectional"
    )


def _walk(look: Look, found: TypeShape, rule: ConstraintShape, ahead: str, behind: str) -> str:
    """From one end of each wanted relationship on, as far as there is a moment at which all of the way stands, and
    not beyond its other end. Steps are counted only where too many are too many: in a circle they have no end.
    """
    name = "up" if ahead == rule.options.get("parent", "source") else "down"
    of = f"type_id = '{found.id}'"
    most = rule.options.get("max_depth")
    counted = ("u.depth + 1", f" AND u.depth <= {most:d}") if most else ("0", "")
    stored = look.there(f"way.stored AND x.{behind}_id = u.node AND x.{of}{ends('x', rule)}")
    return f"""SELECT w.n, w.{behind}_id AS goal, w.{ahead}_id AS node, w.lo, w.hi, 0 AS depth
        FROM wanted w{look.many} WHERE w.status = 'ACTIVE' AND w.{of}{ends("w", rule)}
        UNION SELECT u.n, u.goal, s.next, greatest(u.lo, s.lo), least(u.hi, s.hi), {counted[0]}
        FROM {name} u CROSS JOIN (VALUES (true), (false)) way(stored)
        LEFT JOIN LATERAL (SELECT x.{ahead}_id AS next, x.effective_from AS lo,
            coalesce(x.effective_until, 'infinity') AS hi FROM {stored}) x ON true
        LEFT JOIN (SELECT v.* FROM standing v{look.many} WHERE v.status = 'ACTIVE' AND v.{of}{ends("v", rule)}) v
            ON NOT way.stored AND v.{behind}_id = u.node
        CROSS JOIN LATERAL (SELECT coalesce(x.next, v.{ahead}_id) AS next, coalesce(x.lo, v.lo) AS lo,
            coalesce(x.hi, v.hi) AS hi) s
        WHERE s.lo < u.hi AND s.hi > u.lo AND u.node <> u.goal{counted[1]}"""
