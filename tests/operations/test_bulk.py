"""Many records in one call (checklist 14, 38)."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.threads import together

URL = "/pipelines/deals/records"


def test_good_entries_are_made_and_bad_ones_named(api: Api) -> None:
    deals(api)
    entries: list[Any] = [
        {"data": {"name": "One", "amount": 1}},
        {"data": {"amount": "much"}},
        "no object",
        {"data": {"name": "Two"}, "title": 5, "colour": "red"},
        {"data": {"name": "Three", "code": "c"}},
        {"data": {"name": "Four", "code": "c"}},
    ]
    made = api.post(f"{URL}/bulk_create/", entries)
    assert made.status_code == 201, made.text
    assert [found["title"] for found in made.json["created"]] == ["One", "Three"]
    assert (made.json["created_count"], made.json["error_count"]) == (2, 4)
    assert [(fault["index"], sorted(fault["errors"])) for fault in made.json["errors"]] == [
        (1, ["amount", "name"]), (2, ["general"]), (3, ["colour", "title"]), (5, ["code"]),
    ]  # fmt: skip
    assert api.get(f"{URL}/").json["count"] == 2
    created = [event for event in api.events() if event["type"] == "record.created"]
    assert [event["data"]["title"] for event in created] == ["One", "Three"]
    assert [event["seq"] for event in created] == [created[0]["seq"], created[0]["seq"] + 1]


def test_no_array_is_refused_with_a_word_about_it(api: Api) -> None:
    deals(api)
    problem = assert_problem(api.post(f"{URL}/bulk_create/", {"data": {}}), 400, "ARRAY_EXPECTED")
    assert "array expected" in problem["error"].lower()


def test_nothing_made_is_a_400(api: Api) -> None:
    deals(api)
    answer = api.post(f"{URL}/bulk_create/", [{"data": {}}])
    assert answer.status_code == 400
    assert answer.json["created"] == []
    assert answer.json["errors"] == [{"index": 0, "errors": {"name": ["This field must have a value."]}}]


def test_a_value_that_another_record_has_is_named(api: Api) -> None:
    deals(api)
    record(api, "deals", {"name": "Old", "code": "a"})
    answer = api.post(
        f"{URL}/bulk_create/", [{"data": {"name": "x", "code": "a"}}, {"data": {"name": "y", "code": "b"}}]
    )
    assert answer.status_code == 201
    assert answer.json["errors"] == [{"index": 0, "errors": {"code": ["Another record has this value."]}}]


@pytest.mark.parametrize("bad", [{"data": {}}, {"data": {"name": "x", "code": "a"}}])
def test_atomic_is_all_or_nothing(api: Api, bad: dict[str, Any]) -> None:
    deals(api)
    record(api, "deals", {"name": "Old", "code": "a"})
    entries = [{"data": {"name": "Good"}}, bad]
    problem = assert_problem(api.post(f"{URL}/bulk_create/?mode=atomic", entries), 422, "VALIDATION_FAILED")
    assert all(fault["pointer"].startswith("/1/data/") for fault in problem["errors"])
    assert api.get(f"{URL}/").json["count"] == 1
    assert len([event for event in api.events() if event["type"] == "record.created"]) == 1
    assert api.post(f"{URL}/bulk_create/?mode=atomic", entries[:1]).status_code == 201


def test_a_dry_run_writes_nothing(api: Api) -> None:
    deals(api)
    answer = api.post(f"{URL}/bulk_create/?mode=dry_run", [{"data": {"name": "x"}}, {"data": {}}])
    assert answer.status_code == 200
    assert (answer.json["created"], answer.json["valid_count"], answer.json["error_count"]) == ([], 1, 1)
    assert api.get(f"{URL}/").json["count"] == 0


def test_records_are_changed_each_by_its_id(api: Api) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": name, "amount": 1, "code": name})["id"] for name in "abc"]
    answer = api.post(
        f"{URL}/bulk_update/",
        [
            {"id": ids[0], "data": {"amount": 2}},
            {"id": ids[1], "data": {"amount": 3}, "version": 7},
            {"id": SOME_ID, "data": {"amount": 4}},
            {"id": ids[0], "data": {"amount": 5}},
            {"id": ids[2], "data": {"code": "a"}},
        ],
    )
    assert answer.status_code == 200, answer.text
    assert [(found["id"], found["data"]["amount"]) for found in answer.json["updated"]] == [(ids[0], 2)]
    assert [(fault["index"], sorted(fault["errors"])) for fault in answer.json["errors"]] == [
        (1, ["version"]), (2, ["id"]), (3, ["id"]), (4, ["code"]),
    ]  # fmt: skip
    amounts = {found["id"]: found["data"]["amount"] for found in api.get(f"{URL}/").json["results"]}
    assert amounts == {ids[0]: 2, ids[1]: 1, ids[2]: 1}


def test_an_upsert_tells_new_from_known_by_a_unique_field(api: Api) -> None:
    deals(api)
    known = record(api, "deals", {"name": "Old", "code": "a", "amount": 1})
    answer = api.post(
        f"{URL}/bulk_upsert/?on=code",
        [{"data": {"code": "a", "amount": 9}}, {"data": {"code": "b", "name": "New"}}, {"data": {"name": "?"}}],
    )
    assert answer.status_code == 200, answer.text
    shown = {found["data"]["code"]: found for found in answer.json["upserted"]}
    assert shown["a"]["id"] == known["id"]
    assert shown["a"]["data"] == {"code": "a", "name": "Old", "amount": 9}
    assert shown["b"]["version"] == 1
    assert [(fault["index"], sorted(fault["errors"])) for fault in answer.json["errors"]] == [(2, ["code"])]
    assert_problem(api.post(f"{URL}/bulk_upsert/?on=name", []), 400, "INVALID_PARAMETER")


def test_an_upsert_by_id_makes_what_is_not_there(api: Api) -> None:
    deals(api)
    known = record(api, "deals", {"name": "Old"})
    entries = [{"id": known["id"], "data": {"name": "Newer"}}, {"id": SOME_ID, "data": {"name": "Own id"}}]
    answer = api.post(f"{URL}/bulk_upsert/", entries)
    assert sorted(found["title"] for found in answer.json["upserted"]) == ["Newer", "Own id"]
    assert api.get(f"/records/{SOME_ID}/").json["title"] == "Own id"


def test_records_are_removed_by_ids(api: Api) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": name})["id"] for name in "ab"]
    assert_problem(api.post(f"{URL}/bulk_delete/?mode=atomic", {"ids": [ids[0], SOME_ID]}), 422, "VALIDATION_FAILED")
    answer = api.post(f"{URL}/bulk_delete/", {"ids": [ids[0], SOME_ID]})
    assert answer.json["deleted_count"] == 1
    assert [fault["index"] for fault in answer.json["errors"]] == [1]
    assert [found["id"] for found in api.get(f"{URL}/").json["results"]] == [ids[1]]


@pytest.mark.parametrize("mode", ["partial", "atomic", "dry_run"])
@pytest.mark.parametrize("what", ["update", "delete"])
def test_ids_that_cannot_be_meant_are_told_alike(api: Api, what: str, mode: str) -> None:
    """Changed and removed in one manner: each id is named by its place, and nothing done at all is no success."""
    deals(api)
    known = record(api, "deals", {"name": "a"})["id"]

    def send(*ids: str) -> Any:
        entries = [{"id": found, "status": "seen"} for found in ids]
        return api.post(f"{URL}/bulk_{what}/?mode={mode}", entries if what == "update" else {"ids": ids})

    def told(answer: Any) -> Any:
        if mode == "atomic":
            problem = assert_problem(answer, 422, "VALIDATION_FAILED")
            return [
                [int(part) for part in fault["pointer"].split("/") if part.isdigit()] for fault in problem["errors"]
            ]
        assert answer.json["error_count"] == len(answer.json["errors"])
        return [[fault["index"]] for fault in answer.json["errors"] if list(fault["errors"]) == ["id"]]

    nobodys = send(SOME_ID)
    assert told(nobodys) == [[0]]
    assert nobodys.status_code == (422 if mode == "atomic" else 400)
    mixed = send(SOME_ID, known, known)
    assert told(mixed) == [[0], [2]]
    if mode != "atomic":
        assert (mixed.status_code, mixed.json["valid_count"]) == (200, 1)
        assert mixed.json[f"{what}d_count"] == (0 if mode == "dry_run" else 1)
    assert send().status_code == 200
    left = api.get(f"{URL}/?status=active").json["count"]
    assert left == (0 if mode == "partial" else 1)


def test_what_others_remove_at_the_same_moment_is_told_to_one(api: Api) -> None:
    deals(api)
    entries = [{"data": {"name": str(at)}} for at in range(300)]
    ids = [found["id"] for found in api.post(f"{URL}/bulk_create/", entries).json["created"]]
    answers: list[Any] = []
    together([lambda: answers.append(api.post(f"{URL}/bulk_delete/", {"ids": ids}).json)] * 4)
    assert [answer["deleted_count"] + answer["error_count"] for answer in answers] == [300] * 4
    assert sum(answer["deleted_count"] for answer in answers) == 300


def test_records_are_removed_by_a_filter_but_no_more_than_allowed(api: Api) -> None:
    deals(api)
    for amount in range(5):
        record(api, "deals", {"name": f"n{amount}", "amount": amount})
    body = {"filter": {"data__amount": {"gte": 2}}, "max_affected": 2}
    assert_problem(api.post(f"{URL}/bulk_delete/", body), 409, "TOO_MANY_AFFECTED")
    assert api.get(f"{URL}/").json["count"] == 5
    assert api.post(f"{URL}/bulk_delete/?mode=dry_run", {**body, "max_affected": 3}).json["valid_count"] == 3
    assert api.post(f"{URL}/bulk_delete/", {**body, "max_affected": 3}).json["deleted_count"] == 3
    assert api.get(f"{URL}/").json["count"] == 2


@pytest.mark.parametrize("empty", [{"data__stage": {}}, {"and": []}, {"or": [{}]}])
def test_a_filter_with_an_empty_condition_removes_nothing(api: Api, empty: Any) -> None:
    deals(api)
    record(api, "deals", {"name": "Kept"})
    assert_problem(api.post(f"{URL}/bulk_delete/", {"filter": empty, "max_affected": 9}), 422, "VALIDATION_FAILED")
    assert_problem(api.get(f"{URL}/", query_string={"filter": json.dumps(empty)}), 400, "INVALID_PARAMETER")
    assert api.get(f"{URL}/").json["count"] == 1


def test_all_records_are_removed_only_where_it_is_said_how_many(api: Api) -> None:
    deals(api)
    for name in "ab":
        record(api, "deals", {"name": name})
    for mode in ("partial", "atomic", "dry_run"):
        problem = assert_problem(api.post(f"{URL}/bulk_delete/?mode={mode}", {"filter": {}}), 422, "VALIDATION_FAILED")
        assert problem["errors"][0]["pointer"] == "/max_affected"
    assert_problem(api.post(f"{URL}/bulk_delete/", {"filter": {}, "max_affected": 1}), 409, "TOO_MANY_AFFECTED")
    assert api.post(f"{URL}/bulk_delete/", {"filter": {}, "max_affected": 2}).json["deleted_count"] == 2


def test_ten_thousand_rows_are_taken_and_no_more(api: Api) -> None:
    deals(api)
    entries = [{"data": {"name": f"n{at}", "amount": at}} for at in range(10_000)]
    made = api.post(f"{URL}/bulk_create/", entries, headers={"Prefer": "return=minimal"})
    assert made.status_code == 201, made.text[:500]
    assert made.json["created_count"] == 10_000
    assert api.get(f"{URL}/?count=exact&page_size=1").json["count"] == 10_000
    assert_problem(api.post(f"{URL}/bulk_create/", [*entries, {}]), 422, "VALIDATION_FAILED")


def test_upserts_and_single_changes_do_not_wait_for_each_other_in_a_circle(api: Api) -> None:
    deals(api)
    found = record(api, "deals", {"name": "Known"})["id"]
    for turn in range(10):
        entries = [{"id": found, "data": {"amount": turn}}, {"data": {"name": "New"}}]
        works = [partial(api.post, f"{URL}/bulk_upsert/", entries)] * 3
        works += [partial(api.patch, f"/records/{found}/", {"data": {"amount": -turn}})] * 3
        assert [answer.status_code for answer in together(works)] == [200] * 6
    assert api.get(f"{URL}/").json["count"] == 31


@pytest.mark.parametrize("place", ["deals", "other"])
def test_the_id_of_an_erased_record_is_not_used_again(api: Api, place: str) -> None:
    deals(api)
    pipeline(api, "Other", [{"name": "Name", "field_type": "text"}])
    found = record(api, "deals", {"name": "Old"})["id"]
    assert api.delete(f"/records/{found}/").status_code == 204
    assert api.delete(f"/records/{found}/?purge=true").status_code == 204
    answer = api.post(f"/pipelines/{place}/records/bulk_upsert/", [{"id": found, "data": {"name": "New"}}])
    assert answer.status_code == 400, answer.text
    assert list(answer.json["errors"][0]["errors"]) == ["id"]
    wrong = {"id": found, "title": "t" * 256, "data": {"name": "New"}}
    named = api.post(f"/pipelines/{place}/records/bulk_upsert/", [wrong, wrong]).json["errors"]
    assert [set(one["errors"]) for one in named] == [{"id", "title"}] * 2


@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_of_many_who_make_the_same_id_each_is_told_what_became_of_it(api: Api, mode: str) -> None:
    deals(api)
    for turn in range(10):
        entries = [{"id": str(UUID(int=turn + 1)), "data": {"name": "Own id", "amount": turn}}]
        answers = together([partial(api.post, f"{URL}/bulk_upsert/?mode={mode}", entries)] * 6)
        for answer in answers:
            told = len(answer.json.get("upserted", [])) + len(answer.json["errors"])
            assert told == 1, answer.text
    assert api.get(f"{URL}/").json["count"] == 10


@pytest.mark.parametrize("mode", ["atomic", "dry_run"])
def test_what_is_not_there_or_has_changed_is_told_before_anything_is_written(api: Api, mode: str) -> None:
    deals(api)
    known = record(api, "deals", {"name": "a"})["id"]
    entries = [
        {"id": known, "data": {"amount": 1}, "version": 7},
        {"id": SOME_ID, "data": {"amount": 2}},
        {"id": record(api, "deals", {"name": "b"})["id"], "data": {"stage": "lots"}},
    ]
    answer = api.post(f"{URL}/bulk_update/?mode={mode}", entries)
    if mode == "atomic":
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        assert {fault["pointer"] for fault in problem["errors"]} == {"/0/version", "/1/id", "/2/data/stage"}
    else:
        assert (answer.status_code, answer.json["valid_count"]) == (400, 0)
        assert {(fault["index"], *fault["errors"]) for fault in answer.json["errors"]} == {
            (0, "version"), (1, "id"), (2, "stage"),
        }  # fmt: skip


@pytest.mark.parametrize("mode", ["partial", "dry_run"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_value_that_another_entry_gives_up_is_not_free_yet(api: Api, mode: str, turned: bool) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": code, "code": code})["id"] for code in "ab"]
    if turned:
        ids.reverse()
    taken = "a" if turned else "b"
    answer = api.post(
        f"{URL}/bulk_update/?mode={mode}",
        [{"id": ids[0], "data": {"code": taken}}, {"id": ids[1], "data": {"code": "c"}}],
    )
    assert (answer.status_code, answer.json["valid_count"]) == (200, 1)
    assert answer.json["errors"] == [{"index": 0, "errors": {"code": ["Another record has this value."]}}]


def test_an_upsert_names_the_change_that_would_take_a_taken_value(api: Api) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": code, "code": code})["id"] for code in "ab"]
    answer = api.post(
        f"{URL}/bulk_upsert/", [{"id": ids[0], "data": {"code": "b"}}, {"data": {"name": "New"}}, {"id": ids[1]}]
    )
    assert answer.status_code == 200, answer.text
    assert answer.json["errors"] == [{"index": 0, "errors": {"code": ["Another record has this value."]}}]
    assert [found["title"] for found in answer.json["upserted"]] == ["New", "b"]


def test_a_taken_value_is_named_under_an_idempotency_key_too(api: Api) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": code, "code": code})["id"] for code in "ab"]
    entries = [{"id": ids[0], "data": {"code": "b"}}, {"id": ids[1], "data": {"amount": 1}}]
    answer = api.post(f"{URL}/bulk_update/", entries, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 200, answer.text
    assert [(fault["index"], list(fault["errors"])) for fault in answer.json["errors"]] == [(0, ["code"])]


@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_of_many_who_take_the_same_value_one_has_it_and_the_others_are_told(api: Api, mode: str) -> None:
    deals(api)
    ids = [record(api, "deals", {"name": f"n{at}"})["id"] for at in range(6)]
    for turn in range(10):
        code = f"c{turn}"
        new = {"data": {"name": code}}
        works = [
            partial(api.post, f"{URL}/bulk_upsert/?mode={mode}", [{"id": found, "data": {"code": code}}, new])
            for found in ids
        ]
        answers = together(works)
        faults = [fault for answer in answers for fault in answer.json.get("errors", [])]
        assert [answer.status_code for answer in answers].count(200) == (6 if mode == "partial" else 1)
        assert [fault["code"] if "code" in fault else fault["errors"] for fault in faults] == 5 * [
            "NOT_UNIQUE" if mode == "atomic" else {"code": ["Another record has this value."]}
        ]
        assert api.get(f"{URL}/?data__code__exact={code}").json["count"] == 1
        assert api.get(f"{URL}/?data__name__exact={code}").json["count"] == (6 if mode == "partial" else 1)


def test_many_ids_to_remove_do_not_hold_up_the_process(api: Api) -> None:
    deals(api)
    entries = [{"data": {"name": str(at)}} for at in range(6_000)]
    ids = [found["id"] for found in api.post(f"{URL}/bulk_create/", entries).json["created"]]
    began = time.process_time()
    answer = api.post(f"{URL}/bulk_delete/?mode=dry_run", {"ids": [SOME_ID, *ids]})
    assert time.process_time() - began < 3
    assert (answer.json["valid_count"], [found["index"] for found in answer.json["errors"]]) == (6_000, [0])


@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_an_upsert_answers_in_the_order_of_its_entries_and_tells_new_from_old(api: Api, mode: str) -> None:
    deals(api)
    old = record(api, "deals", {"name": "Old", "code": "o"})
    entries = [{"data": {"name": name, "code": name[0].lower()}} for name in ("Over", "New", "Also")]
    answer = api.post(f"{URL}/bulk_upsert/?on=code&mode={mode}", [entries[1], entries[0], entries[2]]).json
    assert [found["title"] for found in answer["upserted"]] == ["New", "Over", "Also"]
    assert answer["upserted"][1]["id"] == old["id"]
    assert (answer["upserted_count"], answer["created_count"], answer["updated_count"]) == (3, 2, 1)
    dry = api.post(f"{URL}/bulk_upsert/?on=code&mode=dry_run", entries).json
    assert (dry["valid_count"], dry["created_count"], dry["updated_count"]) == (3, 0, 0)


def test_of_many_that_are_wrong_some_are_told_what_was_meant(api: Api) -> None:
    """To look for the nearest name takes long, and is done for a few."""
    deals(api)
    answer = api.post(f"{URL}/bulk_create/?mode=atomic", [{"data": {"nmae": "x"}}] * 30)
    faults = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"]
    told = [fault.get("suggestion") for fault in faults if fault["code"] == "UNKNOWN_FIELD"]
    assert told == ["name"] * 10 + [None] * 20


def test_to_add_nothing_is_not_to_have_added_something(api: Api) -> None:
    """Checklist 14: 201 where any was created."""
    deals(api)
    answer = api.post(f"{URL}/bulk_create/", [])
    assert (answer.status_code, answer.json["created_count"], answer.json["error_count"]) == (400, 0, 0)
    assert api.post(f"{URL}/bulk_update/", []).status_code == 200
