"""Topics of relationships: who hears of which, cut to him (checklist 60-63; threats 13, 17, 19, 22, 26, 28)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.delivery.hub import Hub
from oneo.delivery.topics import TopicNotFound
from oneo.errors import DomainError, PermissionDenied, RecordNotFound, ValidationFailed
from oneo.events.unit import unit
from tests.api import SOME_ID, Api
from tests.delivery.channels import eventually, head
from tests.delivery.test_topics import listen, settle, told
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.relationship import link, own_field, relationship_type
from tests.factories.tenant import TestTenant

READS = {"permission": "records:read"}
LINKS = {"permission": "relationships:read"}


@pytest.fixture
def records(tenant: TestTenant) -> list[str]:
    """Two deals and a person; there are the types `employs` and `knows`."""
    deals(tenant.api)
    pipeline(tenant.api, "People", [{"name": "Name", "field_type": "text"}])
    employs = relationship_type(tenant, "employs")
    own_field(tenant, employs, "role")
    own_field(tenant, employs, "salary", "number")
    relationship_type(tenant, "knows", is_bidirectional=True)
    made = [record(tenant.api, "deals", {"name": name})["id"] for name in ("One", "Two")]
    return [*made, record(tenant.api, "people", {"name": "Ada"})["id"]]


def change(api: Api, found: dict[str, Any], **body: Any) -> None:
    answer = api.patch(f"/relationships/{found['id']}/", body)
    assert answer.status_code == 200, answer.text


# -- what each topic tells ---------------------------------------------------------------------------------------------


def test_each_topic_tells_of_its_own(app: Flask, hub: Hub, tenant: TestTenant, records: list[str]) -> None:
    one, two, ada = records
    topics = ("relationships", f"record:{one}:relationships", f"record:{ada}:relationships", f"record:{one}", "records")
    heard = {topic: listen(app, hub, tenant.api, topic)[1] for topic in topics}
    first = link(tenant.api, "employs", one, two)
    second = link(tenant.api, "employs", ada, one)
    path = f"/relationships/{second['id']}/"
    change(tenant.api, second, strength=0.5)
    assert tenant.api.post(f"{path}deactivate/", {}).status_code == 200
    assert tenant.api.post(f"{path}activate/", {}).status_code == 200
    assert tenant.api.delete(path).status_code == 204
    assert tenant.api.post(f"{path}restore/", {}).status_code == 200
    assert tenant.api.delete(path).status_code == 204
    assert tenant.api.delete(f"{path}?purge=true").status_code == 204
    heard["relationships"].wait_for(head(tenant))
    settle(tenant, *heard.values())
    happened = ("created", "updated", "deactivated", "activated", "deleted", "restored", "deleted")
    seconds = [(f"relationship.{what}", second["id"]) for what in happened]
    firsts = [("relationship.created", first["id"])]
    assert told(heard["relationships"]) == [*firsts, *seconds, ("relationship.purged", second["id"])]
    assert told(heard[f"record:{one}:relationships"]) == [*firsts, *seconds]
    assert told(heard[f"record:{ada}:relationships"]) == seconds
    assert told(heard[f"record:{one}"]) == told(heard["records"]) == []


def test_events_carry_the_keys_that_other_systems_expect(
    app: Flask, hub: Hub, tenant: TestTenant, records: list[str]
) -> None:
    """Checklist 63."""
    one, two, _ = records
    _, notebook = listen(app, hub, tenant.api, "relationships")
    made = link(tenant.api, "employs", one, two, data={"role": "CTO"})
    notebook.wait_for(head(tenant))
    event = notebook.told[0]
    extra = {
        "relationship_id": made["id"], "source_record_id": one, "target_record_id": two,
        "subscription": event["subscription"], "event_name": "relationship_event",
    }  # fmt: skip
    assert event == {**tenant.api.events(event["seq"] - 1)[0], **extra}
    assert (event["event_type"], event["data"]) == ("created", made)
    assert tenant.api.delete(f"/relationships/{made['id']}/").status_code == 204
    assert tenant.api.delete(f"/relationships/{made['id']}/?purge=true").status_code == 204
    notebook.wait_for(head(tenant))
    erased = notebook.told[-1]
    assert (erased["relationship_id"], erased["source_record_id"], erased["data"]) == (made["id"], None, None)


def test_the_schema_tells_of_types_and_constraints(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    paid, other = relationship_type(tenant, "pays"), relationship_type(tenant, "owes")
    seer = tenant.user(tenant.role("seer", [{**LINKS, "pipelines": [str(paid)]}])).api
    heard = [listen(app, hub, api, "schema")[1] for api in (tenant.api, seer)]
    rule = UUID(SOME_ID)
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        for place in (other, paid):
            work.append("relationship_type.updated", place, pipeline_id=place, version=2, data={}, old={})
            work.append("constraint.created", rule, pipeline_id=place, version=1, data={})
    eventually(lambda: [len(notebook.told) for notebook in heard] == [4, 2])
    shape, bound = heard[1].told
    assert {event["event_name"] for event in heard[0].told} == {"pipeline_event"}
    assert (shape["type"], shape["relationship_type_id"]) == ("relationship_type.updated", str(paid))
    assert (bound["type"], bound["constraint_id"], bound["pipeline_id"]) == ("constraint.created", SOME_ID, str(paid))


def test_who_returns_misses_nothing(app: Flask, hub: Hub, tenant: TestTenant, records: list[str]) -> None:
    one, two, ada = records
    first = link(tenant.api, "employs", one, two)
    link(tenant.api, "knows", two, ada)
    last = head(tenant)
    for strength in (0.1, 0.2, 0.3):
        change(tenant.api, first, strength=strength)
    _, notebook = listen(app, hub, tenant.api, f"record:{one}:relationships", after=last)
    change(tenant.api, first, strength=0.4)
    notebook.wait_for(head(tenant))
    assert [event["data"]["strength"] for event in notebook.told] == [0.1, 0.2, 0.3, 0.4]


def test_topics_that_are_not_there_are_refused_alike(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant, records: list[str]
) -> None:
    deals(other.api)
    theirs = record(other.api, "deals", {"name": "canary"})["id"]
    own = tenant.user(tenant.role("own", [{**READS, "rows": "own"}, LINKS])).api
    reader = tenant.user(tenant.role("reads", [READS])).api
    missing: list[tuple[Api, str, type[DomainError]]] = [
        (tenant.api, f"record:{theirs}:relationships", RecordNotFound),
        (tenant.api, f"record:{SOME_ID}:relationships", RecordNotFound),
        (tenant.api, "record::relationships", RecordNotFound),
        (tenant.api, f"record:{records[0]}:", TopicNotFound),
        (tenant.api, f"record:{records[0]}:comments", TopicNotFound),
        (tenant.api, "relationships:*", TopicNotFound),
        (own, f"record:{records[0]}:relationships", RecordNotFound),
        (reader, f"record:{records[0]}:relationships", PermissionDenied),
        (reader, "relationships", PermissionDenied),
    ]
    for api, topic, error in missing:
        with pytest.raises(error):
            listen(app, hub, api, topic)


# -- rights ------------------------------------------------------------------------------------------------------------


def test_each_hears_what_he_may_see(app: Flask, hub: Hub, tenant: TestTenant, records: list[str]) -> None:
    one, two, ada = records
    hides = tenant.user(tenant.role("hides", [READS, {**LINKS, "hidden_fields": ["salary"]}])).api
    people = tenant.user(tenant.role("people", [{**READS, "pipelines": ["people"]}, LINKS])).api
    pairs = tenant.user(tenant.role("pairs", [{**READS, "pipelines": ["deals"]}, LINKS])).api
    heard = {api: listen(app, hub, api, "relationships")[1] for api in (tenant.api, hides, people, pairs)}
    inner = link(tenant.api, "employs", one, two, data={"role": "CTO", "salary": 31337})
    change(tenant.api, inner, data={"salary": 31338})
    outer = link(tenant.api, "knows", two, ada, metadata={"word": "canary"})
    change(tenant.api, inner, data={"role": "CEO"})
    for api in (tenant.api, hides, pairs):
        heard[api].wait_for(head(tenant))
    settle(tenant, heard[people])
    created, renamed = ("relationship.created", inner["id"]), ("relationship.updated", inner["id"])
    assert told(heard[tenant.api]) == [created, renamed, ("relationship.created", outer["id"]), renamed]
    assert told(heard[hides]) == [created, ("relationship.created", outer["id"]), renamed]
    assert told(heard[pairs]) == [created, renamed, renamed]
    assert told(heard[people]) == []
    assert "3133" not in str(heard[hides].told)
    assert "canary" not in str(heard[pairs].told)


def test_rights_that_are_taken_away_silence_at_once(
    app: Flask, hub: Hub, tenant: TestTenant, records: list[str]
) -> None:
    """Threats 22, 26: the permission on relationships, and that on the record."""
    one, two, _ = records
    made = link(tenant.api, "employs", one, two)
    role = tenant.role("reader", [READS, LINKS])
    api = tenant.user(role).api
    whole, bound = (listen(app, hub, api, topic)[1] for topic in ("relationships", f"record:{one}:relationships"))
    change(tenant.api, made, strength=0.1)
    eventually(lambda: len(whole.told) == len(bound.told) == 1)
    narrowed = [{**READS, "pipelines": ["people"]}, LINKS]
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": narrowed}).status_code == 200
    change(tenant.api, made, strength=0.2)
    eventually(lambda: bound.notices)
    assert whole.notices == []
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": [READS]}).status_code == 200
    change(tenant.api, made, strength=0.3)
    eventually(lambda: whole.notices)
    settle(tenant, whole, bound)
    assert [notice["code"] for _, notice in (*whole.notices, *bound.notices)] == ["PERMISSION_DENIED"] * 2
    assert (len(whole.told), len(bound.told)) == (1, 1)


def test_another_tenant_hears_nothing(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant, records: list[str]
) -> None:
    _, notebook = listen(app, hub, other.api, "relationships", after=0)
    _, own = listen(app, hub, tenant.api, "relationships", after=0)
    link(tenant.api, "employs", *records[:2])
    own.wait_for(head(tenant))
    settle(tenant, notebook)
    assert notebook.told == []


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, [0, 1, 2, 3]),
        ({"relationship_type": "employs"}, [0, 3]),
        ({"relationship_type": {"in": ["knows"]}, "is_bidirectional": True}, [1, 2]),
        ({"status": "PENDING"}, [1]),
        ({"status__in": ["active", "deleted"]}, [0, 2, 3]),
        ({"source_record_id": "ONE"}, [0, 1]),
        ({"or": [{"target_record_id": "ONE"}, {"source_record_id": {"in": ["ONE"]}}]}, [0, 1, 3]),
        ({"strength": {"gte": 0.5, "lt": 1}}, [1, 2]),
        ({"metadata": {"contains": {"why": "x"}}}, [2]),
        ({"effective_at": "2020-06-01T00:00:00Z"}, [3]),
        ({"effective_until": {"exists": True}}, [3]),
        ({"not": {"created_by": None}}, [0, 1, 2, 3]),
        ({"created_after": "2020-01-01"}, [0, 1, 2, 3]),
    ],
)
def test_a_filter_is_asked_of_the_state_that_is_told(
    app: Flask, hub: Hub, tenant: TestTenant, records: list[str], asked: Any, expected: list[int]
) -> None:
    one, two, ada = records
    asked = _named(asked, one)
    _, notebook = listen(app, hub, tenant.api, "relationships", asked=asked)
    _, everything = listen(app, hub, tenant.api, "relationships")
    _, records_too = listen(app, hub, tenant.api, "records", asked={"status": "active"})
    past = {"effective_from": "2020-01-01T00:00:00Z", "effective_until": "2021-01-01T00:00:00Z"}
    made = [
        link(tenant.api, "employs", one, two),
        link(tenant.api, "knows", one, ada, strength=0.75, status="PENDING"),
        link(tenant.api, "knows", two, ada, strength=0.5, metadata={"why": "x", "n": 1}),
        link(tenant.api, "employs", ada, one, **past),
    ]
    everything.wait_for(head(tenant))
    settle(tenant, notebook)
    assert [event["relationship_id"] for event in notebook.told] == [made[at]["id"] for at in expected]
    assert records_too.told == []


def _named(asked: Any, one: str) -> Any:
    if isinstance(asked, dict):
        return {key: _named(value, one) for key, value in asked.items()}
    if isinstance(asked, list):
        return [_named(value, one) for value in asked]
    return one if asked == "ONE" else asked


def test_a_filter_follows_the_status(app: Flask, hub: Hub, tenant: TestTenant, records: list[str]) -> None:
    _, notebook = listen(app, hub, tenant.api, "relationships", asked={"status": "DELETED"})
    made = link(tenant.api, "employs", *records[:2])
    assert tenant.api.post(f"/relationships/{made['id']}/deactivate/", {}).status_code == 200
    assert tenant.api.delete(f"/relationships/{made['id']}/").status_code == 204
    notebook.wait_for(head(tenant))
    assert told(notebook) == [("relationship.deleted", made["id"])]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"data__salary": 5}, "UNKNOWN_FIELD"),
        ({"title": "x"}, "UNKNOWN_FIELD"),
        ({"version": 1}, "UNKNOWN_FIELD"),
        ({"strength": "much"}, "WRONG_TYPE"),
        ({"status": {"like": "x"}}, "UNKNOWN_OPERATOR"),
        ({"or": [{"status": "ACTIVE"}] * 21}, "INVALID_FILTER"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(
    app: Flask, hub: Hub, tenant: TestTenant, records: list[str], asked: Any, code: str
) -> None:
    for topic in ("relationships", f"record:{records[0]}:relationships"):
        with pytest.raises(ValidationFailed) as refused:
            listen(app, hub, tenant.api, topic, asked=asked)
        assert [fault.code for fault in refused.value.faults] == [code]
        assert refused.value.faults[0].pointer.startswith("/filter")
