"""The names of errors where things are spoken of (checklist 76, 85, 4.8): each is provoked, and has both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oneo.errors import Fault
from oneo.graphql.words import OF_THINGS, THINGS, fault_of, name_of
from tests.api import SOME_ID, Reply
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import constraint, relationship_type
from tests.factories.tenant import TestTenant
from tests.graphql.test_view import ask, data

THING = "query($id: ID!) {first: thing(id: $id) {id tenantId name version thingClass {id name}} record(id: $id) {id}}"


class House:
    """Two deals, a note, and a type between deals that one deal may be the source of once."""

    def __init__(self, tenant: TestTenant) -> None:
        self.tenant, self.api = tenant, tenant.api
        deals(self.api)
        pipeline(self.api, "Notes", [])
        self.deals = [record(self.api, "deals", {"name": name, "code": name})["id"] for name in ("a", "b", "c")]
        self.note = record(self.api, "notes", {})["id"]
        above = relationship_type(tenant, "above", "deals", "deals", on_delete="restrict")
        constraint(tenant, above, "HIERARCHY", constraint_metadata={"single_parent": True})
        self.relate(self.deals[0], self.deals[1])

    def relate(self, source: str, target: str) -> Reply:
        body = {"relationship_type": "above", "source_record_id": source, "target_record_id": target}
        return self.api.post("/relationships/", body)

    def add(self, **values: Any) -> Reply:
        return self.api.post("/pipelines/deals/records/", {"data": {"name": "x", **values}})


@pytest.fixture
def house(tenant: TestTenant) -> House:
    return House(tenant)


PROVOKED: list[tuple[str, str, Callable[[House], Reply]]] = [
    ("THING_NOT_FOUND", "RECORD_NOT_FOUND", lambda h: h.api.get(f"/records/{SOME_ID}/")),
    ("THING_CLASS_NOT_FOUND", "PIPELINE_NOT_FOUND", lambda h: h.api.get(f"/pipelines/{SOME_ID}/")),
    ("INVALID_ATTRIBUTES", "VALIDATION_FAILED", lambda h: h.add(stage="none")),
    ("THING_CLASS_MISMATCH", "INVALID_RELATIONSHIP_TYPE", lambda h: h.relate(h.note, h.deals[0])),
    ("RELATIONSHIP_CONSTRAINT_VIOLATION", "CONSTRAINT_VIOLATION", lambda h: h.relate(h.deals[2], h.deals[1])),
    ("RELATIONSHIP_CONSTRAINT_VIOLATION", "CIRCULAR_RELATIONSHIP", lambda h: h.relate(h.deals[1], h.deals[0])),
    ("RELATIONSHIP_CONSTRAINT_VIOLATION", "DUPLICATE_RELATIONSHIP", lambda h: h.relate(h.deals[0], h.deals[1])),
    ("DUPLICATE_THING", "VALUE_TAKEN", lambda h: h.add(code="a")),
    ("INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED", lambda h: h.tenant.user("viewer").api.get("/admin/audit/")),
    ("THING_IN_USE", "THING_IN_USE", lambda h: h.api.delete(f"/records/{h.deals[0]}/")),
]  # fmt: skip
"""What it is called of things, the code of the catalogue, and what is refused with it."""


@pytest.mark.parametrize(("name", "code", "provoke"), PROVOKED, ids=[code for _, code, _ in PROVOKED])
def test_each_code_has_both_its_names(house: House, name: str, code: str, provoke: Callable[[House], Reply]) -> None:
    assert provoke(house).json["code"] == code
    assert (name_of(code, THINGS), name_of(code, None)) == (name, code)


def test_no_name_is_left_unprovoked() -> None:
    assert OF_THINGS.keys() <= {code for _, code, _ in PROVOKED}


@pytest.mark.parametrize(
    ("values", "code", "name"),
    [
        ({"stage": "none"}, "NOT_A_CHOICE", "ATTRIBUTE_VALIDATION_FAILED"),
        ({"name": None}, "REQUIRED", "ATTRIBUTE_VALIDATION_FAILED"),
        ({"stag": "open"}, "UNKNOWN_FIELD", "ATTRIBUTE_SCHEMA_VIOLATION"),
        ({"amount": True}, "WRONG_TYPE", "ATTRIBUTE_SCHEMA_VIOLATION"),
    ],
)
def test_faults_of_attributes_have_names_of_their_own(
    house: House, values: dict[str, Any], code: str, name: str
) -> None:
    (found,) = house.add(**values).json["errors"]
    fault = Fault(found["pointer"], found["code"], found["message"])
    assert fault.code == code
    said = fault_of(fault, THINGS)
    assert (said["code"], said["canonicalCode"], said["field"]) == (name, code, found["field"])
    assert fault_of(fault, None)["code"] == code
    assert fault_of(Fault("/title", code, "..."), THINGS)["code"] == code


def test_a_thing_is_a_record_in_other_words(house: House) -> None:
    found = data(house.api, THING, variables={"id": house.deals[0]})["first"]
    rest = house.api.get(f"/records/{house.deals[0]}/").json
    assert found == {
        "id": rest["id"], "tenantId": found["tenantId"], "name": "a", "version": 1,
        "thingClass": {"id": rest["pipeline_id"], "name": "Deals"},
    }  # fmt: skip


@pytest.mark.parametrize("missing", [SOME_ID, "none"])
def test_each_root_field_names_errors_in_its_own_words(house: House, missing: str) -> None:
    answer = ask(house.api, THING, variables={"id": missing}).json
    assert answer["data"] == {"first": None, "record": None}
    thing, other = sorted(answer["errors"], key=lambda entry: str(entry["path"]))
    assert (thing["path"], thing["code"], thing["message"]) == (
        ["first"], "THING_NOT_FOUND", "There is no such thing."
    )  # fmt: skip
    assert thing["extensions"]["thingId"] == missing
    assert thing["extensions"]["code"] == "THING_NOT_FOUND"
    assert thing["extensions"]["canonicalCode"] == "RECORD_NOT_FOUND"
    assert (other["path"], other["code"]) == (["record"], "RECORD_NOT_FOUND")
    assert other["extensions"]["canonicalCode"] == "RECORD_NOT_FOUND"


def test_who_may_not_read_things_is_told_so_in_their_words(house: House) -> None:
    nobody = house.tenant.user(house.tenant.role("nobody", [])).api
    answer = ask(nobody, THING, variables={"id": house.deals[0]}).json
    codes = {entry["path"][0]: entry["code"] for entry in answer["errors"]}
    assert codes == {"first": "INSUFFICIENT_PERMISSIONS", "record": "PERMISSION_DENIED"}
    assert {entry["extensions"]["canonicalCode"] for entry in answer["errors"]} == {"PERMISSION_DENIED"}
