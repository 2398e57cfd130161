"""Nobody gains rights, or lends them to another account, by taking a restriction away.

What one type of a user hides is hidden whatever the user's other types show. So a type that is emptied, deleted or
taken away can let its users see more. Each attack here is tried by a user to whom a field is hidden, for that user and
for a second account ("puppet") whose password the user could set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from oneo.access import policy
from oneo.access.effective_rights import EffectiveRights, first_excess
from tests.api import Api, assert_problem
from tests.factories import pipeline as factory
from tests.factories.tenant import TestTenant, TestUser
from tests.threads import together

Grants = list[dict[str, Any]]
MAIN: Grants = [
    *({"permission": f"{resource}:{action}"} for resource in ("users", "user_types")
      for action in ("read", "create", "update", "delete")),
    {"permission": "pipelines:read"}, {"permission": "pipelines:create"}, {"permission": "records:read"},
    {"permission": "records:update"},
]  # fmt: skip
HIDING: Grants = [{"permission": "records:read", "pipelines": ["people"], "hidden_fields": ["salary"]}]
LOCKING: Grants = [{"permission": "records:update", "pipelines": ["people"], "read_only_fields": ["salary"]}]
RESTRICTIONS = {"hidden": HIDING, "read-only": LOCKING}


class Scene(NamedTuple):
    tenant: TestTenant
    actor: TestUser
    puppet: TestUser
    record: str


@pytest.fixture(params=list(RESTRICTIONS))
def scene(request: pytest.FixtureRequest, tenant: TestTenant) -> Scene:
    """`own` restricts the actor alone, `other` the puppet alone, and `shared` neither more than these do."""
    fields = [{"name": "Name", "field_type": "text"}, {"name": "Salary", "field_type": "number"}]
    factory.pipeline(tenant.api, "People", fields)
    made = factory.record(tenant.api, "people", {"name": "Ada", "salary": 90_000})
    tenant.role("main", MAIN)
    for name in ("own", "other", "unused"):
        tenant.role(name, RESTRICTIONS[request.param])
    return Scene(tenant, tenant.user("main", "own"), tenant.user("main", "other"), made["id"])


def is_restricted(api: Api, record_id: str) -> bool:
    """Whether this account cannot read the salary, or cannot write it."""
    seen = api.get(f"/records/{record_id}/").json["data"]
    written = api.patch(f"/records/{record_id}/", {"data": {"salary": 1}})
    return "salary" not in seen or written.status_code == 422


WEAKER: dict[str, Grants] = {
    "empty": [],
    "same permissions, nothing hidden": [
        {"permission": "records:read", "pipelines": ["people"]}, {"permission": "records:update"},
    ],
    "another field": [
        {"permission": "records:read", "pipelines": ["people"], "hidden_fields": ["name"]},
        {"permission": "records:update", "pipelines": ["people"], "read_only_fields": ["name"]},
    ],
    "another permission": [{"permission": "users:read"}],
}  # fmt: skip


@pytest.mark.parametrize("name", ["own", "other"])
@pytest.mark.parametrize("grants", WEAKER.values(), ids=WEAKER)
def test_a_restricting_type_is_not_weakened(scene: Scene, name: str, grants: Grants) -> None:
    assert_problem(scene.actor.api.patch(f"/users/types/{name}/", {"grants": grants}), 403, "PERMISSION_DENIED")
    assert is_restricted(scene.actor.api, scene.record)
    assert is_restricted(scene.puppet.api, scene.record)


def _take_own_type(scene: Scene) -> Any:
    return scene.actor.api.patch(f"/users/{scene.actor.id}/", {"user_types": ["main"]})


def _take_type_of_puppet(scene: Scene) -> Any:
    return scene.actor.api.patch(f"/users/{scene.puppet.id}/", {"user_types": ["main"]})


def _make_puppet(scene: Scene) -> Any:
    return scene.actor.api.post("/users/", {"email": "puppet@example.com", "user_types": ["main"]})


def _make_inactive_puppet(scene: Scene) -> Any:
    return scene.actor.api.post(
        "/users/", {"email": "puppet@example.com", "user_types": ["main"], "is_active": False}
    )  # fmt: skip


def _weaken_type_of_inactive_puppet(scene: Scene) -> Any:
    assert scene.actor.api.patch(f"/users/{scene.puppet.id}/", {"is_active": False}).status_code == 200
    return scene.actor.api.patch("/users/types/other/", {"grants": []})


def _weaken_type_of_removed_puppet(scene: Scene) -> Any:
    assert scene.actor.api.delete(f"/users/{scene.puppet.id}/").status_code == 204
    return scene.actor.api.patch("/users/types/other/", {"grants": []})


def _delete_type_of_removed_puppet(scene: Scene) -> Any:
    assert scene.actor.api.delete(f"/users/{scene.puppet.id}/").status_code == 204
    return scene.actor.api.delete("/users/types/other/")


def _restore_puppet_without_its_type(scene: Scene) -> Any:
    """An administrator deletes the type meanwhile."""
    assert scene.actor.api.delete(f"/users/{scene.puppet.id}/").status_code == 204
    assert scene.tenant.api.delete("/users/types/other/").status_code == 204
    return scene.actor.api.post(f"/users/{scene.puppet.id}/restore/")


def _set_password_of_unrestricted_user(scene: Scene) -> Any:
    unrestricted = scene.tenant.user("main")
    return scene.actor.api.patch(f"/users/{unrestricted.id}/", {"password": "quiet-otters-map-eight-rivers"})


def _reactivate_unrestricted_user(scene: Scene) -> Any:
    unrestricted = scene.tenant.user("main")
    assert scene.tenant.api.patch(f"/users/{unrestricted.id}/", {"is_active": False}).status_code == 200
    return scene.actor.api.patch(f"/users/{unrestricted.id}/", {"is_active": True})


def _make_unrestricted_type(scene: Scene) -> Any:
    return scene.actor.api.post("/users/types/", {"name": "Free", "grants": MAIN})


def _weaken_by_api_key(scene: Scene) -> Any:
    made = scene.actor.api.post("/auth/api-keys/", {"name": "key", "scopes": ["user_types:update"]})
    return Api(scene.tenant.app, made.json["key"]).patch("/users/types/other/", {"grants": []})


ATTACKS = [
    _take_own_type, _take_type_of_puppet, _make_puppet, _make_inactive_puppet, _weaken_type_of_inactive_puppet,
    _weaken_type_of_removed_puppet, _delete_type_of_removed_puppet, _restore_puppet_without_its_type,
    _set_password_of_unrestricted_user, _reactivate_unrestricted_user, _make_unrestricted_type, _weaken_by_api_key,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__.strip("_"))
def test_no_account_ends_up_with_more_than_the_actor_has(scene: Scene, attack: Callable[[Scene], Any]) -> None:
    assert_problem(attack(scene), 403, "PERMISSION_DENIED")
    assert is_restricted(scene.actor.api, scene.record)


def test_what_does_not_weaken_is_allowed(scene: Scene) -> None:
    actor, api = scene.actor, scene.actor.api
    assert api.patch("/users/types/own/", {"name": "Renamed"}).status_code == 200
    assert api.patch("/users/types/unused/", {"grants": []}).status_code == 200, "nobody has it"
    assert api.delete("/users/types/unused/").status_code == 204
    stricter = [{**grant, "hidden_fields": ["salary", "name"]} for grant in HIDING]
    locked = [{**grant, "read_only_fields": ["salary"]} for grant in LOCKING]
    assert api.patch("/users/types/own/", {"grants": [*stricter, *locked]}).status_code == 200
    assert api.patch(f"/users/{actor.id}/", {"user_types": ["main", "own"], "name": "Ada"}).status_code == 200
    made = api.post("/users/", {"email": "colleague@example.com", "user_types": ["main", "own"]})
    assert made.status_code == 201, made.text


def test_who_has_the_right_may_give_it(scene: Scene) -> None:
    """An unrestricted user may lift what restricts others; so may an administrator."""
    unrestricted = scene.tenant.user("main")
    assert unrestricted.api.patch("/users/types/other/", {"grants": []}).status_code == 200
    assert not is_restricted(scene.puppet.api, scene.record)
    assert scene.tenant.api.patch("/users/types/own/", {"grants": []}).status_code == 200
    assert not is_restricted(scene.actor.api, scene.record)


def test_of_two_types_that_restrict_one_may_be_emptied(scene: Scene) -> None:
    twice = scene.tenant.user("main", "own", "unused")
    assert twice.api.patch("/users/types/unused/", {"grants": []}).status_code == 200
    assert_problem(twice.api.patch("/users/types/own/", {"grants": []}), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("at", range(3))
def test_two_types_that_restrict_are_not_emptied_at_once(scene: Scene, at: int) -> None:
    scene.tenant.user("main", "own", "unused")
    twice = scene.tenant.user("main", "other", "unused")
    empty = [
        lambda name=name: twice.api.patch(f"/users/types/{name}/", {"grants": []}).status_code
        for name in ("other", "unused")
    ]
    assert 403 in together(empty)
    assert is_restricted(twice.api, scene.record)


def test_definitions_of_hidden_fields_are_not_uncovered(tenant: TestTenant) -> None:
    """They are shown by permissions on the whole tenant as well."""
    factory.pipeline(tenant.api, "People", [{"name": "Salary", "field_type": "number"}])
    tenant.role("main", [{"permission": "user_types:update"}, {"permission": "pipelines:read_all"}])
    tenant.role("hiding", [{"permission": "pipelines:read", "pipelines": ["people"], "hidden_fields": ["salary"]}])
    user = tenant.user("main", "hiding")
    assert_problem(user.api.patch("/users/types/hiding/", {"grants": []}), 403, "PERMISSION_DENIED")
    assert "salary" not in user.api.get("/pipelines/people/").text


# -- row rules ---------------------------------------------------------------------------------------------------------

OPEN = {"filter": {"status": "open"}}


@pytest.mark.parametrize(
    ("own", "new", "allowed"),
    [
        ("own", "own", True),
        ("own", "all", False),
        ("own", OPEN, False),
        ("own", {"filter": {"created_by": "$me"}}, False),
        (OPEN, OPEN, True),
        (OPEN, {"filter": {"status": {"exact": "open"}}}, False),
        (OPEN, {"filter": {"status": "open", "title": "x"}}, False),
        (OPEN, "all", False),
        ("all", OPEN, True),
        ("all", "own", True),
    ],
)
def test_a_row_rule_is_passed_on_as_it_is_or_by_who_has_all_rows(
    tenant: TestTenant, own: Any, new: Any, allowed: bool
) -> None:
    """Whether one filter selects a subset of another is not decided: only the same rule is no weaker."""
    tenant.role("main", [{"permission": "user_types:update"}, {"permission": "records:read", "rows": own}])
    tenant.role("rows", [{"permission": "records:read", "rows": own}])
    tenant.user("rows")
    answer = tenant.user("main").api.patch(
        "/users/types/rows/", {"grants": [{"permission": "records:read", "rows": new}]}
    )
    assert (answer.status_code == 200) is allowed, answer.text
    if not allowed:
        assert_problem(answer, 403, "PERMISSION_DENIED")


def test_a_weaker_type_may_be_given_to_somebody_stronger(tenant: TestTenant) -> None:
    """What an account had before is nothing that the change gives it."""
    tenant.role("main", [{"permission": "user_types:update"}, {"permission": "records:read", "rows": "own"}])
    tenant.role("rows", [{"permission": "records:read", "rows": "own"}])
    tenant.user("rows", "admin")
    assert tenant.user("main").api.patch("/users/types/rows/", {"grants": []}).status_code == 200


def test_rights_are_compared_in_every_place() -> None:
    """Five hundred grants are the most that a type holds."""
    ids = [f"00000000-0000-4000-8000-{number:012x}" for number in range(500)]
    stored = [{"permission": "records:read", "pipelines": [found], "hidden_fields": ["a"]} for found in ids]
    rights = EffectiveRights.of(policy.parse_grants(stored))
    assert first_excess(rights, rights) is None
    assert first_excess(rights, EffectiveRights.of(policy.parse_grants(stored[1:]))) == "records:read"
    shown = [{**grant, "hidden_fields": []} for grant in stored[:1]]
    assert first_excess(EffectiveRights.of(policy.parse_grants([*shown, *stored[1:]])), rights) == "records:read"
