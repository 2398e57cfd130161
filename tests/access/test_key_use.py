"""When API keys were last used: seen soon, written seldom, and told by no event."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from oneo.access.key_use import KeyUses
from oneo.actor import system_actor
from oneo.app import create_app
from oneo.events.unit import unit
from oneo.models import ApiKey
from oneo.store import identity
from tests import databases
from tests.api import Api
from tests.factories.tenant import TestTenant


def make(tenant: TestTenant) -> dict[str, Any]:
    made: dict[str, Any] = tenant.api.post("/auth/api-keys/", {"name": "key"}).json
    return made


def last_use(tenant: TestTenant) -> datetime | None:
    found = tenant.api.get("/auth/api-keys/").json["results"][0]["last_used_at"]
    return datetime.fromisoformat(found) if found else None


def soon(tenant: TestTenant) -> datetime:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        found = last_use(tenant)
        if found is not None:
            return found
        time.sleep(0.02)
    raise TimeoutError("the use was not written")


def set_back(tenant: TestTenant, **values: Any) -> None:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        work.session.execute(update(ApiKey).values(**values))


def test_a_use_is_seen_soon_and_leaves_no_event(tenant: TestTenant) -> None:
    key, seq = make(tenant), tenant.api.events()[-1]["seq"]
    assert last_use(tenant) is None
    assert Api(tenant.app, key["key"]).get("/users/").status_code == 200
    assert abs(soon(tenant) - datetime.now(UTC)) < timedelta(seconds=10)
    assert tenant.api.events(seq) == []
    assert tenant.api.get("/auth/api-keys/?last_used_at__gt=2026-01-01T00:00:00Z").json["count"] == 1


def test_a_key_in_use_is_written_once_a_minute(database_address: str, tenant: TestTenant) -> None:
    """By one process, and by several together."""
    key = make(tenant)
    assert Api(tenant.app, key["key"]).get("/users/").status_code == 200
    first = soon(tenant)
    elsewhere = create_app(databases.settings(database_address))
    for app in (tenant.app, elsewhere):
        for _ in range(3):
            assert Api(app, key["key"]).get("/users/").status_code == 200
    elsewhere.extensions["oneo.key_uses"].stop()
    assert last_use(tenant) == first
    set_back(tenant, last_used_at=first - timedelta(seconds=50))
    assert Api(tenant.app, key["key"]).get("/users/").status_code == 200
    time.sleep(0.3)
    assert last_use(tenant) == first - timedelta(seconds=50), "this process has rested for less than a minute"


def test_what_is_noted_is_written_when_the_server_stops(database_address: str, tenant: TestTenant) -> None:
    key, app = make(tenant), create_app(databases.settings(database_address))
    assert Api(app, key["key"]).get("/users/").status_code == 200
    for end in app.extensions["oneo.stop"]:
        end()
    assert last_use(tenant) is not None


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_dead_key_is_not_used(in_app: Flask, tenant: TestTenant, ended: str) -> None:
    key = make(tenant)
    set_back(tenant, **{ended: datetime.now(UTC) - timedelta(seconds=1)})
    identity.note_key_use(tenant.id, [UUID(key["id"])])
    set_back(tenant, revoked_at=None)
    assert last_use(tenant) is None


def test_another_tenant_s_key_is_not_touched(in_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    key = make(tenant)
    identity.note_key_use(other.id, [UUID(key["id"])])
    assert last_use(tenant) is None
    identity.note_key_use(tenant.id, [UUID(key["id"])])
    assert last_use(tenant) is not None


def test_a_failure_is_forgotten_and_the_next_use_noted(tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    key, uses = make(tenant), KeyUses(tenant.app)
    with monkeypatch.context() as broken:
        broken.setattr(identity, "_KEY_USE", "SELECT 1 / 0")
        uses.note(tenant.id, UUID(key["id"]))
        until = time.monotonic() + 5
        while uses._rests_until and time.monotonic() < until:
            time.sleep(0.01)
    uses.note(tenant.id, UUID(key["id"]))
    uses.stop()
    assert last_use(tenant) is not None
