"""Grants: checking them before they are stored, and who may pass on which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import aliased

from oneo.access import policy
from oneo.access.effective_rights import require_within
from oneo.access.permissions import EVERYTHING, P
from oneo.access.related import grantable_relations
from oneo.access.schema import schema_of, sight_of, with_caller
from oneo.actor import Actor, Grant
from oneo.errors import FaultList, InvalidParameter, LastAdministrator, pointer
from oneo.events.unit import unit
from oneo.fields.shapes import PipelineShape
from oneo.fields.slugs import RULE, is_slug
from oneo.filters.compile import compile_filter
from oneo.filters.parse import parse_json
from oneo.models import Pipeline, Role, User, UserRole
from oneo.pacing import paced
from oneo.store.records import RECORDS

MAX_GRANTS = 500


def read_grants(
    actor: Actor, grants: Sequence[Mapping[str, Any] | None], faults: FaultList
) -> list[dict[str, Any]]:  # fmt: skip
    """The grants as they are stored. Of one that is None, and of a part that is missing, a fault is known."""
    known = _pipelines(actor, [grant for grant in grants if grant])
    stored = []
    for at, grant in enumerate(grants):
        if grant is not None:
            read = _check_grant(grant, pointer("grants", at), known, faults)
            if isinstance(read["rows"], Mapping):
                _check_rule(actor, read, pointer("grants", at, "rows", "filter"), faults)
            stored.append(read)
    return stored


def require_grantable(actor: Actor, grants: Sequence[Mapping[str, Any]]) -> None:
    """Raise PermissionDenied for what the actor does not hold."""
    require_within(actor, policy.parse_grants(grants))


def require_over(actor: Actor, user_id: UUID) -> None:
    """Raise PermissionDenied when the user may do anything that the actor may not."""
    with unit(actor) as work:
        stored = work.session.scalars(
            select(Role.grants)
            .join(UserRole, (UserRole.tenant_id == Role.tenant_id) & (UserRole.role_id == Role.id))
            .where(UserRole.user_id == user_id, Role.deleted_at.is_(None))
        ).all()
    require_within(actor, _parsed(stored))


def check_holders(actor: Actor, role: Role, grants: Sequence[Mapping[str, Any]]) -> None:
    """Raise PermissionDenied when a user of the type would gain rights that the actor does not have by the type's new
    `grants`, which may hide less than those that it has now. Deactivated and removed users count: they can come back.

    Call it after `renew_access`, whose lock keeps the other types of these users as they are.
    """
    if policy.is_administrator(actor):
        return
    former, new = policy.parse_grants(role.grants), policy.parse_grants(grants)
    for others in paced(_other_grants(actor, role.id)):
        require_within(actor, (*others, *new), before=(*others, *former))


def _other_grants(actor: Actor, role_id: UUID) -> list[tuple[Grant, ...]]:
    """What users of the type hold by their other types: one entry for all users who have the same types."""
    holder = aliased(UserRole)
    types = func.array_agg(aggregate_order_by(UserRole.role_id, UserRole.role_id))
    with unit(actor) as work:
        combinations = work.session.scalars(
            select(types)
            .join(holder, (holder.tenant_id == UserRole.tenant_id) & (holder.user_id == UserRole.user_id))
            .where(holder.role_id == role_id)
            .group_by(UserRole.user_id)
            .distinct()
        ).all()
        present = select(Role.id, Role.grants).where(Role.deleted_at.is_(None), Role.id != role_id)
        stored = {row.id: row.grants for row in work.session.execute(present)}
    return [_parsed(stored[found] for found in types if found in stored) for types in combinations]


def _parsed(stored: Iterable[Sequence[Mapping[str, Any]]]) -> tuple[Grant, ...]:
    return policy.parse_grants(grant for grants in stored for grant in grants)


def user_types_of(actor: Actor, user_id: UUID) -> list[str]:
    """Slugs of the user's types."""
    with unit(actor) as work:
        slugs = work.session.scalars(
            select(Role.slug)
            .join(UserRole, (UserRole.tenant_id == Role.tenant_id) & (UserRole.role_id == Role.id))
            .where(UserRole.user_id == user_id, Role.deleted_at.is_(None))
        )
        return sorted(slugs)


