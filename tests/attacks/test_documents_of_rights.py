"""What describes a pipeline to a restricted user agrees with what the user may do: hidden fields do not exist in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.factories.tenant import TestTenant

SECRET = "canarysalary"
GRANTS: list[dict[str, Any]] = [
    {"permission": "pipelines:read"},
    {"permission": "pipelines:create"},
    {"permission": "pipelines:update"},
    {"permission": "records:read", "rows": {"filter": {"data__name": "a"}}, "hidden_fields": [SECRET]},
    {"permission": "records:create"},
    {"permission": "records:update", "rows": "own", "read_only_fields": ["note"]},
    {"permission": "records:delete", "rows": {"filter": {"data__note": "y"}}},
]


@pytest.fixture(scope="module")
def world(settled: TestTenant) -> tuple[Api, list[str]]:
    """A user from whom one field is hidden, and records of which the user reads some."""
    names = [("Name", "name"), ("Note", "note"), ("Canary Salary", SECRET)]
    made = settled.api.post(
        "/pipelines/",
        {"name": "People", "fields": [{"name": name, "slug": slug, "field_type": "text"} for name, slug in names]},
    )
    assert made.status_code == 201, made.text
    user = settled.user(settled.role("clerk", GRANTS)).api
    path = "/pipelines/people/records/"
    records = []
    for at in range(8):
        who = user if at % 2 else settled.api
        data = {"name": "a" if at < 4 else "b", "note": "y" if at % 3 else "n"}
        answer = who.post(path, {"data": data})
        assert answer.status_code == 201, answer.text
        records.append(answer.headers["Location"].rstrip("/").rpartition("/")[2])
    return user, records


@pytest.mark.parametrize(
    "path",
    ["/api/v1/openapi.json", "/api/v1/openapi.yaml", "/pipelines/people/schema/", "/pipelines/people/",
     "/pipelines/people/fields/", "/users/permissions/", "/users/permissions/explain/?action=records:read"],
)  # fmt: skip
def test_a_hidden_field_is_in_no_description(world: tuple[Api, list[str]], path: str) -> None:
    answer = world[0].get(path)
    assert answer.status_code == 200, answer.text
    assert SECRET not in answer.text
    assert "Canary" not in answer.text


def test_a_row_rule_about_a_hidden_field_is_shown_without_it(tenant: TestTenant) -> None:
    rule = {"filter": {"and": [{f"data__{SECRET}__gte": "b"}, {"data__name": "a"}]}}
    fields = [{"name": name, "slug": name, "field_type": "text"} for name in ("name", SECRET)]
    assert tenant.api.post("/pipelines/", {"name": "People", "fields": fields}).status_code == 201
    grants = [{"permission": "records:read", "pipelines": ["people"], "rows": rule, "hidden_fields": [SECRET]}]
    answer = tenant.user(tenant.role("clerk", grants)).api.get("/users/permissions/")
    assert SECRET not in answer.text
    assert answer.json["permissions"]["records:read"][0]["rows"] == {"filter": {}}


def test_clones_and_templates_by_a_restricted_user_lack_hidden_fields(
    settled: TestTenant, world: tuple[Api, list[str]]
) -> None:
    user = world[0]
    clone = user.post("/pipelines/people/clone/", {"name": "Copy"})
    assert clone.status_code == 201, clone.text
    assert [field["slug"] for field in settled.api.get("/pipelines/copy/fields/").json["results"]] == ["name", "note"]
    saved = user.post("/pipelines/people/templates/", {"name": "Pattern"})
    assert saved.status_code == 201, saved.text
    assert SECRET not in settled.api.get("/pipelines/templates/").text


@pytest.mark.parametrize("action", ["read", "update", "delete"])
def test_explanations_agree_with_requests(world: tuple[Api, list[str]], action: str) -> None:
    user, records = world
    requests = {
        "read": lambda record: user.get(f"/records/{record}/"),
        "update": lambda record: user.patch(
            f"/records/{record}/", {"data": {"name": "a"}}, headers={"If-Match": '"99"'}
        ),
        "delete": lambda record: user.delete(f"/records/{record}/", headers={"If-Match": '"99"'}),
    }
    for record in records:
        explained = user.get(f"/users/permissions/explain/?action=records:{action}&record={record}")
        allowed = explained.status_code == 200 and explained.json["allowed"]
        # A version that no record has: 412 shows that the request would have been carried out.
        assert (requests[action](record).status_code in {200, 412}) is allowed, record
