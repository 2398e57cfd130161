"""People and programs of a tenant: seeing, adding, changing, removing and restoring them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm.attributes import flag_modified

from oneo.access import passwords, policy
from oneo.access.effective_rights import require_within
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.errors import CredentialsInvalid, EmailTaken, FaultList, UserNotFound, pointer
from oneo.events.unit import Unit, unit
from oneo.fields.emails import normal_email
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Role, User, UserRole
from oneo.operations import auth
from oneo.operations.grants import check_administrators, require_over, user_types_of
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.store.lists import get_row
from oneo.store.resources import USERS, Resource, users_resource
from oneo.store.time_zones import time_zones

LOCALE = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
_LOCALE = re.compile(LOCALE, re.ASCII)
_NOT_DELETED = Sql("u.deleted_at IS NULL")
_DELETED = Sql("u.deleted_at IS NOT NULL")
_OWN = frozenset({"name", "timezone", "locale"})


def list_users(actor: Actor, query: ListQuery, *, deleted: bool = False) -> Listing:
    policy.require(actor, P.USERS_READ)
    if deleted:
        policy.require(actor, P.USERS_DELETE)
    resource = _with_user_types(actor) if query.asks_about("user_type") else USERS
    return list_resource(actor, resource, query, scope=_DELETED if deleted else _NOT_DELETED)


def _with_user_types(actor: Actor) -> Resource:
    """Users, who can be asked about by the types that there are; errors list these for callers who may list them."""
    with unit(actor) as work:
        slugs = work.session.scalars(select(Role.slug).where(Role.deleted_at.is_(None)).order_by(Role.slug)).all()
    return users_resource(slugs, listed=policy.allows(actor, P.USER_TYPES_READ))


def get_user(actor: Actor, user_id: UUID) -> tuple[str, int]:
    """(JSON text, version). Raises UserNotFound."""
    policy.require(actor, P.USERS_READ)
    return _shown(actor, user_id)


def get_profile(actor: Actor) -> tuple[str, int]:
    """The caller himself; needs no permission."""
    return _shown(actor, actor.user_id)


def create_user(
    actor: Actor, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises EmailTaken, ValidationFailed, PermissionDenied."""
    policy.require(actor, P.USERS_CREATE)
    faults = faults or FaultList()
    email = _email(body, faults)
    check_locality(body, faults)
    with unit(actor) as work:
        roles = _roles(work, body.get("user_types", ("member",)), faults)
        user = User(
            email=email,
            name=body.get("name", ""),
            is_active=body.get("is_active", True),
            timezone=body.get("timezone", "UTC"),
            locale=body.get("locale", "en"),
            created_by=actor.user_id,
            updated_by=actor.user_id,
        )
        if body.get("password") is not None:
            auth.check_password(actor, user, body["password"], faults)
        _note_taken_email(work, email, faults)
        faults.check()
        _require_held(actor, roles)
        if body.get("password") is not None:
            auth.set_password(actor, user, body["password"])
        work.session.add(user)
        work.session.flush()
        _assign(work, user.id, roles)
        work.created(user, "user.created", user_types=_slugs(roles))
        return (user.id, *_shown(actor, user.id))


