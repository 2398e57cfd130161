"""Writes that leave together: the same outcome for each as if he had gone alone (threats 65, 70)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask

from oneo.access.schema import schema_of
from oneo.errors import StaleActor
from oneo.ids import new_id
from oneo.store import convoy, record_writes
from oneo.store.convoy import Convoy
from tests.api import Api
from tests.factories.pipeline import deals
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of
from tests.threads import together


class Journey:
    """Notes who went with whom; the first one is held up until `others` have come."""

    def __init__(self, others: int, *, refuses: str = "") -> None:
        self.trips: list[list[str]] = []
        self._others = others
        self._refuses = refuses
        self._convoy = Convoy()

    def __call__(self, item: str) -> str:
        return self._convoy.run(self, item)

    def perform(self, items: list[str]) -> list[str]:
        self.trips.append(items)
        if len(self.trips) == 1:
            deadline = time.monotonic() + 5
            while len(self._convoy._waiting[self]) < self._others and time.monotonic() < deadline:
                time.sleep(0.001)
        if self._refuses in items and self._refuses:
            raise ValueError(self._refuses)
        return [f"{item} done" for item in items]


def go(journey: Journey, names: list[str]) -> dict[str, str]:
    ended: dict[str, str] = {}

    def one(name: str) -> None:
        try:
            ended[name] = journey(name)
        except ValueError as error:
            ended[name] = f"{error} refused"

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return ended


def test_nobody_waits_for_company() -> None:
    journey = Journey(0)
    assert [journey(name) for name in "ab"] == ["a done", "b done"]
    assert journey.trips == [["a"], ["b"]]


def test_those_who_come_meanwhile_go_together() -> None:
    names = [f"n{number}" for number in range(9)]
    journey = Journey(8)
    assert go(journey, names) == {name: f"{name} done" for name in names}
    assert [len(trip) for trip in journey.trips] == [1, 8]


def test_one_s_fault_is_not_the_others() -> None:
    names = [f"n{number}" for number in range(9)]
    journey = Journey(8, refuses="n5")
    assert go(journey, names) == {name: f"{name} {'refused' if name == 'n5' else 'done'}" for name in names}


def test_no_more_go_together_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convoy, "MOST", 3)
    names = [f"n{number}" for number in range(9)]
    journey = Journey(8)
    assert set(go(journey, names).values()) == {f"{name} done" for name in names}
    assert [len(trip) for trip in journey.trips] == [1, 3, 3, 2]


def test_records_that_are_made_at_once_are_each_their_own(api: Api) -> None:
    deals(api)
    after = api.events()[-1]["seq"]

    def create(number: int) -> Any:
        return api.post("/pipelines/deals/records/", {"data": {"name": f"n{number}", "code": f"c{number % 20}"}})

    answers = together([lambda number=number: create(number) for number in range(24)])  # type: ignore[misc]
    made = [answer.json for answer in answers if answer.status_code == 201]
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 4
    assert {found["data"]["name"] for found in made} <= {f"n{number}" for number in range(24)}
    events = api.events(after)
    assert [event["seq"] for event in events] == list(range(after + 1, after + 21))
    assert {event["subject_id"]: event["data"]["data"] for event in events} == {m["id"]: m["data"] for m in made}


def test_who_is_out_of_date_is_told_so_in_company_too(app: Flask, tenant: TestTenant) -> None:
    deals(tenant.api)
    with app.app_context():
        actor = actor_of(tenant)
        shape = schema_of(actor).find("deals")
        assert shape is not None
    tenant.api.patch("/pipelines/deals/", {"name": "Other deals"})

    def write() -> bool:
        row = {"id": new_id(), "title": "", "status": "active", "data": {"name": "late"}}
        with app.app_context(), pytest.raises(StaleActor):
            record_writes.insert(actor, shape, [row], hidden=frozenset())
        return True

    assert together([write] * 6) == [True] * 6
    assert tenant.api.get("/pipelines/deals/records/").json["count"] == 0
