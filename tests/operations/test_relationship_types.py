"""Relationship types over REST: each route, who may call it, and what a change must not break."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relate
from tests.factories.tenant import TestTenant

TYPES = "/relationships/types/"
KEYS = [
    "id", "slug", "name", "description", "is_active", "source_pipeline_id", "target_pipeline_id", "cardinality",
    "is_bidirectional", "forward_label", "reverse_label", "on_delete", "settings", "graphql_name",
    "relationship_count", "field_count", "created_by", "updated_by", "created_at", "updated_at", "deleted_at",
    "version", "fields", "constraints",
]  # fmt: skip


def ends(api: Api) -> tuple[str, str]:
    """Two pipelines, people and firms; their ids."""
    return pipeline(api, "People", [])["id"], pipeline(api, "Firms", [])["id"]


def made(api: Api, name: str = "Works at", **more: Any) -> dict[str, Any]:
    answer = api.post(TYPES, {"name": name, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in problem["errors"]]


def test_a_type_is_made_read_changed_removed_and_restored(api: Api) -> None:
    people, firms = ends(api)
    body = {
        "name": "Works at", "source_pipeline": "people", "target_pipeline": firms, "forward_label": "works at",
        "reverse_label": "employs", "settings": {"a": 1}, "fields": [{"name": "Role", "field_type": "text"}],
    }  # fmt: skip
    answer = api.post(TYPES, body)
    assert answer.status_code == 201, answer.text
    found = answer.json
    assert list(found) == KEYS
    assert (found["slug"], found["graphql_name"], found["version"]) == ("works_at", "WorksAt", 1)
    assert (found["source_pipeline_id"], found["target_pipeline_id"]) == (people, firms)
    assert (found["cardinality"], found["on_delete"], found["is_bidirectional"]) == ("many_to_many", "detach", False)
    assert (found["relationship_count"], found["field_count"], found["constraints"]) == (0, 1, [])
    assert [(field["slug"], field["is_indexed"], field["index"]) for field in found["fields"]] == [
        ("role", False, None)
    ]
    assert answer.headers["Location"] == f"/api/v1{TYPES}{found['id']}/"
    for path in (f"{TYPES}{found['id']}/", f"{TYPES}works_at/", f"{TYPES}works_at"):
        assert api.get(path).json == found
    assert_problem(api.get("/pipelines/works_at/"), 404, "PIPELINE_NOT_FOUND")
    changed = api.patch(f"{TYPES}works_at/", {"description": "Paid", "is_active": False, "on_delete": "keep"})
    assert (changed.json["version"], changed.json["on_delete"], changed.json["name"]) == (2, "keep", "Works at")
    assert changed.headers["ETag"] == '"2"'
    assert api.patch(f"{TYPES}works_at/", {"description": "Paid"}).json["version"] == 2
    stale = api.patch(f"{TYPES}works_at/", {"name": "X"}, headers={"If-Match": '"1"'})
    differing = assert_problem(stale, 412, "VERSION_MISMATCH")["differing_fields"]
    assert differing == ["description", "is_active", "on_delete"]
    replaced = api.request("PUT", f"{TYPES}works_at/", json={"name": "Employed"}).json
    assert (replaced["slug"], replaced["description"], replaced["source_pipeline_id"]) == ("works_at", "", None)
    assert (replaced["is_active"], replaced["on_delete"], replaced["settings"]) == (True, "detach", {})
    assert [field["slug"] for field in replaced["fields"]] == ["role"]
    assert api.delete(f"{TYPES}works_at/").status_code == 204
    for path in (
        f"{TYPES}works_at/",
        f"{TYPES}{found['id']}/",
        f"{TYPES}works_at/fields/",
        f"{TYPES}works_at/constraints/",
    ):
        assert_problem(api.get(path), 404, "RELATIONSHIP_TYPE_NOT_FOUND")
    assert [row["id"] for row in api.get(f"{TYPES}deleted/").json["results"]] == [found["id"]]
    restored = api.post(f"{TYPES}{found['id']}/restore/")
    assert (restored.status_code, restored.json["version"]) == (200, 5), restored.text
    assert_problem(api.post(f"{TYPES}{found['id']}/restore/"), 404, "RELATIONSHIP_TYPE_NOT_FOUND")
    events = [event for event in api.events() if event["subject_id"] == found["id"]]
    assert [(event["type"], event["version"]) for event in events] == [
        ("relationship_type.created", 1), ("relationship_type.updated", 2), ("relationship_type.updated", 3),
        ("relationship_type.deleted", 4), ("relationship_type.restored", 5),
    ]  # fmt: skip
    assert {event["pipeline_id"] for event in events} == {found["id"]}
    assert events[2]["old"]["source_pipeline_id"] == people


def test_an_inactive_type_takes_nothing_new_and_what_it_has_stays_in_use(api: Api) -> None:
    ends(api)
    made(api)
    ada, acme, other = (record(api, slug, {})["id"] for slug in ("people", "firms", "firms"))
    ends_of = {"relationship_type": "works_at", "source_record_id": ada}
    old = api.post("/relationships/", {**ends_of, "target_record_id": acme}).json["id"]
    assert api.patch(f"{TYPES}works_at/", {"is_active": False}).status_code == 200
    new = {**ends_of, "target_record_id": other}
    problem = assert_problem(api.post("/relationships/", new), 422, "VALIDATION_FAILED")
    assert faults(problem) == [("/relationship_type", "RELATIONSHIP_TYPE_INACTIVE")]
    [failed] = api.post("/relationships/bulk_create/", [new]).json["results"]
    assert [found["code"] for found in failed["errors"]] == ["RELATIONSHIP_TYPE_INACTIVE"]
    found = api.post("/relationships/validate/", new).json
    assert [broken["code"] for broken in found["violations"]] == ["RELATIONSHIP_TYPE_INACTIVE"]
    for path, body in (("", {"strength": 0.5}), ("deactivate/", {}), ("activate/", {})):
        way = api.post if path else api.patch
        assert way(f"/relationships/{old}/{path}", body).status_code == 200
    assert api.get("/relationships/?relationship_type=works_at").json["count"] == 1
    assert api.patch(f"{TYPES}works_at/", {"is_active": True}).status_code == 200
    assert api.post("/relationships/", new).status_code == 201


def test_a_list_of_types_is_filtered_sorted_and_searched(api: Api) -> None:
    people, firms = ends(api)
    made(api, "Works at", source_pipeline=people, target_pipeline=firms, reverse_label="employs")
    made(api, "Knows", source_pipeline=people, target_pipeline=people, is_bidirectional=True)
    made(api, "Part of", cardinality="many_to_one", on_delete="restrict", is_active=False)

    def slugs(query: str) -> list[str]:
        return [row["slug"] for row in api.get(f"{TYPES}?ordering=name&{query}").json["results"]]

    assert slugs("") == ["knows", "works_at"]
    assert slugs("is_active=false") == ["part_of"]
    assert slugs(f"source_pipeline_id={people}") == ["knows", "works_at"]
    assert slugs(f"target_pipeline_id={firms}") == ["works_at"]
    assert slugs("is_bidirectional=true") == ["knows"]
    assert slugs("is_active__in=true,false&cardinality=many_to_one&on_delete=restrict") == ["part_of"]
    assert slugs("search=employs") == ["works_at"]
    page = api.get(f"{TYPES}?page_size=1&ordering=-name&fields=slug").json
    assert (page["count"], page["results"], page["next"] is not None) == (2, [{"slug": "works_at"}], True)
    assert (api.get("/pipelines/").json["count"], api.get("/admin/analytics/").json["pipelines"]) == (2, 2)
    assert api.get(f"{TYPES}?colour=red").status_code == 400


def test_slugs_are_shared_with_pipelines(api: Api) -> None:
    pipeline(api, "Deals", [])
    assert_problem(api.post(TYPES, {"name": "Deals"}), 409, "SLUG_TAKEN")
    found = made(api, "Knows")
    assert_problem(api.post("/pipelines/", {"name": "Knows"}), 409, "SLUG_TAKEN")
    assert_problem(api.patch("/pipelines/deals/", {"slug": "knows"}), 409, "SLUG_TAKEN")
    assert api.delete(f"{TYPES}knows/").status_code == 204
    assert pipeline(api, "Knows", [])["graphql_name"] == "Knows_2"
    assert_problem(api.post(f"{TYPES}{found['id']}/restore/"), 409, "SLUG_TAKEN")
    assert [made(api, "x", slug=slug)["graphql_name"] for slug in ("deals_1", "deals1")] == ["Deals1", "Deals1_2"]
    moved = api.patch(f"{TYPES}deals1/", {"slug": "owns"}).json
    assert (moved["slug"], moved["graphql_name"]) == ("owns", "Owns")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/name", "REQUIRED")]),
        ({"name": ""}, [("/name", "INVALID_VALUE")]),
        ({"name": "9"}, [("/slug", "INVALID_SLUG")]),
        ({"name": "x", "slug": "constraints"}, [("/slug", "INVALID_SLUG")]),
        ({"name": "x", "slug": "deleted"}, [("/slug", "INVALID_SLUG")]),
        ({"name": "x", "source_pipeline": "nothing"}, [("/source_pipeline", "PIPELINE_NOT_FOUND")]),
        ({"name": "x", "source_pipeline": SOME_ID, "target_pipeline": "no"},
         [("/source_pipeline", "PIPELINE_NOT_FOUND"), ("/target_pipeline", "PIPELINE_NOT_FOUND")]),
        ({"name": "x", "source_pipeline": 5}, [("/source_pipeline", "INVALID_VALUE")]),
        ({"name": "x", "cardinality": "some"}, [("/cardinality", "INVALID_VALUE")]),
        ({"name": "x", "on_delete": "cascade"}, [("/on_delete", "INVALID_VALUE")]),
        ({"name": "x", "is_bidirectional": "yes"}, [("/is_bidirectional", "INVALID_VALUE")]),
        ({"name": "x", "source_pipeline_id": SOME_ID}, [("/source_pipeline_id", "UNKNOWN_FIELD")]),
        ({"name": "x", "fields": [{"name": "A", "field_type": "text", "is_unique": True}]},
         [("/fields/0/is_unique", "NOT_POSSIBLE")]),
        ({"name": "x", "fields": [{"name": "A", "field_type": "text", "is_indexed": True}]},
         [("/fields/0/is_indexed", "NOT_POSSIBLE")]),
        ({"name": "x", "fields": [{"name": "A", "field_type": "txt"}]},
         [("/fields/0/field_type", "UNKNOWN_FIELD_TYPE")]),
    ],
)  # fmt: skip
def test_bad_input_is_refused_where_it_is_wrong(settled: TestTenant, body: Any, expected: list[Any]) -> None:
    before = len(settled.api.events())
    assert faults(assert_problem(settled.api.post(TYPES, body), 422, "VALIDATION_FAILED")) == expected
    assert len(settled.api.events()) == before


def test_ends_change_while_no_relationship_is_in_the_way(tenant: TestTenant) -> None:
    api = tenant.api
    people, firms = ends(api)
    found = made(api, source_pipeline="people", target_pipeline="firms")
    ada, acme = record(api, "people", {})["id"], record(api, "firms", {})["id"]
    [link] = relate(tenant, UUID(found["id"]), [(ada, acme)])
    assert api.get(f"{TYPES}works_at/").json["relationship_count"] == 1
    for body in ({"source_pipeline": "firms"}, {"target_pipeline": "people"}):
        problem = assert_problem(api.patch(f"{TYPES}works_at/", body), 409, "RELATIONSHIP_TYPE_IN_USE")
        assert (problem["relationships"], problem["examples"]) == (1, [str(link)])
    assert api.get(f"{TYPES}works_at/").json["version"] == 1
    opened = api.patch(f"{TYPES}works_at/", {"source_pipeline": None, "target_pipeline": firms}).json
    assert (opened["source_pipeline_id"], opened["target_pipeline_id"], opened["version"]) == (None, firms, 2)
    assert api.patch(f"{TYPES}works_at/", {"source_pipeline": people}).json["source_pipeline_id"] == people
    free = made(api, "Free", source_pipeline=people)
    assert api.patch(f"{TYPES}{free['id']}/", {"source_pipeline": firms}).json["source_pipeline_id"] == firms


def test_only_living_relationships_are_counted(tenant: TestTenant) -> None:
    api = tenant.api
    ends(api)
    type_id = UUID(made(api)["id"])
    ada, acme = record(api, "people", {})["id"], record(api, "firms", {})["id"]
    relate(tenant, type_id, [(ada, acme), (acme, ada)])
    relate(tenant, type_id, [(ada, ada)], is_dormant=True)
    relate(tenant, type_id, [(ada, ada)], deleted_at="2026-01-01T00:00:00Z")
    assert api.get(f"{TYPES}works_at/").json["relationship_count"] == 2
    relate(tenant, type_id, [(ada, ada)])
    assert api.delete("/pipelines/firms/").status_code == 204
    assert api.get(f"{TYPES}works_at/").json["relationship_count"] == 1
    assert api.get(f"{TYPES}?relationship_count__gt=1").json["count"] == 0


def test_counts_are_for_those_who_see_every_relationship(tenant: TestTenant) -> None:
    people, firms = ends(tenant.api)
    found = made(tenant.api, source_pipeline=people, target_pipeline=firms)["id"]
    made(tenant.api, "Anything")
    reads, links = {"permission": "records:read"}, {"permission": "relationships:read"}
    cases: list[tuple[list[dict[str, Any]], dict[str, int | None]]] = [
        ([links, reads], {"works_at": 0, "anything": 0}),
        ([links], {"works_at": None, "anything": None}),
        ([{**links, "pipelines": [found]}, reads], {"works_at": 0}),
        ([links, {**reads, "pipelines": [people, firms]}], {"works_at": 0, "anything": 0}),
        ([links, {**reads, "pipelines": [people]}], {"works_at": None, "anything": None}),
        ([links, {**reads, "rows": "own"}], {"works_at": None, "anything": None}),
        ([{"permission": "pipelines:read"}, reads], {"works_at": None, "anything": None}),
        ([reads], {}),
    ]  # fmt: skip
    for at, (grants, expected) in enumerate(cases):
        api = tenant.user(tenant.role(f"reader{at}", grants)).api
        shown = {row["slug"]: row["relationship_count"] for row in api.get(TYPES).json["results"]}
        assert shown == expected, grants
        for slug, count in expected.items():
            assert api.get(f"{TYPES}{slug}/").json["relationship_count"] == count


def test_who_may_not_change_types_does_not(tenant: TestTenant) -> None:
    found = made(tenant.api, fields=[{"name": "Role", "field_type": "text"}])["id"]
    before = len(tenant.api.events())
    blind = tenant.user(tenant.role("blind", [{"permission": "records:read"}])).api
    weak = tenant.user(
        tenant.role("weak", [{"permission": "relationships:read"}, {"permission": "pipelines:read"}])
    ).api
    deals = pipeline(tenant.api, "Deals", [])["id"]
    elsewhere = [{"permission": name, "pipelines": [deals]}
                 for name in ("pipelines:update", "pipelines:delete")]  # fmt: skip
    other = tenant.user(tenant.role("other", [*elsewhere, {"permission": "pipelines:read"}])).api
    field, constraint = {"name": "A", "field_type": "text"}, {"constraint_type": "HIERARCHY"}
    before = len(tenant.api.events())
    requests: list[tuple[str, str, Any]] = [
        ("PATCH", "", {"name": "x"}), ("PUT", "", {"name": "x"}), ("DELETE", "", None),
        ("POST", "fields/", field), ("PATCH", "fields/role/", {"name": "x"}), ("DELETE", "fields/role/", None),
        ("GET", "fields/deleted/", None), ("POST", "constraints/", constraint),
    ]  # fmt: skip
    for method, path, body in requests:
        for api in (weak, other):
            assert_problem(api.request(method, f"{TYPES}{found}/{path}", json=body), 403, "PERMISSION_DENIED")
    assert_problem(weak.post(TYPES, {"name": "x"}), 403, "PERMISSION_DENIED")
    assert_problem(weak.get(f"{TYPES}deleted/"), 403, "PERMISSION_DENIED")
    assert weak.get(f"{TYPES}{found}/fields/role/").json["slug"] == "role"
    assert_problem(blind.get(f"{TYPES}{found}/"), 404, "RELATIONSHIP_TYPE_NOT_FOUND")
    assert blind.get(TYPES).json["count"] == 0
    assert tenant.user("viewer").api.get(f"{TYPES}works_at/").json["id"] == found
    assert len([e for e in tenant.api.events()[before:] if not e["type"].startswith(("user", "session"))]) == 0


def test_an_end_that_the_caller_does_not_see_is_not_there(tenant: TestTenant) -> None:
    people, firms = ends(tenant.api)
    grants: list[dict[str, Any]] = [
        {"permission": "pipelines:create"},
        {"permission": "records:read", "pipelines": [people]},
    ]
    api = tenant.user(tenant.role("maker", grants)).api
    assert api.post(TYPES, {"name": "Knows", "source_pipeline": people}).status_code == 201
    for name in (firms, "firms", SOME_ID):
        answer = api.post(TYPES, {"name": "Sees", "target_pipeline": name})
        assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/target_pipeline", "PIPELINE_NOT_FOUND")]


@pytest.mark.parametrize("kind", ["type", "pipeline"])
def test_hidden_fields_are_not_there(tenant: TestTenant, kind: str) -> None:
    fields = [{"name": "Role", "field_type": "text"}, {"name": "Salary", "field_type": "number"}]
    if kind == "type":
        found, path = made(tenant.api, fields=fields), f"{TYPES}works_at/"
    else:
        found, path = pipeline(tenant.api, "Works at", fields), "/pipelines/works_at/"
    grants = [{"permission": f"pipelines:{verb}", "pipelines": [found["id"]], "hidden_fields": ["salary"]}
              for verb in ("read", "update", "delete")]  # fmt: skip
    api = tenant.user(tenant.role("half", [*grants, {"permission": "audit:read"}])).api
    shown = api.get(path).json
    assert ([field["slug"] for field in shown["fields"]], shown["field_count"]) == (["role"], 1)
    assert [field["slug"] for field in api.get(f"{path}fields/").json["results"]] == ["role"]
    for name in ("salary", found["fields"][1]["id"]):
        assert_problem(api.get(f"{path}fields/{name}/"), 404, "FIELD_NOT_FOUND")
        assert_problem(api.patch(f"{path}fields/{name}/", {"name": "x"}), 404, "FIELD_NOT_FOUND")
        assert_problem(api.delete(f"{path}fields/{name}/"), 404, "FIELD_NOT_FOUND")
    assert "alary" not in api.get("/admin/audit/?type__not=user_type.created").text
    assert api.delete(path).status_code == 204
    restored = api.post(path.replace("works_at", found["id"]) + "restore/")
    assert restored.status_code == 200, restored.text
    assert "alary" not in restored.text


def test_events_of_types_are_for_those_who_see_them(tenant: TestTenant) -> None:
    found = made(tenant.api, cardinality="one_to_many", fields=[{"name": "Role", "field_type": "text"}])
    made(tenant.api, "Knows", cardinality="many_to_one", fields=[{"name": "Since", "field_type": "date"}])
    pipeline(tenant.api, "Deals", [{"name": "Name", "field_type": "text"}])
    audit, reads = {"permission": "audit:read"}, {"permission": "records:read"}
    one = {"permission": "relationships:read", "pipelines": [found["id"]]}
    kinds = ("relationship_type", "constraint", "field", "pipeline")
    cases: list[tuple[list[dict[str, Any]], int]] = [
        ([reads], 0), ([reads, one], 3), ([one], 3), ([reads, {**one, "pipelines": None}], 6),
    ]  # fmt: skip
    for at, (grants, expected) in enumerate(cases):
        api = tenant.user(tenant.role(f"auditor{at}", [audit, *grants])).api
        events = [event for event in api.events() if event["type"].partition(".")[0] in kinds]
        of_types = [event for event in events if event["data"].get("slug") not in {"deals", "name"}]
        assert len(of_types) == expected
        assert len(events) - expected == (0 if grants == [one] else 2)


def test_another_tenant_has_types_of_its_own(tenant: TestTenant, other: TestTenant) -> None:
    people, _ = ends(tenant.api)
    found = made(tenant.api, source_pipeline=people)
    for path in (found["id"], "works_at"):
        assert_problem(other.api.get(f"{TYPES}{path}/"), 404, "RELATIONSHIP_TYPE_NOT_FOUND")
        assert_problem(other.api.patch(f"{TYPES}{path}/", {"name": "x"}), 404, "RELATIONSHIP_TYPE_NOT_FOUND")
    answer = other.api.post(TYPES, {"name": "x", "source_pipeline": people})
    assert faults(assert_problem(answer, 422, "VALIDATION_FAILED")) == [("/source_pipeline", "PIPELINE_NOT_FOUND")]
    assert other.api.get(TYPES).json["count"] == 0
    assert made(other.api)["slug"] == "works_at"
