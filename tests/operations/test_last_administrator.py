"""A tenant keeps an administrator, whatever is done and however many do it at once (contract 3; ADR 0003)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from oneo.store import message
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant, TestUser
from tests.threads import together

Removal = Callable[[Api, TestUser], TestResponse]


def delete(api: Api, user: TestUser) -> TestResponse:
    return api.delete(f"/users/{user.id}/")


def deactivate(api: Api, user: TestUser) -> TestResponse:
    return api.patch(f"/users/{user.id}/", {"is_active": False})


def retarget(api: Api, user: TestUser) -> TestResponse:
    return api.patch(f"/users/{user.id}/", {"user_types": ["viewer"]})


REMOVALS = (delete, deactivate, retarget)


def administrators(tenant: TestTenant) -> list[str]:
    """Who could still do everything, asked past the API, for there may be nobody left to ask as."""
    sql = """SELECT DISTINCT u.email FROM users u
        JOIN user_roles ur ON ur.tenant_id = u.tenant_id AND ur.user_id = u.id
        JOIN roles r ON r.tenant_id = u.tenant_id AND r.id = ur.role_id AND r.deleted_at IS NULL
        WHERE u.is_active AND u.deleted_at IS NULL AND r.grants @> '[{"permission": "*"}]'"""
    with tenant.app.app_context():
        return [row[0] for row in message.look_up(tenant.id, sql)]


@pytest.mark.parametrize("remove", REMOVALS)
def test_the_only_administrator_stays(tenant: TestTenant, remove: Removal) -> None:
    tenant.user("manager")
    before = tenant.api.get(f"/users/{tenant.admin.id}/").json
    assert_problem(remove(tenant.api, tenant.admin), 409, "LAST_ADMINISTRATOR")
    assert tenant.api.get(f"/users/{tenant.admin.id}/").json == before


@pytest.mark.parametrize("remove", REMOVALS)
def test_one_of_two_may_go(tenant: TestTenant, remove: Removal) -> None:
    second = tenant.user("admin")
    assert remove(second.api, tenant.admin).status_code < 300
    assert_problem(remove(second.api, second), 409, "LAST_ADMINISTRATOR")


@pytest.mark.parametrize("first", REMOVALS)
@pytest.mark.parametrize("second", REMOVALS)
def test_who_is_gone_in_any_way_does_not_count(tenant: TestTenant, first: Removal, second: Removal) -> None:
    other = tenant.user("admin")
    assert first(tenant.api, other).status_code < 300
    assert_problem(second(tenant.api, tenant.admin), 409, "LAST_ADMINISTRATOR")


def test_a_type_of_one_s_own_with_everything_counts_too(tenant: TestTenant) -> None:
    tenant.role("owner", [{"permission": "*"}])
    tenant.user("owner")
    assert retarget(tenant.api, tenant.admin).status_code == 200


def test_the_grants_of_the_last_administrators_stay(tenant: TestTenant) -> None:
    owner = tenant.user(tenant.role("owner", [{"permission": "*"}]))
    assert retarget(owner.api, tenant.admin).status_code == 200
    emptied = owner.api.patch("/users/types/owner/", {"grants": [{"permission": "users:read"}]})
    assert_problem(emptied, 409, "LAST_ADMINISTRATOR")
    assert_problem(owner.api.delete("/users/types/owner/"), 409, "USER_TYPE_IN_USE")
    assert owner.api.patch("/users/types/owner/", {"grants": [{"permission": "*"}], "name": "x"}).status_code == 200


def test_everything_but_one_is_not_everything(tenant: TestTenant) -> None:
    permissions = [entry["permission"] for entry in tenant.api.get("/users/permissions/").json["catalogue"]]
    tenant.user(tenant.role("nearly", [{"permission": permission} for permission in permissions]))
    assert_problem(retarget(tenant.api, tenant.admin), 409, "LAST_ADMINISTRATOR")


@pytest.mark.parametrize("first", REMOVALS)
@pytest.mark.parametrize("second", REMOVALS)
def test_two_administrators_cannot_remove_each_other_at_once(
    tenant: TestTenant, first: Removal, second: Removal
) -> None:
    """Each alone would be allowed: whoever comes second finds himself removed, or the other one the last."""
    one, two = tenant.admin, tenant.user("admin")
    answers = together([lambda: first(one.api, two), lambda: second(two.api, one)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] < 300, [answer.text for answer in answers]
    assert statuses[1] in {401, 403, 404, 409}, [answer.text for answer in answers]
    assert len(administrators(tenant)) == 1


@pytest.mark.parametrize("remove", REMOVALS)
def test_of_two_who_go_at_once_one_stays(tenant: TestTenant, remove: Removal) -> None:
    one, two = tenant.admin, tenant.user("admin")
    answers = together([lambda: remove(one.api, one), lambda: remove(two.api, two)])
    assert sorted(answer.status_code // 100 for answer in answers) == [2, 4], [answer.text for answer in answers]
    assert len(administrators(tenant)) == 1


def test_of_six_who_go_at_once_one_stays(tenant: TestTenant) -> None:
    people = [tenant.admin, *(tenant.user("admin") for _ in range(5))]
    removals = [REMOVALS[at % 3] for at in range(6)]
    together([lambda at=at: removals[at](people[at].api, people[at]) for at in range(6)])  # type: ignore[misc]
    assert len(administrators(tenant)) == 1


def test_a_type_and_a_person_cannot_both_go_at_once(tenant: TestTenant) -> None:
    """One empties the type of the second administrator while the first leaves."""
    owner = tenant.user(tenant.role("owner", [{"permission": "*"}]))
    together(
        [
            lambda: owner.api.patch("/users/types/owner/", {"grants": []}),
            lambda: delete(tenant.api, tenant.admin),
        ]
    )
    assert len(administrators(tenant)) == 1
