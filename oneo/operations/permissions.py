"""What the caller may do, what there is to grant, and why something is or is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import EVERYTHING, P
from oneo.access.schema import row_scope, schema_of, sees_pipeline
from oneo.actor import Actor, Grant
from oneo.errors import Fault, InvalidParameter, PipelineNotFound, RecordNotFound, nearest
from oneo.events.unit import unit
from oneo.fields.shapes import PipelineShape
from oneo.filters.sql import Sql, all_of
from oneo.ids import as_id
from oneo.models import Role, UserRole
from oneo.store import message
from oneo.store.records import pipeline_of, select_ids


def get_permissions(actor: Actor) -> dict[str, Any]:
    """The effective set by permission, and the catalogue."""
    message.confirm(actor)
    return {
        "user_id": actor.user_id,
        "is_administrator": policy.is_administrator(actor),
        "permissions": {
            p.value: [_spell(actor, g) for g in policy.granting(actor, p)] for p in P if policy.allows(actor, p)
        },
        "catalogue": [
            {"permission": p.value, "about": p.about, "per_pipeline": p.per_pipeline, "per_row": p.per_row} for p in P
        ],
    }


def explain_permission(
    actor: Actor, action: str, *, pipeline: str | None = None, record: str | None = None
) -> dict[str, Any]:
    """Whether the caller may, and through which of his user types. Raises InvalidParameter, PipelineNotFound."""
    if action not in set(P):
        fault = Fault(
            "/action", "UNKNOWN_PERMISSION", "There is no such permission.",
            suggestion=nearest(action, [p.value for p in P]),
        )  # fmt: skip
        raise InvalidParameter(faults=[fault])
    permission = P(action)
    message.confirm(actor)
    shape = _visible_pipeline(actor, pipeline) if pipeline else None
    if record is not None:
        shape = _visible_place(actor, record, shape)
    pipeline_id = shape.id if shape else None
    reached = shape is None or record is None or _reaches(actor, permission, shape, record)
    with unit(actor) as work:
        roles = work.session.scalars(
            select(Role)
            .join(UserRole, (UserRole.tenant_id == Role.tenant_id) & (UserRole.role_id == Role.id))
            .where(UserRole.user_id == actor.user_id, Role.deleted_at.is_(None))
            .order_by(Role.slug)
        ).all()
    covered = policy.allows(actor, permission, pipeline_id)
    return {
        "action": permission.value,
        "pipeline_id": pipeline_id,
        "record_id": record,
        "allowed": covered and reached,
        "reason": _reason(permission, covered=covered, reached=reached, about_pipeline=pipeline_id is not None),
        "granted_by": [
            {"user_type": role.slug, "grant": _spell(actor, grant)}
            for role in roles
            for grant in policy.parse_grants(role.grants)
            if grant.permission in {permission.value, EVERYTHING} and grant.covers(pipeline_id)
        ],
        "limited_by_key": actor.credential.value == "api_key",
    }


def _visible_pipeline(actor: Actor, name: str) -> PipelineShape:
    found = schema_of(actor).find(as_id(name) or name)
    if found is None or not sees_pipeline(actor, found.id):
        raise PipelineNotFound
    return found


def _visible_place(actor: Actor, record: str, named: PipelineShape | None) -> PipelineShape:
    """The pipeline of a record that the caller sees, which is the named one if one is named. Raises RecordNotFound."""
    record_id = as_id(record)
    place = pipeline_of(actor, record_id) if record_id else None
    shape = schema_of(actor).pipelines.get(place) if place else None
    if shape is None or named not in {None, shape} or not _reaches(actor, P.RECORDS_READ, shape, record):
        raise RecordNotFound
    return shape


def _reaches(actor: Actor, permission: P, shape: PipelineShape, record: str) -> bool:
    """Whether the record is among the rows that his grants of this are for."""
    if not permission.per_row:
        return True
    where = all_of([Sql("r.id = %s", [record]), row_scope(actor, permission, shape)])
    return policy.allows(actor, permission, shape.id) and select_ids(actor, shape, where, 1) != []


def _reason(permission: P, *, covered: bool, reached: bool, about_pipeline: bool) -> str:
    if not covered:
        return f"No grant of {permission.value} covers this{' pipeline' if about_pipeline else ''}."
    return "A grant covers this." if reached else f"The grants of {permission.value} are for other records."


def _spell(actor: Actor, grant: Grant) -> dict[str, Any]:
    """The grant as the caller may know it: a hidden field does not exist for its reader, not even by name.

    Callers who may read user types find the names there, and here too.
    """
    if not policy.allows(actor, P.USER_TYPES_READ):
        hidden = {slug for _, slug in policy.hidden_places(actor)}
        shown = {} if _names_any(grant.row_filter, hidden) else grant.row_filter
        grant = replace(grant, hidden_fields=frozenset(), row_filter=shown)
    return {
        "permission": grant.permission,
        "pipelines": None if grant.pipelines is None else sorted(str(pipeline) for pipeline in grant.pipelines),
        "rows": grant.rows if grant.row_filter is None else {"filter": grant.row_filter},
        "hidden_fields": sorted(grant.hidden_fields),
        "read_only_fields": sorted(grant.read_only_fields),
    }


def _names_any(condition: object, slugs: AbstractSet[str]) -> bool:
    """Whether a filter names one of these fields."""
    if isinstance(condition, Mapping):
        return any(
            not slugs.isdisjoint(str(key).split("__")) or _names_any(part, slugs) for key, part in condition.items()
        )
    return isinstance(condition, list) and any(_names_any(part, slugs) for part in condition)
