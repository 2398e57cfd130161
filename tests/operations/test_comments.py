"""Comments: threads on records, for those who see the record, changed by their authors (checklist 19; threats 17,
19)."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.models.record import COMMENT_LENGTH
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant


@pytest.fixture
def path(api: Api) -> str:
    """The comments of a record."""
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}])
    return f"/records/{record(api, 'people', {'name': 'Ada'})['id']}/comments/"


def say(api: Api, path: str, body: str, **more: Any) -> dict[str, Any]:
    made = api.post(path, {"body": body, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


def bodies(api: Api, path: str, query: str = "") -> list[str]:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["body"] for row in answer.json["results"]]


def test_a_comment_is_made_read_changed_and_removed(tenant: TestTenant, path: str) -> None:
    api = tenant.api
    made = api.post(path, {"body": "First"})
    assert made.status_code == 201, made.text
    comment, one = made.json, f"{path}{made.json['id']}/"
    assert made.headers["Location"] == f"/api/v1{one}"
    assert (comment["body"], comment["parent_id"], comment["created_by"]) == ("First", None, str(tenant.admin.id))
    assert api.get(one).json == comment
    assert api.get(one).headers["ETag"] == '"1"'
    changed = api.patch(one, {"body": "Second"}, headers={"If-Match": '"1"'})
    assert (changed.json["body"], changed.json["version"]) == ("Second", 2)
    assert api.patch(one, {"body": "Second"}).json["version"] == 2
    assert_problem(api.patch(one, {"body": "Third"}, headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")
    assert_problem(api.delete(one, headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")
    assert api.delete(one, headers={"If-Match": '"2"'}).status_code == 204
    gone = api.get(one).json
    assert (gone["body"], gone["version"]) == ("", 3)
    assert gone["deleted_at"]
    assert_problem(api.patch(one, {"body": "Fourth"}), 404, "COMMENT_NOT_FOUND")
    assert_problem(api.delete(one), 404, "COMMENT_NOT_FOUND")
    events = [event for event in api.events() if event["subject_id"] == comment["id"]]
    assert [event["type"] for event in events] == ["comment.created", "comment.updated", "comment.deleted"]
    assert {event["pipeline_id"] for event in events} == {comment["pipeline_id"]}
    assert {event["data"]["record_id"] for event in events} == {comment["record_id"]}
    assert [event["version"] for event in events] == [1, 2, 3]
    assert events[1]["old"] == {"body": "First"}
    assert events[2]["changed_fields"] == ["deleted_at"]


def test_a_thread_stays_when_a_comment_in_it_goes(api: Api, path: str) -> None:
    first = say(api, path, "Question")
    answer = say(api, path, "Answer", parent_id=first["id"])
    say(api, path, "Answer to it", parent_id=answer["id"])
    say(api, path, "Another")
    assert api.delete(f"{path}{answer['id']}/").status_code == 204
    assert bodies(api, path) == ["Question", "", "Answer to it", "Another"]
    assert bodies(api, path, f"parent_id={answer['id']}") == ["Answer to it"]
    assert bodies(api, path, "parent_id__exists=false") == ["Question", "Another"]
    assert bodies(api, path, "page_size=1&page=3") == ["Answer to it"]
    assert bodies(api, path, "ordering=-created_at&page_size=1&cursor=") == ["Another"]
    assert bodies(api, path, "search=answer") == ["Answer to it"]
    assert api.get(path).json["count"] == 4
    refused = assert_problem(api.post(path, {"body": "x", "parent_id": answer["id"]}), 422, "VALIDATION_FAILED")
    assert refused["errors"][0]["pointer"] == "/parent_id"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/body", "REQUIRED"),
        ({"body": ""}, "/body", "INVALID_VALUE"),
        ({"body": None}, "/body", "INVALID_VALUE"),
        ({"body": 1}, "/body", "INVALID_VALUE"),
        ({"body": "x" * (COMMENT_LENGTH + 1)}, "/body", "INVALID_VALUE"),
        ({"body": "a\0b"}, "", "NUL_CHARACTER"),
        ({"body": "x", "parent_id": "first"}, "/parent_id", "INVALID_VALUE"),
        ({"body": "x", "parent_id": SOME_ID}, "/parent_id", "COMMENT_NOT_FOUND"),
        ({"body": "x", "created_by": SOME_ID}, "/created_by", "UNKNOWN_FIELD"),
        ({"body": "x", "record_id": SOME_ID}, "/record_id", "UNKNOWN_FIELD"),
    ],
    ids=lambda value: None if not isinstance(value, dict) else str(value)[:30],
)
def test_a_wrong_comment_is_refused(api: Api, path: str, body: dict[str, Any], pointer: str, code: str) -> None:
    answer = api.post(path, body)
    assert answer.status_code in {400, 422}, answer.text
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [(pointer, code)]
    assert bodies(api, path) == []


def test_the_longest_comment_is_kept_whole(api: Api, path: str) -> None:
    longest = "ü" * COMMENT_LENGTH
    assert say(api, path, longest)["body"] == longest


def test_answers_stay_within_the_record(api: Api, path: str) -> None:
    elsewhere = f"/records/{record(api, 'people', {'name': 'Bob'})['id']}/comments/"
    first = say(api, path, "Here")
    assert api.post(elsewhere, {"body": "x", "parent_id": first["id"]}).status_code == 422
    for method, body in (("GET", None), ("PATCH", {"body": "x"}), ("DELETE", None)):
        answer = api.request(method, f"{elsewhere}{first['id']}/", json=body)
        assert_problem(answer, 404, "COMMENT_NOT_FOUND")
    assert bodies(api, elsewhere) == []


def test_only_the_author_changes_a_comment_and_a_deleter_of_the_record_removes_it(
    tenant: TestTenant, path: str
) -> None:
    author, colleague, manager = (tenant.user(name).api for name in ("member", "member", "manager"))
    one = f"{path}{say(author, path, 'Mine')['id']}/"
    for api in (colleague, manager, tenant.api):
        assert_problem(api.patch(one, {"body": "Theirs"}), 403, "PERMISSION_DENIED")
    assert_problem(colleague.delete(one), 403, "PERMISSION_DENIED")
    assert author.patch(one, {"body": "Still mine"}).status_code == 200
    assert manager.delete(one).status_code == 204
    two = f"{path}{say(author, path, 'Mine too')['id']}/"
    assert author.delete(two).status_code == 204


def test_who_only_reads_comments_on_nothing(tenant: TestTenant, path: str) -> None:
    say(tenant.api, path, "Hello")
    viewer = tenant.user("viewer").api
    assert bodies(viewer, path) == ["Hello"]
    assert_problem(viewer.post(path, {"body": "x"}), 403, "PERMISSION_DENIED")
    elsewhere = pipeline(tenant.api, "Elsewhere", [])
    grants: list[dict[str, Any]]
    grants = [{"permission": "records:read"}, {"permission": "comments:create", "pipelines": [elsewhere["id"]]}]
    user = tenant.user(tenant.role("elsewhere", grants)).api
    assert_problem(user.post(path, {"body": "x"}), 403, "PERMISSION_DENIED")
    assert say(user, f"/records/{record(tenant.api, 'elsewhere', {})['id']}/comments/", "x")["body"] == "x"


def test_comments_are_for_those_who_see_the_record(tenant: TestTenant, other: TestTenant, path: str) -> None:
    one = f"{path}{say(tenant.api, path, 'Hello')['id']}/"
    grants = [{"permission": "records:read", "rows": "own"}, {"permission": "comments:create"},
              {"permission": "records:create"}]  # fmt: skip
    own = tenant.user(tenant.role("own", grants)).api
    blind = tenant.user(tenant.role("blind", [{"permission": "records:read", "pipelines": []}])).api
    for api in (own, other.api):
        nothing = f"/records/{SOME_ID}/comments/"
        for address in (path, nothing):
            for answer in (
                api.get(address),
                api.post(address, {"body": "x"}),
                api.get(f"{address}{SOME_ID}/"),
                api.patch(f"{address}{SOME_ID}/", {"body": "x"}),
                api.delete(f"{address}{SOME_ID}/"),
            ):
                assert_problem(answer, 404, "RECORD_NOT_FOUND")
        assert_problem(api.get(one), 404, "RECORD_NOT_FOUND")
        assert_problem(api.delete(one), 404, "RECORD_NOT_FOUND")
    assert blind.get(path).status_code in {403, 404}
    mine = f"/records/{record(own, 'people', {'name': 'Mine'})['id']}/comments/"
    assert say(own, mine, "Seen")["body"] == "Seen"


def test_a_deleted_record_keeps_its_comments_for_its_return(api: Api, path: str) -> None:
    one = f"{path}{say(api, path, 'Hello')['id']}/"
    of = path.removesuffix("comments/")
    assert api.delete(of).status_code == 204
    for answer in (api.get(path), api.get(one), api.post(path, {"body": "x"}), api.delete(one)):
        assert_problem(answer, 404, "RECORD_NOT_FOUND")
    assert api.post(f"{of}restore/").status_code == 200
    assert bodies(api, path) == ["Hello"]


def test_a_purged_record_takes_its_comments_along(api: Api, path: str) -> None:
    comment = say(api, path, "Secret words")
    for query in ("", "?purge=true"):
        assert api.delete(f"{path.removesuffix('comments/')}{query}").status_code == 204
    log = [event for event in api.events() if event["subject_id"] == comment["id"]]
    assert [(event["type"], event["data"]) for event in log] == [("comment.created", None)]
    assert "Secret words" not in api.get("/admin/audit/?page_size=1000").text


def test_a_comment_is_not_blank(api: Api) -> None:
    deals(api)
    made = record(api, "deals", {"name": "One"})
    problem = assert_problem(api.post(f"/records/{made['id']}/comments/", {"body": " \n"}), 422, "VALIDATION_FAILED")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/body"]
