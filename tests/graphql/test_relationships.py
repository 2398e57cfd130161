"""Relationships in GraphQL: the same rows and codes as over REST, for everybody, in few messages (checklist 67-72;
threats 13, 14, 17, 19, 23)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from tests.api import SOME_ID, Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import link, own_field, relationship_type
from tests.factories.tenant import TenantFactory
from tests.graphql.test_records import counted, outcome, rest_outcome, without
from tests.graphql.test_view import as_rest, ask, data

LINK = (
    "id relationshipTypeId sourceRecordId sourcePipelineId targetRecordId targetPipelineId status isBidirectional "
    "effectiveFrom effectiveUntil strength metadata data version createdAt updatedAt createdBy updatedBy"
)
LIST = f"""query($f: RelationshipFilter, $p: PaginationInput, $s: [SortInput!]) {{
    relationships(filter: $f, pagination: $p, sorting: $s) {{
        totalCount nodes {{{LINK}}} pageInfo {{hasNextPage hasPreviousPage startCursor endCursor totalCount}}
    }}
}}"""
READS: dict[str, Any] = {"permission": "records:read"}
LINKS: dict[str, Any] = {"permission": "relationships:read"}
PEOPLE = ("admin", "hides", "own", "filtered", "one_type", "people", "records", "nobody")


@dataclass(frozen=True)
class House:
    api: Api
    people: dict[str, Api]
    records: list[str]
    links: list[dict[str, Any]]


@pytest.fixture(scope="module")
def house(owner_app: Flask, app: Flask) -> House:
    """A tenant with people of all kinds of rights, and relationships of three types between deals and people."""
    found = TenantFactory(owner_app, app).create()
    api = found.api
    deals(api)
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}], title_field="name")
    pays = relationship_type(found, "pays", "people", "deals")
    for slug, kind in (
        ("role", "text"), ("salary", "decimal"), ("full_time", "boolean"), ("since", "date"), ("tags", "json"),
    ):  # fmt: skip
        own_field(found, pays, slug, kind)
    knows = relationship_type(found, "knows", is_bidirectional=True)
    relationship_type(found, "owns")
    grants = {
        "hides": [{**READS, "hidden_fields": ["name"]}, {**LINKS, "hidden_fields": ["salary"]}],
        "own": [{**READS, "rows": "own"}, LINKS],
        "filtered": [{**READS, "rows": {"filter": {"data__stage": "open"}}, "pipelines": ["deals"]},
                     {**READS, "pipelines": ["people"]}, LINKS],
        "one_type": [READS, {**LINKS, "pipelines": [str(knows)]}],
        "people": [{**READS, "pipelines": ["people"]}, LINKS],
        "records": [READS],
        "nobody": [],
    }  # fmt: skip
    people = {name: found.user(found.role(name, held)).api for name, held in grants.items()}
    stages = ("open", "won", "open")
    made = [record(api, "deals", {"name": f"Deal {at}", "stage": stage})["id"] for at, stage in enumerate(stages)]
    made += [record(api, "people", {"name": name})["id"] for name in ("Ada", "Eva")]
    past = {"effective_from": "2020-01-01T00:00:00Z", "effective_until": "2021-01-01T00:00:00Z"}
    work = {"role": "CTO", "salary": "1234567890123456.5", "full_time": False, "since": "2026-01-31", "tags": [1, 2.50]}
    links = [
        link(api, "pays", made[3], made[0], data=work),
        link(api, "pays", made[3], made[1], data={"role": "CEO"}, status="PENDING", metadata={"why": "x", "n": 1}),
        link(api, "knows", made[3], made[4], strength=0.25),
        link(api, "owns", made[0], made[2], **past),
        link(api, "owns", made[4], made[2], metadata={"why": "y"}),
    ]
    ended = link(api, "owns", made[4], made[0])
    assert api.post(f"/relationships/{ended['id']}/deactivate/", {}).status_code == 200
    return House(api, {"admin": api, **people}, made, [*links, api.get(f"/relationships/{ended['id']}/").json])


def named(value: Any, house: House) -> Any:
    """The value, in which `@2` is the id of the third record and `*` somebody else's."""
    if isinstance(value, dict):
        return {key: named(inner, house) for key, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, house) for inner in value]
    if value == "*":
        return SOME_ID
    return house.records[int(value[1:])] if isinstance(value, str) and value.startswith("@") else value


def as_row(node: dict[str, Any]) -> dict[str, Any]:
    plain = as_rest(without(node, "data", "metadata"))
    return {**plain, "data": node["data"], "metadata": node["metadata"]}