def check_administrators(actor: Actor) -> None:
    """Raises LastAdministrator when the open unit would leave none. Call it after `renew_access`, which locks."""
    with unit(actor) as work:
        work.session.flush()
        remaining = work.session.scalar(
            select(func.count(User.id.distinct()))
            .join(UserRole, (UserRole.tenant_id == User.tenant_id) & (UserRole.user_id == User.id))
            .join(Role, (Role.tenant_id == UserRole.tenant_id) & (Role.id == UserRole.role_id))
            .where(
                User.is_active, User.deleted_at.is_(None), ~User.is_system, Role.deleted_at.is_(None),
                Role.grants.cast(JSONB).contains([{"permission": EVERYTHING}]),
            )
        )  # fmt: skip
    if not remaining:
        raise LastAdministrator


def _pipelines(actor: Actor, grants: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Ids of the named pipelines, by id and by slug."""
    named = {name for grant in grants for name in grant.get("pipelines") or () if name is not None}
    if not named:
        return {}
    with unit(actor) as work:
        rows = work.session.execute(select(Pipeline.id, Pipeline.slug).where(Pipeline.deleted_at.is_(None))).all()
    found = {str(row.id): str(row.id) for row in rows} | {row.slug: str(row.id) for row in rows}
    return {name: found[name] for name in named if name in found}


def _check_grant(
    grant: Mapping[str, Any], where: str, pipelines: Mapping[str, str], faults: FaultList
) -> dict[str, Any]:
    name = grant.get("permission")
    permission = P(name) if name in set(P) else None
    if permission is None and name is not None and name != EVERYTHING:
        faults.add(
            where + "/permission", "UNKNOWN_PERMISSION", f"There is no permission {name[:64]!r}.",
            near=(name, [known.value for known in P]),
        )  # fmt: skip
    stored: dict[str, Any] = {"permission": name, "pipelines": None, "rows": "all"}
    if grant.get("pipelines") is not None:
        stored["pipelines"] = _check_pipelines(grant["pipelines"], name, where, pipelines, faults)
    rows = grant.get("rows", "all")
    if rows != "all" and name and (permission is None or not permission.per_row):
        faults.add(where + "/rows", "NOT_PER_ROW", f"{name} is not granted by rows.")
    stored["rows"] = rows
    for key in ("hidden_fields", "read_only_fields"):
        stored[key] = sorted({slug for slug in grant.get(key) or () if slug is not None})
        for at, slug in enumerate(grant.get(key) or ()):
            if slug is not None and not is_slug(slug):
                faults.add(where + pointer(key, at), "INVALID_SLUG", RULE)
        if stored[key] and name and (permission is None or not permission.per_pipeline):
            faults.add(where + pointer(key), "NO_FIELDS", f"{name} has no fields.")
    return stored


def _check_rule(actor: Actor, grant: Mapping[str, Any], where: str, faults: FaultList) -> None:
    """A row rule must be readable for each pipeline that is named, or for some pipeline where none is.

    Fields hidden from whoever writes the rule do not exist in it: by granting it he could find out their values.
    """
    found = schema_of(actor).pipelines.values()
    named = [shape for shape in found if grant["pipelines"] is None or str(shape.id) in grant["pipelines"]]
    places: list[PipelineShape | None] = [*named] or [None]
    refused = [problem for shape in places if (problem := _unreadable(actor, grant, shape, where)) is not None]
    if refused and (grant["pipelines"] is not None or len(refused) == len(places)):
        faults.take(refused[0].faults, refused[0].extra.get("errors_left_out", 0))


def _unreadable(
    actor: Actor, grant: Mapping[str, Any], shape: PipelineShape | None, where: str
) -> InvalidParameter | None:  # fmt: skip
    columns = sight_of(actor, shape).columns if shape else RECORDS.columns
    relations = partial(grantable_relations, actor, shape) if shape else None
    try:
        rule = with_caller(grant["rows"]["filter"], actor)
        compile_filter(parse_json(rule, columns, relations, where=where), columns)
    except InvalidParameter as error:
        return error
    return None


def _check_pipelines(
    names: Sequence[str | None], permission: str | None, where: str, known: Mapping[str, str], faults: FaultList
) -> list[str]:
    if permission is not None and not (permission in set(P) and P(permission).per_pipeline):
        faults.add(where + "/pipelines", "NOT_PER_PIPELINE", "This permission is not granted by pipelines.")
    for at, name in enumerate(names):
        if name is not None and name not in known:
            faults.add(where + pointer("pipelines", at), "PIPELINE_NOT_FOUND", "There is no such pipeline.")
    return sorted({known[name] for name in names if name is not None and name in known})
