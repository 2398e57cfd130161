"""Pipelines and records in GraphQL: the same rows and codes as over REST, for everybody (checklist 43-45, 52, 58;
threats 13, 14, 17, 19, 23), in few messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from oneo.store import message
from tests.api import SOME_ID, Api
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TenantFactory
from tests.graphql.test_view import as_rest, ask, data

RECORD = "id pipelineId title status data version createdAt updatedAt createdBy updatedBy"
PIPELINE = (
    "id slug name description pipelineType icon color isActive settings template titleField recordCount fieldCount "
    "createdBy updatedBy createdAt updatedAt version"
)
FIELD = (
    "id pipelineId slug name description fieldType fieldConfig isRequired isUnique isIndexed displayOrder "
    "isVisibleInList createdBy updatedBy createdAt updatedAt version"
)
LIST = f"""query($p: ID!, $f: RecordFilters, $o: String, $first: Int, $after: String, $limit: Int, $offset: Int) {{
    records(pipelineId: $p, filters: $f, ordering: $o, first: $first, after: $after, limit: $limit, offset: $offset) {{
        totalCount nodes {{{RECORD}}} pageInfo {{hasNextPage hasPreviousPage startCursor endCursor totalCount}}
    }}
}}"""
READS: dict[str, Any] = {"permission": "records:read"}
PEOPLE = ("admin", "hides", "own", "filtered", "stranger", "nobody")


@dataclass(frozen=True)
class House:
    api: Api
    people: dict[str, Api]


@pytest.fixture(scope="module")
def house(owner_app: Flask, app: Flask) -> House:
    """A tenant with people of all kinds of rights and a few deals."""
    found = TenantFactory(owner_app, app).create()
    deals(found.api)
    pipeline(found.api, "Notes", [{"name": "Text", "field_type": "text"}])
    found.api.patch("/pipelines/notes/", {"is_active": False})
    grants = {
        "hides": [{**READS, "hidden_fields": ["amount", "name"]}],
        "own": [{**READS, "rows": "own"}, {"permission": "records:create"}],
        "filtered": [{**READS, "rows": {"filter": {"data__stage": "open"}}, "pipelines": ["deals"]}],
        "stranger": [{**READS, "pipelines": ["notes"]}],
        "nobody": [],
    }
    people = {name: found.user(found.role(name, held)).api for name, held in grants.items()}
    for number, stage in enumerate(("open", "won", "open", "lost", None)):
        stages = {"stage": stage} if stage else {}
        record(found.api, "deals", {"name": f"Deal {number}", "amount": 100.5 * number, **stages})
    record(people["own"], "deals", {"name": "Own", "amount": "123456789012345678.5"})
    return House(found.api, {"admin": found.api, **people})


def outcome(answer: Any, root: str) -> Any:
    """The code of the error, or what the root field found."""
    assert answer.status_code == 200, answer.text
    errors = answer.json.get("errors")
    if errors:
        assert (answer.json["data"] or {}).get(root) is None
        assert errors[0]["extensions"]["code"] == errors[0]["code"]
        return errors[0]["code"]
    return answer.json["data"][root]


def rest_outcome(answer: Any) -> Any:
    return answer.json["code"] if answer.status_code >= 400 else answer.json


def without(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in keys}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The messages that are sent to the database meanwhile."""
    sent: list[str] = []
    real = message._execute

    def execute(connection: Any, text: str, parameters: Any) -> Any:
        sent.append(text)
        return real(connection, text, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(message, "_execute", execute)
        yield sent


# -- the same as REST --------------------------------------------------------------------------------------------------

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("deals", {}),
    ("deals", {"ordering": "-data__amount"}),
    ("deals", {"ordering": "title,-created_at"}),
    ("deals", {"ordering": "nothing"}),
    ("deals", {"filter": {"data__stage": "open"}}),
    ("deals", {"filter": {"data__stage__in": ["open", "won"], "status": "active"}}),
    ("deals", {"filter": {"data__amount": {"gte": 100.5, "lt": 400}}}),
    ("deals", {"filter": {"data__amount__gt": 12345678901234567}}),
    ("deals", {"filter": {"or": [{"data__name": {"contains": "DEAL 1"}}, {"title": {"startswith": "Own"}}]}}),
    ("deals", {"filter": {"not": {"data__stage": None}, "created_after": "2020-01-01"}}),
    ("deals", {"filter": {"data__nothing": 1}}),
    ("deals", {"filter": {"data__stage": {"like": "x"}}}),
    ("deals", {"filter": {"data__amount": "much"}}),
    ("deals", {"filter": {"and": {}}}),
    ("deals", {"page_size": 2}),
    ("deals", {"page_size": 0}),
    ("deals", {"page_size": 1001}),
    ("notes", {}),
    ("nothing", {}),
    (SOME_ID, {}),
]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("at", range(len(REQUESTS)))
def test_lists_are_the_same_in_rest_and_graphql(house: House, person: str, at: int) -> None:
    api, (name, request) = house.people[person], REQUESTS[at]
    query = "".join(
        f"&{key}={quote(json.dumps(value) if key == 'filter' else str(value))}" for key, value in request.items()
    )
    rest = rest_outcome(api.get(f"/pipelines/{name}/records/?count=exact{query}"))
    variables = {
        "p": name, "f": request.get("filter"), "o": request.get("ordering"), "limit": request.get("page_size"),
    }  # fmt: skip
    found = outcome(ask(api, LIST, variables=variables), "records")
    if isinstance(rest, str) or isinstance(found, str):
        assert found == rest
        return
    assert [as_rest(without(node, "data")) | {"data": node["data"]} for node in found["nodes"]] == [
        without(row, "deleted_at") for row in rest["results"]
    ]
    assert found["totalCount"] == found["pageInfo"]["totalCount"] == rest["count"]
    assert found["pageInfo"]["hasNextPage"] == (rest["next"] is not None)