# -- the same as REST --------------------------------------------------------------------------------------------------

REQUESTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"filter": {"relationshipTypeIds": ["pays", "owns"]}}, {"relationship_type__in": "pays,owns"}),
    ({"filter": {"relationshipTypeIds": ["nothing"]}}, {"filter": {"relationship_type": {"in": ["nothing"]}}}),
    ({"filter": {"sourceThingIds": ["@3"]}}, {"source_record_id": "@3"}),
    ({"filter": {"targetThingIds": ["@0", "@4"]}}, {"filter": {"target_record_id": {"in": ["@0", "@4"]}}}),
    ({"filter": {"targetThingIds": ["x"]}}, {"target_record_id": "x"}),
    ({"filter": {"sourceThingIds": ["*"]}}, {"source_record_id": "*"}),
    ({"filter": {"status": ["INACTIVE", "PENDING"]}}, {"status__in": "INACTIVE,PENDING"}),
    ({"filter": {"status": ["DELETED"]}}, {"status": "DELETED"}),
    ({"filter": {"isBidirectional": True}}, {"is_bidirectional": "true"}),
    ({"filter": {"effectiveAtDate": "2020-06-01T00:00:00Z"}}, {"effective_at": "2020-06-01T00:00:00Z"}),
    ({"filter": {"effectiveAtDate": "soon"}}, {"effective_at": "soon"}),
    ({"filter": {"createdDateRange": {"from": "2020-01-01T00:00:00Z"}}}, {"created_after": "2020-01-01T00:00:00Z"}),
    ({"filter": {"createdDateRange": {"to": "2020-01-01T00:00:00Z"}}}, {"created_before": "2020-01-01T00:00:00Z"}),
    ({"filter": {"updatedDateRange": {"from": "2020-01-01", "to": "2999-01-01"}}},
     {"updated_after": "2020-01-01", "updated_before": "2999-01-01"}),
    ({"filter": {"metadataContains": {"why": "x"}}}, {"filter": {"metadata": {"contains": {"why": "x"}}}}),
    ({"filter": {"search": "CEO"}}, {"search": "CEO"}),
    ({"filter": {"search": "1234567890123456"}}, {"search": "1234567890123456"}),
    ({"filter": {"search": "x" * 300}}, {"search": "x" * 300}),
    ({"filter": {"where": {"strength": {"lt": 1}}}}, {"strength__lt": "1"}),
    ({"filter": {"where": {"strength": {"lt": 1}}, "status": ["ACTIVE"]}}, {"strength__lt": "1", "status": "ACTIVE"}),
    ({"filter": {"where": {"nothing": 1}}}, {"nothing": "1"}),
    ({"sorting": [{"field": "strength"}, {"field": "createdAt", "direction": "DESC"}]},
     {"ordering": "strength,-created_at"}),
    ({"sorting": [{"field": "effective_from", "direction": "ASC"}]}, {"ordering": "effective_from"}),
    ({"sorting": [{"field": "password"}]}, {"ordering": "password"}),
    ({"pagination": {"page": 2, "pageSize": 2}}, {"page": "2", "page_size": "2"}),
    ({"pagination": {"limit": 3}}, {"page_size": "3"}),
    ({"pagination": {"first": 1001}}, {"page_size": "1001"}),
    ({"pagination": {"after": "x"}}, {"cursor": "x"}),
]  # fmt: skip


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("at", range(len(REQUESTS)))
def test_lists_are_the_same_in_rest_and_graphql(house: House, person: str, at: int) -> None:
    api = house.people[person]
    asked, request = (named(part, house) for part in REQUESTS[at])
    query = "".join(
        f"&{key}={quote(json.dumps(value) if key == 'filter' else str(value))}" for key, value in request.items()
    )
    rest = rest_outcome(api.get(f"/relationships/?count=exact{query}"))
    variables = {"f": asked.get("filter"), "p": asked.get("pagination"), "s": asked.get("sorting")}
    found = outcome(ask(api, LIST, variables=variables), "relationships")
    if isinstance(rest, str) or isinstance(found, str):
        assert found == rest
        return
    rows = [without(row, "deleted_at", "relationship_type") for row in rest["results"]]
    assert [as_row(node) for node in found["nodes"]] == rows
    assert found["totalCount"] == found["pageInfo"]["totalCount"] == rest["count"]
    assert found["pageInfo"]["hasNextPage"] == (rest["next"] is not None)
    assert found["pageInfo"]["hasPreviousPage"] == (rest["previous"] is not None)


