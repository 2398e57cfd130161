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
from oneo.errors import Fault, UserTypeInUse, UserTypeNotFound, UserTypeShipped, ValidationFailed
from oneo.events.unit import unit
from oneo.fields.slugs import RULE, is_slug, slug_from
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Role, User, UserRole
from oneo.operations.grants import check_administrators, check_grants, check_holders
from oneo.operations.lists import Listing, ListQuery, list_resource
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


def create_user_type(actor: Actor, body: Mapping[str, Any]) -> tuple[UUID, str, int]:
    """(id, JSON text, version). Raises SlugTaken, ValidationFailed, PermissionDenied."""
    policy.require(actor, P.USER_TYPES_CREATE)
    with unit(actor) as work:
        role = Role(
            name=body["name"],
            slug=_check_slug(body.get("slug") or slug_from(body["name"])),
            description=body.get("description", ""),
            grants=check_grants(actor, body.get("grants", ())),
        )
        work.created(role, "user_type.created")
        return (role.id, *_shown(actor, role.id))


def update_user_type(
    actor: Actor, name: str, body: Mapping[str, Any], *, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Changes what is given. Raises VersionMismatch, UserTypeShipped, LastAdministrator, PermissionDenied."""
    policy.require(actor, P.USER_TYPES_UPDATE)
    with unit(actor) as work:
        role = _locked(actor, name, versions)
        require_within(actor, policy.parse_grants(role.grants))
        if role.slug == "admin" and role.is_shipped and "grants" in body:
            raise UserTypeShipped("The administrator's grants are fixed.")
        for key in {"name", "description"} & body.keys():
            setattr(role, key, body[key])
        if "grants" in body:
            grants = check_grants(actor, body["grants"])
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


def _check_slug(slug: str) -> str:
    if not is_slug(slug):
        raise ValidationFailed(faults=[Fault("/slug", "INVALID_SLUG", RULE)])
    return slug


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
