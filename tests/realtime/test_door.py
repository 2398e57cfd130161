"""Who may open a connection: hosts, origins, limits, and those who never log in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from flask import Flask

from oneo.app import create_app
from oneo.realtime import pending
from tests import databases
from tests.factories.tenant import TestTenant
from tests.live import serve
from tests.realtime.client import Listener
from tests.realtime.test_transport import Raw

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


@contextmanager
def another(database_address: str, **settings: Any) -> Iterator[str]:
    """The address of an application with settings of its own."""
    app = create_app(databases.settings(database_address, **settings))
    with serve(app) as url:
        yield url
    app.extensions["oneo.hub"].stop()


@pytest.mark.parametrize(
    ("allowed", "origin", "status"),
    [
        ((), "https://elsewhere.example", 400), ((), None, 200),
        (("https://app.example",), "https://app.example", 200), (("https://app.example",), "https://evil.example", 400),
        (("*",), "https://elsewhere.example", 200),
    ],
)  # fmt: skip
def test_browsers_connect_from_allowed_origins(
    database_address: str, allowed: tuple[str, ...], origin: str | None, status: int
) -> None:
    with another(database_address, cors_origins=allowed) as url:
        answer = requests.get(url + HANDSHAKE, headers={"Origin": origin} if origin else {}, timeout=5)
        assert answer.status_code == status
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if origin and status == 200 else None)
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_host_must_agree_with_the_token(database_address: str, tenant: TestTenant, other: TestTenant) -> None:
    with another(database_address, base_domain="crm.example") as url:
        own = Raw(url, tenant.api.token, host=f"{tenant.slug}.crm.example", suppress_origin=True)
        assert own.subscribes()
        foreign = Raw(url, None, host=f"{other.slug}.crm.example", suppress_origin=True)
        foreign.socket.send("40" + json.dumps({"token": tenant.api.token}))
        refusal = foreign.receive()
        assert refusal.startswith("44{")
        assert json.loads(refusal[2:])["data"] == {"code": "TENANT_MISMATCH"}
        for raw in (own, foreign):
            raw.socket.close()
        refused = requests.get(url + HANDSHAKE, timeout=5)
        assert (refused.status_code, refused.json()["code"]) == (421, "HOST_NOT_SERVED")


def test_connections_and_messages_count_against_the_limits(database_address: str, tenant: TestTenant) -> None:
    limits = {"rate_limits": True, "rate_limit_peer": "5 per minute", "rate_limit_user": "6 per minute"}
    with another(database_address, **limits) as url:
        with Listener(url, tenant.api.token) as listener:
            answers = [listener.call("subscribe", {"topic": "users"}) for _ in range(8)]
            assert [answer["ok"] for answer in answers] == [True] * 5 + [False] * 3
            assert answers[-1]["error"]["code"] == "RATE_LIMITED"
        statuses = [requests.get(url + HANDSHAKE, timeout=5).status_code for _ in range(6)]
        assert statuses == [200] * 4 + [429] * 2


def test_who_never_logs_in_is_closed(url: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "PENDING_SECONDS", 0.3)
    with Listener(url, tenant.api.token) as listener:
        stranger = Raw(url, None)
        time.sleep(0.4)
        Raw(url, None).socket.close()
        assert stranger.socket.recv() == ""
        assert listener.call("subscribe", {"topic": "users"})["ok"]


def test_who_is_disconnected_cannot_stay(url: str, tenant: TestTenant) -> None:
    user = tenant.user()
    raw = Raw(url, user.api.token)
    assert user.api.post("/auth/logout/").status_code == 204
    assert raw.receive().startswith('42["closing",{"code":"TOKEN_REVOKED"')
    assert raw.receive() == "41"
    assert raw.ends()


def test_who_leaves_is_not_kept(url: str, tenant: TestTenant) -> None:
    raw = Raw(url, tenant.api.token)
    raw.socket.send("41")
    assert raw.ends()


def test_other_addresses_are_not_the_doors_business(app: Flask) -> None:
    assert app.test_client().get("/socketless").status_code == 404
