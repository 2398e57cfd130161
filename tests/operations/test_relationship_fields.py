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
from tests.factories.relationship import relate
from tests.factories.tenant import TestTenant
from tests.fields.configs import USUAL

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
