"""What checks of relationships are written in: which relationships are there, and which a constraint counts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_sight import ids_sql

OTHER = {"source": "target", "target": "source"}
THERE = "coalesce({x}.deleted_at, 'infinity') = 'infinity' AND NOT {x}.is_dormant"
"""Not `IS NULL`: before a table has statistics PostgreSQL takes that for rare, and reads all such rows for each."""
STANDS = f"{{x}}.status = 'ACTIVE' AND {THERE}"
COLUMNS = "n, code, rule, kind, at, detail"
SPAN = "x.effective_from AS lo, coalesce(x.effective_until, 'infinity') AS hi"
"""From when until when a stored relationship holds."""


@dataclass(frozen=True, slots=True)
class Look:
    """How checks look at what is stored. `changing`: the relationships in question are there already, and are not to be
    counted as they were. `many` is what `as_many` says of their number.
    """

    changing: bool = False
    many: str = ""

    def there(self, test: str, *, stands: str = STANDS) -> str:
        """Relationships `x` that are there and stay as they are."""
        unchanged = " AND x.id NOT IN (SELECT p.id FROM prepared p)" if self.changing else ""
        return f"relationships x WHERE x.tenant_id = %(tenant)s AND {test} AND {stands.format(x='x')}{unchanged}"


def concerned(found: TypeShape, rule: ConstraintShape) -> set[UUID]:
    """Types whose relationships can break the constraint, by coming or by going."""
    required = needed_type(rule)
    return together(found, rule) | ({required} if required else set())


def together(found: TypeShape, rule: ConstraintShape) -> set[UUID]:
    return {found.id, *(UUID(name) for name in rule.options.get("types", ()))}


def has_least(rule: ConstraintShape) -> bool:
    return rule.kind == "CARDINALITY" and rule.is_required and rule.least > 0


def needed_type(rule: ConstraintShape) -> UUID | None:
    name = rule.options.get("requires") if rule.kind == "DEPENDENCY" else None
    return UUID(name) if name else None


def meets(row: str, other: str) -> str:
    """That there is a moment at which both stand; the first as it is stored."""
    return f"{row}.effective_from < {other}.hi AND coalesce({row}.effective_until, 'infinity') > {other}.lo"


def ends(row: str, rule: ConstraintShape) -> str:
    """That the constraint counts a relationship between these records."""
    tests = [
        f"{row}.{end}_pipeline_id = '{found}'"
        for end, found in (("source", rule.source_id), ("target", rule.target_id))
        if found
    ]
    if rule.options.get("targets"):
        tests.append(f"{row}.target_id = ANY({ids_sql(UUID(name) for name in rule.options['targets'])})")
    return "".join(f" AND {test}" for test in tests)


def matches(rule: ConstraintShape, needed: str, needing: str, turnable: str) -> list[str]:
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
