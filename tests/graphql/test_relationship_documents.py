"""The documents that other systems' clients send about relationships, as they are printed (checklist 72); constraints,
and what stands against a relationship, as over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from tests.api import SOME_ID, Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import link
from tests.factories.tenant import TenantFactory
from tests.graphql.test_records import counted, outcome, rest_outcome, without
from tests.graphql.test_view import as_rest, ask, data

GET_RELATIONSHIP = """query GetRelationship($id: ID!) {
  relationship(id: $id) {
    id
    relationshipType { id name description }
    sourceThing { id name thingClass { name } }
    targetThing { id name thingClass { name } }
    status
    metadata
    isBidirectional
    effectiveFrom
    effectiveUntil
    values {
      id
      attribute { name dataType }
      stringValue
      numberValue
      booleanValue
      dateValue
      jsonValue
    }
    createdAt
    updatedAt
    version
  }
}"""
LIST_RELATIONSHIPS = """query ListRelationships(
  $filter: RelationshipFilter,
  $pagination: PaginationInput,
  $sorting: [SortInput!]
) {
  relationships(filter: $filter, pagination: $pagination, sorting: $sorting) {
    items {
      id
      relationshipType { name }
      sourceThing { name }
      targetThing { name }
      status
      isBidirectional
      createdAt
    }
    pageInfo { hasNextPage hasPreviousPage totalCount }
  }
}"""
GET_CONSTRAINTS = """query GetRelationshipConstraints($relationshipTypeId: ID!) {
  relationshipConstraints(relationshipTypeId: $relationshipTypeId) {
    id
    relationshipType { name }
    sourceThingClass { name }
    targetThingClass { name }
    minInstances
    maxInstances
    isRequired
    constraintType
    constraintMetadata
  }
}"""
VALIDATE = """query ValidateRelationship($input: CreateRelationshipInput!) {
  validateRelationship(input: $input) {
    isValid
    violations { constraintType message severity fieldPath }
    suggestions { message action }
  }
}"""
CONSTRAINT = (
    "id relationshipTypeId constraintType sourcePipelineId targetPipelineId minInstances maxInstances isRequired "
    "constraintMetadata createdAt updatedAt version"
)
READS: dict[str, Any] = {"permission": "records:read"}
LINKS: dict[str, Any] = {"permission": "relationships:read"}
MAKES: dict[str, Any] = {"permission": "relationships:create"}


@dataclass(frozen=True)
class House:
    api: Api
    people: dict[str, Api]
    type: dict[str, Any]
    records: list[str]
    link: dict[str, Any]


@pytest.fixture(scope="module")
def house(owner_app: Flask, app: Flask) -> House:
    """A type with one deal per person at most and a role that has to be given, and one relationship of it."""
    found = TenantFactory(owner_app, app).create()
    api = found.api
    deals(api)
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}], title_field="name")
    made = api.post(
        "/relationships/types/",
        {
            "name": "Leads", "description": "Who leads what.", "source_pipeline": "people", "target_pipeline": "deals",
            "cardinality": "many_to_one",
            "fields": [{"name": "Role", "field_type": "text", "is_required": True},
                       {"name": "Share", "field_type": "number", "field_config": {"max": 10}}],
        },
    )  # fmt: skip
    assert made.status_code == 201, made.text
    bound = api.post(
        "/relationships/types/leads/constraints/",
        {"constraint_type": "CARDINALITY", "target_pipeline": "deals", "max_instances": 3,
         "constraint_metadata": {"per": "target"}},
    )  # fmt: skip
    assert bound.status_code == 201, bound.text
    grants = {
        "seer": [READS, LINKS, {"permission": "pipelines:read"}],
        "blind": [{**READS, "pipelines": ["people"]}, {**LINKS, "pipelines": ["leads"]},
                  {"permission": "pipelines:read", "pipelines": ["leads", "people"]}],
        "maker": [READS, MAKES], "own": [{**READS, "rows": "own"}, MAKES], "nobody": [],
    }  # fmt: skip
    people = {name: found.user(found.role(name, held)).api for name, held in grants.items()}
    records = [record(api, "people", {"name": name})["id"] for name in ("Ada", "Eva")]
    records += [record(api, "deals", {"name": name})["id"] for name in ("One", "Two")]
    first = link(api, "leads", records[0], records[2], data={"role": "head", "share": 5})
    return House(api, {"admin": api, **people}, made.json, records, first)


# -- as printed --------------------------------------------------------------------------------------------------------


def test_get_relationship(house: House) -> None:
    found = data(house.api, GET_RELATIONSHIP, variables={"id": house.link["id"]})["relationship"]
    assert found["relationshipType"] == {"id": house.type["id"], "name": "Leads", "description": "Who leads what."}
    ada, _, one, _ = house.records
    assert found["sourceThing"] == {"id": ada, "name": "Ada", "thingClass": {"name": "People"}}
    assert found["targetThing"] == {"id": one, "name": "One", "thingClass": {"name": "Deals"}}
    assert [(value["attribute"], value["stringValue"], value["numberValue"]) for value in found["values"]] == [
        ({"name": "Role", "dataType": "text"}, "head", None), ({"name": "Share", "dataType": "number"}, None, 5),
    ]  # fmt: skip
    plain = (
        "status",
        "metadata",
        "isBidirectional",
        "effectiveFrom",
        "effectiveUntil",
        "createdAt",
        "updatedAt",
        "version",
    )
    assert as_rest({key: found[key] for key in plain}) == {
        key: house.link[key] for key in as_rest(dict.fromkeys(plain))
    }


def test_list_relationships(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "filter": {"relationshipTypeIds": [house.type["id"]], "status": ["ACTIVE"], "isBidirectional": False},
        "pagination": {"limit": 1, "offset": 0}, "sorting": [{"field": "createdAt", "direction": "DESC"}],
    }  # fmt: skip
    expected = {
        "items": [{"id": house.link["id"], "relationshipType": {"name": "Leads"}, "sourceThing": {"name": "Ada"},
                   "targetThing": {"name": "One"}, "status": "ACTIVE", "isBidirectional": False,
                   "createdAt": house.link["created_at"]}],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "totalCount": 1},
    }  # fmt: skip
    assert data(house.api, LIST_RELATIONSHIPS, variables=variables)["relationships"] == expected
    with counted(monkeypatch) as sent:
        assert data(house.api, LIST_RELATIONSHIPS)["relationships"] == expected
    assert len(sent) == 2, sent


def test_get_constraints(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as sent:
        found = data(house.api, GET_CONSTRAINTS, variables={"relationshipTypeId": house.type["id"]})
    assert len(sent) == 1, sent
    own, added = found["relationshipConstraints"]
    assert (own["maxInstances"], own["constraintMetadata"]["per"], own["sourceThingClass"]) == (1, "source", None)
    assert without(added, "id") == {
        "relationshipType": {"name": "Leads"}, "sourceThingClass": None, "targetThingClass": {"name": "Deals"},
        "minInstances": 0, "maxInstances": 3, "isRequired": False, "constraintType": "CARDINALITY",
        "constraintMetadata": {"per": "target"},
    }  # fmt: skip


def test_validate(house: House) -> None:
    ada, eva, _, two = house.records
    good = {"relationshipTypeId": house.type["id"], "sourceThingId": eva, "targetThingId": two,
            "values": [{"attributeId": "role", "stringValue": "deputy"}]}  # fmt: skip
    answer = data(house.api, VALIDATE, variables={"input": good})["validateRelationship"]
    assert answer == {"isValid": True, "violations": [], "suggestions": []}
    answer = data(house.api, VALIDATE, variables={"input": {**good, "sourceThingId": ada}})["validateRelationship"]
    assert not answer["isValid"]
    [found] = answer["violations"]
    assert (found["constraintType"], found["severity"], found["fieldPath"]) == ("CARDINALITY", "ERROR", "sourceThingId")
    assert [entry["action"] for entry in answer["suggestions"]] == ["end_existing", "change_dates"]
    assert house.api.get("/relationships/").json["count"] == 1


# -- the same as REST --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["admin", "seer", "blind", "maker", "nobody"])
@pytest.mark.parametrize("name", ["ID", "leads", "nothing", SOME_ID, "deals"])
def test_constraints_are_the_same_in_rest_and_graphql(house: House, person: str, name: str) -> None:
    api, name = house.people[person], house.type["id"] if name == "ID" else name
    rest = rest_outcome(api.get(f"/relationships/types/{name}/constraints/"))
    query = f'{{relationshipConstraints(relationshipTypeId: "{name}") {{{CONSTRAINT} targetThingClass {{name}}}}}}'
    found = outcome(ask(api, query), "relationshipConstraints")
    if isinstance(rest, str):
        assert found == rest
        return
    assert [as_rest(without(entry, "targetThingClass")) for entry in found] == rest["results"]
    seen = None if person == "blind" else {"name": "Deals"}
    assert [entry["targetThingClass"] for entry in found] == [None, seen]


INPUTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"sourceThingId": "@0"}, {"source_record_id": "@0"}),
    ({"sourceThingId": "@2", "targetThingId": "@0"}, {"source_record_id": "@2", "target_record_id": "@0"}),
    ({"sourceThingId": "@0", "targetThingId": "@2"}, {"source_record_id": "@0", "target_record_id": "@2"}),
    ({"targetThingId": SOME_ID}, {"target_record_id": SOME_ID}),
    ({"relationshipTypeId": "nothing"}, {"relationship_type": "nothing"}),
    ({"effectiveFrom": "2026-02-01T00:00:00Z", "effectiveUntil": "2026-01-01T00:00:00Z"},
     {"effective_from": "2026-02-01T00:00:00Z", "effective_until": "2026-01-01T00:00:00Z"}),
    ({"effectiveFrom": "soon"}, {"effective_from": "soon"}),
    ({"strength": 2}, {"strength": 2}),
    ({"metadata": [1]}, {"metadata": [1]}),
    ({"status": "DELETED"}, {"status": "DELETED"}),
    ({"status": "INACTIVE", "isBidirectional": True}, {"status": "INACTIVE", "is_bidirectional": True}),
    ({"values": []}, {"data": {}}),
    ({"values": [{"attributeId": "role", "numberValue": 5}]}, {"data": {"role": 5.0}}),
    ({"values": [{"attributeId": "ROLE", "valueData": "x"}, {"attributeId": "share", "numberValue": 11}]},
     {"data": {"role": "x", "share": 11}}),
    ({"values": [{"attributeId": "nothing", "stringValue": "x"}], "data": {"role": "x"}},
     {"data": {"role": "x", "nothing": "x"}}),
]  # fmt: skip
PLACES = {
    "relationship_type": "relationshipTypeId", "source_record_id": "sourceThingId", "target_record_id": "targetThingId",
    "effective_from": "effectiveFrom", "effective_until": "effectiveUntil",
}  # fmt: skip


@pytest.mark.parametrize("person", ["admin", "maker", "own", "nobody"])
@pytest.mark.parametrize("at", range(len(INPUTS)))
def test_validation_is_the_same_in_rest_and_graphql(house: House, person: str, at: int) -> None:
    api = house.people[person]
    asked, body = ({key: _named(value, house) for key, value in part.items()} for part in INPUTS[at])
    _, eva, _, two = house.records
    given = {"relationshipTypeId": "leads", "sourceThingId": eva, "targetThingId": two,
             "values": [{"attributeId": "role", "stringValue": "x"}], **asked}  # fmt: skip
    role = house.type["fields"][0]["id"]
    given["values"] = [
        {**value, "attributeId": role if value["attributeId"] == "ROLE" else value["attributeId"]}
        for value in given["values"]
    ]
    rest = api.post(
        "/relationships/validate/",
        {"relationship_type": "leads", "source_record_id": eva, "target_record_id": two, "data": {"role": "x"}, **body},
    )
    query = """query($i: CreateRelationshipInput!) {validateRelationship(input: $i) {
        isValid violations {constraintId constraintType code message severity fieldPath}
        suggestions {message action}}}"""
    found = outcome(ask(api, query, variables={"i": given}), "validateRelationship")
    if rest.status_code == 422:
        assert not found["isValid"]
        return
    expected = rest_outcome(rest)
    if isinstance(expected, str):
        assert found == expected
        return
    for violation in expected["violations"]:
        violation["field_path"] = PLACES.get(violation["field_path"], violation["field_path"])
    assert as_rest(found) == expected


def test_a_value_is_given_in_one_member(house: House) -> None:
    given = {"relationshipTypeId": "leads", "sourceThingId": SOME_ID, "targetThingId": SOME_ID,
             "values": [{"attributeId": "role", "stringValue": "x", "numberValue": 5}]}  # fmt: skip
    errors = ask(house.api, VALIDATE, variables={"input": given}).json["errors"]
    assert errors[0]["code"] == "VALIDATION_FAILED"
    assert errors[0]["extensions"]["errors"][0]["pointer"] == "/input/values/0"


def _named(value: Any, house: House) -> Any:
    return house.records[int(value[1:])] if isinstance(value, str) and value.startswith("@") else value
