"""A channel that writes down what it is told, for tests of the hub without a network, and what it is told of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask

from oneo.access import identity
from oneo.actor import system_actor
from oneo.delivery.hub import Hub
from oneo.delivery.subscriptions import Reader
from oneo.errors import DomainError
from oneo.events.unit import unit
from oneo.ids import new_id
from tests.api import Api
from tests.factories.tenant import TestTenant


class Notebook:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.notices: list[tuple[str, dict[str, Any]]] = []
        self.closed: str | None = None
        self.room = 10**9

    def has_room(self) -> bool:
        return len(self.told) < self.room

    def send(self, event_name: str, payload: str) -> None:
        assert self.closed is None
        self.told.append({**orjson.loads(payload), "event_name": event_name})

    def notify(self, event_name: str, notice: dict[str, Any]) -> None:
        self.notices.append((event_name, notice))

    def close(self, reason: DomainError) -> None:
        self.closed = reason.code

    @property
    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.told]

    def wait_for(self, number: int, *, seconds: float = 5.0) -> list[int]:
        """Until this one was told last; all of them."""
        eventually(lambda: self.numbers[-1:] == [number], seconds=seconds)
        return self.numbers


def reader_of(app: Flask, api: Api, *, expires_at: float = float("inf")) -> tuple[Reader, Notebook]:
    """Who holds the token, listening with a notebook."""
    assert api.token
    with app.app_context():
        claims = identity.claims_of(api.token)
        actor = identity.load_actor(claims.tenant_id, claims.kind, claims.credential_id)
    notebook = Notebook()
    return Reader(notebook, actor, expires_at), notebook


def eventually(what: Callable[[], object], *, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


def write(app: Flask, tenant: TestTenant, count: int = 1, *, event_type: str = "user.updated") -> int:
    """Events in one commit; the number of the last."""
    with app.app_context(), unit(system_actor(tenant.id)) as work:
        for _ in range(count):
            work.append(event_type, new_id(), data={})
    return head(tenant)


def head(tenant: TestTenant) -> int:
    last: int = tenant.api.get("/admin/audit/?page_size=1").json["results"][0]["seq"]
    return last


def open_reader(app: Flask, hub: Hub, tenant: TestTenant, *, after: int | None = None) -> tuple[Reader, Notebook]:
    reader, notebook = reader_of(app, tenant.api)
    hub.join(reader)
    hub.subscribe(reader, "users", after=after)
    return reader, notebook
