"""Commands for whoever runs the server. They work as the owner of the tables, so no tenant's rights limit them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click
from flask import Flask
from flask.cli import ScriptInfo, routes_command
from flask_migrate.cli import db

from oneo import strict_json
from oneo.actor import system_actor
from oneo.config import Settings
from oneo.errors import ConfigurationError, DomainError, Unavailable
from oneo.filters.parse import MAX_DEPTH
from oneo.ids import new_id
from oneo.operations import demo, export, records, sessions, tenants
from oneo.operations.lists import ListQuery
from oneo.operations.readiness import check_migrated
from oneo.progress import Progress
from oneo.store import identity

EXIT_REFUSED = 1
EXIT_MISCONFIGURED = 2
MASK = "********"


def _owner_app() -> Flask:
    # Here, because only commands that need the database should pay for it.
    from oneo.app import create_app

    return create_app(as_owner=True)


class Commands(click.Group):
    """The application is made when a command needs it; what goes wrong is one clear line."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        return super().make_context(*args, obj=ScriptInfo(create_app=_owner_app), **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            _fail(str(error), EXIT_MISCONFIGURED)
        except Unavailable:
            _fail("the database cannot be reached; DATABASE_URL and ONEO_MIGRATION_URL say where it is.", EXIT_REFUSED)
        except DomainError as error:
            _fail(" ".join(dict.fromkeys([error.detail, *(fault.message for fault in error.faults)])), EXIT_REFUSED)


class OnTables(click.Command):
    """Runs as the owner of tables that are as new as the program."""

    def invoke(self, ctx: click.Context) -> Any:
        ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        check_migrated()
        return super().invoke(ctx)


class OnTenants(click.Group):
    command_class = OnTables


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"oneo: {message}", err=True)
    sys.exit(code)


@click.group(cls=Commands)
def cli() -> None:
    """Commands for whoever runs Oneo. The server itself is started by `python wsgi.py`."""


cli.add_command(db)


@cli.group(cls=OnTenants)
def tenant() -> None:
    """Create, suspend, delete tenants; give them domains."""


@tenant.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="What people call it.")
@click.option("--admin-email", required=True, help="Address of the first administrator.")
@click.option("--admin-password-stdin", is_flag=True, help="Read his password from standard input; else it is asked.")
def create_tenant(slug: str, name: str, admin_email: str, *, admin_password_stdin: bool) -> None:
    """Create a tenant with its first administrator."""
    password = _read_password() if admin_password_stdin else _ask_password()
    tenant_id = tenants.create_tenant(
        system_actor(new_id()), slug=slug, name=name, admin_email=admin_email, admin_password=password
    )
    click.echo(f"Tenant {slug} has the id {tenant_id}.")


@tenant.command("list")
def list_tenants() -> None:
    """List all tenants."""
    for tenant_id, slug, status in identity.tenants():
        click.echo(f"{slug:<50}{status:<12}{tenant_id}")


@tenant.command("suspend")
@click.argument("slug")
def suspend_tenant(slug: str) -> None:
    """Stop all tokens of a tenant at their next use; nothing is lost."""
    tenants.set_tenant_status(tenants.tenant_actor(slug), "suspended")
    click.echo(f"Tenant {slug} is suspended.")


@tenant.command("activate")
@click.argument("slug")
def activate_tenant(slug: str) -> None:
    """End a suspension."""
    tenants.set_tenant_status(tenants.tenant_actor(slug), "active")
    click.echo(f"Tenant {slug} is active.")


@tenant.command("delete")
@click.argument("slug")
@click.confirmation_option(prompt="This erases everything that the tenant has, for good. Go on?")
def delete_tenant(slug: str) -> None:
    """Erase a tenant and everything it has."""
    tenants.delete_tenant(tenants.tenant_actor(slug))
    click.echo(f"Tenant {slug} is gone.")


@tenant.command("add-domain")
@click.argument("slug")
@click.argument("host")
def add_domain(slug: str, host: str) -> None:
    """Let a host name lead to a tenant (with ONEO_BASE_DOMAIN set)."""
    tenants.add_domain(tenants.tenant_actor(slug), host)
    click.echo(f"{host.lower()} leads to {slug}.")


@cli.group(cls=OnTenants)
def session() -> None:
    """Forget sessions that are over."""


@session.command("prune")
@click.option("--days", type=click.IntRange(0, 36_500), default=sessions.KEPT_DAYS, show_default=True)
def prune_sessions(days: int) -> None:
    """Delete the sessions that ended or expired so many days ago; with the embedded database each start does it."""
    click.echo(f"Deleted: {sessions.prune_sessions(days=days)}.")


@cli.command("demo", cls=OnTables)
def create_demo() -> None:
    """Create the demo tenants, with a password that everybody knows."""
    made = demo.create_demo()
    click.echo(f"Created: {', '.join(made)}." if made else "The demo tenants are there already.")


@cli.command("export", cls=OnTables)
@click.argument("slug", metavar="TENANT")
@click.argument("pipeline")
@click.option("--format", "form", type=click.Choice(list(export.MEDIA_TYPES)), default="json", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@click.option("--filter", "conditions", metavar="JSON", help="Which records, as in docs/filters.md; else all.")
@click.option("--fields", default="", help="Which columns, comma separated; else all.")
@click.option("--ordering", default="", help="Keys, comma separated; `-` turns one round.")
@click.option("--headers", type=click.Choice(["slug", "name"]), default="slug", show_default=True)
def export_records(
    slug: str, pipeline: str, *, form: str, out: Path, conditions: str | None, fields: str, ordering: str, headers: str
) -> None:
    """Write the records of a pipeline to a file, which is there when it is whole."""
    asked = strict_json.loads(conditions.encode(), max_depth=MAX_DEPTH * 4) if conditions else None
    query = ListQuery(filter=asked, fields=fields, ordering=ordering, page_size=1)
    actor = tenants.tenant_actor(slug)
    progress = Progress(records.list_records(actor, pipeline, query).count or 0, sys.stderr)
    try:
        with whole_file(out) as file:
            made = export.export_records(actor, pipeline, query, form=form, labels=headers == "name", told=progress)
            with closing(made):
                file.writelines(made)
    except OSError as error:
        _fail(f"{out} cannot be written: {error.strerror}.", EXIT_REFUSED)
    finally:
        progress.end()
    click.echo(f"The records are in {out}.")


@cli.command("settings")
def show_settings() -> None:
    """List every setting with its present value, its default and what it is for."""
    present = Settings.from_environ()
    for field in dataclasses.fields(Settings):
        value = getattr(present, field.name)
        shown = MASK if field.metadata["secret"] and value else spell(value)
        default = spell(field.default) or "empty"
        click.echo(f"{field.metadata['env']}={shown}\n    {field.metadata['about']} Default: {default}.")


@cli.command("routes", params=routes_command.params)
def show_routes(**options: Any) -> None:
    """List the routes of the application that serves."""
    from oneo.app import create_app

    with create_app().app_context():
        click.get_current_context().invoke(routes_command, **options)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Its name leads to the file only when all of it is there."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def spell(value: Any) -> str:
    """As it is written in the environment."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ask_password() -> str:
    return str(click.prompt("Password of the administrator", hide_input=True, confirmation_prompt=True))


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
