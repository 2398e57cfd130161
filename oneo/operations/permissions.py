"""What the caller may do, what there is to grant, and why something is or is not allowed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor, Grant
from oneo.errors import Fault, InvalidParameter, PipelineNotFound, RecordNotFound, nearest
from oneo.events.unit import unit
from oneo.ids import as_id
from oneo.models import Pipeline, Role, UserRole
from oneo.store import message


def get_permissions(actor: Actor) -> dict[str, Any]:
    """The effective set by permission, and the catalogue."""
    message.confirm(actor)
    return {
        "user_id": actor.user_id,
        "is_administrator": policy.is_administrator(actor),
        "permissions": {p.value: [_spell(g) for g in policy.granting(actor, p)] for p in P if policy.allows(actor, p)},
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
    with unit(actor) as work:
        pipeline_id = _visible_pipeline(actor, pipeline) if pipeline else None
        if record is not None:
            raise RecordNotFound
        roles = work.session.scalars(
            select(Role)
            .join(UserRole, (UserRole.tenant_id == Role.tenant_id) & (UserRole.role_id == Role.id))
            .where(UserRole.user_id == actor.user_id, Role.deleted_at.is_(None))
            .order_by(Role.slug)
        ).all()
    allowed = policy.allows(actor, permission, pipeline_id)
    return {
        "action": permission.value,
        "pipeline_id": pipeline_id,
        "allowed": allowed,
        "reason": _reason(permission, allowed=allowed, about_pipeline=pipeline_id is not None),
        "granted_by": [
            {"user_type": role.slug, "grant": _spell(grant)}
            for role in roles
            for grant in policy.parse_grants(role.grants)
            if grant.permission in {permission.value, EVERYTHING} and grant.covers(pipeline_id)
        ],
        "limited_by_key": actor.credential.value == "api_key",
    }


def _visible_pipeline(actor: Actor, name: str) -> UUID:
    with unit(actor) as work:
        pipeline_id = as_id(name)
        test = Pipeline.id == pipeline_id if pipeline_id else Pipeline.slug == name
        found = work.session.scalar(select(Pipeline.id).where(test, Pipeline.deleted_at.is_(None)))
    if found is None or not (
        policy.allows(actor, P.PIPELINES_READ_ALL) or policy.allows(actor, P.PIPELINES_READ, found)
    ):
        raise PipelineNotFound
    return found


def _reason(permission: P, *, allowed: bool, about_pipeline: bool) -> str:
    if allowed:
        return "A grant covers this."
    return f"No grant of {permission.value} covers this{' pipeline' if about_pipeline else ''}."


def _spell(grant: Grant) -> dict[str, Any]:
    return {
        "permission": grant.permission,
        "pipelines": None if grant.pipelines is None else sorted(str(pipeline) for pipeline in grant.pipelines),
        "rows": grant.rows if grant.row_filter is None else {"filter": grant.row_filter},
        "hidden_fields": sorted(grant.hidden_fields),
        "read_only_fields": sorted(grant.read_only_fields),
    }
