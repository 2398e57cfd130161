"""What the person who starts the server is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from oneo import __version__
from oneo.config import Settings
from oneo.server.banner import serving
from tests.databases import JWT_SECRET

URL = "http://127.0.0.1:8000"
LOGIN = {"tenant": "acme", "email": "admin@acme.example", "password": "oneo-demo-password"}


def test_addresses_login_and_one_request_stand_there() -> None:
    told = serving(Settings(data_dir=Path("/srv/oneo")), URL, LOGIN)
    assert f"Oneo {__version__} serves at {URL}\n" in told
    for part in (f"{URL}/api/v1/", f"{URL}/graphql", f"{URL}/docs", "/srv/oneo/postgres", *LOGIN.values()):
        assert part in told
    assert "curl -s http://127.0.0.1:8000/api/v1/auth/login/ -H" in told
    assert "Note" not in told


def test_without_a_demo_no_password_is_told() -> None:
    told = serving(Settings(), URL, None)
    assert "oneo-demo-password" not in told
    assert "python -m oneo tenant create" in told
    assert f"curl -s {URL}/readyz" in told


def test_an_external_database_is_named_without_its_password() -> None:
    url = "postgresql://crm:pass-word@db.example:5432/crm"
    told = serving(Settings(database_url=url, jwt_secret=JWT_SECRET), URL, None)
    assert "external PostgreSQL, crm at db.example" in told
    assert "pass-word" not in told


def test_the_request_names_the_tenants_host_where_hosts_count() -> None:
    assert "-H 'Host: acme.crm.example'" in serving(Settings(base_domain="crm.example"), URL, LOGIN)


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (Settings(host="0.0.0.0"), "whoever reaches this address can log in with the demo password"),  # noqa: S104
        (Settings(workers=2), "each process counts its own"),
    ],
    ids=["demo for all", "several counters"],
)
def test_what_may_surprise_is_noted(settings: Settings, note: str) -> None:
    assert note in serving(settings, URL, LOGIN)
