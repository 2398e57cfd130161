"""SQL that finds what relationships would break: duplicates, and the constraints of their types.

What it finds is true when all of `prepared` is written, or nothing. Each piece gives (n, code, rule, kind, at, detail).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from oneo.fields.links import ConstraintShape, TypeShape
from oneo.store.link_crowds import crowded, duplicates, too_few, twins
from oneo.store.link_hierarchy import both_ways, misplaced
from oneo.store.link_needs import abandoned, lacking
from oneo.store.link_terms import Look, concerned, has_least, needed_type, together


@dataclass(frozen=True, slots=True)
class Rules:
    """What relationships of some types have to keep to; `types` are all of the tenant, since those of one ask about
    others.
    """

    asked: frozenset[UUID]
    types: tuple[TypeShape, ...]
    look: Look

    @property
    def constrained(self) -> frozenset[UUID]:
        """The asked types of which a constraint speaks, so that who writes them must be alone at their records."""
        return (
            frozenset(
                type_id for found in self.types for rule in found.constraints for type_id in concerned(found, rule)
            )
            & self.asked
        )

    @property
    def needed(self) -> frozenset[UUID]:
        """The asked types whose relationships may not just end."""
        return (
            frozenset(
                needed or found.id
                for found in self.types
                for rule in found.constraints
                if (needed := needed_type(rule)) or has_least(rule)
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
        yield duplicates(self.look)
        yield twins()
        yield from self.of_constraints()

    def of_constraints(self) -> Iterator[str]:
        """The same, without asking whether they are there twice."""
        for found in self.types:
            for rule in found.constraints:
                yield from self._broken(found, rule)

    def of_returning(self) -> Iterator[str]:
        """What those break that come back, whether they would stand or not."""
        for found in self.types:
            for rule in found.constraints:
                if rule.kind == "HIERARCHY" and found.id in self.asked:
                    yield both_ways(found, rule)

    def of_leaving(self) -> Iterator[str]:
        """What those break that end: others that need them, and numbers that must not be gone below."""
        for found in self.types:
            for rule in found.constraints:
                needed = needed_type(rule)
                if needed in self.asked and needed is not None:
                    yield abandoned(self.look, found, rule, needed)
                if has_least(rule) and found.id in self.asked:
                    yield too_few(self.look, found, rule)

    def _broken(self, found: TypeShape, rule: ConstraintShape) -> Iterator[str]:
        if not concerned(found, rule) & self.asked:
            return
        match rule.kind:
            case "CARDINALITY" if rule.most is not None:
                yield crowded(self.look, rule, [found.id], rule.options.get("per", "source"), rule.most)
            case "EXCLUSIVITY":
                yield crowded(self.look, rule, together(found, rule), rule.options.get("per", "source"), 1)
            case "DEPENDENCY" if found.id in self.asked:
                yield from lacking(self.look, found, rule)
            case "HIERARCHY":
                yield from misplaced(self.look, found, rule)
