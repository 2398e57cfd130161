"""Topics of records and pipelines: who hears of what, cut to him, in few statements (checklist 60-63; threats 13, 17,
19, 22, 26, 28, 29)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from oneo.delivery import conditions, station
from oneo.delivery.hub import Hub
from oneo.delivery.reading import Batch, Reading
from oneo.delivery.subscriptions import Reader
from oneo.delivery.topics import TopicNotFound
from oneo.errors import (
    DomainError,
    PermissionDenied,
    PipelineNotFound,
    RecordNotFound,
    ValidationFailed,
)
from tests.api import SOME_ID, Api
from tests.delivery.channels import Notebook, eventually, head, reader_of
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant

NOTES = [{"name": "Text", "field_type": "text"}, {"name": "Size", "field_type": "number"}]
READS = {"permission": "records:read"}
CREATES = {"permission": "records:create"}


def listen(app: Flask, hub: Hub, api: Api, topic: str, **details: Any) -> tuple[Reader, Notebook]:
    reader, notebook = reader_of(app, api)
    hub.join(reader)
    hub.subscribe(reader, topic, **details)
    return reader, notebook


def settle(tenant: TestTenant, *notebooks: Notebook) -> None:
    """Until all of them have heard of the last event, or would have."""
    last = head(tenant)
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline and not all(notebook.numbers[-1:] == [last] for notebook in notebooks):
        time.sleep(0.01)


def told(notebook: Notebook) -> list[tuple[str, str]]:
    return [(event["type"], event["subject_id"]) for event in notebook.told]


def change(api: Api, found: dict[str, Any], **data: Any) -> None:
    answer = api.patch(f"/records/{found['id']}/", {"data": data})
    assert answer.status_code == 200, answer.text


# -- what each topic tells ---------------------------------------------------------------------------------------------


def test_each_topic_tells_of_its_own(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    api = tenant.api
    deals(api)
    notes = pipeline(api, "Notes", NOTES)
    one = record(api, "deals", {"name": "One"})
    topics = ("records", "pipeline:deals", f"pipeline:{notes['id']}", f"record:{one['id']}", "schema", "users")
    heard = {topic: listen(app, hub, api, topic)[1] for topic in topics}
    two = record(api, "deals", {"name": "Two"})
    note = record(api, "notes", {"text": "Note"})
    change(api, one, amount=5)
    assert api.delete(f"/records/{one['id']}/").status_code == 204
    assert api.post(f"/records/{one['id']}/restore/").status_code == 200
    assert api.patch("/pipelines/notes/", {"name": "Remarks"}).status_code == 200
    field = api.post("/pipelines/notes/fields/", {"name": "More", "field_type": "text"}).json
    user = tenant.user()
    eventually(lambda: heard["users"].told)
    settle(tenant, *heard.values())
    ones = [(f"record.{what}", one["id"]) for what in ("updated", "deleted", "restored")]
    assert told(heard["records"]) == [("record.created", two["id"]), ("record.created", note["id"]), *ones]
    assert told(heard["pipeline:deals"]) == [("record.created", two["id"]), *ones]
    assert told(heard[f"pipeline:{notes['id']}"]) == [("record.created", note["id"])]
    assert told(heard[f"record:{one['id']}"]) == ones
    assert told(heard["schema"]) == [("pipeline.updated", notes["id"]), ("field.created", field["id"])]
    assert told(heard["users"]) == [("user.created", str(user.id))]


def test_events_carry_the_keys_that_other_systems_expect(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    _, records = listen(app, hub, tenant.api, "records")
    _, schema = listen(app, hub, tenant.api, "schema")
    found = deals(tenant.api)
    made = record(tenant.api, "deals", {"name": "One"})
    eventually(lambda: records.told and schema.told)
    event = records.told[0]
    assert (event["event_name"], event["event_type"]) == ("record_event", "created")
    assert (event["record_id"], event["pipeline_id"]) == (made["id"], found["id"])
    assert event["data"] == made
    logged = {entry["seq"]: entry for entry in tenant.api.events()}
    extra = {"record_id": made["id"], "subscription": event["subscription"], "event_name": "record_event"}
    assert event == {**logged[event["seq"]], **extra}
    assert {entry["event_name"] for entry in schema.told} == {"pipeline_event"}
    assert {entry["pipeline_id"] for entry in schema.told} == {found["id"]}
    assert ["field_id" in entry for entry in schema.told] == [False, *[True] * 7]


def test_the_schema_has_relationship_types_for_those_who_see_them(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    nothing = tenant.user(tenant.role("nothing", [READS])).api
    _, seen = listen(app, hub, tenant.api, "schema")
    _, unseen = listen(app, hub, nothing, "schema")
    body = {"name": "Knows", "cardinality": "one_to_many", "fields": [{"name": "Since", "field_type": "date"}]}
    made = tenant.api.post("/relationships/types/", body).json
    pipeline(tenant.api, "Notes", [])
    eventually(lambda: unseen.told and len(seen.told) == 4)
    assert [event["type"] for event in unseen.told] == ["pipeline.created"]
    assert [event["type"] for event in seen.told[:3]] == [
        "relationship_type.created", "field.created", "constraint.created",
    ]  # fmt: skip
    assert {event["pipeline_id"] for event in seen.told[:3]} == {made["id"]}
    assert seen.told[0]["relationship_type_id"] == made["id"]
    assert seen.told[2]["constraint_id"] == made["constraints"][0]["id"]


def test_topics_that_are_not_there_are_refused_alike(
    app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant
) -> None:
    deals(tenant.api)
    theirs = record(other.api, deals(other.api)["id"], {"name": "canary"})
    gone = record(tenant.api, "deals", {"name": "x"})
    tenant.api.delete(f"/records/{gone['id']}/")
    reader, notebook = reader_of(app, tenant.api)
    hub.join(reader)
    missing: list[tuple[str, type[DomainError]]] = [
        ("pipeline:nothing", PipelineNotFound), (f"pipeline:{SOME_ID}", PipelineNotFound),
        ("pipeline:", PipelineNotFound),
        (f"pipeline:{theirs['pipeline_id']}", PipelineNotFound), (f"record:{theirs['id']}", RecordNotFound),
        (f"record:{SOME_ID}", RecordNotFound), ("record:x", RecordNotFound), (f"record:{gone['id']}", RecordNotFound),
        ("records:deals", TopicNotFound), (f"record:{SOME_ID}:relationships", RecordNotFound),
    ]  # fmt: skip
    for topic, error in missing:
        with pytest.raises(error):
            hub.subscribe(reader, topic, after=0)
    assert (notebook.told, reader.subscriptions) == ([], {})


def test_reading_can_begin_in_the_past(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    deals(tenant.api)
    made = [record(tenant.api, "deals", {"name": f"d{number}"}) for number in range(5)]
    _, notebook = listen(app, hub, tenant.api, "pipeline:deals", after=0)
    _, later = listen(app, hub, tenant.api, "records", after=head(tenant) - 2)
    eventually(lambda: len(notebook.told) == 5 and len(later.told) == 2)
    assert [event["record_id"] for event in notebook.told] == [found["id"] for found in made]
    change(tenant.api, made[0], amount=1)
    assert notebook.wait_for(head(tenant))[:5] == sorted(notebook.numbers[:5])


def test_what_is_refused_is_told_to_nobody(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    """Threat 29."""
    deals(tenant.api)
    made = record(tenant.api, "deals", {"name": "x", "code": "taken"})
    _, notebook = listen(app, hub, tenant.api, "records")
    refused: list[dict[str, Any]] = [{"name": "y", "code": "taken"}, {}, {"name": "y", "amount": "much"}]
    for data in refused:
        assert tenant.api.post("/pipelines/deals/records/", {"data": data}).status_code in {409, 422}
    change(tenant.api, made, name="x")
    change(tenant.api, made, name="z")
    assert notebook.wait_for(head(tenant)) == [head(tenant)]


# -- rights ------------------------------------------------------------------------------------------------------------


def test_each_hears_what_he_may_see(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    deals(tenant.api)
    pipeline(tenant.api, "Notes", NOTES)
    hides = tenant.user(tenant.role("hides", [{**READS, "hidden_fields": ["amount", "name"]}])).api
    notes = tenant.user(tenant.role("notes", [{**READS, "pipelines": ["notes"]}])).api
    own = tenant.user(tenant.role("own", [{**READS, "rows": "own"}, CREATES])).api
    nothing = tenant.user(tenant.role("nothing", [])).api
    heard = {api: listen(app, hub, api, "records")[1] for api in (tenant.api, hides, notes, own)}
    _, shapes = listen(app, hub, nothing, "schema", after=0)
    made = record(tenant.api, "deals", {"name": "canary", "amount": 31337})
    change(tenant.api, made, amount=31338)
    change(tenant.api, made, stage="won")
    mine = record(own, "deals", {"name": "mine"})
    note = record(tenant.api, "notes", {"text": "note"})
    eventually(lambda: heard[notes].told and heard[own].told and len(heard[tenant.api].told) == 5)
    settle(tenant, heard[hides])
    assert told(heard[notes]) == [("record.created", note["id"])]
    assert told(heard[own]) == [("record.created", mine["id"])]
    assert [event["type"] for event in heard[hides].told] == [
        "record.created", "record.updated", "record.created", "record.created",
    ]  # fmt: skip
    assert heard[hides].told[0]["data"]["title"] == f"Deals {made['id'][-8:]}"
    assert "canary" not in str(heard[hides].told) + str(heard[own].told) + str(heard[notes].told)
    assert "3133" not in str(heard[hides].told) + str(heard[own].told) + str(heard[notes].told)
    assert shapes.told == []
    for topic in ("records", "pipeline:deals", f"record:{made['id']}"):
        with pytest.raises((PermissionDenied, PipelineNotFound, RecordNotFound)):
            listen(app, hub, nothing, topic)
    with pytest.raises(RecordNotFound):
        listen(app, hub, own, f"record:{made['id']}")
    with pytest.raises(PipelineNotFound):
        listen(app, hub, notes, "pipeline:deals")


def test_rights_that_are_taken_away_silence_at_once(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    """Threats 22, 26: the connection stays, and what happens from then on is not heard."""
    deals(tenant.api)
    pipeline(tenant.api, "Notes", NOTES)
    made = record(tenant.api, "deals", {"name": "x"})
    role = tenant.role("reader", [READS])
    api = tenant.user(role).api
    heard = {topic: listen(app, hub, api, topic)[1] for topic in ("records", "pipeline:deals", f"record:{made['id']}")}
    change(tenant.api, made, amount=1)
    eventually(lambda: all(len(notebook.told) == 1 for notebook in heard.values()))
    narrowed = [{**READS, "pipelines": ["notes"]}]
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": narrowed}).status_code == 200
    change(tenant.api, made, amount=31337)
    note = record(tenant.api, "notes", {"text": "x"})
    eventually(lambda: len(heard["records"].told) == 2)
    assert heard["records"].told[1]["record_id"] == note["id"]
    bound = ("pipeline:deals", f"record:{made['id']}")
    eventually(lambda: all(heard[topic].notices for topic in bound))
    for topic in bound:
        assert [(name, notice["code"]) for name, notice in heard[topic].notices] == [
            ("unsubscribed", "PERMISSION_DENIED")
        ]
        assert len(heard[topic].told) == 1
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
    eventually(lambda: heard["records"].notices)
    assert "31337" not in str([notebook.told for notebook in heard.values()])


def test_a_field_that_is_hidden_meanwhile_is_cut_from_the_next_event(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    deals(tenant.api)
    role = tenant.role("reader", [READS])
    _, notebook = listen(app, hub, tenant.user(role).api, "pipeline:deals")
    made = record(tenant.api, "deals", {"name": "x", "amount": 1})
    notebook.wait_for(head(tenant))
    hiding = [{**READS, "hidden_fields": ["amount"]}]
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": hiding}).status_code == 200
    change(tenant.api, made, amount=31337, stage="won")
    notebook.wait_for(head(tenant))
    assert tenant.api.delete("/pipelines/deals/fields/stage/?force=true").status_code == 204
    change(tenant.api, made, name="y")
    notebook.wait_for(head(tenant))
    assert [sorted(event["data"]["data"]) for event in notebook.told] == [
        ["amount", "name"],
        ["name", "stage"],
        ["name"],
    ]


def test_what_leaves_one_s_rows_is_not_told(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    """Threat 28."""
    deals(tenant.api)
    rule = {"filter": {"data__stage": "open"}}
    api = tenant.user(tenant.role("opens", [{**READS, "rows": rule}])).api
    made = record(tenant.api, "deals", {"name": "x", "stage": "open"})
    _, notebook = listen(app, hub, api, f"record:{made['id']}")
    change(tenant.api, made, stage="won", amount=31337)
    change(tenant.api, made, amount=31338)
    change(tenant.api, made, stage="open", amount=7)
    notebook.wait_for(head(tenant))
    assert [event["data"]["data"]["amount"] for event in notebook.told] == [7]


def test_another_tenant_hears_nothing(app: Flask, hub: Hub, tenant: TestTenant, other: TestTenant) -> None:
    _, records = listen(app, hub, other.api, "records", after=0)
    _, schema = listen(app, hub, other.api, "schema", after=0)
    deals(tenant.api)
    record(tenant.api, "deals", {"name": "canary"})
    time.sleep(0.4)
    assert (records.told, schema.told) == ([], [])


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "asked", "expected"),
    [
        ("pipeline:deals", {"data__stage": "won"}, [1, 2]),
        ("pipeline:deals", {"data__amount": {"gt": 10, "lte": 1000}}, [2]),
        ("pipeline:deals", {"or": [{"data__amount": {"exists": False}}, {"not": {"data__stage": "won"}}]}, [0, 1]),
        ("pipeline:deals", {"title": {"startswith": "S"}}, [1]),
        ("pipeline:deals", {"data__tags": {"contains": "hot"}, "version": 1}, [2]),
        ("pipeline:deals", {"data__closes": {"gte": "2026-01-01"}}, [0]),
        ("records", {"status": "odd"}, [1, 3]),
        ("records", {"title": {"contains": "NOTE"}}, [3]),
        ("records", {"created_by": SOME_ID}, []),
        ("pipeline:deals", {}, [0, 1, 2]),
        ("records", None, [0, 1, 2, 3]),
    ],
)
def test_a_filter_is_asked_of_the_state_that_is_told(
    app: Flask, hub: Hub, tenant: TestTenant, topic: str, asked: Any, expected: list[int]
) -> None:
    api = tenant.api
    deals(api)
    pipeline(api, "Notes", NOTES, title_field="text")
    _, notebook = listen(app, hub, api, topic, asked=asked)
    _, everything = listen(app, hub, api, "records")
    made = [
        record(api, "deals", {"name": "First", "amount": 10, "stage": "open", "closes": "2026-05-01"}),
        record(api, "deals", {"name": "Second", "stage": "won"}, status="odd"),
        record(api, "deals", {"name": "Third", "amount": 1000, "stage": "won", "tags": ["new", "hot"]}),
        record(api, "notes", {"text": "A note", "size": 3}, status="odd"),
    ]
    eventually(lambda: len(everything.told) == 4)
    settle(tenant, notebook)
    assert [event["record_id"] for event in notebook.told] == [made[at]["id"] for at in expected]


@pytest.mark.parametrize(
    ("topic", "asked", "pointer", "code"),
    [
        ("records", {"data__amount": 5}, "/filter/data__amount", "UNKNOWN_FIELD"),
        ("pipeline:deals", {"data__amout": 5}, "/filter/data__amout", "UNKNOWN_FIELD"),
        ("pipeline:deals", {"data__amount": {"like": 5}}, "/filter/data__amount/like", "UNKNOWN_OPERATOR"),
        ("pipeline:deals", {"data__amount": {"gt": "much"}}, "/filter/data__amount/gt", "WRONG_TYPE"),
        ("pipeline:deals", "stage=won", "/filter", "INVALID_FILTER"),
        ("pipeline:deals", [], "/filter", "INVALID_FILTER"),
        ("pipeline:deals", {"or": [{"version": n} for n in range(21)]}, "/filter", "INVALID_FILTER"),
        ("schema", {"name": "x"}, "/filter", "NOT_SUPPORTED"),
        ("users", {"name": "x"}, "/filter", "NOT_SUPPORTED"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(
    app: Flask, hub: Hub, tenant: TestTenant, topic: str, asked: Any, pointer: str, code: str
) -> None:
    deals(tenant.api)
    with pytest.raises(ValidationFailed) as refused:
        listen(app, hub, tenant.api, topic, asked=asked)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]
    assert conditions.MAX_COMPARISONS == 20


def test_hidden_fields_cannot_be_asked_about(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    """Threat 14: nor by a title that is made of one; what is hidden meanwhile ends the subscription."""
    deals(tenant.api)
    role = tenant.role("reader", [READS])
    api = tenant.user(role).api
    reader, notebook = listen(app, hub, api, "pipeline:deals", asked={"data__name": "canary"})
    hub.subscribe(reader, "records", asked={"title": "canary"})
    record(tenant.api, "deals", {"name": "canary"})
    eventually(lambda: len(notebook.told) == 2)
    hiding = [{**READS, "hidden_fields": ["name"]}]
    assert tenant.api.patch(f"/users/types/{role}/", {"grants": hiding}).status_code == 200
    record(tenant.api, "deals", {"name": "canary"})
    eventually(lambda: notebook.notices)
    settle(tenant)
    assert [(name, notice["code"]) for name, notice in notebook.notices] == [("unsubscribed", "VALIDATION_FAILED")]
    assert len(notebook.told) == 2
    for asked in ({"data__name": "canary"}, {"title": "canary"}):
        with pytest.raises(ValidationFailed) as refused:
            listen(app, hub, api, "pipeline:deals", asked=asked)
        assert refused.value.faults[0].suggestion not in {"data__name", "title"}


def test_a_filter_meets_values_of_former_kinds(app: Flask, hub: Hub, tenant: TestTenant) -> None:
    pipeline(tenant.api, "Notes", NOTES)
    first = record(tenant.api, "notes", {"text": "many"})
    second = record(tenant.api, "notes", {"text": "12"})
    changed = tenant.api.patch("/pipelines/notes/fields/text/?force=true", {"field_type": "number"})
    assert changed.status_code == 200, changed.text
    _, notebook = listen(app, hub, tenant.api, "pipeline:notes", after=0, asked={"data__text": {"gt": 5}})
    notebook.wait_for(head(tenant) - 1)
    assert {event["record_id"] for event in notebook.told} == {second["id"]}
    assert first["id"] != second["id"]


# -- in few statements -------------------------------------------------------------------------------------------------


def test_one_statement_serves_all_who_are_shown_the_same(
    app: Flask, hub: Hub, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals(tenant.api)
    hiding = tenant.role("hides", [{**READS, "hidden_fields": ["amount"]}])
    people = [tenant.user("manager").api for _ in range(4)] + [tenant.user(hiding).api for _ in range(4)]
    heard = [
        listen(app, hub, api, topic, asked=asked)[1]
        for api in people
        for topic, asked in (("records", None), ("pipeline:deals", {"data__stage": "won"}), ("schema", None))
    ]
    eventually(lambda: all(reader.lagging(head(tenant), time.monotonic()) == [] for reader in _readers(hub, tenant)))
    read: list[Reading] = []
    real = station.Station._read

    def counted(self: station.Station, reading: Reading) -> Batch:
        read.append(reading)
        return real(self, reading)

    monkeypatch.setattr(station.Station, "_read", counted)
    record(tenant.api, "deals", {"name": "x", "stage": "won"})
    eventually(lambda: sum(len(notebook.told) for notebook in heard) == 16)
    assert len(read) == 2
    assert [len(reading.conditions) for reading in read] == [1, 1]


def _readers(hub: Hub, tenant: TestTenant) -> list[Reader]:
    return list(hub._stations[tenant.id].readers)
