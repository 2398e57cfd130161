"""Fields over REST: each route, each kind, and what becomes of values when a field goes (checklist 9, 44)."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.fields.kinds.registry import KINDS
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant
from tests.fields.configs import USUAL

_TEXT = {"name": "Name", "field_type": "text"}


def test_a_field_is_made_read_changed_removed_and_its_slug_is_free_again(api: Api) -> None:
    pipeline(api, "Deals", [])
    made = api.post("/pipelines/deals/fields/", {"name": "Net Amount", "field_type": "decimal"})
    assert made.status_code == 201, made.text
    found = made.json
    assert (found["slug"], found["version"], found["is_indexed"], found["display_order"]) == ("net_amount", 1, True, 0)
    assert made.headers["Location"] == f"/api/v1/pipelines/deals/fields/{found['id']}/"
    for path in (found["id"], "net_amount"):
        assert api.get(f"/pipelines/deals/fields/{path}/").json == found
    second = api.post("/pipelines/deals/fields/", {"name": "Meta", "field_type": "json"}).json
    assert (second["display_order"], second["is_indexed"], second["version"]) == (1, False, 1)
    assert [f["slug"] for f in api.get("/pipelines/deals/fields/").json["results"]] == ["net_amount", "meta"]
    changed = api.patch("/pipelines/deals/fields/net_amount/", {"name": "Net", "display_order": 7})
    assert (changed.json["name"], changed.json["slug"], changed.json["version"]) == ("Net", "net_amount", 2)
    assert [f["slug"] for f in api.get("/pipelines/deals/fields/").json["results"]] == ["meta", "net_amount"]
    stale = api.patch("/pipelines/deals/fields/net_amount/", {"name": "X"}, headers={"If-Match": '"1"'})
    assert_problem(stale, 412, "VERSION_MISMATCH")
    again = api.post("/pipelines/deals/fields/", {"name": "Net", "slug": "net_amount", "field_type": "text"})
    assert [fault["pointer"] for fault in assert_problem(again, 409, "SLUG_TAKEN")["errors"]] == ["/slug"]
    assert api.delete("/pipelines/deals/fields/net_amount/").status_code == 204
    assert_problem(api.get("/pipelines/deals/fields/net_amount/"), 404, "FIELD_NOT_FOUND")
    assert api.get("/pipelines/deals/fields/deleted/").json["count"] == 0
    again = api.post("/pipelines/deals/fields/", {"name": "Net", "slug": "net_amount", "field_type": "text"})
    assert again.status_code == 201, again.text
    types = [event["type"] for event in api.events() if event["subject_id"] == found["id"]]
    assert types == ["field.created", "field.updated", "field.deleted"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_field_of_each_kind_takes_its_example(settled: TestTenant, kind: str) -> None:
    api, slug = settled.api, f"kind_{kind}"
    made = pipeline(api, slug, [{"name": "It", "field_type": kind, "field_config": USUAL[kind]}])["fields"][0]
    assert (made["field_type"], made["field_config"], made["version"]) == (kind, USUAL[kind], 1)
    assert made["is_indexed"] == (KINDS[kind].slot is not None)
    example = str(settled.admin.id) if kind == "user" else KINDS[kind](made["field_config"]).example
    added = record(api, slug, {"it": example})
    assert added["data"] == {"it": example}
    defaulted = {"name": "Also", "field_type": kind, "field_config": {**USUAL[kind], "default": example}}
    assert api.post(f"/pipelines/{slug}/fields/", defaulted).status_code == 201
    assert record(api, slug, {})["data"] == {"also": example}
    assert record(api, slug, {"also": None})["data"] == {"also": example}
    for flag, possible in (("is_unique", KINDS[kind].is_unique), ("is_indexed", KINDS[kind].slot is not None)):
        made = api.patch(f"/pipelines/{slug}/fields/it/", {flag: True})
        if possible:
            assert made.json[flag] is True
        else:
            problem = assert_problem(made, 422, "VALIDATION_FAILED")
            assert [(f["code"], f["pointer"]) for f in problem["errors"]] == [("NOT_POSSIBLE", f"/{flag}")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"field_type": "txt"}, "/field_type"),
        ({"field_config": {"max_lenght": 5}}, "/field_config/max_lenght"),
        ({"field_config": {"max_length": 0}}, "/field_config/max_length"),
        ({"field_config": {"pattern": "("}}, "/field_config/pattern"),
        ({"field_config": {"max_length": 3, "default": "long one"}}, "/field_config/default"),
        ({"field_type": "select"}, "/field_config/choices"),
        ({"field_type": "json", "is_unique": True}, "/is_unique"),
        ({"field_type": "multiselect", "field_config": {"choices": ["a"]}, "is_indexed": True}, "/is_indexed"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"display_order": -1}, "/display_order"),
        ({"is_required": "yes"}, "/is_required"),
        ({"deleted_at": None}, "/deleted_at"),
        ({"version": 3}, "/version"),
        ({"pipeline_id": SOME_ID}, "/pipeline_id"),
    ],
    ids=range(15),
)
def test_a_wrong_field_is_refused_by_pointer(settled: TestTenant, body: dict[str, Any], pointer: str) -> None:
    slug = f"wrong_{abs(sum(map(ord, repr(body))))}"
    pipeline(settled.api, slug, [_TEXT])
    before = settled.api.get(f"/pipelines/{slug}/").json
    for made in (
        settled.api.post(f"/pipelines/{slug}/fields/", {"name": "New", "field_type": "text", **body}),
        settled.api.patch(f"/pipelines/{slug}/fields/name/", body),
    ):
        problem = assert_problem(made, 422, "VALIDATION_FAILED")
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert settled.api.get(f"/pipelines/{slug}/").json == before


def test_a_field_with_values_goes_only_by_force_and_comes_back_with_them(api: Api) -> None:
    found = pipeline(api, "Deals", [_TEXT, {"name": "Amount", "field_type": "number"}], title_field="name")
    field_id = found["fields"][0]["id"]
    made = record(api, "deals", {"name": "A", "amount": 1})
    gone = record(api, "deals", {"name": "B"})
    assert api.delete(f"/records/{gone['id']}/").status_code == 204
    problem = assert_problem(api.delete("/pipelines/deals/fields/name/"), 409, "FIELD_IN_USE")
    assert (problem["records"], set(problem["examples"])) == (2, {made["id"], gone["id"]})
    assert api.delete("/pipelines/deals/fields/name/?force=true").status_code == 204
    shown = api.get(f"/records/{made['id']}/").json
    assert shown["data"] == {"amount": 1}
    assert shown["title"] == f"Deals {made['id'][-8:]}"
    assert api.get("/pipelines/deals/").json["title_field"] is None
    for path in ("data__name=A", "ordering=data__name", "fields=data__name", "data__name__exists=true"):
        problem = assert_problem(api.get(f"/pipelines/deals/records/?{path}"), 400, "INVALID_PARAMETER")
        assert problem["errors"][0].get("suggestion") != "data__name"
    refused = assert_problem(api.patch(f"/records/{made['id']}/", {"data": {"name": "C"}}), 422, "VALIDATION_FAILED")
    assert refused["errors"][0]["code"] == "UNKNOWN_FIELD"
    assert api.request("PUT", f"/records/{made['id']}/", json={"data": {"amount": 2}}).json["data"] == {"amount": 2}
    assert_problem(api.post("/pipelines/deals/fields/", _TEXT), 409, "SLUG_TAKEN")
    assert [f["id"] for f in api.get("/pipelines/deals/fields/deleted/").json["results"]] == [field_id]
    restored = api.post(f"/pipelines/deals/fields/{field_id}/restore/")
    assert restored.status_code == 200, restored.text
    assert restored.json["deleted_at"] is None
    assert api.get(f"/records/{made['id']}/").json["data"] == {"name": "A", "amount": 2}
    assert api.get("/pipelines/deals/records/?data__name=a").json["count"] == 1
    assert_problem(api.post(f"/pipelines/deals/fields/{field_id}/restore/"), 404, "FIELD_NOT_FOUND")


def test_what_is_removed_is_restored_by_its_slug_too(api: Api) -> None:
    deals(api)
    record(api, "deals", {"name": "One", "amount": 5})
    assert api.delete("/pipelines/deals/fields/amount/?force=true").status_code == 204
    restored = api.post("/pipelines/deals/fields/amount/restore/")
    assert (restored.status_code, restored.json["deleted_at"]) == (200, None), restored.text
    assert_problem(api.post("/pipelines/deals/fields/amount/restore/"), 404, "FIELD_NOT_FOUND")
    assert api.delete("/pipelines/deals/").status_code == 204
    assert api.post("/pipelines/deals/restore/").status_code == 200
    assert_problem(api.post("/pipelines/deals/restore/"), 404, "PIPELINE_NOT_FOUND")


def test_a_restored_unique_field_keeps_values_apart_again(api: Api) -> None:
    made = pipeline(api, "Deals", [{"name": "Code", "field_type": "text", "is_unique": True}])["fields"][0]
    record(api, "deals", {"code": "a"})
    assert api.delete("/pipelines/deals/fields/code/?force=true").status_code == 204
    restored = api.post(f"/pipelines/deals/fields/{made['id']}/restore/").json
    assert (restored["is_unique"], restored["is_indexed"]) == (True, True)
    assert_problem(api.post("/pipelines/deals/records/", {"data": {"code": "a"}}), 409, "VALUE_TAKEN")


def test_fields_of_others_are_not_there(api: Api) -> None:
    pipeline(api, "Deals", [_TEXT])
    strange = pipeline(api, "Other", [_TEXT])["fields"][0]["id"]
    for name in (strange, SOME_ID, "nothing"):
        path = f"/pipelines/deals/fields/{name}/"
        for answer in (api.get(path), api.patch(path, {"name": "x"}), api.delete(path)):
            assert_problem(answer, 404, "FIELD_NOT_FOUND")
    assert_problem(api.post(f"/pipelines/deals/fields/{strange}/restore/"), 404, "FIELD_NOT_FOUND")
    for answer in (api.get("/pipelines/nope/fields/"), api.post("/pipelines/nope/fields/", _TEXT)):
        assert_problem(answer, 404, "PIPELINE_NOT_FOUND")
