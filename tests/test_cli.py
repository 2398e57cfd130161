"""`python -m oneo`: what it does, what it says, and how it ends."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, update

from oneo import cli as module
from oneo.actor import system_actor
from oneo.cli import cli
from oneo.config import Settings
from oneo.events.unit import unit
from oneo.models import Session
from oneo.operations import demo
from tests import databases
from tests.api import Api
from tests.export import sheets
from tests.factories.pipeline import deals, record
from tests.factories.tenant import PASSWORD, TestTenant, open_session
from tests.live import ROOT

Oneo = Callable[..., Result]
SETTINGS = [field.metadata["env"] for field in dataclasses.fields(Settings)]


@pytest.fixture
def environ(database_address: str) -> dict[str, str]:
    return {"DATABASE_URL": database_address, "ONEO_JWT_SECRET": databases.JWT_SECRET, "ONEO_LOG_LEVEL": "ERROR"}


@pytest.fixture
def oneo(environ: dict[str, str]) -> Iterator[Oneo]:
    """Runs a command on the database of the tests."""
    logger = logging.getLogger("oneo")
    handlers, level = logger.handlers[:], logger.level

    nothing = {name + suffix: None for name in SETTINGS for suffix in ("", "_FILE")}

    def run(*arguments: str, stdin: str = "", **more: str) -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin, env=nothing | environ | more, prog_name="python -m oneo")

    yield run
    logger.handlers[:] = handlers
    logger.setLevel(level)


def _create(oneo: Oneo, slug: str, *, password: str = PASSWORD, email: str | None = None) -> Result:
    return oneo(
        "tenant", "create", slug, "--name", "Initech", "--admin-email", email or f"boss@{slug}.example",
        "--admin-password-stdin", stdin=f"{password}\n",
    )  # fmt: skip


def _log_in(app: Flask, slug: str) -> int:
    login = {"tenant": slug, "email": f"boss@{slug}.example", "password": PASSWORD}
    return Api(app).post("/auth/login/", login).status_code


def _refused(result: Result, told: str) -> None:
    """It ended with 1 and one line."""
    assert result.exit_code == 1, result.output
    assert result.output.count("\n") == 1
    assert told in result.output


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


# -- tenants ---------------------------------------------------------------------------------------------------------


def test_a_tenant_from_its_making_to_its_end(oneo: Oneo, app: Flask) -> None:
    made = _create(oneo, "initech")
    assert made.exit_code == 0, made.output
    assert _log_in(app, "initech") == 200
    assert "initech" in oneo("tenant", "list").output

    assert oneo("tenant", "suspend", "initech").output == "Tenant initech is suspended.\n"
    assert _log_in(app, "initech") == 401
    assert "suspended" in next(line for line in oneo("tenant", "list").output.splitlines() if "initech" in line)
    assert oneo("tenant", "activate", "initech").exit_code == 0
    assert _log_in(app, "initech") == 200

    assert oneo("tenant", "add-domain", "initech", "CRM.Initech.example").exit_code == 0
    _refused(oneo("tenant", "add-domain", "initech", "crm.initech.example"), "registered already")

    assert oneo("tenant", "delete", "initech", stdin="n\n").exit_code == 1
    assert _log_in(app, "initech") == 200
    assert oneo("tenant", "delete", "initech", "--yes").output == "Tenant initech is gone.\n"
    assert _log_in(app, "initech") == 401
    assert "initech" not in oneo("tenant", "list").output


def test_the_password_is_asked_for_twice_and_not_shown(oneo: Oneo, app: Flask) -> None:
    command = ("tenant", "create", "asked", "--name", "Asked", "--admin-email", "boss@asked.example")
    result = oneo(*command, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    assert _log_in(app, "asked") == 200


def test_what_cannot_be_created_is_told_in_one_line(oneo: Oneo, tenant: TestTenant) -> None:
    _refused(_create(oneo, tenant.slug, email="boss@elsewhere.example"), "This slug is in use.")
    _refused(_create(oneo, "No-Slug", email="boss@elsewhere.example"), "A slug begins with a letter")
    _refused(_create(oneo, "weak", password="short"), "A password has 15 characters or more.")
    _refused(_create(oneo, "unreachable", email="nobody"), "The input is not valid.")


@pytest.mark.parametrize("command", ["suspend", "activate", "delete --yes", "add-domain", "delete  --yes"])
def test_a_tenant_that_is_not_there(oneo: Oneo, command: str) -> None:
    verb, *options = command.split()
    hosts = ["crm.example"] if verb == "add-domain" else []
    _refused(oneo("tenant", verb, "nobody_at_all", *hosts, *options), "There is no tenant 'nobody_at_all'.")


def test_demo_tenants_are_made_once(oneo: Oneo, app: Flask) -> None:
    assert oneo("demo").output == "Created: acme, globex.\n"
    assert oneo("demo").output == "The demo tenants are there already.\n"
    for slug in demo.TENANTS:
        login = {"tenant": slug, "email": demo.admin_email(slug), "password": demo.PASSWORD}
        assert Api(app).post("/auth/login/", login).status_code == 200
        assert oneo("tenant", "delete", slug, "--yes").exit_code == 0


# -- sessions --------------------------------------------------------------------------------------------------------


def _session(tenant: TestTenant, **ends: int | None) -> str:
    """A session of the administrator that ended or expires so many days ago."""
    session_id, _ = open_session(tenant.app, tenant.id, tenant.admin.id)
    moments = {name: datetime.now(UTC) - timedelta(days=days) for name, days in ends.items() if days is not None}
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        work.session.execute(update(Session).where(Session.id == session_id).values(**moments))
    return str(session_id)


def test_sessions_that_are_long_over_are_deleted(oneo: Oneo, tenant: TestTenant, other: TestTenant) -> None:
    gone = {
        _session(tenant, revoked_at=31), _session(tenant, expires_at=31), _session(tenant, revoked_at=31, expires_at=-9)
    }  # fmt: skip
    gone_elsewhere = {_session(other, expires_at=400)}
    kept = {_session(tenant, revoked_at=29), _session(tenant, expires_at=29), str(tenant.admin.session_id)}
    seq = tenant.api.events()[-1]["seq"]
    result = oneo("session", "prune")
    assert result.exit_code == 0, result.output
    assert int(result.output.removeprefix("Deleted: ").removesuffix(".\n")) >= len(gone | gone_elsewhere)
    assert _sessions(tenant) == kept
    assert _sessions(other) == {str(other.admin.session_id)}
    assert tenant.api.events(seq) == []
    assert oneo("session", "prune", "--days", "0").exit_code == 0
    assert _sessions(tenant) == {str(tenant.admin.session_id)}
    assert oneo("session", "prune", "--days", "-1").exit_code == 2


def _sessions(tenant: TestTenant) -> set[str]:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        return {str(session_id) for session_id in work.session.scalars(select(Session.id))}


# -- the rest --------------------------------------------------------------------------------------------------------


def test_every_command_says_what_it_is_for(oneo: Oneo) -> None:
    """And none of them needs a database for it."""
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    for path, command in [((), cli), *_commands(cli)]:
        result = oneo(*path, "--help", DATABASE_URL=nowhere)
        assert result.exit_code == 0, (path, result.output)
        assert command.help, path


def test_settings_shows_everything_but_secrets(oneo: Oneo) -> None:
    shown = oneo(
        "settings", PORT="8123", REDIS_URL="redis://:pass-word@h/0", ONEO_CORS_ORIGINS="https://a, https://b"
    ).output
    assert "PORT=8123\n" in shown
    assert "ONEO_CORS_ORIGINS=https://a,https://b\n" in shown
    assert "ONEO_RATE_LIMITS=true\n" in shown
    assert f"REDIS_URL={module.MASK}\n" in shown
    assert "pass-word" not in shown
    assert databases.JWT_SECRET not in shown


def test_routes_are_those_of_the_application_that_serves(oneo: Oneo) -> None:
    shown = oneo("routes").output
    assert "/api/v1/auth/login/" in shown
    assert "/readyz" in shown


def test_migrations_are_commands_too(oneo: Oneo, server_address: str) -> None:
    empty = databases.create(server_address, "oneo_test_cli_empty")
    told = oneo("tenant", "list", DATABASE_URL=empty)
    assert told.exit_code == 2
    assert "run `flask --app wsgi db upgrade`" in told.output
    assert oneo("db", "upgrade", DATABASE_URL=empty).exit_code == 0
    assert oneo("tenant", "list", DATABASE_URL=empty).exit_code == 0


def test_wrong_settings_are_one_line(oneo: Oneo) -> None:
    result = oneo("tenant", "list", ONEO_LOG_LEVEL="LOUD")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "ONEO_LOG_LEVEL" in result.output


def test_a_database_that_cannot_be_reached_is_one_line(oneo: Oneo) -> None:
    _refused(oneo("tenant", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"), "cannot be reached")


def test_flask_migrates_a_database_that_has_nothing_yet(environ: dict[str, str], server_address: str) -> None:
    """The application that serves would refuse to be made there."""
    empty = databases.create(server_address, "oneo_test_flask_empty")
    flask = [str(Path(sys.executable).with_name("flask")), "--app", "wsgi"]
    for command in (["db", "upgrade"], ["routes"]):
        done = subprocess.run(
            [*flask, *command],
            cwd=ROOT,
            env=environ | {"DATABASE_URL": empty},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "/api/v1/auth/login/" in done.stdout


def _deals(tenant: TestTenant) -> None:
    deals(tenant.api)
    for at in range(3):
        record(tenant.api, "deals", {"name": f"n{at}", "amount": at})


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "xlsx"])
def test_an_export_is_the_file_that_the_api_would_send(
    oneo: Oneo, tenant: TestTenant, tmp_path: Path, form: str
) -> None:
    _deals(tenant)
    out = tmp_path / f"deals.{form}"
    done = oneo("export", tenant.slug, "deals", "--format", form, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"The records are in {out}.\n"
    assert "3 of 3 (100 %)" in done.stderr
    assert list(tmp_path.iterdir()) == [out]
    sent = tenant.api.get(f"/pipelines/deals/export/?format={form}").data
    assert out.read_bytes() == sent or (form == "xlsx" and sheets.values(out.read_bytes()) == sheets.values(sent))


def test_an_export_takes_conditions_columns_and_an_order(oneo: Oneo, tenant: TestTenant, tmp_path: Path) -> None:
    _deals(tenant)
    out = tmp_path / "some.csv"
    done = oneo(
        "export", tenant.slug, "deals", "--format", "csv", "--out", str(out), "--headers", "name",
        "--filter", '{"data__amount": {"gte": 1}}', "--fields", "data__name,version", "--ordering", "-data__name",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert out.read_text(encoding="utf-8").splitlines() == ["Name,Version", "n2,1", "n1,1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody", "deals"], "There is no tenant"),
        ([..., "nothing"], "There is no such pipeline."),
        ([..., "deals", "--filter", "{"], "JSON"),
        ([..., "deals", "--filter", "[]"], "An object"),
        ([..., "deals", "--filter", '{"data__amuont": 1}'], "data__amuont"),
        ([..., "deals", "--fields", "amount"], "There is no field 'amount'."),
    ],
)
def test_an_export_that_cannot_be_is_one_line_and_no_file(
    oneo: Oneo, tenant: TestTenant, tmp_path: Path, arguments: list[Any], told: str
) -> None:
    _deals(tenant)
    out = tmp_path / "deals.csv"
    out.write_text("what was there before", encoding="utf-8")
    named = [tenant.slug if argument is ... else argument for argument in arguments]
    _refused(oneo("export", *named, "--format", "csv", "--out", str(out)), told)
    assert out.read_text(encoding="utf-8") == "what was there before"
    assert list(tmp_path.iterdir()) == [out]
    elsewhere = str(tmp_path / "missing" / "deals.csv")
    assert "cannot be written" in oneo("export", tenant.slug, "deals", "--out", elsewhere).output