@pytest.mark.parametrize("person", PEOPLE)
def test_single_records_are_the_same_in_rest_and_graphql(house: House, person: str) -> None:
    """Threat 23."""
    api = house.people[person]
    ids = [row["id"] for row in house.api.get("/pipelines/deals/records/").json["results"]]
    for record_id in (*ids, SOME_ID):
        rest = rest_outcome(api.get(f"/records/{record_id}/"))
        found = outcome(ask(api, f'{{record(id: "{record_id}") {{{RECORD}}}}}'), "record")
        if isinstance(rest, str):
            assert found == rest
        else:
            assert as_rest(without(found, "data")) | {"data": found["data"]} == without(rest, "deleted_at")


@pytest.mark.parametrize("person", PEOPLE)
def test_pipelines_are_the_same_in_rest_and_graphql(house: House, person: str) -> None:
    api = house.people[person]
    for argument, query in (
        ("", ""),
        ("(isActive: true)", "?is_active=true"),
        ("(isActive: false)", "?is_active=false"),
    ):
        rest = api.get(f"/pipelines/{query}").json["results"]
        found = data(api, f"{{pipelines{argument} {{{PIPELINE}}}}}")["pipelines"]
        assert [as_rest(entry) for entry in found] == [without(row, "graphql_name", "deleted_at") for row in rest]
    for name in ("deals", "notes", "nothing", SOME_ID, api.get("/pipelines/?is_active__in=true,false").json["count"]):
        rest = rest_outcome(api.get(f"/pipelines/{name}/"))
        found = outcome(ask(api, f'{{pipeline(id: "{name}") {{{PIPELINE} fields {{{FIELD}}}}}}}'), "pipeline")
        if isinstance(rest, str):
            assert found == rest
            continue
        fields = [without(entry, "index", "deleted_at") for entry in rest["fields"]]
        assert [as_rest(entry) for entry in found["fields"]] == fields
        assert as_rest(without(found, "fields")) == without(rest, "graphql_name", "deleted_at", "fields")


