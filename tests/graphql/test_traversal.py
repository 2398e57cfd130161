"""Walks in GraphQL: the document of other systems as it is printed (checklist 72), and the same paths as over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from tests.api import SOME_ID, Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import link, relationship_type
from tests.factories.tenant import TenantFactory
from tests.graphql.test_records import counted, outcome, rest_outcome
from tests.graphql.test_view import ask, data

TRAVERSE = """query TraverseRelationships($input: RelationshipTraversalInput!) {
  traverseRelationships(input: $input) {
    paths {
      depth
      relationships {
        id
        relationshipType { name }
        sourceThing { id name }
        targetThing { id name }
        direction # OUTBOUND, INBOUND based on traversal
      }
      targetThing { id name thingClass { name } }
    }
    statistics { totalPaths maxDepthReached uniqueThingsFound relationshipTypesUsed }
  }
}"""
READS: dict[str, Any] = {"permission": "records:read"}
LINKS: dict[str, Any] = {"permission": "relationships:read"}
PEOPLE = ("admin", "deals", "knows", "records", "nobody")


@dataclass(frozen=True)
class House:
    api: Api
    people: dict[str, Api]
    records: list[str]


@pytest.fixture(scope="module")
def house(owner_app: Flask, app: Flask) -> House:
    """Ada leads deal One, which follows Two, which Eva leads; Ada knows Eva."""
    found = TenantFactory(owner_app, app).create()
    api = found.api
    deals(api)
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}], title_field="name")
    relationship_type(found, "leads", "people", "deals")
    relationship_type(found, "follows", "deals", "deals")
    knows = relationship_type(found, "knows", is_bidirectional=True)
    grants = {
        "deals": [{**READS, "pipelines": ["deals"]}, LINKS],
        "knows": [READS, {**LINKS, "pipelines": [str(knows)]}],
        "records": [READS], "nobody": [],
    }  # fmt: skip
    people = {name: found.user(found.role(name, held)).api for name, held in grants.items()}
    ada, eva = (record(api, "people", {"name": name})["id"] for name in ("Ada", "Eva"))
    one, two = (record(api, "deals", {"name": name})["id"] for name in ("One", "Two"))
    link(api, "leads", ada, one, strength=0.25)
    link(api, "follows", one, two, metadata={"why": "x"})
    link(api, "leads", eva, two, status="PENDING")
    link(api, "knows", ada, eva, effective_from="2020-01-01T00:00:00Z", effective_until="2021-01-01T00:00:00Z")
    return House(api, {"admin": api, **people}, [ada, eva, one, two])


def named(value: Any, house: House) -> Any:
    if isinstance(value, dict):
        return {key: named(inner, house) for key, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, house) for inner in value]
    return house.records[int(value[1:])] if isinstance(value, str) and value.startswith("@") else value


def test_traverse_relationships(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, _, one, two = house.records
    asked = {"startThingId": ada, "maxDepth": 3, "direction": "OUTBOUND"}
    data(house.api, TRAVERSE, variables={"input": asked})
    with counted(monkeypatch) as sent:
        found = data(house.api, TRAVERSE, variables={"input": asked})["traverseRelationships"]
    assert len(sent) == 1, sent
    first, second = found["paths"]
    assert first["targetThing"] == {"id": one, "name": "One", "thingClass": {"name": "Deals"}}
    assert (second["depth"], second["targetThing"]["id"]) == (2, two)
    steps = [(step["relationshipType"]["name"], step["sourceThing"]["name"], step["targetThing"]["name"],
              step["direction"]) for step in second["relationships"]]  # fmt: skip
    assert steps == [("Leads", "Ada", "One", "OUTBOUND"), ("Follows", "One", "Two", "OUTBOUND")]
    assert found["statistics"] == {
        "totalPaths": 2, "maxDepthReached": 2, "uniqueThingsFound": 2, "relationshipTypesUsed": ["follows", "leads"],
    }  # fmt: skip


REQUESTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"maxDepth": 4}, {"depth": 4}),
    ({"maxDepth": 4, "includeInactive": True}, {"depth": 4, "include_inactive": True}),
    ({"startThingId": "@3", "direction": "INBOUND", "maxDepth": 2},
     {"start": "@3", "direction": "reverse", "depth": 2}),
    ({"maxDepth": 2, "relationshipTypeIds": ["leads"]}, {"depth": 2, "relationship_types": ["leads"]}),
    ({"maxDepth": 2, "relationshipTypeIds": ["nothing"]}, {"depth": 2, "relationship_types": ["nothing"]}),
    ({"maxDepth": 2, "relationshipTypeIds": ["leads", "knows"], "filter": {"relationshipTypeIds": ["leads"]}},
     {"depth": 2, "relationship_types": ["leads"]}),
    ({"maxDepth": 4, "filter": {"status": ["ACTIVE", "PENDING"]}}, {"depth": 4, "status": ["ACTIVE", "PENDING"]}),
    ({"filter": {"status": ["DELETED"]}}, {"status": ["DELETED"]}),
    ({"includeInactive": True, "filter": {"status": ["ACTIVE"]}}, {"include_inactive": True, "status": ["ACTIVE"]}),
    ({"filter": {"effectiveAtDate": "2020-06-01T00:00:00Z"}}, {"effective_at": "2020-06-01T00:00:00Z"}),
    ({"filter": {"effectiveAtDate": "soon"}}, {"effective_at": "soon"}),
    ({"maxDepth": 2, "filter": {"where": {"strength": {"lt": 0.5}}}},
     {"depth": 2, "filter": {"strength": {"lt": 0.5}}}),
    ({"startThingId": "@2", "filter": {"metadataContains": {"why": "x"}}},
     {"start": "@2", "filter": {"metadata": {"contains": {"why": "x"}}}}),
    ({"filter": {"targetThingIds": ["@2"]}}, {"filter": {"target_record_id": {"in": ["@2"]}}}),
    ({"filter": {"where": {"nothing": 1}}}, {"filter": {"nothing": 1}}),
    ({"maxDepth": 0}, {"depth": 0}),
    ({"maxDepth": 11}, {"depth": 11}),
    ({"limit": 10001}, {"limit": 10001}),
    ({"maxDepth": 4, "limit": 1}, {"depth": 4, "limit": 1}),
    ({"startThingId": SOME_ID}, {"start": SOME_ID}),
]  # fmt: skip
FIELDS = """paths {
        depth targetThing {id name} relationships {id relationshipTypeId sourceThingId targetThingId direction}
    }
    statistics {totalPaths maxDepthReached uniqueThingsFound relationshipTypesUsed} truncated"""


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("at", range(len(REQUESTS)))
def test_walks_are_the_same_in_rest_and_graphql(house: House, person: str, at: int) -> None:
    api = house.people[person]
    asked, body = (named(part, house) for part in REQUESTS[at])
    start = house.records[0]
    rest = rest_outcome(api.post("/relationships/traverse/", {"start": start, **body}))
    query = f"query($i: RelationshipTraversalInput!) {{traverseRelationships(input: $i) {{{FIELDS}}}}}"
    found = outcome(ask(api, query, variables={"i": {"startThingId": start, **asked}}), "traverseRelationships")
    if isinstance(rest, str) or isinstance(found, str):
        # What is wrong with a body has a code of its own; arguments of a query do not.
        assert found == {"VALIDATION_FAILED": "INVALID_PARAMETER"}.get(str(rest), rest)
        return
    steps = ("id", "relationship_type_id", "source_record_id", "target_record_id", "direction")
    assert [
        (path["depth"], path["targetThing"]["id"], path["targetThing"]["name"],
         [tuple(step.values()) for step in path["relationships"]])
        for path in found["paths"]
    ] == [
        (path["depth"], path["target"]["id"], path["target"]["title"],
         [tuple(step[key] for key in steps) for step in path["relationships"]])
        for path in rest["paths"]
    ]  # fmt: skip
    assert tuple(found["statistics"].values()) == tuple(rest["statistics"].values())
    assert found["truncated"] == rest["truncated"]


def test_a_walk_is_searched_by_nobody_and_faults_point_into_the_input(house: House) -> None:
    for asked, place in (
        ({"filter": {"search": "x"}}, "/input/filter/search"),
        ({"maxDepth": 11}, "/input/maxDepth"),
        ({"relationshipTypeIds": ["nothing"]}, "/input/relationshipTypeIds"),
        ({"filter": {"where": {"nothing": 1}}}, "/input/filter/where/nothing"),
    ):
        variables = {"input": {"startThingId": house.records[0], **asked}}
        errors = ask(house.api, TRAVERSE, variables=variables).json["errors"]
        assert [fault["pointer"] for fault in errors[0]["extensions"]["errors"]] == [place]


def test_more_of_the_records_is_one_statement_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    query = """query($id: ID!) {traverseRelationships(input: {startThingId: $id, maxDepth: 3}) {
        paths {targetThing {version createdAt} relationships {sourceThing {version name}}}}}"""
    data(house.api, query, variables={"id": house.records[0]})
    with counted(monkeypatch) as sent:
        found = data(house.api, query, variables={"id": house.records[0]})["traverseRelationships"]["paths"]
    assert len(sent) == 2, sent
    assert {path["targetThing"]["version"] for path in found} == {1}
