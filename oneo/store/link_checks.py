"""SQL that finds what relationships would break: duplicates, and the constraints of their types. It asks the CTEs
`prepared` (as they would be), `wanted` (of those, the ones that would stand or wait) and `leaving` (as they stood until
they end or shrink); each piece gives (n, code, rule, kind, at, detail)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_sight import ids_sql
from oneo.store.records import literal

OTHER = {"source": "target", "target": "source"}
STANDS = "{x}.status = 'ACTIVE' AND {x}.deleted_at IS NULL AND NOT {x}.is_dormant"
COLUMNS = "n, code, rule, kind, at, detail"
_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
_NOT_CHANGING = "{x}.id <> ALL((SELECT coalesce(array_agg(p.id), '{{}}') FROM prepared p)::uuid[])"
_WINDOW = "SELECT x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi"
_MOST_STEPS = 1_000
"""Upwards or downwards in a hierarchy."""


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
                if rule.kind == "DEPENDENCY" and _required(rule) in self.asked:
                    yield self._abandoned(found, rule)
                if rule.kind == "CARDINALITY" and rule.is_required and rule.least > 0 and found.id in self.asked:
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
        live = "{x}.status IN ('ACTIVE', 'PENDING') AND {x}.deleted_at IS NULL AND NOT {x}.is_dormant"
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
        at, beside = ("source_id", "target_id") if per == "pair" else (f"{per}_id", _NIL)
        back, behind = ("target_id", "source_id") if per == "pair" else (f"{OTHER[per]}_id", _NIL)

        def place(row: str, column: str) -> str:
            return column if column == _NIL else f"{row}.{column}"

        def present(one: str, two: str, more: str) -> str:
            second = "" if two == _NIL else f" AND x.{two} = d.beside"
            test = f"x.{one} = d.at{second} AND x.{of}{_ends('x', rule)}{more}"
            return f"{_WINDOW} FROM {self._present(test)}"

        turned = " AND x.is_bidirectional AND x.source_id <> x.target_id"
        return f"""SELECT v.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, '{rule.kind}', '{per}',
            jsonb_build_object('max', {most:d}, 'present', v.most - 1) FROM (
        WITH subjects AS MATERIALIZED (
            SELECT w.n, w.lo, w.hi, s.at, s.beside FROM wanted w CROSS JOIN LATERAL (
                SELECT {place("w", at)} AS at, {place("w", beside)} AS beside
                UNION SELECT {place("w", back)}, {place("w", behind)} WHERE w.is_bidirectional) s
            WHERE w.status = 'ACTIVE' AND w.{of}{_ends("w", rule)}
        ), links AS (
            SELECT d.at, d.beside, x.lo, x.hi FROM (SELECT DISTINCT at, beside FROM subjects) d CROSS JOIN LATERAL (
                {present(at, beside, "")} UNION ALL {present(back, behind, turned)}) x
            UNION ALL SELECT at, beside, lo, hi FROM subjects
        ), points AS (
            SELECT l.at, l.beside, e.moment, e.step, sum(e.step) OVER (
                PARTITION BY l.at, l.beside ORDER BY e.moment, e.step ROWS UNBOUNDED PRECEDING) AS running
            FROM links l CROSS JOIN LATERAL (VALUES (l.lo, 1), (l.hi, -1)) e(moment, step)
        )
        SELECT s.n, max(p.running) AS most FROM subjects s
        JOIN points p ON p.at = s.at AND p.beside = s.beside AND p.step = 1 AND p.moment >= s.lo AND p.moment < s.hi
        GROUP BY s.n HAVING max(p.running) > {most:d}) v"""

    def _lacking(self, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
        """Without what they depend on."""
        head = (
            f"SELECT w.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', "
            "'{at}', jsonb_build_object({detail}) FROM wanted w"
        )
        of = f"WHERE w.status = 'ACTIVE' AND w.type_id = '{found.id}'{_ends('w', rule)}"
        required = _required(rule)
        if required is not None:
            covering = (
                "x.effective_from <= w.lo AND coalesce(x.effective_until, 'infinity') >= w.hi "
                f"AND x.type_id = '{required}'"
            )
            tests = [
                f"EXISTS (SELECT FROM {self._present(f'{test} AND {covering}')})"
                for test in _matches(rule, "x", "w", "x")
            ]
            detail = f"'requires', '{required}', 'where', '{rule.options.get('where', 'pair')}'"
            yield f"{head.format(at='requires', detail=detail)} {of} AND NOT ({' OR '.join(tests)})"
        for end in OTHER:
            status = rule.options.get(f"{end}_status")
            if status is not None:
                detail = f"'status', {literal(status)}::text"
                yield (
                    f"{head.format(at=f'{end}_status', detail=detail)} {of} "
                    f"AND w.{end}_status IS DISTINCT FROM {literal(status)}"
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
                    SELECT u.n, max(u.depth) + 1 + (SELECT max(d.depth) FROM down d WHERE d.n = u.n) AS depth
                    FROM up u GROUP BY u.n) s
                WHERE s.depth > {most:d}"""
        yield f"""SELECT h.n, h.code, '{rule.id}'::uuid, 'HIERARCHY', h.at, h.detail FROM (
        WITH RECURSIVE up AS ({self._walk(found, rule, parent, child)}){down}
        SELECT DISTINCT u.n, 'CIRCULAR_RELATIONSHIP' AS code, 'pair' AS at, '{{}}'::jsonb AS detail
        FROM up u JOIN wanted w ON w.n = u.n AND u.node = w.{child}_id
        {deep}) h"""

    def _walk(self, found: TypeShape, rule: ConstraintShape, ahead: str, behind: str) -> str:
        """From one end of each wanted relationship on, as far as there is a moment at which all of the way stands."""
        name = "up" if ahead == rule.options.get("parent", "source") else "down"
        of = f"type_id = '{found.id}'"
        step = (
            f"SELECT x.{ahead}_id AS next, x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi "
            f"FROM {self._present(f'x.{behind}_id = u.node AND x.{of}' + _ends('x', rule))} UNION ALL "
            f"SELECT v.{ahead}_id, v.lo, v.hi FROM wanted v WHERE v.status = 'ACTIVE' AND v.{of} "
            f"AND v.{behind}_id = u.node{_ends('v', rule)}"
        )
        return f"""SELECT w.n, w.{ahead}_id AS node, w.lo, w.hi, 0 AS depth FROM wanted w
            WHERE w.status = 'ACTIVE' AND w.{of}{_ends("w", rule)}
            UNION SELECT u.n, s.next, greatest(u.lo, s.lo), least(u.hi, s.hi), u.depth + 1
            FROM {name} u CROSS JOIN LATERAL ({step}) s WHERE s.lo < u.hi AND s.hi > u.lo AND u.depth < {_MOST_STEPS}"""

    def _abandoned(self, found: TypeShape, rule: ConstraintShape) -> str:
        """Dependents of which nothing that they need is left."""
        required = _required(rule)
        dependents = " UNION ".join(
            f"SELECT x.* FROM {self._present(f'{test} AND x.type_id = %s' % repr(str(found.id)) + _ends('x', rule))} "
            f"AND {_meets('x', 'o')}"
            for test in _matches(rule, "o", "x", "o")
        )
        covers = "{q}.lo <= d.effective_from AND {q}.hi >= coalesce(d.effective_until, 'infinity')"
        left = [
            f"EXISTS (SELECT FROM ({_WINDOW}, x.* FROM "
            f"{self._present(f'x.type_id = {str(required)!r}')}) q WHERE {test} AND {covers.format(q='q')})"
            for test in _matches(rule, "q", "d", "q")
        ] + [
            f"EXISTS (SELECT FROM prepared q WHERE q.status = 'ACTIVE' AND q.type_id = '{required}' AND {test} "
            f"AND {covers.format(q='q')})"
            for test in _matches(rule, "q", "d", "q")
        ]
        return (
            f"SELECT o.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'DEPENDENCY', 'dependents', "
            f"jsonb_build_object('relationship_id', min(d.id::text)) "
            f"FROM leaving o CROSS JOIN LATERAL ({dependents}) d "
            f"WHERE o.type_id = '{required}' AND NOT ({' OR '.join(left)}) GROUP BY o.n"
        )

    def _too_few(self, found: TypeShape, rule: ConstraintShape) -> str:
        per = rule.options.get("per", "source")
        back = OTHER[per]
        of = f"type_id = '{found.id}'"
        later = "coalesce(x.effective_until, 'infinity') > now()"
        turned = f"x.{back}_id = s.at AND x.is_bidirectional AND x.source_id <> x.target_id"
        left = f"""SELECT count(*) AS n FROM (
            SELECT x.id FROM {self._present(f"x.{per}_id = s.at AND x.{of} AND {later}" + _ends("x", rule))}
            UNION SELECT x.id FROM {self._present(f"{turned} AND x.{of} AND {later}" + _ends("x", rule))}
            UNION SELECT p.id FROM prepared p WHERE p.status = 'ACTIVE' AND p.{of} AND p.hi > now(){_ends("p", rule)}
                AND (p.{per}_id = s.at OR (p.is_bidirectional AND p.{back}_id = s.at))) q"""
        return f"""SELECT o.n, 'CONSTRAINT_VIOLATION', '{rule.id}'::uuid, 'CARDINALITY', '{per}',
            jsonb_build_object('min', {rule.least:d}, 'present', min(q.n)) FROM leaving o
            CROSS JOIN LATERAL (SELECT o.{per}_id AS at UNION SELECT o.{back}_id WHERE o.is_bidirectional) s
            CROSS JOIN LATERAL ({left}) q
            WHERE o.{of}{_ends("o", rule)} AND s.at <> ALL(%(gone)s::uuid[]) AND q.n < {rule.least:d} GROUP BY o.n"""


def _twins() -> str:
    """Later ones in the same call that are as earlier ones are."""
    return """SELECT DISTINCT w.n, 'DUPLICATE_RELATIONSHIP', NULL::uuid, NULL::text, 'pair', '{}'::jsonb
        FROM wanted w JOIN wanted v ON v.type_id = w.type_id AND v.n < w.n
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
