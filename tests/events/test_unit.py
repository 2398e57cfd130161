"""The unit of work: all or nothing, one version and one event a change, listeners afterwards (threats 65, 68, 70)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from oneo.actor import system_actor
from oneo.errors import (
    Conflict,
    DomainError,
    DomainTaken,
    EmailTaken,
    SlugTaken,
    UserTypeInUse,
    VersionMismatch,
)
from oneo.events.unit import CONSTRAINTS, listeners, unit
from oneo.ids import new_id
from oneo.models import Base, Role, User, UserRole
from oneo.operations.tenants import add_domain, create_tenant
from oneo.store import message
from tests.api import Api
from tests.factories.tenant import PASSWORD, TestTenant
from tests.threads import together


class Undo(Exception):
    """Ends a unit without a commit."""


def emails(tenant: TestTenant) -> set[str]:
    return {row[0] for row in message.look_up(tenant.id, "SELECT email FROM users")}


def numbers(tenant: TestTenant) -> list[int]:
    return [row[0] for row in message.look_up(tenant.id, "SELECT seq FROM events ORDER BY seq")]


def add(tenant: TestTenant, email: str, *, then: Callable[[], None] = lambda: None) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.created(User(email=email, name=""), "user.created")
        then()


def undo() -> None:
    raise Undo


# -- all or nothing ----------------------------------------------------------------------------------------------------


def test_a_row_and_its_event_are_committed_together(in_app: Flask, tenant: TestTenant) -> None:
    before = numbers(tenant)
    add(tenant, "new@example.com")
    assert "new@example.com" in emails(tenant)
    assert numbers(tenant) == [*before, before[-1] + 1]


def test_what_is_rolled_back_leaves_neither_row_nor_event(in_app: Flask, tenant: TestTenant) -> None:
    before = numbers(tenant)
    with pytest.raises(Undo):
        add(tenant, "new@example.com", then=undo)
    assert "new@example.com" not in emails(tenant)
    assert numbers(tenant) == before
    add(tenant, "later@example.com")
    assert numbers(tenant) == [*before, before[-1] + 1], "a number was lost"


def test_a_failed_commit_leaves_no_event(in_app: Flask, tenant: TestTenant) -> None:
    before = numbers(tenant)
    with pytest.raises(EmailTaken):
        add(tenant, tenant.admin.email)
    assert numbers(tenant) == before


def test_a_unit_inside_a_unit_joins_it(in_app: Flask, tenant: TestTenant) -> None:
    before = numbers(tenant)
    with unit(system_actor(tenant.id)) as outer:
        add(tenant, "inner@example.com")
        assert "inner@example.com" not in emails(tenant), "the inner unit must not commit"
        with unit(system_actor(tenant.id)) as inner:
            assert inner is outer
        outer.created(User(email="outer@example.com", name=""), "user.created")
    assert {"inner@example.com", "outer@example.com"} <= emails(tenant)
    assert numbers(tenant) == [*before, before[-1] + 1, before[-1] + 2]


def test_the_failure_of_the_outer_unit_takes_the_inner_with_it(in_app: Flask, tenant: TestTenant) -> None:
    before = numbers(tenant)

    def work() -> None:
        with unit(system_actor(tenant.id)):
            add(tenant, "inner@example.com")
            raise Undo

    with pytest.raises(Undo):
        work()
    assert "inner@example.com" not in emails(tenant)
    assert numbers(tenant) == before


def test_the_failure_of_the_inner_unit_takes_the_outer_with_it(in_app: Flask, tenant: TestTenant) -> None:
    def work() -> None:
        with unit(system_actor(tenant.id)) as outer:
            outer.created(User(email="outer@example.com", name=""), "user.created")
            add(tenant, "inner@example.com", then=undo)

    with pytest.raises(Undo):
        work()
    assert not {"inner@example.com", "outer@example.com"} & emails(tenant)


def test_units_of_two_threads_do_not_join(app: Flask, tenant: TestTenant) -> None:
    def work(email: str) -> Callable[[], UUID]:
        def run() -> UUID:
            with app.app_context(), unit(system_actor(tenant.id)) as mine:
                mine.created(User(email=email, name=""), "user.created")
                return mine.actor.credential_id

        return run

    assert len(set(together([work(f"thread{at}@example.com") for at in range(4)]))) == 4


def test_every_unit_gives_its_connection_back(in_app: Flask, tenant: TestTenant) -> None:
    size = in_app.extensions["oneo.settings"].database_pool
    for at in range(size + 1):
        with pytest.raises(Undo):
            add(tenant, f"user{at}@example.com", then=undo)
        with pytest.raises(EmailTaken):
            add(tenant, tenant.admin.email)
    pool = message.pool()
    taken = [pool.take() for _ in range(size)]
    for connection in taken:
        connection.close()


# -- after the commit --------------------------------------------------------------------------------------------------


@pytest.fixture
def heard(in_app: Flask, tenant: TestTenant) -> Iterator[list[tuple[UUID, int, bool]]]:
    """What a listener was told, and whether the change was there to be seen when it was."""
    told: list[tuple[UUID, int, bool]] = []

    def listener(tenant_id: UUID, seq: int) -> None:
        seen = message.look_up(tenant_id, "SELECT 1 FROM events WHERE seq = %s", (seq,)) != []
        told.append((tenant_id, seq, seen))

    listeners().append(listener)
    yield told
    listeners().remove(listener)


def test_listeners_are_told_the_last_number_after_the_commit(
    heard: list[tuple[UUID, int, bool]], tenant: TestTenant
) -> None:
    with unit(system_actor(tenant.id)) as work:
        add(tenant, "one@example.com")
        work.created(User(email="two@example.com", name=""), "user.created")
        assert heard == []
    assert heard == [(tenant.id, numbers(tenant)[-1], True)]


def test_listeners_hear_nothing_of_what_did_not_happen(heard: list[tuple[UUID, int, bool]], tenant: TestTenant) -> None:
    """Threat 29."""
    with pytest.raises(Undo):
        add(tenant, "one@example.com", then=undo)
    with pytest.raises(EmailTaken):
        add(tenant, tenant.admin.email)
    with unit(system_actor(tenant.id)) as work:
        work.session.scalars(select(User)).all()
    assert heard == []


def test_a_listener_that_fails_makes_no_committed_change_look_failed(
    in_app: Flask, heard: list[tuple[UUID, int, bool]], tenant: TestTenant
) -> None:
    def fail(tenant_id: UUID, seq: int) -> None:
        raise OSError

    listeners().insert(0, fail)
    try:
        add(tenant, "one@example.com")
    finally:
        listeners().remove(fail)
    assert "one@example.com" in emails(tenant)
    assert len(heard) == 1, "the listeners after it are told all the same"


# -- constraints in the words of the domain ----------------------------------------------------------------------------


def test_constraints_are_called_what_the_tables_call_them() -> None:
    known = {str(constraint.name) for table in Base.metadata.tables.values() for constraint in table.constraints}
    known |= {str(index.name) for table in Base.metadata.tables.values() for index in table.indexes}
    assert set(CONSTRAINTS) <= known


def same_email(tenant: TestTenant, owner: Flask) -> None:
    add(tenant, tenant.admin.email)


def same_slug(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.add(Role(slug="viewer", name="Another viewer"))


def role_that_is_gone(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        work.session.add(UserRole(user_id=tenant.admin.id, role_id=new_id()))


def same_tenant(tenant: TestTenant, owner: Flask) -> None:
    with owner.app_context():
        create_tenant(
            system_actor(new_id()), slug=tenant.slug, name="x", admin_email="a@b.example", admin_password=PASSWORD
        )


def same_domain(tenant: TestTenant, owner: Flask) -> None:
    host = f"crm.{tenant.slug.replace('_', '-')}.example"
    with owner.app_context():
        add_domain(system_actor(tenant.id), host)
        add_domain(system_actor(tenant.id), host)


def no_such_user(tenant: TestTenant, owner: Flask) -> None:
    with unit(system_actor(tenant.id)) as work:
        role = work.session.scalars(select(Role).where(Role.slug == "viewer")).one()
        work.session.add(UserRole(user_id=new_id(), role_id=role.id))


@pytest.mark.parametrize(
    ("breach", "error"),
    [
        (same_email, EmailTaken),
        (same_slug, SlugTaken),
        (role_that_is_gone, UserTypeInUse),
        (same_tenant, SlugTaken),
        (same_domain, DomainTaken),
        (no_such_user, Conflict),
    ],
)
def test_a_breached_constraint_is_an_error_of_the_domain(
    in_app: Flask, owner_app: Flask, tenant: TestTenant,
    breach: Callable[[TestTenant, Flask], None], error: type[DomainError],
) -> None:  # fmt: skip
    with pytest.raises(error) as raised:
        breach(tenant, owner_app)
    assert type(raised.value) is error
    assert raised.value.status == 409
    assert "Key (" not in raised.value.detail


def test_a_constraint_that_has_no_words_of_its_own_says_no_more_than_conflict(
    in_app: Flask, tenant: TestTenant
) -> None:
    with pytest.raises(Conflict) as raised:
        no_such_user(tenant, in_app)
    assert (raised.value.code, raised.value.detail) == ("CONFLICT", "The change meets another one.")


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_version_that_was_not_meant_is_refused(in_app: Flask, tenant: TestTenant) -> None:
    with unit(system_actor(tenant.id)) as work:
        assert work.lock(User, tenant.admin.id, versions=frozenset({1, 7})) is not None
        with pytest.raises(VersionMismatch) as refused:
            work.lock(User, tenant.admin.id, versions=frozenset({2}))
        assert refused.value.extra == {"version": 1, "differing_fields": []}
        with pytest.raises(VersionMismatch):
            work.lock(User, tenant.admin.id, versions=frozenset())


def test_a_row_that_changed_behind_the_unit_is_a_version_mismatch(in_app: Flask, tenant: TestTenant) -> None:
    def work() -> None:
        with unit(system_actor(tenant.id)) as mine:
            user = mine.session.get_one(User, (tenant.id, tenant.admin.id))
            together([lambda: change_name(tenant, "theirs")])
            user.name = "mine"

    with pytest.raises(VersionMismatch):
        work()
    assert message.look_up(tenant.id, "SELECT name FROM users WHERE id = %s", (tenant.admin.id,)) == [("theirs",)]


def change_name(tenant: TestTenant, name: str) -> None:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        user = work.lock(User, tenant.admin.id)
        assert user is not None
        user.name = name
        work.changed(user, "user.updated")


def test_twelve_writers_of_one_row_each_raise_its_version_by_one(app: Flask, tenant: TestTenant) -> None:
    """Threats 68, 70: none of them is lost, and history has a step for each."""
    names = [f"writer {at}" for at in range(12)]
    together([lambda name=name: change_name(tenant, name) for name in names])  # type: ignore[misc]
    steps = [event for event in tenant.api.events() if event["subject_id"] == str(tenant.admin.id)]
    updates = [event for event in steps if event["type"] == "user.updated"]
    assert [event["version"] for event in updates] == list(range(2, 14))
    assert {event["data"]["name"] for event in updates} == set(names)
    for before, after in itertools.pairwise(updates):
        assert after["old"] == {"name": before["data"]["name"]}


def test_one_of_twelve_who_mean_the_same_version_wins(tenant: TestTenant) -> None:
    """Threat 68."""
    user = tenant.user()

    def write(name: str) -> int:
        body, condition = {"name": name}, {"If-Match": '"1"'}
        return tenant.api.patch(f"/users/{user.id}/", body, headers=condition).status_code

    statuses = together([lambda at=at: write(f"writer {at}") for at in range(12)])  # type: ignore[misc]
    assert sorted(statuses) == [200] + [412] * 11
    assert tenant.api.get(f"/users/{user.id}/").json["version"] == 2


def test_the_same_address_by_eight_at_once_is_taken_once(tenant: TestTenant) -> None:
    """Threat 65."""

    def write() -> tuple[int, str | None]:
        answer = tenant.api.post("/users/", {"email": "wanted@example.com", "user_types": ["viewer"]})
        return answer.status_code, answer.json.get("code")

    found = together([write] * 8)
    assert sorted(found, key=str) == [(201, None)] + [(409, "EMAIL_TAKEN")] * 7


# -- one version, one event --------------------------------------------------------------------------------------------

USER_CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "name": ({"name": "New"}, ["user.updated"]),
    "everything": (
        {"name": "New", "email": "new@example.com", "timezone": "Europe/Berlin", "locale": "de"}, ["user.updated"],
    ),
    "user types": ({"user_types": ["member"]}, ["user.updated"]),
    "name and user types": ({"name": "New", "user_types": ["member", "viewer"]}, ["user.updated"]),
    "deactivated": ({"is_active": False}, ["user.updated"]),
    "deactivated with another type": ({"is_active": False, "user_types": ["member"]}, ["user.updated"]),
    "password": ({"password": "four other words of mine"}, ["user.password_changed"]),
    "name and password": (
        {"name": "New", "password": "four other words of mine"}, ["user.updated", "user.password_changed"],
    ),
    "nothing": ({}, []),
    "what it was": ({"name": "", "user_types": ["viewer"], "is_active": True}, []),
}  # fmt: skip


@pytest.mark.parametrize(("body", "types"), USER_CHANGES.values(), ids=USER_CHANGES.keys())
@pytest.mark.parametrize("by", ["the administrator who made him", "another administrator"])
def test_a_change_of_a_user_is_one_version_and_one_event(
    tenant: TestTenant, by: str, body: dict[str, Any], types: list[str]
) -> None:
    api = tenant.api if by.startswith("the") else tenant.user("admin").api
    made = tenant.api.post("/users/", {"email": "ada@example.com", "user_types": ["viewer"]})
    user, after = made.json, tenant.api.events()[-1]["seq"]
    answer = api.patch(f"/users/{user['id']}/", body)
    assert answer.status_code == 200, answer.text
    assert answer.json["version"] == 1 + len(types)
    events = [event for event in tenant.api.events(after) if event["subject_id"] == user["id"]]
    assert [(event["type"], event["version"]) for event in events] == [
        (type_, 2 + at) for at, type_ in enumerate(types)
    ]
    assert answer.headers["ETag"] == f'"{1 + len(types)}"'


OTHER_CHANGES: dict[str, tuple[str, str, str, Any, list[str]]] = {
    "type made": ("", "POST", "/users/types/", {"name": "Sales", "grants": []}, ["user_type.created"]),
    "type changed": (
        "/users/types/viewer/", "PATCH", "/users/types/viewer/", {"name": "Guest"}, ["user_type.updated"],
    ),
    "grants changed": (
        "/users/types/viewer/", "PATCH", "/users/types/viewer/", {"grants": [], "name": "Guest"}, ["user_type.updated"],
    ),
    "type not changed": ("/users/types/viewer/", "PATCH", "/users/types/viewer/", {"name": "Viewer"}, []),
    "type removed": ("", "DELETE", "/users/types/viewer/", None, ["user_type.deleted"]),
    "settings": (
        "/tenants/settings/", "PATCH", "/tenants/settings/", {"name": "New", "currency": "CHF"}, ["tenant.updated"],
    ),
    "settings not changed": ("/tenants/settings/", "PATCH", "/tenants/settings/", {"locale": None}, []),
    "profile": (
        "/auth/user/profile/", "PATCH", "/auth/user/profile/", {"name": "New", "locale": "de"}, ["user.updated"],
    ),
    "profile not changed": ("/auth/user/profile/", "PATCH", "/auth/user/profile/", {"locale": "en"}, []),
    "sessions listed": ("", "GET", "/auth/sessions/", None, []),
    "key made": ("", "POST", "/auth/api-keys/", {"name": "key"}, ["api_key.created"]),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "method", "path", "body", "types"), OTHER_CHANGES.values(), ids=OTHER_CHANGES.keys())
def test_every_change_is_one_version_and_one_event(
    tenant: TestTenant, shown: str, method: str, path: str, body: Any, types: list[str]
) -> None:
    before = version(tenant.api, shown)
    after = tenant.api.events()[-1]["seq"]
    answer = tenant.api.request(method, path, json=body)
    assert answer.status_code < 300, answer.text
    assert [event["type"] for event in tenant.api.events(after)] == types
    if shown:
        assert version(tenant.api, shown) == before + len(types)


def version(api: Api, path: str) -> int:
    return int(api.get(path).headers["ETag"].strip('"')) if path else 0
