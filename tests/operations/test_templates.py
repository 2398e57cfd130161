"""Templates: shipped ones, own ones, pipelines made from them (checklist 10; threats 1, 13, 38)."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.fields.slugs import is_slug
from oneo.operations.shipped_templates import SHIPPED
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.kinds import EVERY_KIND, every_kind
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant

SLUGS = ["sales_deals", "contacts", "companies", "tickets", "projects", "candidates"]
MAKER = [{"permission": "pipelines:create"}, {"permission": "pipelines:read"}]


def save(api: Api, source: str = "deals", **body: Any) -> dict[str, Any]:
    made = api.post(f"/pipelines/{source}/templates/", {"name": "Our deals", **body})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


def _slugs(api: Api, path: str = "/pipelines/templates/") -> list[str]:
    return [found["slug"] for found in api.get(path).json["results"]]


def test_the_shipped_ones_are_listed(api: Api) -> None:
    found = api.get("/pipelines/templates/?ordering=slug").json
    assert found["count"] == len(SLUGS)
    assert [row["slug"] for row in found["results"]] == sorted(SLUGS)
    assert all(row["is_shipped"] and row["created_at"] is None for row in found["results"])
    assert len({row["id"] for row in found["results"]}) == len(SLUGS)
    for row in found["results"]:
        by_id, by_slug = (api.get(f"/pipelines/templates/{row[key]}/") for key in ("id", "slug"))
        assert by_id.json == by_slug.json == row


@pytest.mark.parametrize("slug", SLUGS)
def test_a_pipeline_is_made_from_each_shipped_one(api: Api, slug: str) -> None:
    template = next(found for found in SHIPPED if found["slug"] == slug)
    made = api.post("/pipelines/", {"name": "Made", "template": slug})
    assert made.status_code == 201, made.text
    body, pattern = made.json, template["pattern"]
    assert body["template"] == slug
    assert (body["icon"], body["color"], body["title_field"]) == (
        pattern["icon"], pattern["color"], pattern["fields"][0]["slug"],
    )  # fmt: skip
    assert [field["slug"] for field in body["fields"]] == [field["slug"] for field in pattern["fields"]]
    assert all(is_slug(field["slug"]) for field in body["fields"])
    choices = [choice for field in body["fields"] for choice in field["field_config"].get("choices", ())]
    assert all(choice["label"] and choice["color"].startswith("#") for choice in choices)
    title = pattern["title_field"]
    assert record(api, "made", {title: "First"})["title"] == "First"


def test_a_template_is_named_by_id_too(api: Api) -> None:
    template = api.get("/pipelines/templates/contacts/").json
    made = api.post("/pipelines/", {"name": "People", "template": template["id"]})
    assert made.json["template"] == "contacts"


def test_what_is_given_wins_over_the_template(api: Api) -> None:
    body = {
        "name": "People", "template": "contacts", "icon": "star", "title_field": None, "description": "Mine",
        "fields": [{"name": "Shoe size", "field_type": "number"}, {"name": "Phone", "field_type": "text"}],
    }  # fmt: skip
    made = api.post("/pipelines/", body).json
    assert (made["icon"], made["title_field"], made["description"]) == ("star", None, "Mine")
    slugs = [field["slug"] for field in made["fields"]]
    assert slugs[:2] == ["name", "email"]
    assert slugs[-2:] == ["shoe_size", "phone"]
    assert slugs.count("phone") == 1
    assert made["fields"][-1]["field_type"] == "text"


def test_a_fault_of_a_given_field_is_where_the_caller_wrote_it(api: Api) -> None:
    body = {"name": "People", "template": "contacts", "fields": [{"name": "X", "field_type": "nonsense"}]}
    problem = assert_problem(api.post("/pipelines/", body), 422, "VALIDATION_FAILED")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/fields/0/field_type"]
    assert api.get("/pipelines/").json["count"] == 0


@pytest.mark.parametrize("name", ["nothing", SOME_ID, "x' OR true --", "%s"])
def test_an_unknown_template_makes_nothing(api: Api, name: str) -> None:
    problem = assert_problem(api.post("/pipelines/", {"name": "X", "template": name}), 422, "VALIDATION_FAILED")
    assert [(f["pointer"], f["code"]) for f in problem["errors"]] == [("/template", "TEMPLATE_NOT_FOUND")]
    assert api.get("/pipelines/").json["count"] == 0


def test_a_pipeline_is_kept_as_a_template_and_made_anew(api: Api, tenant: TestTenant) -> None:
    every_kind(api, icon="star", settings={"view": "board"}, title_field="name", description="All, 100%'s \\ worth")
    record(api, "things", {"name": "One", "stage": "open"})
    answer = api.post("/pipelines/things/templates/", {"name": "Our things"})
    saved = answer.json
    assert answer.headers["Location"] == f"/api/v1/pipelines/templates/{saved['id']}/"
    assert api.get(answer.headers["Location"]).json == saved == api.get("/pipelines/templates/our_things/").json
    assert (saved["slug"], saved["is_shipped"], saved["created_by"]) == ("our_things", False, str(tenant.admin.id))
    assert saved["description"] == saved["pattern"]["description"] == "All, 100%'s \\ worth"
    assert "pipeline_id" not in saved["pattern"]
    made = api.post("/pipelines/", {"name": "Again", "template": "our_things"})
    assert made.status_code == 201, made.text
    assert (made.json["settings"], made.json["icon"], made.json["record_count"]) == ({"view": "board"}, "star", 0)
    assert made.json["title_field"] == "name"
    same = ("slug", "name", "field_type", "field_config", "is_required", "is_unique", "is_indexed")
    source = api.get("/pipelines/things/").json
    assert [[field[key] for key in same] for field in made.json["fields"]] == [
        [field[key] for key in same] for field in source["fields"]
    ]
    assert len(made.json["fields"]) == len(EVERY_KIND)
    created = next(event for event in api.events() if event["type"] == "template.created")
    assert created["subject_id"] == saved["id"]
    assert "pattern" not in created["data"]


def test_templates_of_a_pipeline_are_those_made_of_it_and_its_own(api: Api) -> None:
    made = pipeline(api, "People", [], template="contacts")
    save(api, "people", name="From people")
    deals(api)
    save(api)
    assert _slugs(api, f"/pipelines/{made['id']}/templates/") == ["contacts", "from_people"]
    assert _slugs(api, "/pipelines/deals/templates/") == ["our_deals"]
    assert _slugs(api, "/pipelines/templates/?is_shipped=false") == ["from_people", "our_deals"]
    assert _slugs(api, "/pipelines/templates/?search=our d") == ["our_deals"]
    pages = api.get("/pipelines/templates/?page_size=5&ordering=-name").json
    assert (pages["count"], pages["pages"], len(pages["results"])) == (8, 2, 5)
    assert _slugs(api, "/pipelines/templates/?cursor=&page_size=3&ordering=created_at")[:2] == [
        "from_people",
        "our_deals",
    ]


def test_a_deleted_template_is_gone_and_its_pipelines_stay(api: Api) -> None:
    deals(api)
    saved = save(api)
    pipeline(api, "Made", [], template="our_deals")
    assert api.delete("/pipelines/templates/our_deals/").status_code == 204
    for name in (saved["id"], "our_deals"):
        assert_problem(api.get(f"/pipelines/templates/{name}/"), 404, "TEMPLATE_NOT_FOUND")
        assert_problem(api.delete(f"/pipelines/templates/{name}/"), 404, "TEMPLATE_NOT_FOUND")
    assert api.get("/pipelines/made/").json["field_count"] == 7
    assert [e["subject_id"] for e in api.events() if e["type"] == "template.deleted"] == [saved["id"]]
    assert save(api)["slug"] == "our_deals"


def test_shipped_ones_stay(api: Api) -> None:
    template = api.get("/pipelines/templates/tickets/").json
    for name in (template["id"], "tickets"):
        assert_problem(api.delete(f"/pipelines/templates/{name}/"), 409, "TEMPLATE_SHIPPED")
    deals(api)
    assert_problem(api.post("/pipelines/deals/templates/", {"name": "X", "slug": "tickets"}), 409, "SLUG_TAKEN")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/name"), ({"name": ""}, "/name"), ({"name": "X", "slug": "No Slug"}, "/slug"), ({"name": "交易"}, "/slug"),
     ({"name": "X", "pattern": {}}, "/pattern"), ({"name": "X", "slug": SOME_ID}, "/slug")],
)  # fmt: skip
def test_a_wrong_template_is_not_kept(api: Api, body: dict[str, Any], pointer: str) -> None:
    deals(api)
    problem = assert_problem(api.post("/pipelines/deals/templates/", body), 422, "VALIDATION_FAILED")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert len(_slugs(api)) == len(SLUGS)


def test_one_slug_is_one_template(api: Api) -> None:
    deals(api)
    save(api)
    assert_problem(api.post("/pipelines/deals/templates/", {"name": "Our deals"}), 409, "SLUG_TAKEN")


def test_what_is_hidden_in_a_pipeline_is_hidden_in_its_templates(api: Api, tenant: TestTenant) -> None:
    made = deals(api, title_field="code")
    saved = save(api)
    scoped = {"permission": "pipelines:read", "pipelines": [made["id"]], "hidden_fields": ["amount"]}
    limited = tenant.user(
        tenant.role("limited", [*MAKER, scoped, {"permission": "records:read", "hidden_fields": ["code"]}])
    )
    for path in ("/pipelines/templates/our_deals/", f"/pipelines/templates/{saved['id']}/"):
        found = limited.api.get(path).json
        assert [field["slug"] for field in found["pattern"]["fields"]] == ["name", "stage", "closes", "owner", "tags"]
        assert found["pattern"]["title_field"] is None
    assert "amount" not in limited.api.get("/pipelines/templates/?is_shipped=false").text.lower()
    fresh = limited.api.post("/pipelines/", {"name": "Fresh", "template": "our_deals"})
    assert fresh.status_code == 201, fresh.text
    assert "amount" not in [field["slug"] for field in api.get("/pipelines/fresh/").json["fields"]]
    mine = save(limited.api, name="Mine")
    assert [field["slug"] for field in api.get(f"/pipelines/templates/{mine['id']}/").json["pattern"]["fields"]] == [
        "name", "stage", "closes", "owner", "tags",
    ]  # fmt: skip


def test_templates_are_for_who_makes_pipelines(api: Api, tenant: TestTenant) -> None:
    deals(api)
    save(api)
    reader = tenant.user(tenant.role("reader", [{"permission": "pipelines:read"}])).api
    one = "/pipelines/templates/our_deals/"
    for method, path in [
        ("GET", one),
        ("DELETE", one),
        *(("GET", f"/pipelines/{at}templates/") for at in ("", "deals/")),
    ]:
        assert_problem(reader.request(method, path), 403, "PERMISSION_DENIED")
    assert_problem(reader.post("/pipelines/deals/templates/", {"name": "X"}), 403, "PERMISSION_DENIED")
    maker = tenant.user(tenant.role("maker", MAKER)).api
    assert_problem(maker.delete("/pipelines/templates/our_deals/"), 403, "PERMISSION_DENIED")
    save(maker, name="Own")
    assert maker.delete("/pipelines/templates/own/").status_code == 204


def test_templates_of_others_are_not_there(api: Api, other: TestTenant) -> None:
    deals(api)
    saved = save(api)
    assert len(_slugs(other.api)) == len(SLUGS)
    for name in (saved["id"], "our_deals"):
        assert_problem(other.api.get(f"/pipelines/templates/{name}/"), 404, "TEMPLATE_NOT_FOUND")
        assert_problem(other.api.delete(f"/pipelines/templates/{name}/"), 404, "TEMPLATE_NOT_FOUND")
        assert_problem(other.api.post("/pipelines/", {"name": "X", "template": name}), 422, "VALIDATION_FAILED")
    deals(other.api)
    assert save(other.api)["id"] != saved["id"]
