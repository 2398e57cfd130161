"""What of each pipeline one caller sees, and what he may do to its records: all that his document depends on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import schema_of, sight_of
from oneo.actor import Actor
from oneo.fields.shapes import FieldShape, PipelineShape

_ACTIONS = (P.RECORDS_READ, P.RECORDS_CREATE, P.RECORDS_UPDATE, P.RECORDS_DELETE)


@dataclass(frozen=True, slots=True)
class View:
    """`allowed` is never empty; what is closed cannot be written by who may create, or change, records."""

    shape: PipelineShape
    hidden: frozenset[str]
    allowed: frozenset[P]
    closed: tuple[frozenset[str], frozenset[str]]

    @property
    def key(self) -> Hashable:
        """The same for callers who see the same, at one revision of the schema."""
        return self.shape.id, self.hidden, self.allowed, self.closed

    @property
    def fields(self) -> list[FieldShape]:
        return [field for slug, field in self.shape.fields.items() if slug not in self.hidden]

    def writable(self, permission: P) -> list[FieldShape]:
        closed = self.closed[0 if permission is P.RECORDS_CREATE else 1]
        return [field for field in self.fields if field.slug not in closed]


def views_of(actor: Actor) -> tuple[View, ...]:
    """By slug. Raises StaleActor."""
    found = (_view(actor, shape) for shape in schema_of(actor).pipelines.values())
    return tuple(sorted((view for view in found if view.allowed), key=lambda view: view.shape.slug))


def _view(actor: Actor, shape: PipelineShape) -> View:
    slugs = frozenset(shape.fields)
    created, updated = (
        policy.read_only_fields(actor, permission, shape.id) & slugs
        for permission in (P.RECORDS_CREATE, P.RECORDS_UPDATE)
    )
    return View(
        shape=shape,
        hidden=sight_of(actor, shape).hidden & slugs,
        allowed=frozenset(permission for permission in _ACTIONS if policy.allows(actor, permission, shape.id)),
        closed=(created, updated),
    )
