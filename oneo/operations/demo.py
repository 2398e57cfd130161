"""Two tenants to look at on the first day."""

from __future__ import annotations

from sqlalchemy import select

from oneo.access.passwords import verify_password
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import User
from oneo.operations.tenants import create_tenant
from oneo.store.identity import tenant_by_slug

PASSWORD = "oneo-demo-password"  # noqa: S105 - published on purpose, made with the embedded database or on demand only
TENANTS = {"acme": "Acme Inc.", "globex": "Globex Corporation"}


def create_demo() -> list[str]:
    """Creates what is missing of the demo tenants; returns their slugs. Runs as the owner."""
    missing = [slug for slug in TENANTS if tenant_by_slug(slug) is None]
    for slug in missing:
        create_tenant(
            system_actor(new_id()),
            slug=slug,
            name=TENANTS[slug],
            admin_email=admin_email(slug),
            admin_password=PASSWORD,
        )
    return missing


def working_login() -> dict[str, str] | None:
    """What logs in to the first of them, if anybody can still do so. Runs as the owner."""
    slug = next(iter(TENANTS))
    found = tenant_by_slug(slug)
    if found is None or found[1] != "active":
        return None
    with unit(system_actor(found[0])) as work:
        stored = work.session.scalars(
            select(User.password_hash).where(User.email == admin_email(slug), User.is_active, User.deleted_at.is_(None))
        ).one_or_none()
    if not verify_password(stored, PASSWORD):
        return None
    return {"tenant": slug, "email": admin_email(slug), "password": PASSWORD}


def admin_email(slug: str) -> str:
    return f"admin@{slug}.example"
