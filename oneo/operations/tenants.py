"""A tenant as its people see it, and its life as the owner of the server commands it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import P
from oneo.actor import Actor, system_actor, system_user_id
from oneo.errors import Fault, FaultList, TenantNotFound, ValidationFailed, pointer
from oneo.events.unit import unit
from oneo.fields.dates import moment_text
from oneo.fields.slugs import RULE, is_slug
from oneo.models import Role, Tenant, TenantClock, TenantDomain, TenantProfile, User
from oneo.operations import users
from oneo.operations.user_types import SHIPPED
from oneo.store.identity import tenant_by_slug
from oneo.store.tenants import erase_tenant


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a tenant: its default, what it is for, and the values it takes."""

    default: Any
    about: str
    choices: tuple[str, ...] = ()


_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])", re.ASCII)

SETTINGS: Mapping[str, Option] = {
    "timezone": Option("UTC", "IANA time zone of the tenant; days of analytics begin there."),
    "locale": Option("en", "BCP 47 language tag used where a user has none."),
    "currency": Option("EUR", "ISO 4217 code of amounts that name none."),
    "week_start": Option("monday", "First day of the week.", choices=("monday", "sunday", "saturday")),
}


def get_current_tenant(actor: Actor) -> dict[str, Any]:
    """Needs no permission: everybody may know where he is."""
    with unit(actor) as work:
        profile = work.session.get_one(TenantProfile, (actor.tenant_id, actor.tenant_id))
        tenant = work.session.get_one(Tenant, actor.tenant_id)
        hosts = work.session.scalars(
            select(TenantDomain.host).where(TenantDomain.tenant_id == actor.tenant_id).order_by(TenantDomain.host)
        ).all()
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": profile.name,
        "status": tenant.status,
        "domains": list(hosts),
        "created_at": moment_text(profile.created_at),
        "updated_at": moment_text(profile.updated_at),
        "version": profile.version,
    }


def get_time_zone(actor: Actor) -> str:
    """The tenant's time zone: where its days begin."""
    with unit(actor) as work:
        profile = work.session.get_one(TenantProfile, (actor.tenant_id, actor.tenant_id))
        return str(_settings_of(profile)["timezone"])


def get_settings(actor: Actor) -> tuple[dict[str, Any], int]:
    """(all settings with defaults filled in, version)"""
    policy.require(actor, P.TENANT_READ)
    with unit(actor) as work:
        profile = work.session.get_one(TenantProfile, (actor.tenant_id, actor.tenant_id))
        return _settings_of(profile), profile.version


def update_settings(
    actor: Actor, changes: Mapping[str, Any], *,
    versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[dict[str, Any], int]:  # fmt: skip
    """Changes what is given; null returns a setting to its default. Raises ValidationFailed, VersionMismatch."""
    policy.require(actor, P.TENANT_UPDATE)
    _check_settings(changes, faults or FaultList())
    with unit(actor) as work:
        profile = work.lock(TenantProfile, actor.tenant_id, versions=versions)
        if profile is None:
            raise TenantNotFound
        if changes.get("name") is not None:
            profile.name = changes["name"]
        settings = {**profile.settings, **{key: value for key, value in changes.items() if key != "name"}}
        profile.settings = {key: value for key, value in settings.items() if value is not None}
        work.changed(profile, "tenant.updated")
        return _settings_of(profile), profile.version


def _settings_of(profile: TenantProfile) -> dict[str, Any]:
    defaults = {key: option.default for key, option in SETTINGS.items()}
    return {"name": profile.name, **defaults, **profile.settings}


def _check_settings(changes: Mapping[str, Any], faults: FaultList) -> None:
    """Raises ValidationFailed."""
    for key, value in changes.items():
        option = SETTINGS.get(key)
        if option is None or value is None:
            continue
        where = pointer(key)
        if option.choices and value not in option.choices:
            faults.add(where, "NOT_A_CHOICE", "This is none of the choices.", allowed=option.choices)
        if key == "currency" and not _CURRENCY.fullmatch(value):
            faults.add(where, "INVALID_CURRENCY", "A currency is three capital letters (ISO 4217).")
        if key in {"timezone", "locale"}:
            users.check_locality({key: value}, faults)
    faults.check()


# -- as the owner of the server ----------------------------------------------------------------------------------------


def create_tenant(actor: Actor, *, slug: str, name: str, admin_email: str, admin_password: str | None) -> UUID:
    """A tenant with its clock, shipped user types, system user and first administrator, who without a password cannot
    log in yet.

    `actor` is the system's, for the id that the tenant will have. Raises SlugTaken, ValidationFailed.
    """
    if not is_slug(slug):
        raise ValidationFailed(faults=[Fault("/slug", "INVALID_SLUG", RULE)])
    with unit(actor) as work:
        work.session.add(Tenant(id=actor.tenant_id, slug=slug))
        work.session.flush()
        work.session.add(TenantClock(tenant_id=actor.tenant_id))
        work.created(TenantProfile(id=actor.tenant_id, name=name), "tenant.created")
        system = User(
            id=system_user_id(actor.tenant_id), email=f"system@{slug.replace('_', '-')}.invalid", name="System",
            is_system=True,
        )  # fmt: skip
        work.created(system, "user.created", user_types=[])
        for role_slug, (role_name, about, permissions) in SHIPPED.items():
            grants: list[dict[str, Any]] = [
                {"permission": p, "pipelines": None, "rows": rows, "hidden_fields": [], "read_only_fields": []}
                for p, rows in permissions
            ]
            role = Role(slug=role_slug, name=role_name, description=about, grants=grants, is_shipped=True)
            work.created(role, "user_type.created")
        users.create_user(actor, {"email": admin_email, "password": admin_password, "user_types": ["admin"]})
    return actor.tenant_id


def set_tenant_status(actor: Actor, status: str) -> None:
    """`active` or `suspended`. A suspended tenant's tokens stop at the next request."""
    with unit(actor) as work:
        tenant = work.session.get(Tenant, actor.tenant_id, with_for_update=True)
        if tenant is None:
            raise TenantNotFound
        if tenant.status != status:
            old, tenant.status = tenant.status, status
            work.renew_access()
            work.append(
                "tenant.activated" if status == "active" else "tenant.suspended", tenant.id,
                data={"id": tenant.id, "status": status}, old={"status": old},
            )  # fmt: skip


def add_domain(actor: Actor, host: str) -> None:
    """Raises DomainTaken, ValidationFailed."""
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise ValidationFailed(faults=[Fault("/host", "INVALID_HOST", "A host name without port or path is expected.")])
    with unit(actor) as work:
        work.session.add(TenantDomain(host=host, tenant_id=actor.tenant_id))
        work.session.flush()
        work.append("tenant.domain_added", actor.tenant_id, data={"host": host})


def delete_tenant(actor: Actor) -> None:
    """Erases the tenant and everything it has, at once and for good."""
    with unit(actor) as work:
        if work.session.get(Tenant, actor.tenant_id) is None:
            raise TenantNotFound
        erase_tenant(work.connection, actor.tenant_id)


def tenant_actor(slug: str) -> Actor:
    """The system's actor for a tenant. Raises TenantNotFound."""
    found = tenant_by_slug(slug)
    if found is None:
        raise TenantNotFound(f"There is no tenant {slug!r}.")
    return system_actor(found[0])
