"""What of the log a reader is shown (threats 13, 17, 19, 28): the audit log of people with less than all rights."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant

PEOPLE = [{"name": "Name", "field_type": "text"}, {"name": "Salary", "field_type": "number"},
          {"name": "Nick", "field_type": "text"}]  # fmt: skip
AUDIT: dict[str, Any] = {"permission": "audit:read"}


def reads(*, permission: str = "records:read", **details: Any) -> dict[str, Any]:
    return {"permission": permission, **details}


def reader(tenant: TestTenant, *grants: dict[str, Any]) -> Api:
    return tenant.user(tenant.role(f"reader{len(grants)}", [AUDIT, *grants])).api


def seen(api: Api, query: str = "", *, kinds: tuple[str, ...] = ("record", "pipeline", "field")) -> list[Any]:
    found = api.get(f"/admin/audit/?ordering=seq&page_size=1000{query}")
    assert found.status_code == 200, found.text
    return [event for event in found.json["results"] if event["type"].partition(".")[0] in kinds]


def types(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


def people(tenant: TestTenant, **more: Any) -> str:
    found: str = pipeline(tenant.api, "People", PEOPLE, **more)["id"]
    return found


def put(api: Api, record_id: str, **data: Any) -> None:
    assert api.patch(f"/records/{record_id}/", {"data": data}).status_code == 200


# -- hidden and removed fields -----------------------------------------------------------------------------------------


def test_a_hidden_field_is_in_no_part_of_an_event(tenant: TestTenant) -> None:
    people(tenant)
    hides = reader(tenant, reads(hidden_fields=["salary"]), reads(permission="pipelines:read"))
    made = record(tenant.api, "people", {"name": "Ada", "salary": 31337}, title="First")
    put(tenant.api, made["id"], salary=31338)
    put(tenant.api, made["id"], salary=31339, name="Eva")
    tenant.api.patch(f"/records/{made['id']}/", {"data": {"salary": 31340}, "status": "gone"})
    tenant.api.delete(f"/records/{made['id']}/")
    events = seen(hides, kinds=("record",))
    assert types(events) == ["record.created", "record.updated", "record.updated", "record.deleted"]
    created, renamed, moved, deleted = events
    assert created["data"]["data"] == {"name": "Ada"}
    assert created["data"]["title"] == "First"
    assert (renamed["changed_fields"], renamed["old"]) == (["data.name"], {"data": {"name": "Ada"}})
    assert (moved["changed_fields"], moved["old"]) == (["status"], {"status": "active"})
    assert deleted["old"] == {"deleted_at": None}
    assert "3133" not in str(seen(hides))
    assert "salary" not in str(seen(hides)).lower()
    assert "31338" in str(seen(tenant.api))


def test_what_cannot_be_seen_cannot_be_asked_for(tenant: TestTenant) -> None:
    people(tenant)
    hides = reader(tenant, reads(hidden_fields=["salary"]))
    made = record(tenant.api, "people", {"salary": 31337})
    put(tenant.api, made["id"], salary=31338)
    put(tenant.api, made["id"], name="Eva")
    numbers = [event["seq"] for event in seen(tenant.api, f"&subject_id={made['id']}")]
    for query in ("", "&type=record.updated", f"&subject_id={made['id']}", f"&pipeline_id={made['pipeline_id']}",
                  f"&seq={numbers[1]}", "&fields=seq,type,data", '&filter={"type":{"contains":"record"}}'):  # fmt: skip
        assert numbers[1] not in [event["seq"] for event in seen(hides, query)]
    counted = hides.get(f"/admin/audit/?subject_id={made['id']}").json
    assert (counted["count"], [event["seq"] for event in counted["results"]]) == (2, [numbers[2], numbers[0]])
    assert hides.get("/admin/audit/?data__salary=31338").status_code == 400


@pytest.mark.parametrize("later", [None, "nick"])
def test_a_title_made_of_a_hidden_field_is_not_shown(tenant: TestTenant, later: str | None) -> None:
    """Also where another field makes the titles by now."""
    people(tenant, title_field="salary")
    hides = reader(tenant, reads(hidden_fields=["salary"]), reads(permission="pipelines:read"))
    made = record(tenant.api, "people", {"salary": 31337, "nick": "Ada"})
    assert tenant.api.patch("/pipelines/people/", {"title_field": later}).status_code == 200
    put(tenant.api, made["id"], nick="Eva")
    created, updated = seen(hides, kinds=("record",))
    assert created["data"]["title"] == f"People {made['id'][-8:]}"
    assert updated["data"]["title"] == ("Eva" if later else f"People {made['id'][-8:]}")
    assert "31337" not in str(seen(hides))
    assert "salary" not in str(seen(hides)).lower()
    pipelines = seen(hides, kinds=("pipeline",))
    expected = ["pipeline.created"] if later is None else ["pipeline.created", "pipeline.updated"]
    assert types(pipelines) == expected
    assert pipelines[0]["data"]["title_field"] is None
    if later:
        assert (pipelines[1]["data"]["title_field"], pipelines[1]["old"]) == ("nick", {"title_field": None})


def test_a_removed_field_is_gone_for_everybody_until_it_is_back(tenant: TestTenant) -> None:
    people(tenant)
    made = record(tenant.api, "people", {"name": "Ada", "salary": 31337})
    put(tenant.api, made["id"], salary=31338)
    salary = tenant.api.get("/pipelines/people/fields/salary/").json["id"]
    assert tenant.api.delete("/pipelines/people/fields/salary/?force=true").status_code == 204
    assert types(seen(tenant.api, kinds=("record",))) == ["record.created"]
    assert "3133" not in str(seen(tenant.api, kinds=("record",)))
    fields = [event for event in seen(tenant.api, kinds=("field",)) if event["subject_id"] == salary]
    assert types(fields) == ["field.created", "field.deleted"]
    assert tenant.api.post(f"/pipelines/people/fields/{salary}/restore/").status_code == 200
    assert "31338" in str(seen(tenant.api, kinds=("record",)))


# -- pipelines and rows ------------------------------------------------------------------------------------------------


def test_events_of_other_pipelines_are_not_shown(tenant: TestTenant) -> None:
    """Threat 17."""
    deals(tenant.api)
    people(tenant)
    one = reader(tenant, reads(pipelines=["people"]))
    record(tenant.api, "deals", {"name": "canary"})
    record(tenant.api, "people", {"name": "Ada"})
    assert {event["pipeline_id"] for event in seen(one)} == {tenant.api.get("/pipelines/people/").json["id"]}
    assert "record.created" in types(seen(one))
    assert "canary" not in str(seen(one))
    nobody = tenant.user(tenant.role("auditor", [AUDIT])).api
    assert seen(nobody) == []
    assert nobody.get("/admin/audit/?type__startswith=record").json["count"] == 0
    assert nobody.get("/admin/audit/").json["count"] > 0


def test_pipelines_can_be_seen_without_their_records(tenant: TestTenant) -> None:
    people(tenant)
    shapes = reader(tenant, reads(permission="pipelines:read_all"))
    record(tenant.api, "people", {"name": "Ada"})
    assert types(seen(shapes)) == ["pipeline.created", *["field.created"] * 3]


@pytest.mark.parametrize("hidden", [[], ["salary"]])
def test_events_of_other_people_s_records_are_not_shown(tenant: TestTenant, hidden: list[str]) -> None:
    """Threat 19; also when they are deleted, and when nobody can tell any more whose they were."""
    people(tenant)
    role = tenant.role("own", [AUDIT, reads(rows="own", hidden_fields=hidden), reads(permission="records:create"),
                               reads(permission="records:delete")])  # fmt: skip
    one, two = tenant.user(role).api, tenant.user(role).api
    mine = record(one, "people", {"name": "mine"})
    record(two, "people", {"name": "canary"})
    assert {event["subject_id"] for event in seen(one, kinds=("record",))} == {mine["id"]}
    assert "canary" not in str(seen(one))
    assert one.delete(f"/records/{mine['id']}/").status_code == 204
    assert types(seen(one, kinds=("record",))) == ["record.created", "record.deleted"]
    assert types(seen(two, kinds=("record",))) == ["record.created"]
    assert tenant.api.delete(f"/records/{mine['id']}/?purge=true").status_code == 204
    assert seen(one, kinds=("record",)) == []
    purged = seen(tenant.api, f"&subject_id={mine['id']}")
    assert types(purged) == ["record.created", "record.deleted", "record.purged"]
    assert [(event["data"], event["old"]) for event in purged] == [(None, None)] * 3


def test_rows_are_those_of_then_and_of_now(tenant: TestTenant) -> None:
    """Threat 28: what comes into sight brings no past along, and what leaves it is told no more."""
    deals(tenant.api)
    rule = {"filter": {"data__stage": {"in": ["open"]}, "data__amount": {"lt": 100}}}
    opens = reader(tenant, reads(rows=rule))
    made = record(tenant.api, "deals", {"name": "A", "stage": "won", "amount": 41})
    assert seen(opens, kinds=("record",)) == []
    put(tenant.api, made["id"], stage="open")
    put(tenant.api, made["id"], amount=42)
    assert [event["data"]["data"]["amount"] for event in seen(opens, kinds=("record",))] == [41, 42]
    put(tenant.api, made["id"], amount=100)
    assert seen(opens, kinds=("record",)) == []


def test_a_rule_survives_values_of_former_kinds(tenant: TestTenant) -> None:
    pipeline(tenant.api, "Notes", [{"name": "Size", "field_type": "text"}, {"name": "Tag", "field_type": "text"}])
    rule = {"filter": {"data__size": {"gt": 5}, "data__tag": {"exists": False}}}
    made = record(tenant.api, "notes", {"size": "12"})
    other = record(tenant.api, "notes", {"size": "many"})
    changed = tenant.api.patch("/pipelines/notes/fields/size/?force=true", {"field_type": "number"})
    assert changed.status_code == 200, changed.text
    large = reader(tenant, reads(rows=rule))
    events = seen(large, kinds=("record",))
    assert {event["subject_id"] for event in events} == {made["id"]}
    assert types(events) == ["record.updated"]
    assert len(seen(tenant.api, f"&subject_id={other['id']}")) == 2


def test_records_of_a_deleted_pipeline_are_out_of_sight(tenant: TestTenant) -> None:
    found = people(tenant)
    record(tenant.api, "people", {"name": "Ada"})
    one = reader(tenant, reads(pipelines=["people"]), reads(permission="pipelines:read", pipelines=["people"]))
    assert tenant.api.delete("/pipelines/people/").status_code == 204
    assert seen(one, kinds=("record",)) == []
    assert types(seen(one, kinds=("pipeline",))) == ["pipeline.created", "pipeline.deleted"]
    assert types(seen(tenant.api, f"&pipeline_id={found}", kinds=("record",))) == ["record.created"]


def test_rights_that_change_cut_the_next_answer(tenant: TestTenant) -> None:
    """Threat 22."""
    people(tenant)
    record(tenant.api, "people", {"name": "Ada", "salary": 31337})
    api = reader(tenant, reads())
    assert "31337" in str(seen(api))
    hiding = [AUDIT, reads(hidden_fields=["salary"])]
    assert tenant.api.patch("/users/types/reader1/", {"grants": hiding}).status_code == 200
    assert "31337" not in str(seen(api))


@pytest.mark.parametrize("name", ["100% of 'it'", 'a"b {x}', "%s \\"])
def test_names_of_pipelines_do_no_harm(tenant: TestTenant, name: str) -> None:
    pipeline(tenant.api, name, PEOPLE, slug="odd", title_field="salary")
    hides = reader(tenant, reads(hidden_fields=["salary"], rows={"filter": {"status": "active"}}))
    made = record(tenant.api, "odd", {"name": "x", "salary": 5})
    assert [event["data"]["title"] for event in seen(hides, kinds=("record",))] == [f"{name} {made['id'][-8:]}"]
