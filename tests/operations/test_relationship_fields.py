"""Fields of relationship types: as those of pipelines, without indexes, and over values of relationships."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.fields.kinds.registry import KINDS
from oneo.models import Relationship
from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, relate
from tests.factories.tenant import TestTenant
from tests.fields.configs import USUAL
from tests.http.people import local

FIELDS = "/relationships/types/works_at/fields/"


def works_at(tenant: TestTenant, *values: Any, kind: str = "text") -> list[str]:
    """A type with one field, and a relationship for each value; None is no value. Ids of the relationships."""
    api = tenant.api
    pipeline(api, "People", [])
    found = api.post("/relationships/types/", {"name": "Works at", "fields": [{"name": "It", "field_type": kind}]})
    assert found.status_code == 201, found.text
    ada = record(api, "people", {})["id"]
    pairs = [(ada, ada)]
    return [
        str(relate(tenant, UUID(found.json["id"]), pairs, data={} if value is None else {"it": value})[0])
        for value in values
    ]


def stored(tenant: TestTenant) -> dict[str, Any]:
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        rows = work.session.execute(select(Relationship.id, Relationship.data, Relationship.version)).all()
        return {str(row.id): (row.data.get("it"), row.version) for row in rows}


def updates(api: Api) -> list[dict[str, Any]]:
    return [event for event in api.events() if event["type"] == "relationship.updated"]


def test_a_field_is_made_read_changed_removed_and_restored(tenant: TestTenant) -> None:
    api = tenant.api
    works_at(tenant, "x")
    made = api.post(FIELDS, {"name": "Since", "field_type": "date"})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/api/v1{FIELDS}{made.json['id']}/"
    assert (made.json["is_indexed"], made.json["index"], made.json["display_order"]) == (False, None, 1)
    assert api.get(f"{FIELDS}since/").json == made.json
    assert [row["slug"] for row in api.get(FIELDS).json["results"]] == ["it", "since"]
    changed = api.patch(f"{FIELDS}since/", {"name": "From"})
    assert (changed.json["name"], changed.json["version"]) == ("From", 2)
    stale = api.patch(f"{FIELDS}since/", {"name": "X"}, headers={"If-Match": '"1"'})
    assert_problem(stale, 412, "VERSION_MISMATCH")
    assert_problem(api.post(FIELDS, {"name": "Since", "field_type": "date"}), 409, "SLUG_TAKEN")
    assert api.delete(f"{FIELDS}since/").status_code == 204
    assert api.get(f"{FIELDS}deleted/").json["count"] == 0
    field = api.get(f"{FIELDS}it/").json["id"]
    problem = assert_problem(api.delete(f"{FIELDS}it/"), 409, "FIELD_IN_USE")
    assert (problem["relationships"], problem["detail"][:13]) == (1, "Relationships")
    assert api.delete(f"{FIELDS}it/?force=true").status_code == 204
    assert [row["id"] for row in api.get(f"{FIELDS}deleted/").json["results"]] == [field]
    assert api.post(f"{FIELDS}{field}/restore/").json["slug"] == "it"
    events = [event for event in api.events() if event["subject_id"] == field]
    assert [event["type"] for event in events] == ["field.created", "field.deleted", "field.restored"]
    assert {event["pipeline_id"] for event in events} == {api.get("/relationships/types/works_at/").json["id"]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_kind_has_an_index_or_is_unique(settled: TestTenant, kind: str) -> None:
    api, slug = settled.api, f"of_{kind}"
    field = {"name": "It", "field_type": kind, "field_config": USUAL[kind]}
    made = api.post("/relationships/types/", {"name": slug, "fields": [field]})
    assert made.status_code == 201, made.text
    assert (made.json["fields"][0]["is_indexed"], made.json["fields"][0]["index"]) == (False, None)
    for flag in ("is_unique", "is_indexed"):
        path = f"/relationships/types/{slug}/fields/"
        for answer in (api.patch(f"{path}it/", {flag: True}), api.post(path, {**field, "name": "More", flag: True})):
            problem = assert_problem(answer, 422, "VALIDATION_FAILED")
            assert [(f["code"], f["pointer"]) for f in problem["errors"]] == [("NOT_POSSIBLE", f"/{flag}")]
    assert api.patch(f"/relationships/types/{slug}/fields/it/", {"is_indexed": False}).json["version"] == 1


def test_values_are_read_by_a_new_kind(tenant: TestTenant) -> None:
    api = tenant.api
    links = works_at(tenant, "5", "x", "x", None)
    problem = assert_problem(api.patch(f"{FIELDS}it/", {"field_type": "number"}), 409, "FIELD_IN_USE")
    assert problem["relationships"] == 2
    assert set(problem["examples"]) <= set(links[1:3])
    assert api.get(f"{FIELDS}it/").json["field_type"] == "text"
    done = api.patch(f"{FIELDS}it/", {"field_type": "number", "default": 7})
    assert done.status_code == 200, done.text
    assert (done.json["field_type"], done.json["is_indexed"]) == ("number", False)
    assert stored(tenant) == dict(zip(links, [(5, 2), (7, 2), (7, 2), (None, 1)], strict=True))
    told = {event["subject_id"]: event for event in updates(api)}
    assert told.keys() == set(links[:3])
    event = told[links[1]]
    assert (event["changed_fields"], event["old"]) == (["data.it"], {"data": {"it": "x"}})
    assert (event["data"]["data"], event["data"]["status"], event["version"]) == ({"it": 7}, "ACTIVE", 2)
    assert event["pipeline_id"] == api.get("/relationships/types/works_at/").json["id"]


def test_values_go_by_force(tenant: TestTenant) -> None:
    links = works_at(tenant, "5", "x")
    assert tenant.api.patch(f"{FIELDS}it/?force=true", {"field_type": "number"}).status_code == 200
    assert stored(tenant) == dict(zip(links, [(5, 2), (None, 2)], strict=True))


def test_required_needs_a_value_in_every_relationship(tenant: TestTenant) -> None:
    api = tenant.api
    links = works_at(tenant, "a", None, "")
    problem = assert_problem(api.patch(f"{FIELDS}it/", {"is_required": True}), 409, "FIELD_IN_USE")
    assert (problem["relationships"], set(problem["examples"])) == (2, set(links[1:]))
    assert api.patch(f"{FIELDS}it/", {"is_required": True, "default": "b"}).json["is_required"] is True
    assert stored(tenant) == dict(zip(links, [("a", 1), ("b", 2), ("b", 2)], strict=True))
    added = {"name": "New", "field_type": "number", "is_required": True}
    assert assert_problem(api.post(FIELDS, added), 409, "FIELD_IN_USE")["relationships"] == 3
    assert api.post(FIELDS, {**added, "default": 1}).status_code == 201
    assert len(updates(api)) == 5


def test_records_of_the_same_pipeline_are_left_alone(tenant: TestTenant) -> None:
    """Values of records and of relationships never mix, whatever the slugs."""
    api = tenant.api
    works_at(tenant, "a")
    pipeline(api, "Deals", [{"name": "It", "field_type": "text"}])
    made = record(api, "deals", {"it": "a"})
    assert api.patch(f"{FIELDS}it/?force=true", {"field_type": "number"}).status_code == 200
    assert api.get(f"/records/{made['id']}/").json == made
    assert_problem(api.get("/pipelines/works_at/fields/"), 404, "PIPELINE_NOT_FOUND")
    assert_problem(api.get("/relationships/types/deals/fields/"), 404, "RELATIONSHIP_TYPE_NOT_FOUND")


OWN = [
    {"name": "Role", "field_type": "text"},
    {"name": "Salary", "field_type": "decimal"},
    {"name": "Since", "field_type": "date"},
    {"name": "Tags", "field_type": "multiselect", "field_config": {"choices": ["a", "b"]}},
    {"name": "Notes", "field_type": "json"},
]


@pytest.fixture
def employed(tenant: TestTenant) -> dict[str, str]:
    """Names of relationships by their ids: three of one type, and one of another whose fields are other texts."""
    api = tenant.api
    pipeline(api, "People", [])
    people = [record(api, "people", {})["id"] for _ in range(4)]
    api.post("/relationships/types/", {"name": "Works at", "fields": OWN})
    other = [{"name": "Salary", "field_type": "text"}, {"name": "Role", "field_type": "text"}]
    api.post("/relationships/types/", {"name": "Lent to", "fields": other})
    rows = [
        ("works_at", {"role": "lead", "salary": "10.50", "since": "2024-01-01", "tags": ["a"], "notes": {"n": 1}}),
        ("works_at", {"role": "hand", "salary": "9.25", "since": "2025-01-01", "tags": ["a", "b"]}),
        ("works_at", {}),
        ("lent_to", {"salary": "a lot", "role": "lead"}),
    ]
    found = [link(api, slug, people[at], people[0], data=data)["id"] for at, (slug, data) in enumerate(rows)]
    return dict(zip(found, ("lead", "hand", "none", "lent"), strict=True))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("relationship_type=works_at&data__role=lead", ["lead"]),
        ("relationship_type__in=works_at&data__role__not=lead", ["hand", "none"]),
        ("relationship_type_id=works_at&data__salary__gt=9.5", ["lead"]),
        ("relationship_type=works_at&data__salary=9.25", ["hand"]),
        ("relationship_type=works_at&data__since__lt=2024-06-01", ["lead"]),
        ("relationship_type=works_at&data__tags__contains=b", ["hand"]),
        ("relationship_type=works_at&data__role__exists=false", ["none"]),
        ('relationship_type=works_at&data__notes__contains={"n":1}', ["lead"]),
        ('filter={"relationship_type":"works_at","data__role":{"startswith":"ha"}}', ["hand"]),
        ('filter={"relationship_type":{"in":["works_at"]},"or":[{"data__salary":"9.25"},{"strength":0}]}', ["hand"]),
        ("relationship_type=works_at&ordering=data__salary", ["hand", "lead", "none"]),
        ("relationship_type=works_at&ordering=-data__salary", ["lead", "hand", "none"]),
        ("relationship_type=works_at&ordering=-data__since,id", ["hand", "lead", "none"]),
        ("relationship_type=lent_to&ordering=data__salary", ["lent"]),
    ],
)  # fmt: skip
def test_lists_of_one_type_are_asked_and_sorted_by_its_fields(
    tenant: TestTenant, employed: dict[str, str], asked: str, names: list[str]
) -> None:
    answer = tenant.api.get(f"/relationships/?{asked}")
    assert answer.status_code == 200, answer.text
    found = [employed[row["id"]] for row in answer.json["results"]]
    assert (found if "ordering" in asked else sorted(found)) == names
    assert answer.json["count"] == len(names)


@pytest.mark.parametrize("order", ["data__salary", "-data__since", "-data__role"])
def test_pages_by_cursor_follow_own_fields(tenant: TestTenant, employed: dict[str, str], order: str) -> None:
    path = f"/relationships/?relationship_type=works_at&ordering={order}"
    whole = [row["id"] for row in tenant.api.get(path).json["results"]]
    found, following = [], f"{path}&page_size=1&cursor="
    while following:
        page = tenant.api.get(following).json
        found += [row["id"] for row in page["results"]]
        following = page["next"] and local(page["next"])
    assert found == whole
    assert len(found) == 3


@pytest.mark.parametrize(
    ("asked", "suggestion"),
    [
        ("data__role=lead", None),
        ("relationship_type=works_at,lent_to&data__role=lead", None),
        ("relationship_type=works_at&data__rolle=lead", "data__role"),
        ("relationship_type=works_at&ordering=data__sallary", "data__salary"),
        ("relationship_type=works_at&ordering=data__tags", None),
        ('filter={"or":[{"relationship_type":"works_at"},{"data__role":"lead"}]}', None),
        ('filter={"relationship_type":"works_at","data__sinse":"2024-01-01"}', "data__since"),
    ],
)
def test_fields_that_not_all_that_is_listed_have_are_unknown(
    tenant: TestTenant, employed: dict[str, str], asked: str, suggestion: str | None
) -> None:
    [fault] = assert_problem(tenant.api.get(f"/relationships/?{asked}"), 400, "INVALID_PARAMETER")["errors"]
    assert fault["code"] in {"UNKNOWN_PARAMETER", "UNKNOWN_FIELD"}
    if suggestion:
        assert fault["suggestion"] == suggestion


def test_a_hidden_field_of_a_type_cannot_be_asked_about(tenant: TestTenant, employed: dict[str, str]) -> None:
    grants: list[dict[str, Any]] = [
        {"permission": "records:read"}, {"permission": "relationships:read", "hidden_fields": ["salary"]}
    ]  # fmt: skip
    weak = tenant.user(tenant.role("weak", grants)).api
    for asked in ("data__salary=1", "ordering=data__salary", 'filter={"data__salary":1}'):
        hidden = assert_problem(
            weak.get(f"/relationships/?relationship_type=works_at&{asked}"), 400, "INVALID_PARAMETER"
        )
        other = f"/relationships/?relationship_type=works_at&{asked.replace('salary', 'no_such')}"
        nothing = assert_problem(weak.get(other), 400, "INVALID_PARAMETER")
        assert [fault["code"] for fault in hidden["errors"]] == [fault["code"] for fault in nothing["errors"]]
        assert "data__salary" not in str([fault.get("suggestion") for fault in nothing["errors"]])
    assert weak.get("/relationships/?relationship_type=works_at&data__role=lead").json["count"] == 1


def test_removed_relationships_are_asked_by_own_fields_too(tenant: TestTenant, employed: dict[str, str]) -> None:
    gone = next(link_id for link_id, name in employed.items() if name == "lead")
    assert tenant.api.delete(f"/relationships/{gone}/").status_code == 204
    for role, count in (("lead", 1), ("hand", 0)):
        path = f"/relationships/deleted/?relationship_type=works_at&data__role={role}"
        assert tenant.api.get(path).json["count"] == count


def test_graphql_asks_and_sorts_by_own_fields_alike(tenant: TestTenant, employed: dict[str, str]) -> None:
    document = """query($where: RecordFilters) {relationships(
        filter: {relationshipTypeIds: ["works_at"], where: $where}, sorting: [{field: "data__salary", direction: DESC}]
    ) {items {id}}}"""

    def names(where: dict[str, Any] | None) -> list[str]:
        answer = tenant.api.post("/graphql", {"query": document, "variables": {"where": where}}).json
        assert "errors" not in answer
        return [employed[row["id"]] for row in answer["data"]["relationships"]["items"]]

    assert names(None) == ["lead", "hand", "none"]
    assert names({"data__salary": {"lt": 10}}) == ["hand"]
