"""Pipelines over REST: each route, and every odd name that somebody may give one (checklist 7, 43; threat 38)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from oneo.fields.slugs import ROUTE_WORDS
from oneo.filters.ast import OPERATORS
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant


def test_a_pipeline_is_made_read_changed_removed_and_restored(api: Api) -> None:
    made = api.post("/pipelines/", {"name": "Big Deals", "settings": {"a": [1]}, "icon": "star", "color": "#00aaFF"})
    assert made.status_code == 201, made.text
    found = made.json
    assert (found["slug"], found["graphql_name"], found["version"]) == ("big_deals", "BigDeals", 1)
    assert (found["fields"], found["field_count"], found["record_count"]) == ([], 0, 0)
    assert made.headers["Location"] == f"/api/v1/pipelines/{found['id']}/"
    for path in (f"/pipelines/{found['id']}/", "/pipelines/big_deals/", "/pipelines/big_deals"):
        assert api.get(path).json == found
    changed = api.patch("/pipelines/big_deals/", {"description": "All of them", "is_active": False})
    assert (changed.json["version"], changed.json["name"]) == (2, "Big Deals")
    assert api.get("/pipelines/").json["count"] == 0
    assert [p["id"] for p in api.get("/pipelines/?is_active=false").json["results"]] == [found["id"]]
    stale = api.patch("/pipelines/big_deals/", {"name": "X"}, headers={"If-Match": '"1"'})
    assert assert_problem(stale, 412, "VERSION_MISMATCH")["differing_fields"] == ["description", "is_active"]
    replaced = api.request("PUT", "/pipelines/big_deals/", json={"name": "Deals"}).json
    assert (replaced["slug"], replaced["settings"], replaced["icon"]) == ("big_deals", {}, "database")
    assert (replaced["is_active"], replaced["description"], replaced["version"]) == (True, "", 3)
    assert api.delete("/pipelines/big_deals/").status_code == 204
    assert_problem(api.get("/pipelines/big_deals/"), 404, "PIPELINE_NOT_FOUND")
    assert_problem(api.get(f"/pipelines/{found['id']}/"), 404, "PIPELINE_NOT_FOUND")
    assert [p["id"] for p in api.get("/pipelines/deleted/").json["results"]] == [found["id"]]
    restored = api.post(f"/pipelines/{found['id']}/restore/")
    assert restored.status_code == 200, restored.text
    assert (restored.json["slug"], restored.json["version"]) == ("big_deals", 5)
    events = [event for event in api.events() if event["subject_id"] == found["id"]]
    assert [(event["type"], event["version"]) for event in events] == [
        ("pipeline.created", 1), ("pipeline.updated", 2), ("pipeline.updated", 3), ("pipeline.deleted", 4),
        ("pipeline.restored", 5),
    ]  # fmt: skip


def test_an_inactive_pipeline_takes_nothing_new_and_what_it_has_stays_in_use(api: Api) -> None:
    """Checklist 35: out of the way, not out of use."""
    deals(api)
    old, gone = (record(api, "deals", {"name": name, "code": name})["id"] for name in ("old", "gone"))
    assert api.delete(f"/records/{gone}/").status_code == 204
    assert api.patch("/pipelines/deals/", {"is_active": False}).status_code == 200
    new, url = {"data": {"name": "New", "code": "new"}}, "/pipelines/deals/records/"
    assert_problem(api.post(url, new), 409, "PIPELINE_INACTIVE")
    for mode in ("partial", "atomic", "dry_run"):
        assert_problem(api.post(f"{url}bulk_create/?mode={mode}", [new]), 409, "PIPELINE_INACTIVE")
    upserted = api.post(f"{url}bulk_upsert/?on=code", [new, {"data": {"code": "old", "amount": 5}}])
    assert (upserted.status_code, [found["id"] for found in upserted.json["upserted"]]) == (200, [old])
    assert [(fault["index"], list(fault["errors"])) for fault in upserted.json["errors"]] == [(0, ["general"])]
    problem = assert_problem(api.post(f"{url}bulk_upsert/?on=code&mode=atomic", [new]), 422, "VALIDATION_FAILED")
    assert [fault["code"] for fault in problem["errors"]] == ["PIPELINE_INACTIVE"]
    assert api.patch(f"/records/{old}/", {"data": {"amount": 6}}).status_code == 200
    assert api.post(f"/records/{gone}/restore/").status_code == 200
    assert api.post(f"{url}bulk_update/", [{"id": old, "status": "done"}]).status_code == 200
    assert [found["id"] for found in api.get("/records/?search=old").json["results"]] == [old]
    assert (api.get(url).json["count"], api.delete(f"/records/{old}/").status_code) == (2, 204)
    assert api.patch("/pipelines/deals/", {"is_active": True}).status_code == 200
    assert api.post(url, new).status_code == 201


@pytest.mark.parametrize("path", ["/pipelines/", "/relationships/types/"])
def test_inactive_ones_are_listed_only_when_asked_for(api: Api, path: str) -> None:
    for name, is_active in (("One", True), ("Two", False)):
        assert api.post(path, {"name": name, "is_active": is_active}).status_code == 201

    def listed(**query: str) -> list[str]:
        return sorted(row["slug"] for row in api.get(path, query_string=query).json["results"])

    assert listed() == listed(search="o") == listed(name="o") == ["one"]
    assert listed(filter='{"name": {"contains": "o"}}') == ["one"]
    assert listed(is_active="false") == listed(is_active__not="true") == ["two"]
    assert listed(filter='{"is_active__in": [true, false]}') == ["one", "two"]
    assert listed(filter='{"or": [{"not": {"is_active": true}}, {"slug": "one"}]}') == ["one", "two"]


def test_records_go_and_come_back_with_their_pipeline(api: Api) -> None:
    found = deals(api)
    made = record(api, "deals", {"name": "A"})
    assert api.delete("/pipelines/deals/").status_code == 204
    for path in (f"/records/{made['id']}/", f"/records/{SOME_ID}/"):
        assert_problem(api.get(path), 404, "RECORD_NOT_FOUND")
        assert_problem(api.patch(path, {"data": {"name": "B"}}), 404, "RECORD_NOT_FOUND")
        assert_problem(api.delete(path), 404, "RECORD_NOT_FOUND")
    assert_problem(api.post("/pipelines/deals/records/", {"data": {"name": "B"}}), 404, "PIPELINE_NOT_FOUND")
    assert api.post(f"/pipelines/{found['id']}/restore/").status_code == 200
    assert api.get(f"/records/{made['id']}/").json == made


def test_a_taken_slug_is_told(api: Api) -> None:
    first = pipeline(api, "Deals", [])
    taken = assert_problem(api.post("/pipelines/", {"name": "deals!"}), 409, "SLUG_TAKEN")
    assert [(fault["code"], fault["pointer"]) for fault in taken["errors"]] == [("SLUG_TAKEN", "/slug")]
    second = pipeline(api, "Other", [])
    assert_problem(api.patch("/pipelines/other/", {"slug": "deals"}), 409, "SLUG_TAKEN")
    assert api.delete("/pipelines/deals/").status_code == 204
    moved = api.patch("/pipelines/other/", {"slug": "deals"})
    assert moved.status_code == 200, moved.text
    assert moved.json["graphql_name"] != first["graphql_name"]
    assert_problem(api.post(f"/pipelines/{first['id']}/restore/"), 409, "SLUG_TAKEN")
    assert_problem(api.post(f"/pipelines/{second['id']}/restore/"), 404, "PIPELINE_NOT_FOUND")
    assert_problem(api.post(f"/pipelines/{SOME_ID}/restore/"), 404, "PIPELINE_NOT_FOUND")
    assert_problem(api.post("/pipelines/deals/restore/"), 409, "SLUG_TAKEN")
    assert_problem(api.post("/pipelines/other/restore/"), 404, "PIPELINE_NOT_FOUND")


def test_names_for_graphql_stay_apart(settled: TestTenant) -> None:
    made = [pipeline(settled.api, "x", [], slug=slug) for slug in ("ab_1", "ab1", "ab1_2", "ab_1_2")]
    assert [found["graphql_name"] for found in made] == ["Ab1", "Ab1_2", "Ab12", "Ab12_2"]


def test_a_title_field_is_one_of_the_suitable_ones(settled: TestTenant) -> None:
    api = settled.api
    fields = [{"name": "Name", "field_type": "text"}, {"name": "Meta", "field_type": "json"},
              {"name": "Boss", "field_type": "user"}]  # fmt: skip
    pipeline(api, "Titled", fields, title_field="name")
    for slug in ("meta", "boss", "nothing"):
        problem = assert_problem(api.patch("/pipelines/titled/", {"title_field": slug}), 422, "VALIDATION_FAILED")
        assert [(f["code"], f["pointer"], f["allowed"]) for f in problem["errors"]] == [
            ("NOT_A_TITLE", "/title_field", ["name"])
        ]
    made = record(api, "titled", {}, title="Shown")
    assert (made["title"], made["data"]) == ("Shown", {"name": "Shown"})
    assert record(api, "titled", {"name": "Mine"}, title="Mine")["title"] == "Mine"
    problem = assert_problem(
        api.post("/pipelines/titled/records/", {"title": "Another", "data": {"name": "Mine"}}), 422, "VALIDATION_FAILED"
    )
    assert [(f["code"], f["pointer"]) for f in problem["errors"]] == [("CONTRADICTION", "/title")]
    assert record(api, "titled", {})["title"].startswith("Titled ")
    assert api.patch("/pipelines/titled/", {"title_field": None}).json["title_field"] is None
    assert api.get(f"/records/{made['id']}/").json["title"].startswith("Titled ")


@pytest.mark.parametrize(
    "name", ["100 % sure", "it's", 'a "quoted" one', "a\\b", "{name}", "%s", "%(tenant)s", "$1", "a;b--c", "/*x*/"]
)
def test_a_name_is_text_wherever_it_stands(settled: TestTenant, name: str) -> None:
    slug = f"odd_{'_'.join(f'{ord(letter):x}' for letter in name)}"[:48].rstrip("_")
    pipeline(settled.api, name, [{"name": name, "slug": "x", "field_type": "text"}], slug=slug)
    made = record(settled.api, slug, {"x": name})
    assert made["title"] == f"{name} {made['id'][-8:]}"
    changed = settled.api.patch(f"/records/{made['id']}/", {"data": {"x": name + name}})
    assert changed.json["title"] == made["title"]
    assert settled.api.get(f"/pipelines/{slug}/records/").json["results"] == [changed.json]


SHARED = ["id", "data", "title", "status", "version", "query", "mutation", "type", "select", "from", "order", "user",
          "table", "null", "true", "class", "a", "z9", "a_b_c", "a1_2b", "x" * 48, "created_at", "deals_record",
          "pipeline", "tenant_id", "and", "or", "count", "cursor", "page", "filter", "fields_2"]  # fmt: skip
UNUSABLE = ["__typename", "_a", "a_", "a__b", "A", "aB", "1a", "9", "a-b", "a b", "a.b", "a/b", "a\\b", "a'b", 'a"b',
            "a;b", "a%b", "a\nb", "a\tb", " a", "a ", "é", "名前", "\uff41", "\u0430", "x" * 49, "x" * 9999,
            SOME_ID, "..", "*", "$x", "{x}", "a\u200bb", "\u202ea", "a\U0001f600", "a\x01", "a\\u0000",
            "drop table", "-", "_"]  # fmt: skip


@pytest.mark.parametrize("at", range(len(SHARED)))
def test_a_usable_slug_works_everywhere(settled: TestTenant, at: int) -> None:
    api, slug = settled.api, SHARED[at]
    made = pipeline(api, "Odd", [{"name": "Odd", "slug": slug, "field_type": "text"}], slug=slug)
    assert made["slug"] == made["fields"][0]["slug"] == slug
    found = record(api, slug, {slug: "x"})
    assert api.get(f"/pipelines/{slug}/records/?data__{slug}=X&ordering=-data__{slug}").json["results"] == [found]
    assert api.get(f"/pipelines/{slug}/records/?fields=data__{slug}").json["results"] == [{"data": {slug: "x"}}]
    assert api.get(f"/pipelines/{slug}/fields/{slug}/").json == made["fields"][0]
    assert api.patch(f"/records/{found['id']}/", {"data": {slug: None}}).json["data"] == {}
    assert api.get("/openapi.json").status_code == 200
    assert api.post("/graphql", {"query": "{__schema{queryType{name}}}"}).json["data"]


@pytest.mark.parametrize("at", range(len(UNUSABLE)))
def test_an_unusable_slug_is_refused(settled: TestTenant, at: int) -> None:
    slug = UNUSABLE[at]
    for body in ({"name": "x", "slug": slug}, {"name": "x", "slug": f"fine_{at}", "fields": [_field(slug)]}):
        assert_problem(settled.api.post("/pipelines/", body), 422, "VALIDATION_FAILED")
    assert_problem(settled.api.get(f"/pipelines/fine_{at}/"), 404, "PIPELINE_NOT_FOUND")


@pytest.mark.parametrize("slug", sorted({*ROUTE_WORDS, *OPERATORS}))
def test_a_word_of_the_addresses_is_no_pipeline(settled: TestTenant, slug: str) -> None:
    for body in ({"name": "x", "slug": slug}, {"name": slug.title()}):
        problem = assert_problem(settled.api.post("/pipelines/", body), 422, "VALIDATION_FAILED")
        assert [fault["code"] for fault in problem["errors"]] == ["INVALID_SLUG"]


@pytest.mark.parametrize("slug", ["deleted", *OPERATORS])
def test_a_word_of_the_addresses_is_no_field(settled: TestTenant, slug: str) -> None:
    problem = assert_problem(
        settled.api.post("/pipelines/", {"name": "x", "slug": f"w_{slug}", "fields": [_field(slug)]}),
        422, "VALIDATION_FAILED",
    )  # fmt: skip
    assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [("INVALID_SLUG", "/fields/0/slug")]


NAMES = ["__typename", "Query", "id", "x" * 200, "Ünïcode näme", "a'b\"c", "emoji \U0001f600 x", "tab\tname", "a\x01b",
         "  spaces  ", "<script>alert(1)</script>", "=1+1 x", "\u202eright to left"]  # fmt: skip
NO_NAMES: list[Any] = ["", "x" * 201, "x" * 100_000, "名前", "\U0001f600", "123", "   ", "---", None, 5, [], {}, True]


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_a_name_is_kept_as_it_was_given(settled: TestTenant, at: int) -> None:
    slug = f"named_{at}"
    made = settled.api.post("/pipelines/", {"name": NAMES[at], "slug": slug, "fields": [_field("f", NAMES[at])]})
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.json["fields"][0]["name"]) == (NAMES[at], NAMES[at])
    assert record(settled.api, slug, {"f": "x"})["title"].startswith(NAMES[at] + " ")


@pytest.mark.parametrize("at", range(len(NO_NAMES)))
def test_no_slug_can_be_made_of_it(settled: TestTenant, at: int) -> None:
    before = settled.api.get("/pipelines/").json["count"]
    assert_problem(settled.api.post("/pipelines/", {"name": NO_NAMES[at]}), 422, "VALIDATION_FAILED")
    assert settled.api.get("/pipelines/").json["count"] == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x", "color": "red"}, 422),
        ({"name": "x", "color": "#00aaff\n"}, 422),
        ({"name": "x", "is_active": "yes"}, 422),
        ({"name": "x", "settings": []}, 422),
        ({"name": "x", "fields": {}}, 422),
        ({"name": "x", "fields": [5]}, 422),
        ({"name": "x", "fields": [{"name": "y", "field_type": "text", "bogus": 1}]}, 422),
        ({"name": "x", "version": 7}, 422),
        ({"name": "x", "id": SOME_ID}, 422),
        ({"name": "x", "tenant_id": SOME_ID}, 422),
        ({"name": "x", "created_by": SOME_ID}, 422),
        ({"name": "x", "kind": "relationship"}, 422),
        ({"name": "x", "graphql_name": "Query"}, 422),
        ({"name": "x", "title_field": "nope"}, 422),
        ({"name": "x", "settings": {"a": {"b": "\x00"}}}, 400),
        ({"name": "x", "fields": [{"name": "y", "field_type": "text"}] * 2}, 409),
        ({"name": "x", "fields": [{"name": f"f{n}", "field_type": "json"} for n in range(201)]}, 422),
    ],
    ids=range(17),
)
def test_a_wrong_pipeline_is_refused_and_leaves_nothing(settled: TestTenant, body: Any, status: int) -> None:
    before = settled.api.get("/pipelines/").json["count"]
    found = settled.api.post("/pipelines/", {"slug": "wrong", **body})
    assert found.status_code == status, found.text
    assert settled.api.get("/pipelines/").json["count"] == before


@pytest.mark.parametrize(
    "number", ["9007199254740993", "0.1234567890123456789", "1e22", "-0", "5e-324", "1e308", "18446744073709551617"]
)
def test_settings_hold_whatever_number_json_can_write(settled: TestTenant, number: str) -> None:
    slug = f"n{sum(map(ord, number))}"
    body = f'{{"name": "x", "slug": "{slug}", "settings": {{"a": {number}}}}}'
    made = settled.api.post("/pipelines/", data=body, content_type="application/json")
    assert made.status_code == 201, made.text
    found = json.loads(settled.api.get(f"/pipelines/{slug}/").text, parse_int=Decimal, parse_float=Decimal)
    assert found["settings"]["a"] == Decimal(number)


def _field(slug: str, name: str = "y") -> dict[str, Any]:
    return {"name": name, "slug": slug, "field_type": "text"}
