"""A page of a list has a bounded number of bytes, and no row is lost or repeated because of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.operations.records import insert_row, perform_insert
from oneo.operations.values import Values
from tests.api import Api, assert_problem
from tests.attacks.conftest import Scene
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant

MOST_BYTES, COUNT = 20_000, 30
LARGE = {11}
"""Which of the records is larger than a page."""
RECORDS = "/pipelines/notes/records/"


@pytest.fixture
def noted(app: Flask, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch) -> TestTenant:
    """Records of 3,000 bytes, and one of more than a page, in an application with small pages."""
    fill(tenant, [3_000 if number not in LARGE else 2 * MOST_BYTES for number in range(COUNT)])
    settings = app.extensions["oneo.settings"]
    monkeypatch.setitem(app.extensions, "oneo.settings", settings.replace(max_page_bytes=MOST_BYTES))
    return tenant


def fill(tenant: TestTenant, lengths: list[int]) -> None:
    pipeline(tenant.api, "Notes", [{"name": "N", "field_type": "number"}, {"name": "Text", "field_type": "textarea"}])
    with tenant.app.app_context():
        actor = system_actor(tenant.id)
        sight = find_pipeline(actor, "notes", P.RECORDS_CREATE)
        for start in range(0, len(lengths), 100):
            values = [
                Values({"n": number, "text": f"note {'x' * (length - 5)}"})
                for number, length in enumerate(lengths[start : start + 100], start)
            ]
            perform_insert(actor, sight, [insert_row(sight, {}, one) for one in values])


def pages(api: Api, path: str, link: str = "next") -> Iterator[dict[str, Any]]:
    """Each page, as its links lead from one to the other."""
    while True:
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        yield answer.json
        following = answer.json[link]
        if following is None:
            return
        parts = urlsplit(following)
        path = f"{parts.path.removeprefix('/api/v1')}?{parts.query}"


@pytest.mark.parametrize("order", ["data__n", "-data__n", "data__text,data__n", "-created_at"])
@pytest.mark.parametrize("count", ["exact", "none"])
def test_pages_by_cursor_end_where_they_are_full(noted: TestTenant, order: str, count: str) -> None:
    query = f"{RECORDS}?cursor=&page_size=1000&count={count}&ordering={order}"
    whole = [entry["data"]["n"] for page in pages(noted.api, f"{query}&fields=data__n") for entry in page["results"]]
    forth = list(pages(noted.api, query))
    assert [entry["data"]["n"] for page in forth for entry in page["results"]] == whole
    assert sorted(whole) == list(range(COUNT))
    assert len(forth) > 5
    for page in forth:
        lengths = [len(entry["data"]["text"]) for entry in page["results"]]
        assert sum(lengths) <= MOST_BYTES or lengths == [2 * MOST_BYTES]
    last = urlsplit(forth[-1]["previous"])
    back = list(pages(noted.api, f"{RECORDS}?{last.query}", "previous"))
    entries = [entry["data"]["n"] for page in reversed(back) for entry in page["results"]]
    assert entries + [entry["data"]["n"] for entry in forth[-1]["results"]] == whole


@pytest.mark.parametrize("count", ["exact", "estimated", "none"])
def test_a_page_by_number_is_refused_when_it_is_too_large(noted: TestTenant, count: str) -> None:
    """Were it cut, the next number would begin behind rows that no page had."""
    path = f"{RECORDS}?ordering=data__n&count={count}"
    problem = assert_problem(noted.api.get(f"{path}&page_size=20"), 422, "PAGE_TOO_LARGE")
    [fault] = problem["errors"]
    assert (fault["pointer"], fault["allowed"]) == ("/page_size", ["1", "5"])
    fitting = noted.api.get(f"{path}&page_size=5")
    assert [entry["data"]["n"] for entry in fitting.json["results"]] == list(range(5))
    single = noted.api.get(f"{path}&page_size=1&page={min(LARGE) + 1}")
    assert [entry["data"]["n"] for entry in single.json["results"]] == list(LARGE)
    narrow = noted.api.get(f"{path}&page_size=1000&fields=data__n")
    assert len(narrow.json["results"]) == COUNT


@pytest.mark.parametrize("path", ["/records/", "/records/?search=note", "/admin/audit/", RECORDS])
def test_every_list_of_large_rows_is_bounded(noted: TestTenant, path: str) -> None:
    mark = "&" if "?" in path else "?"
    assert_problem(noted.api.get(f"{path}{mark}page_size=1000"), 422, "PAGE_TOO_LARGE")
    found = list(pages(noted.api, f"{path}{mark}page_size=1000&cursor="))
    ids = [entry["id"] for page in found for entry in page["results"]]
    assert len(ids) == len(set(ids)) >= COUNT
    assert len(found) > 3


def test_history_is_bounded(noted: TestTenant) -> None:
    [created] = noted.api.get(f"{RECORDS}?data__n=0").json["results"]
    address = f"{RECORDS}{created['id']}/"
    for number in range(10):
        assert noted.api.patch(address, {"data": {"text": str(number) * 3_000}}).status_code == 200
    assert_problem(noted.api.get(f"{address}history/"), 422, "PAGE_TOO_LARGE")
    found = list(pages(noted.api, f"{address}history/?cursor="))
    assert sum(len(page["results"]) for page in found) == 11
    assert len(found) > 2


def test_graphql_lists_end_where_they_are_full(noted: TestTenant) -> None:
    nodes: list[int] = []
    after = None
    while True:
        page = _graphql(noted.api, 'a: records(pipelineId: "notes", first: 1000, after: $after) {...P}', after)["data"][
            "a"
        ]
        nodes += [node["data"]["n"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(nodes) == list(range(COUNT))


def test_the_lists_of_a_graphql_document_are_bounded_together(noted: TestTenant) -> None:
    lists = " ".join(f'a{n}: records(pipelineId: "notes", first: 5) {{...P}}' for n in range(20))
    answer = _graphql(noted.api, lists)
    codes = {error["extensions"]["canonicalCode"] for error in answer["errors"]}
    assert codes == {"PAGE_TOO_LARGE"}
    assert len(str(answer)) < 5 * MOST_BYTES


def _graphql(api: Api, fields: str, after: str | None = None) -> dict[str, Any]:
    document = f"query ($after: String) {{ {fields} }} "
    if "$after" not in fields:
        document = f"{{ {fields} }} "
    document += "fragment P on RecordConnection { nodes { data } pageInfo { hasNextPage endCursor } }"
    answer: dict[str, Any] = api.post("/graphql/", {"query": document, "variables": {"after": after}}).json
    return answer


@pytest.mark.prove
def test_a_list_of_large_records_does_not_disturb_others(scene: Scene) -> None:
    """A thousand records of 262 kB: 260 MB, of which each answer has 8."""
    fill(scene.attacker, [262_000] * 1_000)
    headers = {"Authorization": f"Bearer {scene.attacker.api.token}"}
    url = f"{scene.url}/api/v1{RECORDS}?page_size=1000&count=none"
    [worker] = scene.server.workers()
    before = worker.memory_info().rss
    with scene.undisturbed():
        for _ in range(3):
            assert requests.get(url, headers=headers, timeout=60).json()["code"] == "PAGE_TOO_LARGE"
            answer = requests.get(f"{url}&cursor=", headers=headers, timeout=60)
            assert answer.status_code == 200
            assert len(answer.content) < 10_000_000
            assert answer.json()["next"]
    assert worker.memory_info().rss - before < 150_000_000
