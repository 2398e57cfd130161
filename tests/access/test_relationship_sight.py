"""What of the log about relationships a reader is shown (threats 13, 17, 19, 22, 28)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oneo.actor import system_actor
from oneo.events.unit import unit
from tests.access.test_event_sight import reader, reads, seen, types
from tests.api import Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import link, own_field, relationship_type, remove_field
from tests.factories.tenant import TestTenant

LINKS: dict[str, Any] = {"permission": "relationships:read"}


def links(api: Api, query: str = "") -> list[Any]:
    return seen(api, query, kinds=("relationship",))


def numbers(api: Api) -> list[int]:
    return [event["seq"] for event in links(api)]


def change(api: Api, found: dict[str, Any], **body: Any) -> None:
    answer = api.patch(f"/relationships/{found['id']}/", body)
    assert answer.status_code == 200, answer.text


def house(tenant: TestTenant) -> tuple[str, str]:
    """A deal and a person, with two ways to relate such."""
    deals(tenant.api)
    pipeline(tenant.api, "People", [{"name": "Name", "field_type": "text"}])
    for slug in ("employs", "knows"):
        relationship_type(tenant, slug)
    return record(tenant.api, "deals", {"name": "D", "stage": "open"})["id"], record(tenant.api, "people", {})["id"]


def test_each_kind_of_change_is_shown_to_who_reads_both_ends(tenant: TestTenant) -> None:
    deal, person = house(tenant)
    whole = reader(tenant, reads(), LINKS)
    made = link(tenant.api, "employs", deal, person, metadata={"why": "x"})
    path = f"/relationships/{made['id']}/"
    change(tenant.api, made, strength=0.5, reason="weaker")
    for what in ("deactivate", "activate"):
        assert tenant.api.post(f"{path}{what}/", {}).status_code == 200
    assert tenant.api.delete(path).status_code == 204
    assert tenant.api.post(f"{path}restore/", {}).status_code == 200
    events = links(whole)
    happened = ("created", "updated", "deactivated", "activated", "deleted", "restored")
    assert types(events) == [f"relationship.{what}" for what in happened]
    assert events == links(tenant.api)
    assert events[0]["data"] == made
    assert (events[1]["old"], events[1]["reason"]) == ({"strength": 1}, "weaker")
    assert {event["subject_id"] for event in events} == {made["id"]}
    assert {event["pipeline_id"] for event in events} == {made["relationship_type_id"]}


def test_events_of_other_types_are_not_shown(tenant: TestTenant) -> None:
    """Threat 17."""
    deal, person = house(tenant)
    knows = relationship_type(tenant, "trusts")
    one = reader(tenant, reads(), {**LINKS, "pipelines": [str(knows)]})
    none = reader(tenant, reads())
    link(tenant.api, "employs", deal, person, metadata={"word": "canary"})
    made = link(tenant.api, "trusts", deal, person)
    assert [event["subject_id"] for event in links(one)] == [made["id"]]
    assert links(none) == []
    assert links(tenant.user(tenant.role("links", [reads(permission="audit:read"), LINKS])).api) == []
    assert "canary" not in str(seen(one)) + str(seen(none))


@pytest.mark.parametrize("place", ["deals", "people"])
def test_both_pipelines_have_to_be_readable(tenant: TestTenant, place: str) -> None:
    deal, person = house(tenant)
    one = reader(tenant, reads(pipelines=[place]), LINKS)
    link(tenant.api, "employs", deal, person)
    link(tenant.api, "employs", person, deal)
    at = deal if place == "deals" else person
    other = record(tenant.api, place, {"name": "x"})["id"]
    inner = link(tenant.api, "knows", at, other)
    assert [event["subject_id"] for event in links(one)] == [inner["id"]]


@pytest.mark.parametrize("turned", [False, True])
def test_both_ends_have_to_be_within_one_s_rows_now(tenant: TestTenant, turned: bool) -> None:
    """Threats 19, 28: what comes into sight is shown with its past, since nothing of the record stands in it."""
    deal, person = house(tenant)
    rule = {"filter": {"data__stage": "open"}}
    opens = reader(tenant, reads(pipelines=["deals"], rows=rule), reads(pipelines=["people"]), LINKS)
    ends = (person, deal) if turned else (deal, person)
    made = link(tenant.api, "employs", *ends)
    assert numbers(opens) == numbers(tenant.api) != []
    tenant.api.patch(f"/records/{deal}/", {"data": {"stage": "won"}})
    change(tenant.api, made, strength=0.1)
    assert links(opens) == []
    tenant.api.patch(f"/records/{deal}/", {"data": {"stage": "open"}})
    assert numbers(opens) == numbers(tenant.api)


def test_a_deleted_end_is_judged_by_its_last_state_and_an_erased_one_by_nothing(tenant: TestTenant) -> None:
    deal, person = house(tenant)
    rule = {"filter": {"data__stage": "open"}}
    opens = reader(tenant, reads(rows=rule, pipelines=["deals"]), reads(pipelines=["people"]), LINKS)
    whole = reader(tenant, reads(pipelines=["deals", "people"]), LINKS)
    made = link(tenant.api, "employs", deal, person)
    assert tenant.api.delete(f"/relationships/{made['id']}/").status_code == 204
    assert tenant.api.delete(f"/records/{deal}/").status_code == 204
    assert types(links(opens)) == ["relationship.created", "relationship.deleted"]
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        erased_end = {**made, "source_record_id": str(UUID(int=7))}
        type_id = UUID(made["relationship_type_id"])
        work.append(
            "relationship.updated", UUID(made["id"]), pipeline_id=type_id, version=9, data=erased_end,
            old={"strength": 1},
        )  # fmt: skip
    assert types(links(opens)) == ["relationship.created", "relationship.deleted"]
    assert types(links(whole)) == ["relationship.created", "relationship.deleted", "relationship.updated"]


def test_an_erased_one_is_shown_to_who_reads_everything(tenant: TestTenant) -> None:
    deal, person = house(tenant)
    everything = reader(tenant, reads(), LINKS)
    some = reader(tenant, reads(pipelines=["deals", "people"]), LINKS, reads(permission="pipelines:read"))
    made = link(tenant.api, "employs", deal, person, metadata={"word": "canary"})
    assert tenant.api.delete(f"/relationships/{made['id']}/?reason=canary").status_code == 204
    assert len(links(some)) == 2
    assert tenant.api.delete(f"/relationships/{made['id']}/?purge=true").status_code == 204
    assert links(some) == []
    events = links(everything)
    assert types(events) == ["relationship.created", "relationship.deleted", "relationship.purged"]
    assert [(event["data"], event["old"], event["reason"]) for event in events] == [(None, None, None)] * 3
    assert "canary" not in str(tenant.api.events())


def test_a_hidden_field_is_in_no_part_of_an_event(tenant: TestTenant) -> None:
    """Threat 13."""
    deal, person = house(tenant)
    paid = relationship_type(tenant, "pays")
    own_field(tenant, paid, "role")
    own_field(tenant, paid, "salary", "number")
    hides = reader(tenant, reads(), {**LINKS, "pipelines": [str(paid)], "hidden_fields": ["salary"]})
    made = link(tenant.api, "pays", deal, person, data={"role": "CTO", "salary": 31337})
    change(tenant.api, made, data={"salary": 31338})
    change(tenant.api, made, data={"salary": 31339, "role": "CEO"})
    change(tenant.api, made, data={"salary": 31340}, strength=0.5)
    created, promoted, weakened = links(hides)
    assert created["data"]["data"] == {"role": "CTO"}
    assert (promoted["changed_fields"], promoted["old"]) == (["data.role"], {"data": {"role": "CTO"}})
    assert (weakened["changed_fields"], weakened["old"]) == (["strength"], {"strength": 1})
    assert weakened["data"]["data"] == {"role": "CEO"}
    assert "3133" not in str(seen(hides))
    assert "salary" not in str(seen(hides))
    assert len(links(tenant.api)) == 4
    assert "31338" in str(links(tenant.api))


def test_a_removed_field_is_gone_for_everybody(tenant: TestTenant) -> None:
    deal, person = house(tenant)
    paid = relationship_type(tenant, "pays")
    salary = own_field(tenant, paid, "salary", "number")
    made = link(tenant.api, "pays", deal, person, data={"salary": 31337})
    change(tenant.api, made, data={"salary": 31338})
    assert "31338" in str(links(tenant.api))
    remove_field(tenant, salary)
    assert types(links(tenant.api)) == ["relationship.created"]
    assert "3133" not in str(links(tenant.api))


def test_types_and_constraints_are_shown_to_who_sees_the_type(tenant: TestTenant) -> None:
    """And fields of a type unless they are hidden, wherever the events come from."""
    house(tenant)
    paid, other = relationship_type(tenant, "pays"), relationship_type(tenant, "owes")
    fields = [own_field(tenant, paid, slug) for slug in ("role", "salary")]
    kinds = ("relationship_type", "constraint", "field")
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        for place in (paid, other):
            work.append("relationship_type.updated", place, pipeline_id=place, version=2, data={"slug": "x"}, old={})
            work.append("constraint.created", UUID(int=9), pipeline_id=place, version=1, data={"type_id": str(place)})
        for found, slug in zip(fields, ("role", "salary"), strict=True):
            work.append("field.updated", found, pipeline_id=paid, version=2, data={"slug": slug}, old={})
    one = reader(tenant, {**LINKS, "pipelines": [str(paid)], "hidden_fields": ["salary"]})
    creates = reader(
        tenant, reads(permission="relationships:create", pipelines=[str(paid)]), reads(pipelines=["deals"])
    )
    blind = reader(tenant, reads(pipelines=["deals"]), reads(pipelines=["people"]), reads(permission="users:read"))
    events = seen(one, kinds=kinds)
    assert types(events) == ["relationship_type.updated", "constraint.created", "field.updated"]
    assert {event["pipeline_id"] for event in events} == {str(paid)}
    assert {event["pipeline_id"] for event in seen(creates, kinds=("relationship_type", "constraint"))} == {str(paid)}
    assert seen(blind, kinds=("relationship_type", "constraint")) == []
    assert len(seen(tenant.api, kinds=("relationship_type", "constraint"))) == 4


def test_rights_that_change_cut_the_next_answer(tenant: TestTenant) -> None:
    """Threat 22."""
    deal, person = house(tenant)
    link(tenant.api, "employs", deal, person)
    api = reader(tenant, reads(), LINKS)
    assert len(links(api)) == 1
    assert (
        tenant.api.patch("/users/types/reader2/", {"grants": [reads(permission="audit:read"), reads()]}).status_code
        == 200
    )
    assert links(api) == []
