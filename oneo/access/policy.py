"""What an actor may do: the one place that decides. Pure functions over the actor's grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor, Grant
from oneo.errors import PermissionDenied


def granting(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> tuple[Grant, ...]:
    """The actor's grants that allow this; for no pipeline in particular, those for any pipeline."""
    found = actor.grants.get(EVERYTHING, ()) + actor.grants.get(permission, ())
    return tuple(grant for grant in found if grant.covers(pipeline_id)) if pipeline_id else found


def allows(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> bool:
    return bool(granting(actor, permission, pipeline_id))


def require(actor: Actor, permission: P, pipeline_id: UUID | None = None) -> None:
    """Raises PermissionDenied."""
    if not allows(actor, permission, pipeline_id):
        raise PermissionDenied(f"This needs the permission {permission}.", extra={"permission": permission.value})


def is_administrator(actor: Actor) -> bool:
    return EVERYTHING in actor.grants


def hidden_fields(actor: Actor, pipeline_id: UUID) -> frozenset[str]:
    """What any of the actor's readings of the pipeline hides stays hidden: hiding wins over showing."""
    return frozenset().union(*(grant.hidden_fields for grant in granting(actor, P.RECORDS_READ, pipeline_id)))


def read_only_fields(actor: Actor, permission: P, pipeline_id: UUID) -> frozenset[str]:
    """Fields that may not be written under this permission; hidden ones are among them."""
    grants = granting(actor, permission, pipeline_id)
    return hidden_fields(actor, pipeline_id).union(*(grant.read_only_fields for grant in grants))


def row_rules(actor: Actor, permission: P, pipeline_id: UUID) -> tuple[Grant, ...] | None:
    """None when all rows are allowed, else the grants whose rows together are."""
    grants = granting(actor, permission, pipeline_id)
    return None if any(grant.rows == "all" for grant in grants) else grants


def holds(actor: Actor, wanted: Grant) -> bool:
    """Whether the actor could do all that the grant allows, so that he may pass it on."""
    candidates = actor.grants.get(EVERYTHING, ()) + actor.grants.get(wanted.permission, ())
    return any(_contains(own, wanted) for own in candidates)


def require_holds(actor: Actor, grants: Iterable[Grant]) -> None:
    """Raises PermissionDenied naming the first permission that the actor cannot pass on."""
    for grant in grants:
        if not holds(actor, grant):
            raise PermissionDenied(
                f"Nobody can grant what they do not hold: {grant.permission}.", extra={"permission": grant.permission}
            )


def _contains(own: Grant, wanted: Grant) -> bool:
    pipelines = own.pipelines is None or (wanted.pipelines is not None and wanted.pipelines <= own.pipelines)
    rows = own.rows == "all" or (own.rows == wanted.rows and own.row_filter == wanted.row_filter)
    return (
        pipelines
        and rows
        and own.hidden_fields <= wanted.hidden_fields
        and own.read_only_fields <= wanted.read_only_fields
    )


def parse_grants(stored: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Grants as user types store them."""
    return tuple(_parse_grant(grant) for grant in stored)


def effective(stored: Iterable[Mapping[str, Any]], scopes: Iterable[str] | None) -> dict[str, tuple[Grant, ...]]:
    """Grants by permission; an API key's scopes leave only those they name."""
    grants: dict[str, tuple[Grant, ...]] = {}
    for grant in parse_grants(stored):
        grants[grant.permission] = (*grants.get(grant.permission, ()), grant)
    if scopes is None:
        return grants
    everything = (Grant(EVERYTHING),) if EVERYTHING in grants else ()
    narrowed = {scope: (*everything, *grants.get(scope, ())) for scope in scopes}
    return {scope: found for scope, found in narrowed.items() if found}


def _parse_grant(stored: Mapping[str, Any]) -> Grant:
    pipelines = stored.get("pipelines")
    rows = stored.get("rows", "all")
    return Grant(
        permission=stored["permission"],
        pipelines=None if pipelines is None else frozenset(UUID(pipeline) for pipeline in pipelines),
        rows=rows if isinstance(rows, str) else "filter",
        row_filter=None if isinstance(rows, str) else rows["filter"],
        hidden_fields=frozenset(stored.get("hidden_fields", ())),
        read_only_fields=frozenset(stored.get("read_only_fields", ())),
    )