def update_user(
    actor: Actor, user_id: UUID, body: Mapping[str, Any], *,
    versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given. Raises UserNotFound, VersionMismatch, LastAdministrator, EmailTaken, PermissionDenied."""
    policy.require(actor, P.USERS_UPDATE)
    _require_own_session(actor, user_id)
    with unit(actor) as work:
        user = _locked(work, user_id, versions=versions)
        require_over(actor, user.id)
        faults = faults or FaultList()
        needs_confirmation = _needs_confirmation(actor, user, body)
        check_locality(body, faults)
        roles = _roles(work, body["user_types"], faults) if "user_types" in body else None
        if "email" in body:
            user.email = _email(body, faults)
        for key in (_OWN | {"is_active"}) & body.keys():
            setattr(user, key, body[key])
        if body.get("password") is not None:
            auth.check_password(actor, user, body["password"], faults)
        if "email" in body:
            _note_taken_email(work, user.email, faults, but=user.id)
        if needs_confirmation:
            _check_current_password(user, body, faults)
        faults.check()
        _note_update(actor, work, user, roles)
        if body.get("password") is not None:
            auth.set_password(actor, user, body["password"])
            auth.note_password_change(actor, user)
        return _shown(actor, user.id)


def update_profile(
    actor: Actor, body: Mapping[str, Any], *,
    versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """What everybody may change of himself: name, time zone, locale. Raises SessionRequired."""
    policy.require_session(actor)
    faults = faults or FaultList()
    check_locality(body, faults)
    faults.check()
    with unit(actor) as work:
        user = _locked(work, actor.user_id, versions=versions)
        for key in _OWN & body.keys():
            setattr(user, key, body[key])
        _note_update(actor, work, user)
        return _shown(actor, user.id)


def delete_user(actor: Actor, user_id: UUID, *, versions: frozenset[int] | None = None) -> None:
    """Soft: ends all sessions and can be restored. Raises LastAdministrator, UserNotFound, PermissionDenied."""
    policy.require(actor, P.USERS_DELETE)
    _require_own_session(actor, user_id)
    with unit(actor) as work:
        user = _locked(work, user_id, versions=versions)
        require_over(actor, user.id)
        user.deleted_at, user.updated_by = datetime.now(UTC), actor.user_id
        work.renew_access()
        check_administrators(actor)
        auth.end_sessions(actor, user.id, reason="user deleted")
        work.changed(user, "user.deleted", also={"user_types": user_types_of(actor, user.id)})


def restore_user(actor: Actor, user_id: UUID, *, versions: frozenset[int] | None = None) -> tuple[str, int]:
    """Restore a deleted user. Raises UserNotFound, VersionMismatch, EmailTaken when another user has the address."""
    policy.require(actor, P.USERS_DELETE)
    with unit(actor) as work:
        user = _locked(work, user_id, versions=versions, deleted=True)
        require_over(actor, user.id)
        user.deleted_at, user.updated_by = None, actor.user_id
        work.renew_access()
        work.changed(user, "user.restored", also={"user_types": user_types_of(actor, user.id)})
        return _shown(actor, user.id)


def _note_update(actor: Actor, work: Unit, user: User, roles: Sequence[Role] | None = None) -> None:
    """One version and one event for all that has changed, the user types (if given) among it."""
    changes = work.differences(user)
    old_types = user_types_of(actor, user.id)
    types = old_types if roles is None else _slugs(roles)
    if not changes and types == old_types:
        return
    user.updated_by = actor.user_id
    flag_modified(user, "updated_by")  # user types stand in rows of their own, and yet the user has a new version
    if types != old_types and roles is not None:
        _require_held(actor, roles)
        _assign(work, user.id, roles)
    if types != old_types or "is_active" in changes:
        work.renew_access()
        check_administrators(actor)
    if not user.is_active:
        auth.end_sessions(actor, user.id, reason="user deactivated")
    old = {"user_types": old_types} if types != old_types else {}
    work.changed(user, "user.updated", old=old, also={"user_types": types})


def _email(body: Mapping[str, Any], faults: FaultList) -> str:
    """The address as it is stored. Empty when there is none, for which a fault is known."""
    if "email" not in body:
        return ""
    try:
        return normal_email(body["email"])
    except ValueError as error:
        faults.add("/email", "INVALID_EMAIL", str(error))
        return ""


def _note_taken_email(work: Unit, email: str, faults: FaultList, *, but: UUID | None = None) -> None:
    """Add a fault when another user has the address, so that it is named together with what else is wrong.

    Without other faults nothing is looked up: the unique index decides when the row is written.
    """
    if not email or not faults.faults:
        return
    holder = work.session.scalar(select(User.id).where(User.email == email, User.deleted_at.is_(None)))
    if holder not in (None, but):
        faults.add_conflict(EmailTaken())


def check_locality(body: Mapping[str, Any], faults: FaultList) -> None:
    """Time zone and language, where they are given."""
    if "timezone" in body and body["timezone"] not in time_zones():
        faults.add(
            "/timezone", "UNKNOWN_TIMEZONE", "This is not an IANA time zone.", near=(body["timezone"], time_zones())
        )
    if "locale" in body and not _LOCALE.fullmatch(body["locale"]):
        faults.add("/locale", "INVALID_LOCALE", "This is not a BCP 47 language tag.")


def _locked(work: Unit, user_id: UUID, *, versions: frozenset[int] | None = None, deleted: bool = False) -> User:
    user = work.lock(User, user_id)
    if user is None or user.is_system or (user.deleted_at is not None) != deleted:
        raise UserNotFound
    work.require_version(user, versions)
    return user


def _roles(work: Unit, names: Sequence[str | None], faults: FaultList) -> list[Role]:
    """Locked against removal until the end of the unit, so that nobody is given a type that is just going. Of a name
    that is None a fault is known.
    """
    found = work.session.scalars(
        select(Role).where(Role.deleted_at.is_(None)).order_by(Role.slug).with_for_update(read=True, key_share=True)
    ).all()
    known = {str(role.id): role for role in found} | {role.slug: role for role in found}
    for at, name in enumerate(names):
        if name is not None and name not in known:
            faults.add(
                pointer("user_types", at), "USER_TYPE_NOT_FOUND", "There is no such user type.",
                near=None if as_id(name) else (name, [role.slug for role in found]),
            )  # fmt: skip
    chosen = {known[name].id: known[name] for name in names if name in known}
    return sorted(chosen.values(), key=lambda role: role.slug)


def _require_own_session(actor: Actor, user_id: UUID) -> None:
    """Whatever a key may do to others, its owner's account is not its own. Raises SessionRequired."""
    if user_id == actor.user_id:
        policy.require_session(actor)


def _needs_confirmation(actor: Actor, user: User, body: Mapping[str, Any]) -> bool:
    """Whether users change their own password or address: whoever finds a session open must not be able to take the
    account over, so such a change is confirmed by the present password.
    """
    moves = "email" in body and auth.login_name(body["email"]) != user.email
    return user.id == actor.user_id and (moves or body.get("password") is not None)


def _check_current_password(user: User, body: Mapping[str, Any], faults: FaultList) -> None:
    """Add a fault when it is missing. Raises CredentialsInvalid when it is wrong."""
    if body.get("current_password") is None:
        faults.add("/current_password", "REQUIRED", "Your own password or e-mail address needs your current password.")
    elif not passwords.verify_password(user.password_hash, body["current_password"]):
        raise CredentialsInvalid("The current password is wrong.")


def _require_held(actor: Actor, roles: Sequence[Role]) -> None:
    """Nobody gives user types that may do more than himself. Raises PermissionDenied."""
    require_within(actor, policy.parse_grants(grant for role in roles for grant in role.grants))


def _assign(work: Unit, user_id: UUID, roles: Sequence[Role]) -> None:
    work.session.execute(delete(UserRole).where(UserRole.user_id == user_id))
    work.session.add_all(UserRole(user_id=user_id, role_id=role.id) for role in roles)
    work.session.flush()


def _slugs(roles: Sequence[Role]) -> list[str]:
    return sorted(role.slug for role in roles)


def _shown(actor: Actor, user_id: UUID) -> tuple[str, int]:
    row = get_row(actor, USERS, Sql("u.id = %s AND u.deleted_at IS NULL", [user_id]))
    if row is None:
        raise UserNotFound
    return row
