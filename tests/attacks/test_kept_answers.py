"""A kept Idempotency-Key answer is shown only to the principal that got it, while rights and schema are the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, Reply, assert_problem
from tests.architecture.catalogue import connected, rows
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.http.hostile import assert_problem_shape

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
CANARY = "canary-51c2"
GRANTS: list[dict[str, Any]] = [{"permission": "records:read"}, {"permission": "records:create"}]


def _create(api: Api, **headers: str) -> Reply:
    body = {"data": {"name": "Ada", "secret": CANARY}}
    return api.post("/pipelines/people/records/", body, headers={**KEY, **headers})


@pytest.fixture
def people(tenant: TestTenant, no_indexer: None) -> TestTenant:
    """The indexer rests: it would raise the schema revision at some moment of its own."""
    fields = [{"name": "Name", "field_type": "text"}, {"name": "Secret", "field_type": "text"}]
    pipeline(tenant.api, "People", fields)
    return tenant


def _assert_withheld(answer: Reply, first: Reply) -> None:
    problem = assert_problem(answer, 409, "IDEMPOTENCY_ANSWER_WITHHELD")
    assert_problem_shape(answer)
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert (problem["original_status"], problem["location"]) == (first.status_code, first.headers.get("Location"))
    assert CANARY not in answer.text


def test_an_answer_is_withheld_after_a_field_was_hidden(people: TestTenant) -> None:
    clerk = people.user(people.role("clerk", GRANTS)).api
    first = _create(clerk)
    assert (first.status_code, _create(clerk).data) == (201, first.data)
    hiding = [{**grant, "hidden_fields": ["secret"]} for grant in GRANTS]
    assert people.api.patch("/users/types/clerk/", {"grants": hiding}).status_code == 200
    assert "secret" not in clerk.get(first.headers["Location"]).json["data"]
    _assert_withheld(_create(clerk), first)
    assert people.api.get("/pipelines/people/records/").json["count"] == 1


def test_an_answer_is_withheld_after_reading_was_taken_away(people: TestTenant) -> None:
    clerk = people.user(people.role("clerk", GRANTS)).api
    first = _create(clerk)
    assert people.api.patch("/users/types/clerk/", {"grants": GRANTS[1:]}).status_code == 200
    _assert_withheld(_create(clerk), first)


def test_an_answer_is_withheld_after_a_field_was_removed(people: TestTenant) -> None:
    first = _create(people.api)
    assert people.api.delete("/pipelines/people/fields/secret/?force=true").status_code == 204
    _assert_withheld(_create(people.api), first)


def test_an_api_key_does_not_share_the_keys_of_its_owner(people: TestTenant) -> None:
    """Its scopes may be narrower than what the owner's session was shown: it writes by itself."""
    first = _create(people.api)
    texts = [
        people.api.post("/auth/api-keys/", {"name": name, "scopes": ["records:create"]}).json["key"] for name in "ab"
    ]
    answers = [_create(Api(people.app, text)) for text in texts]
    assert [answer.headers["Idempotency-Replayed"] for answer in answers] == ["false", "false"]
    assert len({first.json["id"], *(answer.json["id"] for answer in answers)}) == 3
    assert _create(Api(people.app, texts[0])).data == answers[0].data
    assert _create(people.api).data == first.data


def test_sessions_of_one_user_share_their_keys(people: TestTenant) -> None:
    """A client that logs in again after a lost answer repeats the same request."""
    first = _create(people.api)
    again = people.logged_in(people.admin.id, people.admin.email)
    assert again.session_id != people.admin.session_id
    repeated = _create(again.api)
    assert (repeated.data, repeated.headers["Idempotency-Replayed"]) == (first.data, "true")


def test_an_answer_without_a_body_is_repeated_whatever_has_changed(people: TestTenant) -> None:
    made = _create(people.api, Prefer="return=minimal")
    path = made.headers["Location"]
    assert people.api.delete(path, headers={"Idempotency-Key": "gone"}).status_code == 204
    people.role("other", [])
    people.api.post("/pipelines/people/fields/", {"name": "More", "field_type": "text"})
    repeated = _create(people.api, Prefer="return=minimal")
    assert (repeated.status_code, repeated.headers["Location"]) == (201, path)
    assert people.api.delete(path, headers={"Idempotency-Key": "gone"}).status_code == 204


@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "/pipelines/people/fields/", {"name": "Age", "field_type": "number"}),
    ("PATCH", "/users/types/clerk/", {"grants": GRANTS}),
    ("POST", "/pipelines/", {"name": "Firms"}),
])  # fmt: skip
def test_a_change_of_rights_or_schema_is_repeated_with_its_answer(
    people: TestTenant, method: str, path: str, body: dict[str, Any]
) -> None:
    """Its own revision is the one that the answer belongs to."""
    people.role("clerk", [])
    answers = [people.api.request(method, path, json=body, headers=KEY) for _ in range(2)]
    assert answers[0].status_code in {200, 201}, answers[0].text
    assert (answers[1].data, answers[1].headers["Idempotency-Replayed"]) == (answers[0].data, "true")


def test_answers_without_revisions_are_withheld(people: TestTenant, database_address: str) -> None:
    """Those kept by the program before the one that notes them."""
    first = _create(people.api)
    forget = "UPDATE idempotency_keys SET access_revision = NULL, schema_revision = NULL WHERE tenant_id = %s"
    with connected(database_address) as connection:
        rows(connection, forget, (str(people.id),))
    _assert_withheld(_create(people.api), first)