def test_the_people_differ(house: House) -> None:
    """Else the table above would say little."""
    counts = {name: house.people[name].get("/relationships/").json.get("count") for name in PEOPLE}
    assert counts == {
        "admin": 6, "hides": 6, "own": 0, "filtered": 5, "one_type": 1, "people": 1, "records": None, "nobody": None,
    }  # fmt: skip


@pytest.mark.parametrize("person", PEOPLE)
def test_single_ones_are_the_same_in_rest_and_graphql(house: House, person: str) -> None:
    """Threat 23."""
    api = house.people[person]
    for link_id in (*(found["id"] for found in house.links), SOME_ID, house.records[0]):
        rest = rest_outcome(api.get(f"/relationships/{link_id}/"))
        found = outcome(ask(api, f'{{relationship(id: "{link_id}") {{{LINK}}}}}'), "relationship")
        if isinstance(rest, str):
            assert found == rest
            continue
        assert as_row(found) == without(rest, "deleted_at", "relationship_type")
        turned = ask(api, f'{{relationship(id: "{link_id}") {{reverseRelationship {{{LINK}}}}}}}')
        seen = outcome(turned, "relationship")["reverseRelationship"]
        reverse = api.get(f"/relationships/{link_id}/?reverse=true").json
        assert as_row(seen) == without(reverse, "deleted_at", "relationship_type")
    assert outcome(ask(house.api, '{relationship(id: "x") {id}}'), "relationship") == "RELATIONSHIP_NOT_FOUND"


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"filter": {"relationshipTypeIds": ["nothing"]}}, "/filter/relationshipTypeIds"),
    ({"filter": {"sourceThingIds": ["x"]}}, "/filter/sourceThingIds"),
    ({"filter": {"effectiveAtDate": "soon"}}, "/filter/effectiveAtDate"),
    ({"filter": {"createdDateRange": {"from": "soon"}}}, "/filter/createdDateRange"),
    ({"filter": {"search": "x" * 300}}, "/filter/search"),
    ({"filter": {"where": {"nothing": 1}}}, "/filter/where/nothing"),
    ({"sorting": [{"field": "password"}]}, "/sorting"),
    ({"pagination": {"limit": 0}}, "/pagination/limit"),
    ({"pagination": {"page": 0}}, "/pagination/page"),
    ({"pagination": {"first": 1, "offset": 2}}, "/pagination/limit"),
]


@pytest.mark.parametrize("at", range(len(FAULTS)))
def test_faults_point_into_the_arguments(house: House, at: int) -> None:
    asked, place = FAULTS[at]
    variables = {"f": asked.get("filter"), "p": asked.get("pagination"), "s": asked.get("sorting")}
    errors = ask(house.api, LIST, variables=variables).json["errors"]
    assert [fault["pointer"] for fault in errors[0]["extensions"]["errors"]] == [place]


