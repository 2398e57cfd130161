"""Compare what accounts may do after all their grants are combined.

Removing a grant can add rights: a grant also hides fields and makes them read-only, for every other grant of the same
account. So rights are compared as they take effect - for each permission in each place (a pipeline or a relationship
type) - and never grant by grant. ADR 0037 has examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from oneo.access.permissions import EVERYTHING, P, has_fields
from oneo.access.policy import is_administrator
from oneo.actor import Actor, Grant
from oneo.errors import PermissionDenied
from oneo.pacing import paced

_ALL_ROWS = "all"
_SHOWS_FIELDS = frozenset({P.PIPELINES_READ_ALL, P.PIPELINES_CREATE})
"""Granted for the whole tenant, and yet they show definitions of fields: of all pipelines, or in templates."""


@dataclass(frozen=True, slots=True)
class Right:
    """What one permission allows in one place. `rows` holds the row rules of the grants, as texts."""

    rows: frozenset[str]
    hidden: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()

    def is_within(self, other: Right | None) -> bool:
        """Whether `other` allows at least as much. A row rule is within all rows and within the same rule: whether one
        filter selects a subset of another is not decided.
        """
        if other is None:
            return False
        rows = _ALL_ROWS in other.rows or self.rows <= other.rows
        return rows and other.hidden <= self.hidden and other.read_only <= self.read_only


class EffectiveRights:
    """The combined rights of one account."""

    def __init__(self, grants: Mapping[str, Sequence[Grant]]) -> None:
        """`grants` by permission, as an actor holds them."""
        self._everywhere: dict[str, list[Grant]] = {}
        self._in_place: dict[UUID | None, dict[str, list[Grant]]] = {}
        for permission, held in grants.items():
            for grant in held:
                if grant.pipelines is None:
                    self._everywhere.setdefault(permission, []).append(grant)
                for place in grant.pipelines or ():
                    self._in_place.setdefault(place, {}).setdefault(permission, []).append(grant)
        self.permissions: Sequence[str] = [EVERYTHING, *P] if EVERYTHING in grants else list(grants)
        self.places: frozenset[UUID | None] = frozenset({None, *self._in_place})
        """The pipelines and types that grants name, and None for all others."""
        self._hidden = {place: _hidden(self._reaching(place)) for place in self.places}

    @classmethod
    def of(cls, grants: Iterable[Grant]) -> EffectiveRights:
        by_permission: dict[str, list[Grant]] = {}
        for grant in grants:
            by_permission.setdefault(grant.permission, []).append(grant)
        return cls(by_permission)

    def right(self, permission: str, place: UUID | None) -> Right | None:
        """None when the permission is not held in the place."""
        held = list(self._reaching(place, (EVERYTHING, permission)))
        if not held:
            return None
        if not _depends_on_place(permission):
            return Right(frozenset({_ALL_ROWS}))
        hidden = self._hidden.get(place, self._hidden[None])
        read_only = hidden.union(*(grant.read_only_fields for grant in held))
        return Right(frozenset(_rule_text(grant) for grant in held), hidden, read_only)

    def _reaching(self, place: UUID | None, permissions: Iterable[str] | None = None) -> Iterator[Grant]:
        for grants in (self._everywhere, self._in_place.get(place, {})):
            for permission in grants if permissions is None else permissions:
                yield from grants.get(permission, ())


def first_excess(rights: EffectiveRights, *limits: EffectiveRights) -> str | None:
    """Return a permission that allows more somewhere than every one of the `limits`, or None."""
    places = rights.places.union(*(limit.places for limit in limits))
    for permission in rights.permissions:
        for place in paced(places if _depends_on_place(permission) else [None]):
            right = rights.right(permission, place)
            if right is not None and not any(right.is_within(limit.right(permission, place)) for limit in limits):
                return permission
    return None


def require_within(actor: Actor, grants: Iterable[Grant], *, before: Iterable[Grant] = ()) -> None:
    """Raise PermissionDenied when the grants, held together by one account, allow more than the actor may do. Rights
    that the account had `before` are no excess.
    """
    if is_administrator(actor):
        return
    excess = first_excess(EffectiveRights.of(grants), EffectiveRights(actor.grants), EffectiveRights.of(before))
    if excess is not None:
        raise PermissionDenied(
            f"This would give an account rights that you do not have: {excess}.", extra={"permission": str(excess)}
        )


def _depends_on_place(permission: str) -> bool:
    return has_fields(permission) or permission in _SHOWS_FIELDS


def _hidden(grants: Iterable[Grant]) -> frozenset[str]:
    return frozenset().union(*(grant.hidden_fields for grant in grants))


def _rule_text(grant: Grant) -> str:
    """Equal for equal rules only."""
    return (
        grant.rows if grant.row_filter is None else orjson.dumps(grant.row_filter, option=orjson.OPT_SORT_KEYS).decode()
    )
