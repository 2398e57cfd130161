"""Relationships: making, reading, changing, ending, restoring, erasing (checklist 21, 46, 64, 68-70, 72, 74, 76)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import SOME_ID, Api, Reply, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import constraint, relationship_type
from tests.factories.tenant import TestTenant

LATER, MUCH_LATER = "2100-01-01T00:00:00.000000Z", "2200-01-01T00:00:00.000000Z"


class World:
    """Companies and people, who are employed and know each other."""

    def __init__(self, tenant: TestTenant) -> None:
        self.tenant, self.api = tenant, tenant.api
        name = [{"name": "Name", "field_type": "text"}]
        self.companies = pipeline(self.api, "Companies", name, title_field="name")
        self.people = pipeline(self.api, "People", name, title_field="name")
        self.employs = relationship_type(tenant, "employs", "companies", "people")
        self.knows = relationship_type(tenant, "knows", is_bidirectional=True)
        self.acme, self.globex = (record(self.api, "companies", {"name": name}) for name in ("Acme", "Globex"))
        self.ada, self.jun = (record(self.api, "people", {"name": name}) for name in ("Ada", "Jun"))

    def relate(
        self, type_: str, source: dict[str, Any], target: dict[str, Any], api: Api | None = None, **more: Any
    ) -> Reply:
        body = {"relationship_type": type_, "source_record_id": source["id"], "target_record_id": target["id"], **more}
        return (api or self.api).post("/relationships/", body)


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return World(tenant)


def made(answer: Reply) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_a_relationship_has_everything_that_it_was_given(world: World) -> None:
    given: dict[str, Any] = {
        "status": "PENDING", "effective_from": LATER, "effective_until": MUCH_LATER, "strength": 0.25,
        "metadata": {"by": ["import", 7]}, "is_bidirectional": True,
    }  # fmt: skip
    answer = world.relate("employs", world.acme, world.ada, **given)
    found = made(answer)
    assert {key: found[key] for key in given} == given
    assert found["relationship_type"] == "employs"
    assert found["relationship_type_id"] == str(world.employs)
    assert (found["source_record_id"], found["source_pipeline_id"]) == (world.acme["id"], world.companies["id"])
    assert (found["target_record_id"], found["target_pipeline_id"]) == (world.ada["id"], world.people["id"])
    assert found["created_by"] == found["updated_by"] == str(world.tenant.admin.id)
    assert found["version"] == 1
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/relationships/{found['id']}/"
    assert world.api.get(answer.headers["Location"]).json == found


def test_what_is_not_given_is_usual(world: World) -> None:
    found = made(world.relate("knows", world.ada, world.jun))
    assert (found["status"], found["strength"], found["metadata"], found["data"]) == ("ACTIVE", 1, {}, {})
    assert found["is_bidirectional"] is True
    assert found["effective_until"] is None
    assert found["effective_from"] == found["created_at"]


def test_the_other_way_round_source_and_target_change_places(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada))
    turned = world.api.get(f"/relationships/{found['id']}/?reverse=true").json
    assert (turned["source_record_id"], turned["target_record_id"]) == (world.ada["id"], world.acme["id"])
    assert (turned["source_pipeline_id"], turned["target_pipeline_id"]) == (world.people["id"], world.companies["id"])


@pytest.mark.parametrize(
    ("body", "at", "code"),
    [
        ({"relationship_type": "emplois"}, "/relationship_type", "RELATIONSHIP_TYPE_NOT_FOUND"),
        ({"source_record_id": SOME_ID}, "/source_record_id", "RECORD_NOT_FOUND"),
        ({"target_record_id": SOME_ID}, "/target_record_id", "RECORD_NOT_FOUND"),
        ({"status": "DELETED"}, "/status", "INVALID_VALUE"),
        ({"status": 1}, "/status", "INVALID_VALUE"),
        ({"strength": 1.5}, "/strength", "INVALID_VALUE"),
        ({"strength": True}, "/strength", "INVALID_VALUE"),
        ({"strength": "much"}, "/strength", "INVALID_VALUE"),
        ({"is_bidirectional": 1}, "/is_bidirectional", "INVALID_VALUE"),
        ({"effective_from": "tomorrow"}, "/effective_from", "INVALID_VALUE"),
        ({"effective_from": None}, "/effective_from", "INVALID_VALUE"),
        ({"effective_from": LATER, "effective_until": LATER}, "/effective_until", "VALIDATION_FAILED"),
        ({"metadata": []}, "/metadata", "INVALID_VALUE"),
        ({"data": {"role": "x"}}, "/data/role", "UNKNOWN_FIELD"),
        ({"source_record_id": "x"}, "/source_record_id", "INVALID_VALUE"),
        ({"id": SOME_ID}, "/id", "UNKNOWN_FIELD"),
        ({"tenant_id": SOME_ID}, "/tenant_id", "UNKNOWN_FIELD"),
    ],
)
def test_bad_input_is_told_where_it_is_bad(world: World, body: dict[str, Any], at: str, code: str) -> None:
    before = len(world.api.events())
    answer = world.relate("employs", world.acme, world.ada, **{} if "relationship_type" in body else body)
    if "relationship_type" in body or "source_record_id" in body or "target_record_id" in body:
        whole = {
            "relationship_type": "employs", "source_record_id": world.globex["id"],
            "target_record_id": world.ada["id"], **body,
        }  # fmt: skip
        before = len(world.api.events())
        answer = world.api.post("/relationships/", whole)
    found = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert (found["errors"][0]["pointer"], found["errors"][0]["code"]) == (at, code), found
    assert len(world.api.events()) == before


def test_a_type_joins_the_records_it_is_for(world: World) -> None:
    """INVALID_RELATIONSHIP_TYPE, with the types that would do."""
    found = assert_problem(world.relate("employs", world.ada, world.acme), 422, "INVALID_RELATIONSHIP_TYPE")
    assert {error["pointer"] for error in found["errors"]} == {"/source_record_id", "/target_record_id"}
    body = {"relationship_type": "employs", "source_record_id": world.ada["id"], "target_record_id": world.acme["id"]}
    answer = world.api.post("/relationships/validate/", body).json
    assert [entry["action"] for entry in answer["suggestions"]] == ["use_type:knows"]


def test_the_same_relationship_is_made_once_at_a_time(world: World) -> None:
    """DUPLICATE_RELATIONSHIP: for as long as both would hold, either way round where it goes both ways."""
    made(world.relate("employs", world.acme, world.ada, effective_until=LATER))
    assert_problem(world.relate("employs", world.acme, world.ada), 409, "DUPLICATE_RELATIONSHIP")
    made(world.relate("employs", world.acme, world.ada, effective_from=LATER))
    made(world.relate("employs", world.globex, world.ada))
    made(world.relate("knows", world.ada, world.jun))
    assert_problem(world.relate("knows", world.jun, world.ada), 409, "DUPLICATE_RELATIONSHIP")
    one_way = made(world.relate("knows", world.ada, world.acme, is_bidirectional=False))
    made(world.relate("knows", world.acme, world.ada, is_bidirectional=False))
    again = world.api.patch(f"/relationships/{one_way['id']}/", {"is_bidirectional": True})
    assert_problem(again, 409, "DUPLICATE_RELATIONSHIP")


@pytest.mark.parametrize("how", ["inactive", "deleted", "pipeline"])
def test_inactive_records_are_not_related(world: World, how: str) -> None:
    """INACTIVE_THING; to who could not restore a removed record it is not there."""
    if how == "inactive":
        world.api.patch(f"/records/{world.ada['id']}/", {"status": "inactive"})
    elif how == "deleted":
        world.api.delete(f"/records/{world.ada['id']}/")
    else:
        world.api.patch("/pipelines/people/", {"is_active": False})
    found = assert_problem(world.relate("employs", world.acme, world.ada), 409, "INACTIVE_THING")
    assert found["errors"][0]["pointer"] == "/target_record_id"
    role = world.tenant.role(
        "linker", [{"permission": p} for p in ("records:read", "relationships:read", "relationships:create")]
    )
    answer = world.relate("employs", world.acme, world.ada, api=world.tenant.user(role).api)
    assert answer.status_code == (422 if how == "deleted" else 409), answer.text


def test_a_change_keeps_what_it_does_not_name(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada, metadata={"a": 1, "b": 2}, strength=0.5))
    address = f"/relationships/{found['id']}/"
    changed = world.api.patch(
        address, {"metadata": {"a": None, "c": 3}, "reason": "checked"}, headers={"If-Match": '"1"'}
    )
    assert changed.json == {
        **found, "metadata": {"b": 2, "c": 3}, "version": 2, "updated_at": changed.json["updated_at"],
    }  # fmt: skip
    stale = world.api.patch(address, {"strength": 0}, headers={"If-Match": '"1"'})
    problem = assert_problem(stale, 412, "VERSION_MISMATCH")
    assert (problem["version"], problem["differing_fields"]) == (2, ["metadata"])
    assert world.api.patch(address, {"metadata": {"c": 3}}).json["version"] == 2, "nothing has changed"
    whole = world.api.request("PUT", address, json={"metadata": {"d": 4}}).json
    assert (whole["metadata"], whole["strength"], whole["version"]) == ({"d": 4}, 1, 3)


def test_activating_and_deactivating_leave_their_reasons(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada))
    address = f"/relationships/{found['id']}/"
    off = world.api.post(f"{address}deactivate/", {"reason": "Contract ended."})
    assert (off.json["status"], off.json["version"]) == ("INACTIVE", 2)
    assert world.api.post(f"{address}activate/").json["status"] == "ACTIVE"
    events = world.api.get(f"{address}history/").json["results"]
    assert [(event["operation"], event["reason"]) for event in events] == [
        ("ACTIVATED", None), ("DEACTIVATED", "Contract ended."), ("CREATED", None),
    ]  # fmt: skip
    assert events[1]["changes"] == [{"field": "status", "old": "ACTIVE", "new": "INACTIVE"}]
    assert events[1]["actor"]["id"] == str(world.tenant.admin.id)


def test_a_removed_relationship_comes_back(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada))
    address = f"/relationships/{found['id']}/"
    assert world.api.delete(f"{address}?reason=mistake").status_code == 204
    assert_problem(world.api.get(address), 404, "RELATIONSHIP_NOT_FOUND")
    assert_problem(world.api.delete(address), 404, "RELATIONSHIP_NOT_FOUND")
    assert_problem(world.api.patch(address, {"strength": 0}), 404, "RELATIONSHIP_NOT_FOUND")
    assert world.api.get("/relationships/").json["count"] == 0
    [gone] = world.api.get("/relationships/deleted/").json["results"]
    assert (gone["status"], gone["id"]) == ("DELETED", found["id"])
    back = world.api.post(f"{address}restore/")
    assert (back.json["status"], back.json["version"], back.json["deleted_at"]) == ("ACTIVE", 3, None)
    assert_problem(world.api.post(f"{address}restore/"), 404, "RELATIONSHIP_NOT_FOUND")


def test_what_took_its_place_keeps_a_relationship_from_coming_back(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada))
    world.api.delete(f"/relationships/{found['id']}/")
    made(world.relate("employs", world.acme, world.ada))
    assert_problem(world.api.post(f"/relationships/{found['id']}/restore/"), 409, "DUPLICATE_RELATIONSHIP")


def test_an_erased_relationship_leaves_only_that_it_was(world: World) -> None:
    found = made(world.relate("employs", world.acme, world.ada, metadata={"secret": 1}))
    address = f"/relationships/{found['id']}/"
    assert_problem(world.api.delete(f"{address}?purge=true"), 409, "RELATIONSHIP_NOT_REMOVED")
    assert_problem(world.api.delete(f"/relationships/{SOME_ID}/?purge=true"), 404, "RELATIONSHIP_NOT_FOUND")
    world.api.delete(address)
    assert world.api.delete(f"{address}?purge=true").status_code == 204
    events = [event for event in world.api.events() if event["subject_id"] == found["id"]]
    assert [event["type"] for event in events] == [
        "relationship.created", "relationship.deleted", "relationship.purged",
    ]  # fmt: skip
    assert all(event["data"] is None and event["old"] is None for event in events)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("relationship_type=employs", "ab"),
        ("relationship_type__in=employs,knows", "abc"),
        ("source_record_id={acme}", "a"),
        ("target_record_id__in={ada},{jun}", "abc"),
        ("status=active", "ac"),
        ("status__in=INACTIVE,PENDING", "b"),
        ("is_bidirectional=true", "c"),
        ("effective_at=2099-01-01", "c"),
        ("effective_at=2150-01-01", "abc"),
        ("created_after=2026-01-01", "abc"),
        ("updated_before=2026-01-01", ""),
        ("metadata__contains=%7B%22n%22:1%7D", "a"),
        ("search=blue", "b"),
        ("search=%20", "abc"),
        ("strength__gte=0.5", "bc"),
        ('filter={{"or":[{{"strength":{{"lt":0.5}}}},{{"relationship_type":"knows"}}]}}', "ac"),
        ("ordering=-strength", "cba"),
    ],
)
def test_lists_answer_what_is_asked(world: World, asked: str, names: str) -> None:
    """Checklist 70."""
    rows = {
        "a": world.relate(
            "employs", world.acme, world.ada, effective_from=LATER, metadata={"n": 1, "m": 2}, strength=0.1
        ),
        "b": world.relate(
            "employs", world.globex, world.jun, effective_from=LATER, status="INACTIVE", metadata={"x": "Blue"},
            strength=0.5,
        ),
        "c": world.relate("knows", world.ada, world.jun),
    }  # fmt: skip
    ids = {made(answer)["id"]: name for name, answer in rows.items()}
    filled = asked.format(acme=world.acme["id"], ada=world.ada["id"], jun=world.jun["id"])
    found = [ids[row["id"]] for row in world.api.get(f"/relationships/?{filled}").json["results"]]
    assert (found if "ordering" in asked else sorted(found)) == list(names)


@pytest.mark.parametrize(
    "asked", ["colour=1", "status__like=x", "relationship_type=nothing", "ordering=metadata", "metadata__contains=x"]
)
def test_what_cannot_be_asked_is_refused(world: World, asked: str) -> None:
    assert_problem(world.api.get(f"/relationships/?{asked}"), 400, "INVALID_PARAMETER")


def test_a_type_that_is_not_there_is_no_pipeline(world: World) -> None:
    for asked in ("relationship_type=employz", 'filter={"relationship_type":"employz"}'):
        problem = assert_problem(world.api.get(f"/relationships/?{asked}"), 400, "INVALID_PARAMETER")
        [fault] = problem["errors"]
        assert (fault["code"], fault["suggestion"]) == ("RELATIONSHIP_TYPE_NOT_FOUND", "employs")


def test_one_sees_relationships_between_records_that_one_sees(world: World) -> None:
    """Threat 18: not listed, not read, not made, not counted where one of the records is not there for the caller."""
    employed, known = (
        made(world.relate("employs", world.acme, world.ada)),
        made(world.relate("knows", world.ada, world.jun)),
    )
    named: dict[str, Any] = {"records:read": {"rows": {"filter": {"title": {"not": "Acme"}}}}}
    grants = [
        {"permission": p, **named.get(p, {})} for p in ("records:read", "relationships:read", "relationships:create")
    ]
    weak = world.tenant.user(world.tenant.role("weak", grants)).api
    assert [row["id"] for row in weak.get("/relationships/").json["results"]] == [known["id"]]
    assert weak.get("/relationships/").json["count"] == 1
    assert_problem(weak.get(f"/relationships/{employed['id']}/"), 404, "RELATIONSHIP_NOT_FOUND")
    assert_problem(weak.get(f"/relationships/{employed['id']}/history/"), 404, "RELATIONSHIP_NOT_FOUND")
    hidden = assert_problem(world.relate("employs", world.acme, world.jun, api=weak), 422, "VALIDATION_FAILED")
    nothing = assert_problem(world.relate("employs", {"id": SOME_ID}, world.jun, api=weak), 422, "VALIDATION_FAILED")
    assert hidden["errors"] == nothing["errors"]


def test_types_are_granted_one_by_one(world: World) -> None:
    known = made(world.relate("knows", world.ada, world.jun))
    employed = made(world.relate("employs", world.acme, world.ada))
    only: dict[str, Any] = {"permission": "relationships:read", "pipelines": ["knows"]}
    grants = [{"permission": "records:read"}, only]
    reader = world.tenant.user(world.tenant.role("reader", grants)).api
    assert [row["id"] for row in reader.get("/relationships/").json["results"]] == [known["id"]]
    assert_problem(reader.get(f"/relationships/{employed['id']}/"), 404, "RELATIONSHIP_NOT_FOUND")
    assert_problem(world.relate("knows", world.jun, world.ada, api=reader), 403, "PERMISSION_DENIED")
    assert_problem(reader.patch(f"/relationships/{known['id']}/", {"strength": 0}), 403, "PERMISSION_DENIED")
    assert_problem(reader.delete(f"/relationships/{known['id']}/"), 403, "PERMISSION_DENIED")


def test_many_are_made_with_a_verdict_for_each(world: World) -> None:
    """Checklist 74: earlier entries win over later ones that they exclude."""
    constraint(world.tenant, world.employs, "CARDINALITY", max_instances=1, constraint_metadata={"per": "target"})
    entries = [
        {"relationship_type": "employs", "source_record_id": world.acme["id"], "target_record_id": world.ada["id"]},
        {"relationship_type": "employs", "source_record_id": world.globex["id"], "target_record_id": world.ada["id"]},
        {"relationship_type": "employs", "source_record_id": world.globex["id"], "target_record_id": world.jun["id"]},
        {"relationship_type": "employs", "source_record_id": world.globex["id"]},
        7,
    ]
    trial = world.api.post("/relationships/bulk_create/?mode=dry_run", entries)
    assert trial.status_code == 200
    assert world.api.get("/relationships/").json["count"] == 0
    assert_problem(world.api.post("/relationships/bulk_create/?mode=atomic", entries[:3]), 422, "VALIDATION_FAILED")
    assert world.api.get("/relationships/").json["count"] == 0
    answer = world.api.post("/relationships/bulk_create/", entries)
    assert answer.status_code == 201
    assert answer.json["summary"] == {"total": 5, "successful": 2, "failed": 3}
    results = answer.json["results"]
    assert [result["success"] for result in results] == [True, False, True, False, False]
    assert [result["success"] for result in trial.json["results"]] == [True, False, True, False, False]
    assert results[1]["errors"][0]["code"] == "CONSTRAINT_VIOLATION"
    assert results[3]["errors"][0]["field"] == "target_record_id"
    assert world.api.get("/relationships/").json["count"] == 2


def test_many_are_changed_with_a_verdict_for_each(world: World) -> None:
    one, two = (
        made(world.relate("employs", world.acme, world.ada)),
        made(world.relate("employs", world.acme, world.jun)),
    )
    entries = [
        {"id": one["id"], "strength": 0.5, "version": 1},
        {"id": two["id"], "version": 9, "status": "INACTIVE"},
        {"id": SOME_ID},
        {"id": one["id"], "strength": 0},
    ]
    answer = world.api.post("/relationships/bulk_update/", entries).json
    assert [result["success"] for result in answer["results"]] == [True, False, False, False]
    codes = [result["errors"][0]["code"] for result in answer["results"][1:]]
    assert codes == ["VERSION_MISMATCH", "RELATIONSHIP_NOT_FOUND", "REPEATED"]
    assert world.api.get(f"/relationships/{two['id']}/").json["status"] == "ACTIVE"


def test_own_fields_are_held_to_their_kinds(world: World) -> None:
    from oneo.actor import system_actor
    from oneo.events.unit import unit
    from oneo.models import Field

    with world.tenant.app.app_context(), unit(system_actor(world.tenant.id)) as work:
        for slug, kind in (("role", "text"), ("hours", "number"), ("pay", "number")):
            work.session.add(Field(pipeline_id=world.employs, slug=slug, name=slug, field_type=kind))
        work.renew_schema()
    found = made(world.relate("employs", world.acme, world.ada, data={"role": "CTO", "hours": 40, "pay": 9}))
    assert found["data"] == {"role": "CTO", "hours": 40, "pay": 9}
    bad = assert_problem(
        world.relate("employs", world.acme, world.jun, data={"hours": "many"}), 422, "VALIDATION_FAILED"
    )
    assert bad["errors"][0]["pointer"] == "/data/hours"
    grants: list[dict[str, Any]] = [{"permission": "records:read"}] + [
        {"permission": f"relationships:{verb}", "hidden_fields": ["pay"]} for verb in ("read", "update")
    ]
    weak = world.tenant.user(world.tenant.role("weak", grants)).api
    address = f"/relationships/{found['id']}/"
    assert weak.get(address).json["data"] == {"role": "CTO", "hours": 40}
    assert weak.get("/relationships/?search=9").json["count"] == 0
    assert_problem(weak.patch(address, {"data": {"pay": 1}}), 422, "VALIDATION_FAILED")
    assert weak.patch(address, {"data": {"hours": 20}}).json["data"] == {"role": "CTO", "hours": 20}
    assert world.api.get(address).json["data"]["pay"] == 9
    assert world.api.patch(address, {"data": {"pay": 10}}).status_code == 200
    assert [event["version"] for event in weak.get(f"{address}history/").json["results"]] == [2, 1]
    assert "pay" not in weak.get(f"{address}history/").text


@pytest.mark.parametrize("path", ["bulk_create", "bulk_update"])
def test_what_is_no_array_is_told_in_words_of_relationships(world: World, path: str) -> None:
    problem = assert_problem(world.api.post(f"/relationships/{path}/", {}), 400, "ARRAY_EXPECTED")
    assert problem["error"] == problem["detail"] == "An array expected: the body must be a list of relationships."