def test_a_walk_meets_each_once(house: House) -> None:
    """By the cursors of pages and by those of rows."""
    rest = [row["id"] for row in house.api.get("/relationships/?ordering=strength").json["results"]]
    query = """query($a: String) {relationships(pagination: {first: 2, after: $a}, sorting: [{field: "strength"}])
        {edges {cursor node {id}} pageInfo {hasNextPage endCursor}}}"""
    seen: list[str] = []
    after = None
    for _ in rest:
        page = data(house.api, query, variables={"a": after})["relationships"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        assert after == page["edges"][-1]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == rest


# -- what they lead to -------------------------------------------------------------------------------------------------

ENDS = "sourceThing {id name thingClass {name}} targetThing {id name thingClass {name}}"


@pytest.mark.parametrize("person", PEOPLE[:6])
def test_the_ends_are_the_records_as_the_caller_sees_them(house: House, person: str) -> None:
    api = house.people[person]
    query = f"{{relationships {{items {{{ENDS} sourceRecord {{{'id title data status version'}}}}}}}}}"
    for found in data(api, query)["relationships"]["items"]:
        for end in (found["sourceThing"], found["targetThing"]):
            row = api.get(f"/records/{end['id']}/?include=pipeline").json
            assert end == {"id": row["id"], "name": row["title"], "thingClass": row["included"]["pipeline"] and {
                "name": row["included"]["pipeline"]["name"]}}  # fmt: skip
        source = api.get(f"/records/{found['sourceThing']['id']}/").json
        assert found["sourceRecord"] == {key: source[key] for key in ("id", "title", "data", "status", "version")}


def test_values_stand_in_the_member_of_their_type(house: House) -> None:
    """Checklist 73, of relationships."""
    members = "stringValue numberValue booleanValue dateValue jsonValue"
    query = f"""query($id: ID!) {{relationship(id: $id) {{attributes {{slug dataType}}
        values {{id valueData attribute {{slug name dataType}} {members}}}}}}}"""
    first = house.links[0]["id"]
    found = data(house.api, query, variables={"id": first})["relationship"]
    said = {
        value["attribute"]["slug"]: {name: value[name] for name in members.split() if value[name] is not None}
        for value in found["values"]
    }
    assert said == {
        "role": {"stringValue": "CTO"}, "salary": {"numberValue": 1234567890123456.5},
        "full_time": {"booleanValue": False}, "since": {"dateValue": "2026-01-31"}, "tags": {"jsonValue": [1, 2.5]},
    }  # fmt: skip
    assert [entry["slug"] for entry in found["attributes"]] == ["role", "salary", "full_time", "since", "tags"]
    assert [value["attribute"]["dataType"] for value in found["values"]] == [
        "text",
        "decimal",
        "boolean",
        "date",
        "json",
    ]
    assert found == data(house.api, query, variables={"id": first})["relationship"]
    ids = [value["id"] for value in found["values"]]
    assert len(set(ids)) == 5
    second = data(house.api, query, variables={"id": house.links[1]["id"]})["relationship"]["values"]
    assert [value["stringValue"] for value in second] == ["CEO"]
    assert second[0]["id"] not in ids


def test_whether_one_is_active(house: House) -> None:
    query = "query($id: ID!) {relationship(id: $id) {status isActive}}"
    found = [data(house.api, query, variables={"id": one["id"]})["relationship"] for one in house.links]
    assert [one["isActive"] for one in found] == [True, False, True, False, True, False]
    assert found[3]["status"] == "ACTIVE"


def test_a_reverse_has_its_ends_turned(house: House) -> None:
    query = f"query($id: ID!) {{relationship(id: $id) {{{ENDS} reverseRelationship {{id {ENDS}}}}}}}"
    found = data(house.api, query, variables={"id": house.links[0]["id"]})["relationship"]
    assert found["reverseRelationship"]["sourceThing"] == found["targetThing"]
    assert found["reverseRelationship"]["targetThing"] == found["sourceThing"] != found["targetThing"]
    only = "query($id: ID!) {relationship(id: $id) {reverseRelationship {sourceThing {name}}}}"
    turned = data(house.api, only, variables={"id": house.links[0]["id"]})["relationship"]["reverseRelationship"]
    assert turned["sourceThing"]["name"] == found["targetThing"]["name"]


def test_hidden_fields_show_by_no_door(house: House) -> None:
    """Threats 13, 14."""
    api = house.people["hides"]
    values = "values {valueData attribute {slug}} attributes {slug}"
    shown = json.dumps(data(api, f"{{relationships {{items {{{LINK} {values} {ENDS} sourceRecord {{name data}}}}}}}}"))
    for word in ("salary", "1234567890123456", "Deal 1", "Ada"):
        assert word not in shown
    assert "CTO" in shown
    found = data(api, '{relationships(filter: {search: "1234567890123456"}) {totalCount}}')
    assert found["relationships"]["totalCount"] == 0


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "messages"),
    [
        ("items {id status metadata}", 1),
        ("items {id} totalCount pageInfo {totalCount endCursor}", 1),
        ("items {id relationshipType {name} values {valueData attribute {name}} attributes {name}}", 1),
        ("items {sourceThing {id} targetThing {id}}", 1),
        (f"items {{{ENDS}}}", 2),
        (f"items {{{ENDS} reverseRelationship {{{ENDS}}}}} nodes {{sourceRecord {{data}}}}", 2),
        ("edges {node {sourceThing {name} targetRecord {status pipeline {name}}}}", 4),
    ],
)
def test_a_list_takes_few_messages(
    house: House, monkeypatch: pytest.MonkeyPatch, selection: str, messages: int
) -> None:
    """However many rows: the records at all ends are one of them, their pipelines one each, types none."""
    query = f"{{relationships {{{selection}}}}}"
    data(house.api, query)
    with counted(monkeypatch) as sent:
        data(house.api, query)
    assert len(sent) == messages, sent


def test_nothing_is_read_that_is_not_asked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as sent:
        data(house.api, "{relationships {items {id sourceThing {id name}}}}")
    assert "count(*) FROM my_relationships" not in sent[0]
    assert "x.metadata" not in sent[0]
    assert "r.data AS" not in sent[1]
