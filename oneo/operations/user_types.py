"""User types: named sets of grants that a tenant shapes itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from oneo.access import policy
from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor
from oneo.errors import FaultList, UserTypeInUse, UserTypeNotFound, UserTypeShipped, VersionMismatch
from oneo.events.unit import unit
from oneo.filters.compile import Sql
from oneo.ids import as_id
from oneo.models import Role, User, UserRole
from oneo.models.tenant import SLUG_LENGTH
from oneo.operations.grants import check_administrators, check_grants
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.lists import get_row
from oneo.store.resources import USER_TYPES

SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)

SHIPPED: Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "admin": ("Administrator", "May do everything.", ((EVERYTHING, "all"),)),
    "manager": (
        "Manager",
        "Shapes pipelines, works on all records, sees users and the audit log.",
        tuple(
            (p.value, "all")
            for p in (P.TENANT_READ, P.USERS_READ, P.USER_TYPES_READ, P.AUDIT_READ, P.PIPELINES_READ_ALL)
            + (P.PIPELINES_READ, P.PIPELINES_CREATE, P.PIPELINES_UPDATE, P.PIPELINES_DELETE)
            + (P.RECORDS_READ, P.RECORDS_CREATE, P.RECORDS_UPDATE, P.RECORDS_DELETE)
        ),
    ),
    "member": (
        "Member",
        "Works on all records and removes his own.",
        tuple(
            (p.value, "own" if p is P.RECORDS_DELETE else "all")
            for p in (P.USERS_READ, P.PIPELINES_READ_ALL, P.PIPELINES_READ)
            + (P.RECORDS_READ, P.RECORDS_CREATE, P.RECORDS_UPDATE, P.RECORDS_DELETE)
        ),
    ),
    "viewer": (
        "Viewer",
        "Sees users, pipelines and records, and changes nothing.",
        tuple((p.value, "all") for p in (P.USERS_READ, P.PIPELINES_READ_ALL, P.PIPELINES_READ, P.RECORDS_READ)),
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
        role = _locked(actor, name)
        check_version(actor, role.version, versions)
        policy.require_holds(actor, policy.parse_grants(role.grants))
        if role.slug == "admin" and role.is_shipped and "grants" in body:
            raise UserTypeShipped("The administrator's grants are fixed.")
        for key in {"name", "description"} & body.keys():
            setattr(role, key, body[key])
        if "grants" in body:
            role.grants = check_grants(actor, body["grants"])
            work.renew_access()
            check_administrators(actor)
        work.changed(role, "user_type.updated")
        return _shown(actor, role.id)


def delete_user_type(actor: Actor, name: str, *, versions: frozenset[int] | None = None) -> None:
    """Raises UserTypeInUse while users have it, UserTypeShipped for the administrator."""
    policy.require(actor, P.USER_TYPES_DELETE)
    with unit(actor) as work:
        role = _locked(actor, name)
        check_version(actor, role.version, versions)
        policy.require_holds(actor, policy.parse_grants(role.grants))
        if role.slug == "admin" and role.is_shipped:
            raise UserTypeShipped("The administrator cannot be removed.")
        users = work.session.scalar(
            select(func.count())
            .select_from(UserRole)
            .join(User, (User.tenant_id == UserRole.tenant_id) & (User.id == UserRole.user_id))
            .where(UserRole.role_id == role.id, User.deleted_at.is_(None))
        )
        if users:
            raise UserTypeInUse(f"{users} users still have this user type.", extra={"user_count": users})
        work.renew_access()
        role.deleted_at = datetime.now(UTC)
        work.changed(role, "user_type.deleted")


def check_version(actor: Actor, version: int, versions: frozenset[int] | None) -> None:
    """Raises VersionMismatch when the caller is not willing to change this version."""
    if versions is not None and version not in versions:
        raise VersionMismatch(extra={"version": version})


def slug_from(name: str) -> str:
    """A slug made from a name; empty when nothing of it can stand in one."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "_".join(words)[:SLUG_LENGTH].strip("_")


def _check_slug(slug: str) -> str:
    faults = FaultList()
    if not SLUG.fullmatch(slug) or len(slug) > SLUG_LENGTH or as_id(slug):
        faults.add(
            "/slug", "INVALID_SLUG",
            f"A slug begins with a letter and has lower-case letters, digits and single underscores, {SLUG_LENGTH} at most.",
        )  # fmt: skip
    faults.check()
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


def _locked(actor: Actor, name: str) -> Role:
    with unit(actor) as work:
        role = work.lock(Role, _role_id(actor, name))
        if role is None or role.deleted_at is not None:
            raise UserTypeNotFound
        return role


def _shown(actor: Actor, name: UUID | str) -> tuple[str, int]:
    row = get_row(actor, USER_TYPES, Sql(f"r.{'id' if isinstance(name, UUID) else 'slug'} = %s", [name]))
    if row is None:
        raise UserTypeNotFound
    return row
