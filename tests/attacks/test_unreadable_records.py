"""Writes and dry runs answer no question about records, or fields, that the caller may not read.

What a caller may not read is answered like what is not there, whether it is matched by a filter, counted, or named by
its id.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relationship_type
from tests.factories.tenant import TestTenant

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "field_type": "text", "is_required": True},
    {"name": "Salary", "field_type": "number"},
    {"name": "Code", "field_type": "text", "is_unique": True},
]
URL = "/pipelines/people/records"
MODES = ["partial", "atomic", "dry_run"]
OWN_ROWS: list[dict[str, Any]] = [
    {"permission": "pipelines:read"}, {"permission": "records:read", "rows": "own"},
    {"permission": "comments:create", "pipelines": ["noted"]},
    *({"permission": f"records:{action}"} for action in ("create", "update", "delete", "purge")),
    *({"permission": f"relationships:{action}"} for action in ("read", "create", "update", "delete")),
]  # fmt: skip


@pytest.fixture
def theirs(tenant: TestTenant) -> str:
    """The id of a record that only the administrator reads."""
    pipeline(tenant.api, "People", FIELDS)
    pipeline(tenant.api, "Noted", FIELDS)
    found: str = record(tenant.api, "people", {"name": "Ada", "salary": 90_000, "code": "ada"})["id"]
    return found


@pytest.fixture
def caller(tenant: TestTenant, theirs: str) -> Api:
    """Changes and removes all records, and reads those that the caller made."""
    return tenant.user(tenant.role("writer", OWN_ROWS)).api


def masked(answer: Any, *ids: str) -> tuple[int, str]:
    """What an answer says, without what tells one request from another."""
    body = {name: value for name, value in answer.json.items() if name not in {"instance", "request_id"}}
    text = json.dumps(body, sort_keys=True)
    for record_id in ids:
        text = text.replace(record_id, "ID")
    return answer.status_code, text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("asked", [{"data__salary": {"gte": 90_000}}, {"data__salary": {"lt": 90_000}}, {}])
def test_a_filter_matches_no_unreadable_record(tenant: TestTenant, caller: Api, mode: str, asked: Any) -> None:
    answer = caller.post(f"{URL}/bulk_delete/?mode={mode}", {"filter": asked, "max_affected": 0})
    assert (answer.status_code, answer.json["deleted_count"], answer.json["valid_count"]) == (200, 0, 0)
    assert tenant.api.get(f"{URL}/").json["count"] == 1


def test_a_filter_knows_no_hidden_field(tenant: TestTenant, theirs: str) -> None:
    permissions = ("records:read", "records:delete", "pipelines:read")
    grants = [{"permission": permission, "hidden_fields": ["salary"]} for permission in permissions]
    api = tenant.user(tenant.role("blind", grants)).api
    asked = {"filter": {"data__salary": {"gte": 1}}}
    answers = [api.post(f"{URL}/bulk_delete/?mode=dry_run", asked)]
    answers.append(api.post(f"{URL}/bulk_delete/?mode=dry_run", {"filter": {"data__nothing": {"gte": 1}}}))
    assert [answer.json["errors"][0]["code"] for answer in answers] == ["UNKNOWN_FIELD"] * 2


def test_without_reading_nothing_is_removed(tenant: TestTenant, theirs: str) -> None:
    api = tenant.user(tenant.role("remover", [{"permission": "records:delete"}])).api
    answer = api.post(f"{URL}/bulk_delete/?mode=dry_run", {"filter": {"data__salary": {"gte": 1}}})
    assert answer.json["valid_count"] == 0
    assert api.post(f"{URL}/bulk_delete/?mode=dry_run", {"ids": [theirs]}).json["valid_count"] == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["delete", "update", "update to its own unique value", "update to nothing valid"])
def test_ids_of_unreadable_records_are_those_of_none(caller: Api, theirs: str, name: str, mode: str) -> None:
    what, data = name.partition(" ")[0], {"name": "x"}
    if "unique" in name:
        data = {"code": "ada"}
    elif "valid" in name:
        data = {"salary": "much"}

    def send(record_id: str) -> tuple[int, str]:
        body: Any = {"ids": [record_id]} if what == "delete" else [{"id": record_id, "data": data}]
        return masked(caller.post(f"{URL}/bulk_{what}/?mode={mode}", body), record_id)

    assert send(theirs) == send(SOME_ID)


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("PATCH", "", {"data": {"salary": "much"}}),
        ("PATCH", "", {"data": {"unknown": 1}}),
        ("PUT", "", {"data": {}}),
        ("POST", "restore/", None),
        ("DELETE", "?purge=true", None),
        ("POST", "comments/", {"body": "x"}),
        ("GET", "comments/", None),
        ("GET", "history/", None),
    ],
)
@pytest.mark.parametrize("removed", [False, True])
def test_a_single_unreadable_record_is_none(
    tenant: TestTenant, caller: Api, theirs: str, removed: bool, method: str, suffix: str, body: Any
) -> None:
    if removed:
        assert tenant.api.delete(f"/records/{theirs}/").status_code == 204
    answers = [caller.request(method, f"/records/{found}/{suffix}", json=body) for found in (theirs, SOME_ID)]
    assert_problem(answers[0], 404, "RECORD_NOT_FOUND")
    assert masked(answers[0], theirs) == masked(answers[1], SOME_ID)


def test_the_past_of_a_removed_record_is_read_by_who_read_it(tenant: TestTenant, caller: Api, theirs: str) -> None:
    moment = tenant.api.get(f"/records/{theirs}/").json["updated_at"]
    assert tenant.api.delete(f"/records/{theirs}/").status_code == 204
    assert tenant.api.get(f"/records/{theirs}/?as_of={moment}").status_code == 200
    assert_problem(caller.get(f"/records/{theirs}/?as_of={moment}"), 404, "RECORD_NOT_FOUND")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", [{"name": "New"}, {}, {"salary": "much"}, {"code": "ada"}], ids=str)
def test_an_upsert_does_not_tell_why_an_id_is_taken(
    tenant: TestTenant, caller: Api, theirs: str, data: dict[str, Any], mode: str
) -> None:
    """Erased, removed, unreadable or in another pipeline: one answer, whatever else is wrong with the entry."""
    pipeline(tenant.api, "Closed", FIELDS)
    elsewhere = record(tenant.api, "closed", {"name": "Cy"})["id"]
    removed, erased = (record(tenant.api, "people", {"name": name})["id"] for name in ("Bo", "Cleo"))
    for found in (removed, erased):
        assert tenant.api.delete(f"/records/{found}/").status_code == 204
    assert tenant.api.delete(f"/records/{erased}/?purge=true").status_code == 204
    answers = {
        masked(caller.post(f"{URL}/bulk_upsert/?mode={mode}", [{"id": found, "data": data}]), found)
        for found in (theirs, removed, erased, elsewhere)
    }
    assert len(answers) == 1, answers
    [(status, text)] = answers
    assert status == (422 if mode == "atomic" else 400)
    assert "This id cannot be used" in text


@pytest.mark.parametrize("mode", MODES)
def test_an_upsert_by_a_unique_value_treats_an_unreadable_holder_as_a_create_does(
    caller: Api, theirs: str, mode: str
) -> None:
    entries = [{"data": {"name": "New", "code": "ada"}}]
    answers = [caller.post(f"{URL}/bulk_{what}/?mode={mode}", entries) for what in ("upsert", "create")]
    by_code = caller.post(f"{URL}/bulk_upsert/?mode={mode}&on=code", entries)
    assert by_code.json["errors"] == answers[0].json["errors"] == answers[1].json["errors"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["bulk_create/?mode={mode}", "validate/", ""])
def test_an_unreadable_end_of_a_relationship_is_none(
    tenant: TestTenant, caller: Api, theirs: str, path: str, mode: str
) -> None:
    relationship_type(tenant, "knows", "people", "people")
    pipeline(tenant.api, "Things", [{"name": "Name", "field_type": "text"}])
    thing = record(tenant.api, "things", {"name": "x"})["id"]
    mine = record(caller, "people", {"name": "Me"})["id"]

    def send(target: str) -> tuple[int, str]:
        body: Any = {"relationship_type": "knows", "source_record_id": mine, "target_record_id": target}
        sent = [body] if path.startswith("bulk") else body
        return masked(caller.post(f"/relationships/{path.format(mode=mode)}", sent), target)

    assert send(theirs) == send(SOME_ID) == send(thing)


@pytest.mark.parametrize("mode", MODES)
def test_an_unreadable_relationship_is_none(tenant: TestTenant, caller: Api, theirs: str, mode: str) -> None:
    relationship_type(tenant, "knows", "people", "people")
    mine = record(caller, "people", {"name": "Me"})["id"]
    made = tenant.api.post(
        "/relationships/", {"relationship_type": "knows", "source_record_id": mine, "target_record_id": theirs}
    )
    assert made.status_code == 201, made.text

    def send(link: str) -> tuple[int, str]:
        body = [{"id": link, "strength": 5_000, "version": 9}]
        return masked(caller.post(f"/relationships/bulk_update/?mode={mode}", body), link)

    assert send(made.json["id"]) == send(SOME_ID)
