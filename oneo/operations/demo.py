"""Two tenants to look at on the first day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from oneo.access.passwords import verify_password
from oneo.actor import Actor, system_actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import User
from oneo.operations.bulk import Mode, bulk_create
from oneo.operations.pipelines import create_pipeline
from oneo.operations.tenants import create_tenant
from oneo.store.identity import tenant_by_slug
from oneo.store.statistics import analyse

PASSWORD = "oneo-demo-password"  # noqa: S105 - published on purpose, made with the embedded database or on demand only
TENANTS = {"acme": "Acme Inc.", "globex": "Globex Corporation"}
RECORDS: Mapping[str, list[dict[str, Any]]] = {
    "companies": [
        {"name": "Initech", "industry": "software", "employees": 240, "city": "Austin", "website": "https://initech.example"},
        {"name": "Umbra Mills", "industry": "manufacturing", "employees": 1800, "city": "Lyon"},
        {"name": "Northwind Stores", "industry": "retail", "employees": 95, "city": "Oslo"},
    ],
    "contacts": [
        {"name": "Ada Quill", "email": "ada@initech.example", "job_title": "Head of Operations", "company": "Initech",
         "lifecycle": "customer"},
        {"name": "Jun Park", "email": "jun@umbra.example", "job_title": "Buyer", "company": "Umbra Mills",
         "lifecycle": "lead"},
        {"name": "Mira Holt", "email": "mira@northwind.example", "company": "Northwind Stores", "lifecycle": "lead"},
    ],
    "deals": [
        {"name": "Initech renewal", "amount": "48000.00", "stage": "negotiation", "probability": 70,
         "expected_close": "2027-01-15"},
        {"name": "Umbra pilot", "amount": "12500.00", "stage": "proposal", "probability": 40,
         "expected_close": "2027-02-28"},
        {"name": "Northwind roll-out", "amount": "99000.00", "stage": "lead", "probability": 10},
    ],
}  # fmt: skip
"""What the demo tenants begin with, by the slug of the pipeline."""
_TEMPLATES = {"deals": "sales_deals"}


def create_demo() -> list[str]:
    """Creates what is missing of the demo tenants; returns their slugs. Runs as the owner."""
    missing = [slug for slug in TENANTS if tenant_by_slug(slug) is None]
    for slug in missing:
        actor = system_actor(new_id())
        create_tenant(
            actor, slug=slug, name=TENANTS[slug], admin_email=admin_email(slug), admin_password=PASSWORD
        )  # fmt: skip
        _furnish(actor)
    if missing:
        analyse()
    return missing


def _furnish(actor: Actor) -> None:
    """Something to look at: three pipelines made from templates, with records."""
    for slug, rows in RECORDS.items():
        create_pipeline(actor, {"name": slug.title(), "slug": slug, "template": _TEMPLATES.get(slug, slug)})
        bulk_create(actor, slug, [{"data": data} for data in rows], mode=Mode.ATOMIC)


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
