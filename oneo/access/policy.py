"""What an actor may do: the one place that decides. Pure functions over the actor's grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor, CredentialKind, Grant
from oneo.errors import PermissionDenied, SessionRequired
from oneo.fields.slugs import is_slug


def granting(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> tuple[Grant, ...]:
    """The actor's grants that allow this; for no pipeline in particular, those for any pipeline."""
    found = actor.grants.get(EVERYTHING, ()) + actor.grants.get(permission, ())
    return tuple(grant for grant in found if grant.covers(pipeline_id)) if pipeline_id else found


def allows(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> bool:
    return bool(granting(actor, permission, pipeline_id))


def sees(actor: Actor, pipeline_id: UUID, seeing: Iterable[P]) -> bool:
    """Whether the pipeline or type exists for him: he sees all, or has one of these permissions there."""
    return allows(actor, P.PIPELINES_READ_ALL) or any(allows(actor, permission, pipeline_id) for permission in seeing)


def seen(actor: Actor, seeing: Iterable[P]) -> frozenset[UUID] | None:
    """All that exist for him, those that are deleted among them; None is every one."""
    if allows(actor, P.PIPELINES_READ_ALL):
        return None
    grants = [grant for permission in seeing for grant in granting(actor, permission)]
    if any(grant.pipelines is None for grant in grants):
        return None
    return frozenset().union(*(grant.pipelines or () for grant in grants))


def require(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> None:
    """Raises PermissionDenied."""
    if not allows(actor, permission, pipeline_id):
        raise PermissionDenied(f"This needs the permission {permission}.", extra={"permission": permission.value})


def require_session(actor: Actor) -> None:
    """An API key is for what its owner can do, not for his account. Raises SessionRequired."""
    if actor.credential is not CredentialKind.SESSION:
        raise SessionRequired


def is_administrator(actor: Actor) -> bool:
    return EVERYTHING in actor.grants


def hidden_fields(actor: Actor, pipeline_id: UUID | None) -> frozenset[str]:
    """What any of the actor's grants on the pipeline hides does not exist for him: hiding wins over showing.

    None stands for a pipeline that no grant names.
    """
    return _hidden(_all_grants(actor), pipeline_id)


def hidden_places(actor: Actor) -> set[tuple[UUID | None, str]]:
    """(pipeline, field) of all that is hidden from the actor; None stands for every pipeline."""
    return {
        (place, slug)
        for grant in _all_grants(actor)
        for place in (grant.pipelines if grant.pipelines is not None else (None,))
        for slug in grant.hidden_fields
    }


def read_only_fields(actor: Actor, permission: P, pipeline_id: UUID) -> frozenset[str]:
    """Fields that may not be written under this permission; hidden ones are among them."""
    return hidden_fields(actor, pipeline_id) | _read_only(granting(actor, permission), pipeline_id)


def row_rules(actor: Actor, permission: P, pipeline_id: UUID) -> tuple[Grant, ...] | None:
    """None when all rows are allowed, else the grants whose rows together are."""
    grants = granting(actor, permission, pipeline_id)
    return None if any(grant.rows == "all" for grant in grants) else grants


def named_pipelines(actor: Actor) -> frozenset[UUID]:
    """Those that grants of his are about, and not about all."""
    return frozenset().union(*(grant.pipelines or () for grant in _all_grants(actor)))


def reads_all(actor: Actor, pipeline_id: UUID) -> bool:
    """Whether he may see every record of the pipeline."""
    return any(grant.rows == "all" for grant in granting(actor, P.RECORDS_READ, pipeline_id))


def _all_grants(actor: Actor) -> list[Grant]:
    return [grant for grants in actor.grants.values() for grant in grants]


def _hidden(grants: Iterable[Grant], place: UUID | None) -> frozenset[str]:
    """`place` is a pipeline, or None for one that no grant names."""
    return frozenset().union(*(grant.hidden_fields for grant in grants if _reaches(grant, place)))


def _read_only(grants: Iterable[Grant], place: UUID | None) -> frozenset[str]:
    return frozenset().union(*(grant.read_only_fields for grant in grants if _reaches(grant, place)))


def _reaches(grant: Grant, place: UUID | None) -> bool:
    return grant.pipelines is None or place in grant.pipelines


def parse_grants(stored: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Grants as user types store them."""
    return tuple(_parse_grant(grant) for grant in stored)


def effective(stored: Iterable[Mapping[str, Any]], scopes: Iterable[str] | None) -> dict[str, tuple[Grant, ...]]:
    """Grants by permission; an API key's scopes leave only those they name, and all that the others hide."""
    grants: dict[str, tuple[Grant, ...]] = {}
    for grant in parse_grants(stored):
        grants[grant.permission] = (*grants.get(grant.permission, ()), grant)
    if scopes is None:
        return grants
    everything = (Grant(EVERYTHING),) if EVERYTHING in grants else ()
    hiding = [grant for found in grants.values() for grant in found if grant.hidden_fields]
    narrowed = {
        scope: tuple(_hiding(grant, hiding) for grant in (*everything, *grants.get(scope, ()))) for scope in scopes
    }
    return {scope: found for scope, found in narrowed.items() if found}


def _hiding(grant: Grant, others: Iterable[Grant]) -> Grant:
    """The grant, hiding also what grants that reach some of its pipelines hide."""
    reaching = [
        other
        for other in others
        if grant.pipelines is None or other.pipelines is None or grant.pipelines & other.pipelines
    ]
    return replace(grant, hidden_fields=grant.hidden_fields.union(*(other.hidden_fields for other in reaching)))


def _parse_grant(stored: Mapping[str, Any]) -> Grant:
    pipelines = stored.get("pipelines")
    rows = stored.get("rows", "all")
    return Grant(
        permission=stored["permission"],
        pipelines=None if pipelines is None else frozenset(UUID(pipeline) for pipeline in pipelines),
        rows=rows if isinstance(rows, str) else "filter",
        row_filter=None if isinstance(rows, str) else rows["filter"],
        hidden_fields=_slugs(stored.get("hidden_fields", ())),
        read_only_fields=_slugs(stored.get("read_only_fields", ())),
    )


def _slugs(names: Iterable[str]) -> frozenset[str]:
    """No field has another name, and SQL text is made of these."""
    return frozenset(name for name in names if is_slug(name))
