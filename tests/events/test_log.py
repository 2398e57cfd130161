"""The log: dense numbers in the order of commits, whole envelopes, no secrets, and history that adds up to the present.

Threats 29, 70, 71 as far as one process goes; contract 6.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from oneo.access.tokens import hash_key_secret
from oneo.actor import Actor, system_actor
from oneo.errors import StaleActor
from oneo.events.log import Entry
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.models import User
from oneo.store import events as store
from oneo.store import message
from tests.api import Api
from tests.factories.tenant import TestTenant
from tests.threads import together

WRITERS, ROUNDS = 8, 10
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def last_number(tenant: TestTenant) -> int:
    found: int = message.look_up(tenant.id, "SELECT max(seq) FROM events")[0][0]
    return found


def write(app: Flask, tenant: TestTenant, name: str, *, fail: bool = False, events: int = 1) -> None:
    with app.app_context(), unit(system_actor(tenant.id)) as work:
        for at in range(events):
            work.append("user.restored", work.actor.user_id, data={"name": name, "at": at})
        if fail:
            raise LookupError(name)


def test_numbers_are_dense_and_rise_in_the_order_of_commits(app: Flask, in_app: Flask, tenant: TestTenant) -> None:
    """A reader who goes on from the last number that he has seen misses nothing, while eight writers write."""
    first, done = last_number(tenant), threading.Event()

    def writer(name: str) -> Callable[[], list[int]]:
        def run() -> list[int]:
            for turn in range(ROUNDS):
                write(app, tenant, f"{name} {turn}", events=1 + turn % 3)
                with pytest.raises(LookupError):
                    write(app, tenant, name, fail=True)
            return []

        return run

    def reader() -> list[int]:
        seen: list[int] = []
        with app.app_context():
            while not done.is_set() or store.read_after(tenant.id, seen[-1] if seen else first, 1):
                seen += [row[0] for row in store.read_after(tenant.id, seen[-1] if seen else first, 7)]
        return seen

    def write_all() -> list[int]:
        try:
            together([writer(f"writer {at}") for at in range(WRITERS)])
        finally:
            done.set()
        return []

    seen, _ = together([reader, write_all])
    total = WRITERS * sum(1 + turn % 3 for turn in range(ROUNDS))
    assert seen == list(range(first + 1, first + 1 + total))
    assert store.clocks([tenant.id]) == {tenant.id: first + total}


def test_events_of_one_unit_stand_together_in_their_order(app: Flask, in_app: Flask, tenant: TestTenant) -> None:
    first = last_number(tenant)
    together([lambda at=at: write(app, tenant, f"unit {at}", events=5) for at in range(4)])  # type: ignore[misc]
    rows = message.look_up(tenant.id, "SELECT data FROM events WHERE seq > %s ORDER BY seq", (first,))
    found = [row[0] for row in rows]
    for start in range(0, 20, 5):
        assert [data["at"] for data in found[start : start + 5]] == list(range(5))
        assert len({data["name"] for data in found[start : start + 5]}) == 1


def test_tenants_count_for_themselves(app: Flask, in_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    ours, theirs = last_number(tenant), last_number(other)
    write(app, tenant, "ours", events=3)
    assert (last_number(tenant), last_number(other)) == (ours + 3, theirs)


def test_nothing_is_written_for_a_tenant_that_has_been_erased_meanwhile(app: Flask, in_app: Flask) -> None:
    nobody = system_actor(new_id())
    with pytest.raises(StaleActor):
        write_as(nobody)
    assert message.look_up(nobody.tenant_id, "SELECT count(*) FROM events") == [(0,)]


def write_as(actor: Actor) -> None:
    with unit(actor) as work:
        work.append("user.restored", actor.user_id)


# -- envelopes ---------------------------------------------------------------------------------------------------------


def test_an_envelope_says_who_did_what_to_what(tenant: TestTenant) -> None:
    user = tenant.user()
    before = tenant.api.get(f"/users/{user.id}/").json
    after = tenant.api.patch(f"/users/{user.id}/", {"name": "Ada", "locale": "de"}).json
    event = tenant.api.events()[-1]
    assert list(event) == [
        "seq", "id", "type", "event_type", "tenant_id", "occurred_at", "actor", "subject_id", "pipeline_id", "version",
        "changed_fields", "data", "old", "reason",
    ]  # fmt: skip
    assert event["type"] == "user.updated"
    assert event["event_type"] == "updated"
    assert event["tenant_id"] == str(tenant.id)
    assert event["actor"] == {"id": str(tenant.admin.id), "kind": "session"}
    assert event["subject_id"] == str(user.id)
    assert event["changed_fields"] == ["locale", "name"]
    assert event["old"] == {"name": before["name"], "locale": before["locale"]}
    assert event["version"] == after["version"]
    assert {key: after[key] for key in event["data"] if key in after} == {
        key: value for key, value in event["data"].items() if key in after
    }
    assert _MOMENT.fullmatch(event["occurred_at"])
    assert UUID(event["id"]).version == 7


def test_an_event_tells_what_kind_of_credential_was_used(tenant: TestTenant) -> None:
    key = tenant.api.post("/auth/api-keys/", {"name": "key"}).json
    made = Api(tenant.app, key["key"]).post("/users/", {"email": "by-key@example.com"})
    assert made.status_code == 201, made.text
    assert tenant.api.events()[-1]["actor"] == {"id": str(tenant.admin.id), "kind": "api_key"}
    assert tenant.api.events()[0]["actor"]["kind"] == "system"


def test_times_in_an_event_are_spelt_as_in_the_api(tenant: TestTenant) -> None:
    user = tenant.user()
    tenant.api.delete(f"/users/{user.id}/")
    data = next(event for event in tenant.api.events() if event["type"] == "user.deleted")["data"]
    for key in ("created_at", "updated_at", "deleted_at"):
        assert _MOMENT.fullmatch(data[key]), key


@pytest.mark.parametrize(
    "value",
    ["text", "", "é 🐎 \u2028", 'quotes " and \\', 0, -1, 2**53, 1.5, True, None, [], {}, [1, [2, {"a": None}]]],
)
def test_values_come_back_from_the_log_as_they_went_in(
    app: Flask, in_app: Flask, settled: TestTenant, value: Any
) -> None:
    with unit(system_actor(settled.id)) as work:
        work.append(
            "user.restored", work.actor.user_id, data={"value": value}, old={"value": [value]}, reason=str(value)
        )
    row = message.look_up(settled.id, "SELECT data, old, reason FROM events ORDER BY seq DESC LIMIT 1")
    assert row == [({"value": value}, {"value": [value]}, str(value))]


def test_what_cannot_be_kept_is_refused_with_the_whole_unit(app: Flask, in_app: Flask, tenant: TestTenant) -> None:
    first = last_number(tenant)

    def work() -> None:
        with unit(system_actor(tenant.id)) as mine:
            mine.created(User(email="new@example.com", name=""), "user.created")
            mine.append("user.restored", mine.actor.user_id, data={"value": object()})

    with pytest.raises(TypeError):
        work()
    assert last_number(tenant) == first


def test_an_entry_without_changes_has_no_changed_fields() -> None:
    assert Entry("user.restored", new_id()).as_json()["changed_fields"] == []
    assert Entry("user.restored", new_id(), old={"b": 1, "a": 2}).as_json()["changed_fields"] == ["a", "b"]


# -- reading on --------------------------------------------------------------------------------------------------------


def test_reading_goes_on_after_a_number_in_pieces(app: Flask, in_app: Flask, tenant: TestTenant) -> None:
    first = last_number(tenant)
    write(app, tenant, "x", events=5)
    assert [row[0] for row in store.read_after(tenant.id, first, 2)] == [first + 1, first + 2]
    assert [row[0] for row in store.read_after(tenant.id, first + 2, 100)] == [first + 3, first + 4, first + 5]
    assert store.read_after(tenant.id, first + 5, 100) == []
    assert store.read_after(tenant.id, 10**12, 100) == []


def test_reading_shows_no_other_tenant(app: Flask, in_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    write(app, other, "canary of the other tenant")
    assert not any("canary" in row[2] for row in store.read_after(tenant.id, 0, 1000))


def test_a_reader_is_told_when_replay_does_not_reach_him(app: Flask, owner_app: Flask, tenant: TestTenant) -> None:
    with owner_app.app_context(), unit(system_actor(tenant.id)) as work:
        message.execute(
            work.connection,
            "UPDATE events SET occurred_at = now() - interval '31 days' WHERE tenant_id = %s AND seq <= 3",
            (tenant.id,),
        )
    with app.app_context():
        assert not store.reached(tenant.id, 0, 30)
        assert not store.reached(tenant.id, 2, 30)
        assert store.reached(tenant.id, 3, 30)
        assert store.reached(tenant.id, 0, 40)
        assert store.reached(tenant.id, last_number(tenant), 30), "whoever has everything is up to date"


# -- history adds up ---------------------------------------------------------------------------------------------------


def test_a_user_s_events_add_up_to_what_he_is(tenant: TestTenant) -> None:
    """Threat 70: each event's `data` is the state after it, each `old` the state before."""
    api, second = tenant.api, tenant.user("admin").api
    made = api.post("/users/", {"email": "ada@example.com", "user_types": ["viewer"]})
    path = f"/users/{made.json['id']}/"
    for caller, method, at, body in (
        (api, "PATCH", path, {"name": "Ada"}),
        (second, "PATCH", path, {"name": "Ada L.", "user_types": ["manager", "member"]}),
        (api, "PATCH", path, {"user_types": ["viewer"]}),
        (second, "PATCH", path, {"password": "four other words of mine"}),
        (api, "PATCH", path, {"email": "countess@example.com", "timezone": "Europe/London"}),
        (api, "PATCH", path, {"is_active": False}),
        (second, "PATCH", path, {"is_active": True, "locale": "en-GB", "password": "five other words of mine"}),
        (api, "DELETE", path, None),
        (second, "POST", path + "restore/", None),
        (api, "PATCH", path, {"name": "Countess"}),
    ):
        answer = caller.request(method, at, json=body)
        assert answer.status_code < 300, answer.text
    present = api.get(path).json
    events = [event for event in api.events() if event["subject_id"] == present["id"]]

    state: dict[str, Any] = {}
    for number, event in enumerate(events, start=1):
        assert event["version"] == number, "versions have no gap and no repeat"
        assert event["data"]["version"] == number
        for name, former in (event["old"] or {}).items():
            assert state[name] == former, f"{event['type']} says that {name} was something else"
        changed = {name for name in event["data"] if name in state and event["data"][name] != state[name]}
        assert changed - {"version", "updated_at"} == set(event["changed_fields"])
        state = event["data"]
    assert {name: present[name] for name in state if name in present} == {
        name: value for name, value in state.items() if name in present
    }
    assert present["version"] == len(events)


