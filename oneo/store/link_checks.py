"""SQL that finds what relationships would break: duplicates, and the constraints of their types.

What it finds is true when all of `prepared` is written, or nothing. Each piece gives (n, code, rule, kind, at, detail).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_sight import ids_sql
from oneo.store.records import literal

OTHER = {"source": "target", "target": "source"}
_THERE = "coalesce({x}.deleted_at, 'infinity') = 'infinity' AND NOT {x}.is_dormant"
"""Not `IS NULL`: before a table has statistics PostgreSQL takes that for rare, and reads all such rows for each."""
STANDS = f"{{x}}.status = 'ACTIVE' AND {_THERE}"
COLUMNS = "n, code, rule, kind, at, detail"
_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
_NOT_CHANGING = "{x}.id <> ALL((SELECT coalesce(array_agg(p.id), '{{}}') FROM prepared p)::uuid[])"
_WINDOW = "SELECT x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi"


@dataclass(frozen=True, slots=True)
class Rules:
    """What relationships of some types have to keep to; `types` are all of the tenant, since those of one ask about
    others. `changing`: the relationships in question are there already, and are not to be counted as they were.
    """

    asked: frozenset[UUID]
    types: tuple[TypeShape, ...]
    changing: bool = False

    @property
    def constrained(self) -> frozenset[UUID]:
        """The asked types of which a constraint speaks, so that who writes them must be alone at their records."""
        return (
            frozenset(
                type_id for found in self.types for rule in found.constraints for type_id in _concerned(found, rule)
            )
            & self.asked
        )

    @property
    def needed(self) -> frozenset[UUID]:
        """The asked types whose relationships may not just end."""
        return (
            frozenset(
                required or found.id
                for found in self.types
                for rule in found.constraints
                if (required := _required(rule)) or _has_least(rule)
            )
            & self.asked
        )

    @property
    def hierarchies(self) -> frozenset[UUID]:
        """The asked types of which only one may be written at a time."""
        return (
            frozenset(found.id for found in self.types for rule in found.constraints if rule.kind == "HIERARCHY")
            & self.asked
        )

    def of_wanted(self) -> Iterator[str]:
        """What those break that would stand."""
        yield self._duplicates()
        yield _twins()
        for found in self.types:
            for rule in found.constraints:
                yield from self._broken(found, rule)

    def of_leaving(self) -> Iterator[str]:
        """What those break that end: others that need them, and numbers that must not be gone below."""
        for found in self.types:
            for rule in found.constraints:
                required = _required(rule)
                if required in self.asked and required is not None:
                    yield self._abandoned(found, rule, required)
                if _has_least(rule) and found.id in self.asked:
                    yield self._too_few(found, rule)

    def _broken(self, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
        if not _concerned(found, rule) & self.asked:
            return
        match rule.kind:
            case "CARDINALITY" if rule.most is not None:
                yield self._crowded(rule, [found.id], rule.options.get("per", "source"), rule.most)
            case "EXCLUSIVITY":
                yield self._crowded(rule, _together(found, rule), rule.options.get("per", "source"), 1)
            case "DEPENDENCY" if found.id in self.asked:
                yield from self._lacking(found, rule)
            case "HIERARCHY":
                yield from self._misplaced(found, rule)

    # -- pieces ------------------------------------------------------------------------------------------------------

    def _present(self, test: str, *, stands: str = STANDS) -> str:
        """Relationships `x` that are there and stay as they are."""
        unchanged = f" AND {_NOT_CHANGING.format(x='x')}" if self.changing else ""
        return f"relationships x WHERE x.tenant_id = %(tenant)s AND {test} AND {stands.format(x='x')}{unchanged}"

    def _duplicates(self) -> str:
        live = f"{{x}}.status IN ('ACTIVE', 'PENDING') AND {_THERE}"
        same = (
            f"x.source_id = w.source_id AND x.target_id = w.target_id AND x.type_id = w.type_id AND {_meets('x', 'w')}"
        )
        turned = (
            "x.source_id = w.target_id AND x.target_id = w.source_id AND x.type_id = w.type_id "
            f"AND (x.is_bidirectional OR w.is_bidirectional) AND {_meets('x', 'w')}"
        )
        found = " UNION ALL ".join(f"SELECT x.id FROM {self._present(test, stands=live)}" for test in (same, turned))
        return (
            "SELECT w.n, 'DUPLICATE_RELATIONSHIP', NULL::uuid, NULL::text, 'pair', "
            f"jsonb_build_object('relationship_id', o.id) FROM wanted w CROSS JOIN LATERAL ({found} LIMIT 1) o"
        )

    def _crowded(self, rule: ConstraintShape, types: Iterable[UUID], per: str, most: int) -> str:
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
            places = (
                f"SELECT w.{per}_id AS at, {_NIL} AS beside UNION SELECT w.{back}_id, {_NIL} WHERE w.is_bidirectional"
            )
            ways = [f"x.{per}_id = d.at", f"x.{back}_id = d.at AND x.is_bidirectional AND x.source_id <> x.target_id"]
        same = f"x.{of}{_ends('x', rule)} AND {_meets('x', 'd')}"
        present = " UNION ALL ".join(f"{_WINDOW} FROM {self._present(f'{way} AND {same}')}" for way in ways)
        return f"""SELECT v.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, '{rule.kind}', '{per}',
            jsonb_build_object('max', {most:d}, 'present', v.most - 1) FROM (
        WITH counted AS MATERIALIZED (
            SELECT w.n, w.lo, w.hi, s.at, s.beside FROM standing w CROSS JOIN LATERAL ({places}) s
            WHERE w.status = 'ACTIVE' AND w.{of}{_ends("w", rule)}
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

    def _lacking(self, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
        """Without what they depend on."""
        head = (
            f"SELECT w.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', "
            "'{at}', jsonb_build_object({detail}) FROM wanted w"
        )
        of = f"WHERE w.status = 'ACTIVE' AND w.type_id = '{found.id}'{_ends('w', rule)}"
        required = _required(rule)
        if required is not None:
            detail = f"'requires', '{required}', 'where', '{rule.options.get('where', 'pair')}'"
            yield f"{head.format(at='requires', detail=detail)} {of} AND NOT {self._covered(rule, required, 'w')}"
        for end in OTHER:
            status = rule.options.get(f"{end}_status")
            if status is not None:
                detail = f"'status', {literal(status)}::text"
                yield (
                    f"{head.format(at=f'{end}_status', detail=detail)} {of} "
                    f"AND w.{end}_status IS DISTINCT FROM {literal(status)}"
                )

    def _covered(self, rule: ConstraintShape, required: UUID, row: str) -> str:
        """That what a relationship needs is there from its `lo` until its `hi`, be it one after the other."""
        of = f"type_id = '{required}' AND {_meets('x', row)}"
        tests = _matches(rule, "x", row, "x")
        there = [f"{_WINDOW} FROM {self._present(f'{test} AND x.{of}')}" for test in tests] + [
            f"SELECT x.lo, x.hi FROM standing x WHERE x.status = 'ACTIVE' AND x.type_id = '{required}' AND {test}"
            for test in tests
        ]
        return (
            f"coalesce((SELECT range_agg(tstzrange(q.lo, q.hi)) @> tstzrange({row}.lo, {row}.hi) "
            f"FROM ({' UNION ALL '.join(there)}) q), false)"
        )

    def _misplaced(self, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
        """In a circle, under a second parent, or too deep."""
        parent = rule.options.get("parent", "source")
        child = OTHER[parent]
        if rule.options.get("single_parent", True):
            yield self._crowded(rule, [found.id], child, 1)
        most = rule.options.get("max_depth")
        deep = down = ""
        if most:
            down = f", down AS ({self._walk(found, rule, child, parent)})"
            deep = f"""UNION ALL SELECT s.n, 'CONSTRAINT_VIOLATION', 'max_depth',
                jsonb_build_object('max', {most:d}, 'depth', s.depth) FROM (
                    SELECT u.n, max(u.depth + 1 + d.depth) AS depth
                    FROM up u JOIN down d ON d.n = u.n AND d.lo < u.hi AND d.hi > u.lo
                    GROUP BY u.n HAVING NOT bool_or(u.node = u.goal)) s
                WHERE s.depth > {most:d}"""
        yield f"""SELECT h.n, h.code, '{rule.id}'::uuid, 'HIERARCHY', h.at, h.detail FROM (
        WITH RECURSIVE up AS ({self._walk(found, rule, parent, child)}){down}
        SELECT DISTINCT u.n, 'CIRCULAR_RELATIONSHIP' AS code, 'pair' AS at, '{{}}'::jsonb AS detail
        FROM up u WHERE u.node = u.goal
        {deep}) h"""

    def _walk(self, found: TypeShape, rule: ConstraintShape, ahead: str, behind: str) -> str:
        """From one end of each wanted relationship on, as far as there is a moment at which all of the way stands, and
        not beyond its other end. Steps are counted only where too many are too many: in a circle they have no end.
        """
        name = "up" if ahead == rule.options.get("parent", "source") else "down"
        of = f"type_id = '{found.id}'"
        most = rule.options.get("max_depth")
        counted = ("u.depth + 1", f" AND u.depth <= {most:d}") if most else ("0", "")
        step = (
            f"SELECT x.{ahead}_id AS next, x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi "
            f"FROM {self._present(f'x.{behind}_id = u.node AND x.{of}' + _ends('x', rule))} UNION ALL "
            f"SELECT v.{ahead}_id, v.lo, v.hi FROM standing v WHERE v.status = 'ACTIVE' AND v.{of} "
            f"AND v.{behind}_id = u.node{_ends('v', rule)}"
        )
        return f"""SELECT w.n, w.{behind}_id AS goal, w.{ahead}_id AS node, w.lo, w.hi, 0 AS depth FROM wanted w
            WHERE w.status = 'ACTIVE' AND w.{of}{_ends("w", rule)}
            UNION SELECT u.n, u.goal, s.next, greatest(u.lo, s.lo), least(u.hi, s.hi), {counted[0]}
            FROM {name} u CROSS JOIN LATERAL ({step}) s
            WHERE s.lo < u.hi AND s.hi > u.lo AND u.node <> u.goal{counted[1]}"""

    def _abandoned(self, found: TypeShape, rule: ConstraintShape, required: UUID) -> str:
        """Dependents that would not have what they need for a part of the time that it leaves."""
        ends = "x.id, x.source_id, x.target_id"
        meets = _meets("x", "o")
        of = f"x.type_id = '{found.id}'{_ends('x', rule)}"
        dependents = " UNION ".join(
            f"SELECT {ends}, x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi "
            f"FROM {self._present(f'{test} AND {of} AND {meets}')} UNION "
            f"SELECT {ends}, x.lo, x.hi FROM standing x "
            f"WHERE x.status = 'ACTIVE' AND {test} AND {of} AND x.lo < o.hi AND x.hi > o.lo"
            for test in _matches(rule, "o", "x", "o")
        )
        return (
            f"SELECT o.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', 'dependents', "
            f"jsonb_build_object('relationship_id', min(d.id::text)) FROM leaving o CROSS JOIN LATERAL ("
            f"SELECT y.id, y.source_id, y.target_id, greatest(y.lo, o.lo) AS lo, least(y.hi, o.hi) AS hi "
            f"FROM ({dependents}) y) d "
            f"WHERE o.type_id = '{required}' AND NOT {self._covered(rule, required, 'd')} GROUP BY o.n"
        )

    def _too_few(self, found: TypeShape, rule: ConstraintShape) -> str:
        """Less than so many at a moment, from now on, at which one leaves."""
        per = rule.options.get("per", "source")
        back = OTHER[per]
        of = f"type_id = '{found.id}'"
        at = {x: f"({x}.{per}_id = s.at OR ({x}.is_bidirectional AND {x}.{back}_id = s.at))" for x in ("p", "w")}
        same = f"x.{of} AND {_meets('x', 'o')}{_ends('x', rule)}"
        kept = "".join(
            f"SELECT x.id, x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi "
            f"FROM {self._present(f'{way} AND {same}')} UNION "
            for way in (f"x.{per}_id = s.at", f"x.{back}_id = s.at AND x.is_bidirectional")
        )
        kept += (
            "SELECT p.id, p.lo, p.hi FROM standing p "
            f"WHERE p.status = 'ACTIVE' AND p.{of} AND {at['p']}{_ends('p', rule)}"
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
            WHERE o.{of}{_ends("o", rule)} AND s.at <> ALL(%(gone)s::uuid[]) AND q.running < {rule.least:d}
            AND q.moment >= greatest(o.lo, now()) AND q.moment < o.hi
            AND (w.n IS NULL OR q.moment < w.lo OR q.moment >= w.hi) GROUP BY o.n"""


def _twins() -> str:
    """Later ones in the same call that are as earlier ones are, and those that are as one that stays so is."""
    return """SELECT DISTINCT w.n, 'DUPLICATE_RELATIONSHIP', NULL::uuid, NULL::text, 'pair', '{}'::jsonb
        FROM wanted w JOIN standing v ON v.type_id = w.type_id AND v.n <> w.n
            AND (v.n < w.n OR v.n NOT IN (SELECT n FROM wanted))
            AND least(v.source_id, v.target_id) = least(w.source_id, w.target_id)
            AND greatest(v.source_id, v.target_id) = greatest(w.source_id, w.target_id)
            AND (v.source_id = w.source_id OR v.is_bidirectional OR w.is_bidirectional)
            AND v.lo < w.hi AND v.hi > w.lo"""


def _concerned(found: TypeShape, rule: ConstraintShape) -> set[UUID]:
    """Types whose relationships can break the constraint, by coming or by going."""
    required = _required(rule)
    return _together(found, rule) | ({required} if required else set())


def _together(found: TypeShape, rule: ConstraintShape) -> set[UUID]:
    return {found.id, *(UUID(name) for name in rule.options.get("types", ()))}


def _has_least(rule: ConstraintShape) -> bool:
    return rule.kind == "CARDINALITY" and rule.is_required and rule.least > 0


def _required(rule: ConstraintShape) -> UUID | None:
    name = rule.options.get("requires") if rule.kind == "DEPENDENCY" else None
    return UUID(name) if name else None


def _meets(row: str, other: str) -> str:
    """That there is a moment at which both stand; the first as it is stored."""
    return f"{row}.effective_from < {other}.hi AND coalesce({row}.effective_until, 'infinity') > {other}.lo"


def _ends(row: str, rule: ConstraintShape) -> str:
    """That the constraint counts a relationship between these records."""
    tests = [
        f"{row}.{end}_pipeline_id = '{found}'"
        for end, found in (("source", rule.source_id), ("target", rule.target_id))
        if found
    ]
    if rule.options.get("targets"):
        tests.append(f"{row}.target_id = ANY({ids_sql(UUID(name) for name in rule.options['targets'])})")
    return "".join(f" AND {test}" for test in tests)


def _matches(rule: ConstraintShape, needed: str, needing: str, turnable: str) -> list[str]:
    """How the needed relationship lies to the one that needs it: as it is, or turned round where it goes both ways."""
    ways: list[tuple[str, ...]]
    match rule.options.get("where", "pair"):
        case "pair":
            ways = [("source", "source", "target", "target"), ("target", "source", "source", "target")]
        case "reversed":
            ways = [("target", "source", "source", "target"), ("source", "source", "target", "target")]
        case "source":
            ways = [("source", "source"), ("target", "source")]
        case _:
            ways = [("target", "target"), ("source", "target")]
    tests = [
        " AND ".join(f"{needed}.{way[at]}_id = {needing}.{way[at + 1]}_id" for at in range(0, len(way), 2))
        for way in ways
    ]
    return [f"({tests[0]})", f"({turnable}.is_bidirectional AND {tests[1]})"]