def test_hidden_fields_show_by_no_door(house: House) -> None:
    """Threats 13, 14."""
    api = house.people["hides"]
    shown = json.dumps(
        data(
            api, f'{{pipelines {{{PIPELINE} fields {{{FIELD}}}}} records(pipelineId: "deals") {{nodes {{{RECORD}}}}}}}'
        )
    )
    for word in ("amount", "Deal 1", "100.5", "12345678901234567"):
        assert word not in shown
    for filters, ordering in (
        ("{data__amount: 100.5}", ""),
        ('{title: "Deal 1"}', ""),
        ("{}", "data__amount"),
        ("{}", "title"),
    ):
        query = f'{{records(pipelineId: "deals", filters: {filters}, ordering: "{ordering}") {{totalCount}}}}'
        answer = ask(api, query)
        assert answer.json["errors"][0]["code"] == "INVALID_PARAMETER"
        fault = answer.json["errors"][0]["extensions"]["errors"][0]
        assert fault["pointer"] == ("/ordering" if ordering else f"/filters/{filters[1:].partition(':')[0]}")
        assert fault.get("suggestion") not in {"data__amount", "data__name", "title"}


# -- pages -------------------------------------------------------------------------------------------------------------


def test_a_walk_meets_each_record_once(house: House) -> None:
    """By the cursors of pages and by those of rows, which are those of REST."""
    api, order = house.api, "data__amount"
    rest = [row["id"] for row in api.get(f"/pipelines/deals/records/?ordering={order}").json["results"]]
    query = """query($a: String, $n: Int) {records(pipelineId: "deals", ordering: "data__amount", first: $n, after: $a)
        {edges {cursor node {id}} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}"""
    seen, after = [], None
    for _ in rest:
        page = data(api, query, variables={"a": after, "n": 2})["records"]
        assert [edge["cursor"] for edge in page["edges"]][-1] == page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == rest
    first = data(api, query, variables={"n": 6})["records"]["edges"]
    for at, edge in enumerate(first[:-1]):
        [following] = data(api, query, variables={"a": edge["cursor"], "n": 1})["records"]["edges"]
        assert following["node"]["id"] == rest[at + 1]
    following = api.get(f"/pipelines/deals/records/?cursor=&ordering={order}&page_size=3").json["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]
    page = data(api, query, variables={"a": cursor, "n": 3})["records"]
    assert [edge["node"]["id"] for edge in page["edges"]] == rest[3:]


def test_pages_by_offset(house: House) -> None:
    rest = [row["id"] for row in house.api.get("/pipelines/deals/records/").json["results"]]
    query = """query($l: Int, $o: Int) {records(pipelineId: "deals", limit: $l, offset: $o)
        {items {id} edges {cursor} totalCount pageInfo {hasNextPage hasPreviousPage}}}"""
    for limit, offset in ((2, 0), (2, 1), (3, 3), (5, 6), (1, None), (None, 4)):
        page = data(house.api, query, variables={"l": limit, "o": offset})["records"]
        wanted = rest[offset or 0 : (offset or 0) + (limit or 50)]
        assert [node["id"] for node in page["items"]] == wanted
        assert len(page["edges"]) == len(wanted)
        assert page["totalCount"] == len(rest)
        assert page["pageInfo"]["hasNextPage"] == ((offset or 0) + len(wanted) < len(rest))
        assert page["pageInfo"]["hasPreviousPage"] == bool(offset)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 0", "INVALID_PARAMETER"), ("first: 1001", "INVALID_PARAMETER"), ("first: -1", "INVALID_PARAMETER"),
        ("limit: 0", "INVALID_PARAMETER"), ("offset: -1", "INVALID_PARAMETER"),
        ("offset: 1000001", "INVALID_PARAMETER"),
        ("first: 1, limit: 1", "INVALID_PARAMETER"), ('after: "", offset: 1', "INVALID_PARAMETER"),
        ('after: "x"', "INVALID_CURSOR"), ('ordering: "-password"', "INVALID_PARAMETER"),
        ('filters: "{\\"data__stage\\": 5}"', "INVALID_PARAMETER"),
        ("filters: {status: VALUE}", None), ("filters: null, ordering: null, first: null", None),
        ('filters: "{}"', None), ('filters: "{\\"status\\": \\"active\\"}"', None),
    ],
)  # fmt: skip
def test_arguments_are_checked(house: House, arguments: str, code: str | None) -> None:
    answer = ask(house.api, f'{{records(pipelineId: "deals", {arguments}) {{totalCount}}}}')
    assert answer.status_code == 200, answer.text
    assert [error["code"] for error in answer.json.get("errors", [])] == ([code] if code else [])


