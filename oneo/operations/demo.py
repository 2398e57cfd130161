"""Two tenants to look at on the first day."""

from __future__ import annotations

from oneo.actor import system_actor
from oneo.ids import new_id
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


def admin_email(slug: str) -> str:
    return f"admin@{slug}.example"
