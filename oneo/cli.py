"""Commands for whoever runs the server. They work as the owner of the tables, so no tenant's rights limit them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, with_appcontext

from oneo.actor import system_actor
from oneo.config import Settings
from oneo.errors import ConfigurationError, DomainError
from oneo.ids import new_id
from oneo.operations import demo, tenants
from oneo.store import identity

MASK = "********"


def _owner_app() -> Flask:
    from oneo.app import create_app

    return create_app(as_owner=True)


class Commands(FlaskGroup):
    """Wrong settings are one clear line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except ConfigurationError as error:
            click.echo(f"oneo: {error}", err=True)
            sys.exit(2)


@click.group(cls=Commands, create_app=_owner_app, add_version_option=False, add_default_commands=False)
def cli() -> None:
    """Commands for whoever runs Oneo. The server itself is started by `python wsgi.py`."""


def _said_clearly(command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except DomainError as error:
            details = "; ".join(fault.message for fault in error.faults)
            raise click.ClickException(f"{error.detail} {details}".strip()) from None

    return wrapper


@cli.group()
def tenant() -> None:
    """Create, suspend, delete tenants; give them domains."""


@tenant.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="What people call it.")
@click.option("--admin-email", required=True, help="Address of the first administrator.")
@click.password_option("--admin-password", help="His password; asked for when not given.")
@with_appcontext
@_said_clearly
def create_tenant(slug: str, name: str, admin_email: str, admin_password: str) -> None:
    """Create a tenant with its first administrator."""
    tenant_id = tenants.create_tenant(
        system_actor(new_id()), slug=slug, name=name, admin_email=admin_email, admin_password=admin_password
    )
    click.echo(f"Tenant {slug} has the id {tenant_id}.")


@tenant.command("list")
@with_appcontext
@_said_clearly
def list_tenants() -> None:
    """List all tenants."""
    for tenant_id, slug, status in identity.tenants():
        click.echo(f"{slug:<50}{status:<12}{tenant_id}")


@tenant.command("suspend")
@click.argument("slug")
@with_appcontext
@_said_clearly
def suspend_tenant(slug: str) -> None:
    """Stop all tokens of a tenant at their next use; nothing is lost."""
    tenants.set_tenant_status(tenants.tenant_actor(slug), "suspended")
    click.echo(f"Tenant {slug} is suspended.")


@tenant.command("activate")
@click.argument("slug")
@with_appcontext
@_said_clearly
def activate_tenant(slug: str) -> None:
    """End a suspension."""
    tenants.set_tenant_status(tenants.tenant_actor(slug), "active")
    click.echo(f"Tenant {slug} is active.")


@tenant.command("delete")
@click.argument("slug")
@click.confirmation_option(prompt="This erases everything that the tenant has, for good. Go on?")
@with_appcontext
@_said_clearly
def delete_tenant(slug: str) -> None:
    """Erase a tenant and everything it has."""
    tenants.delete_tenant(tenants.tenant_actor(slug))
    click.echo(f"Tenant {slug} is gone.")


@tenant.command("add-domain")
@click.argument("slug")
@click.argument("host")
@with_appcontext
@_said_clearly
def add_domain(slug: str, host: str) -> None:
    """Let a host name lead to a tenant (with ONEO_BASE_DOMAIN set)."""
    tenants.add_domain(tenants.tenant_actor(slug), host)
    click.echo(f"{host} leads to {slug}.")


@cli.command("demo")
@with_appcontext
@_said_clearly
def create_demo() -> None:
    """Create the demo tenants, with a password that everybody knows."""
    made = demo.create_demo()
    click.echo(f"Created: {', '.join(made)}." if made else "The demo tenants are there already.")


@cli.command("settings", context_settings={"ignore_unknown_options": False})
def show_settings() -> None:
    """List every setting with its present value, its default and what it is for."""
    present = Settings.from_environ()
    for field in dataclasses.fields(Settings):
        value = getattr(present, field.name)
        shown = MASK if field.metadata["secret"] and value else _spell(value)
        click.echo(f"{field.metadata['env']}={shown}\n    {field.metadata['about']} Default: {_spell(field.default)}")


def _spell(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
