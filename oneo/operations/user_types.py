"""User types: named sets of grants that a tenant shapes itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from oneo.access import policy
from oneo.access.effective_rights import require_within
from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor
from oneo.errors import FaultList, UserTypeInUse, UserTypeNotFound, UserTypeShipped
from oneo.events.unit import unit
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Role, User, UserRole
from oneo.operations.grants import check_administrators, check_holders, read_grants, require_grantable
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.operations.slug_checks import note_taken_slug, read_slug
from oneo.store.lists import get_row
from oneo.store.resources import USER_TYPES

_LINKING = (P.RELATIONSHIPS_READ, P.RELATIONSHIPS_CREATE, P.RELATIONSHIPS_UPDATE, P.RELATIONSHIPS_DELETE)
SHIPPED: Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "admin": ("Administrator", "May do everything.", ((EVERYTHING, "all"),)),
    "manager": (
        "Manager",
        "Shapes pipelines, works on all records, sees users and the audit log.",
        tuple(
            (p.value, "all")
            for p in (
                P.TENANT_READ,
                P.USERS_READ,
                P.USER_TYPES_READ,
                P.AUDIT_READ,
                P.PIPELINES_READ_ALL,
                P.PIPELINES_READ,
                P.PIPELINES_CREATE,
                P.PIPELINES_UPDATE,
                P.PIPELINES_DELETE,
                P.RECORDS_READ,
                P.RECORDS_CREATE,
                P.RECORDS_UPDATE,
                P.RECORDS_DELETE,
                P.COMMENTS_CREATE,
                *_LINKING,
            )
        ),
    ),
    "member": (
        "Member",
        "Works on all records and removes his own.",
        tuple(
            (p.value, "own" if p is P.RECORDS_DELETE else "all")
            for p in (
                P.USERS_READ,
                P.PIPELINES_READ_ALL,
                P.PIPELINES_READ,
                P.RECORDS_READ,
                P.RECORDS_CREATE,
                P.RECORDS_UPDATE,
                P.RECORDS_DELETE,
                P.COMMENTS_CREATE,
                *_LINKING,
            )
        ),
    ),
    "viewer": (
        "Viewer",
        "Sees users, pipelines and records, and changes nothing.",
        tuple(
            (p.value, "all")
            for p in (P.USERS_READ, P.PIPELINES_READ_ALL, P.PIPELINES_READ, P.RECORDS_READ, P.RELATIONSHIPS_READ)
        ),
    ),
}


def list_user_types(actor: Actor, query: ListQuery) -> Listing:
    policy.require(actor, P.USER_TYPES_READ)
    return list_resource(actor, USER_TYPES, query)


def get_user_type(actor: Actor, name: str) -> tuple[str, int]:
    """(JSON text, version), by id or slug. Raises UserTypeNotFound."""
    policy.require(actor, P.USER_TYPES_READ)
    return _shown(actor, as_id(name) or name)


def create_user_type(
    actor: Actor, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises SlugTaken, ValidationFailed, PermissionDenied."""
    policy.require(actor, P.USER_TYPES_CREATE)
    with unit(actor) as work:
        faults = faults or FaultList()
        slug, grants = read_slug(body, faults), read_grants(actor, body.get("grants", ()), faults)
        note_taken_slug(work, Role, slug, faults)
        faults.check()
        require_grantable(actor, grants)
        role = Role(name=body["name"], slug=slug, description=body.get("description", ""), grants=grants)
        work.created(role, "user_type.created")
        return (role.id, *_shown(actor, role.id))


def update_user_type(
    actor: Actor, name: str, body: Mapping[str, Any], *,
    versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given. Raises VersionMismatch, UserTypeShipped, LastAdministrator, PermissionDenied."""
    policy.require(actor, P.USER_TYPES_UPDATE)
    with unit(actor) as work:
        role = _locked(actor, name, versions)
        require_within(actor, policy.parse_grants(role.grants))
        if role.slug == "admin" and role.is_shipped and "grants" in body:
            raise UserTypeShipped("The administrator's grants are fixed.")
        faults = faults or FaultList()
        for key in {"name", "description"} & body.keys():
            setattr(role, key, body[key])
        grants = read_grants(actor, body["grants"], faults) if "grants" in body else None
        faults.check()
        if grants is not None:
            require_grantable(actor, grants)
            work.renew_access()
            check_holders(actor, role, grants)
            role.grants = grants
            check_administrators(actor)
        work.changed(role, "user_type.updated")
        return _shown(actor, role.id)


def delete_user_type(actor: Actor, name: str, *, versions: frozenset[int] | None = None) -> None:
    """Raises UserTypeInUse while users have it, UserTypeShipped for the administrator."""
    policy.require(actor, P.USER_TYPES_DELETE)
    with unit(actor) as work:
        role = _locked(actor, name, versions)
        require_within(actor, policy.parse_grants(role.grants))
        if role.slug == "admin" and role.is_shipped:
            raise UserTypeShipped("The administrator cannot be removed.")
        users = work.session.scalar(
            select(func.count())
            .select_from(UserRole)
            .join(User, (User.tenant_id == UserRole.tenant_id) & (User.id == UserRole.user_id))
            .where(UserRole.role_id == role.id, User.deleted_at.is_(None))
        )
        if users:
            raise _in_use(actor, users)
        work.renew_access()
        check_holders(actor, role, ())
        role.deleted_at = datetime.now(UTC)
        work.changed(role, "user_type.deleted")


def _in_use(actor: Actor, users: int) -> UserTypeInUse:
    """With the number of users for those who may see users."""
    if not policy.allows(actor, P.USERS_READ):
        return UserTypeInUse()
    return UserTypeInUse(f"{users} users still have this user type.", extra={"user_count": users})


def _role_id(actor: Actor, name: str) -> UUID:
    role_id = as_id(name)
    if role_id is not None:
        return role_id
    with unit(actor) as work:
        found = work.session.scalar(select(Role.id).where(Role.slug == name, Role.deleted_at.is_(None)))
    if found is None:
        raise UserTypeNotFound
    return found


def _locked(actor: Actor, name: str, versions: frozenset[int] | None) -> Role:
    with unit(actor) as work:
        role = work.lock(Role, _role_id(actor, name))
        if role is None or role.deleted_at is not None:
            raise UserTypeNotFound
        work.require_version(role, versions)
        return role


def _shown(actor: Actor, name: UUID | str) -> tuple[str, int]:
    row = get_row(actor, USER_TYPES, Sql(f"r.{'id' if isinstance(name, UUID) else 'slug'} = %s", [name]))
    if row is None:
        raise UserTypeNotFound
    return row