def test_no_event_carries_a_secret(app: Flask, in_app: Flask, tenant: TestTenant) -> None:
    """All that can be changed is changed; then the log is searched for the very secrets that the tables hold."""
    api, password = tenant.api, "four other words of mine"
    user = api.post("/users/", {"email": "ada@example.com", "user_types": ["admin"], "password": password}).json
    login = {"tenant": tenant.slug, "email": "ada@example.com", "password": password}
    pair = Api(app).post("/auth/login/", login).json
    renewed = Api(app).post("/auth/refresh/", {"refresh_token": pair["refresh_token"]}).json
    ada = Api(app, renewed["access_token"])
    change = {"current_password": password, "new_password": password + "!"}
    assert ada.post("/auth/user/password/", change).status_code == 204
    key = ada.post("/auth/api-keys/", {"name": "key"}).json
    api.patch(f"/users/{user['id']}/", {"password": password + "?"})
    assert ada.get("/users/").status_code == 401
    ada.delete(f"/auth/api-keys/{key['id']}/")
    api.delete(f"/users/{user['id']}/")

    log = "\n".join(row[2] for row in store.read_after(tenant.id, 0, 1000))
    hashes = message.look_up(tenant.id, "SELECT password_hash FROM users WHERE password_hash IS NOT NULL")
    keys = message.look_up(tenant.id, "SELECT secret_hash FROM api_keys")
    sessions = message.look_up(tenant.id, "SELECT refresh_id::text FROM sessions")
    secrets = {row[0] for row in [*hashes, *keys, *sessions]}
    assert len(hashes) == 2
    assert len(keys) == 1
    assert hash_key_secret(key["key"].rpartition("_")[2][:-6]) in secrets
    secrets |= {password, key["key"], pair["access_token"], pair["refresh_token"], renewed["refresh_token"], "$argon2"}
    assert not [secret for secret in secrets if secret in log]
    for name in ("password_hash", "secret_hash", "refresh_id"):
        assert name not in log
    assert "user.password_changed" in log
    assert "api_key.created" in log