@pytest.mark.parametrize(
    "filters", ["5", '"x"', "[]", '"[]"', "true", '"{\\"a\\": 1, \\"a\\": 2}"', "1" * 500, '{status: "a", status: "b"}',
                f"{{a: {'9' * 5000}}}"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(house: House, filters: str) -> None:
    answer = ask(house.api, f'{{records(pipelineId: "deals", filters: {filters}) {{totalCount}}}}')
    assert (answer.status_code, answer.json["errors"][0]["code"]) in {
        (422, "GRAPHQL_VALIDATION_FAILED"), (400, "GRAPHQL_SYNTAX_ERROR"),
    }  # fmt: skip


@pytest.mark.parametrize("value", [5, [], "x", "[]", True])
def test_what_is_no_filter_is_refused_as_a_variable(house: House, value: Any) -> None:
    answer = ask(house.api, LIST, variables={"p": "deals", "f": value})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "GRAPHQL_VALIDATION_FAILED")


def test_filters_may_be_literals_with_variables_in_them(house: House) -> None:
    query = """query($s: String!) {records(pipelineId: "deals",
        filters: {or: [{data__stage: $s}, {data__amount: {gt: 1e10}}], status: "active"}) {nodes {title}}}"""
    found = data(house.api, query, variables={"s": "won"})["records"]["nodes"]
    assert {node["title"] for node in found} == {"Deal 1", "Own"}


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ('{records(pipelineId: "deals") {nodes {id title data}}}', 1),
        ('{records(pipelineId: "deals") {totalCount edges {cursor node {name}} pageInfo {endCursor}}}', 1),
        ('{records(pipelineId: "deals") {nodes {id pipeline {id name icon fields {slug}}}}}', 2),
        ('{records(pipelineId: "deals") {nodes {pipeline {name}} items {pipeline {name}}}}', 2),
        ("{pipelines {id name}}", 1),
        ("{pipelines {id recordCount fields {slug fieldConfig}}}", 1),
        ('{pipeline(id: "deals") {name fields {slug}}}', 1),
        ('{a: records(pipelineId: "deals") {totalCount} b: records(pipelineId: "notes") {totalCount}}', 2),
    ],
)
def test_a_document_takes_few_messages(
    house: House, monkeypatch: pytest.MonkeyPatch, query: str, messages: int
) -> None:
    data(house.api, query)
    with counted(monkeypatch) as sent:
        data(house.api, query)
    assert len(sent) == messages, sent


def test_nothing_is_counted_or_read_that_is_not_asked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as sent:
        data(house.api, '{records(pipelineId: "deals") {nodes {id}}}')
        data(house.api, "{pipelines {id}}")
        data(house.api, "{pipelines {id ...A}} fragment A on Pipeline {... on Pipeline {name}}")
    assert not any("r.data" in text or "my_records r WHERE r.tenant_id = p" in text for text in sent)
    assert "p.name" in sent[-1]
    assert "p.icon" not in sent[-1]
