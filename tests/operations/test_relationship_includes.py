"""Relationships with the records at both ends beside them, by `include` (checklist 21, 64, 86; threats 13, 17-19)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, relationship_type
from tests.factories.tenant import TestTenant
from tests.graphql.test_records import counted

BOTH = "include=source,target"


class World:
    """A company of which the revenue is secret, and two people who are employed there."""

    def __init__(self, tenant: TestTenant) -> None:
        self.tenant, self.api = tenant, tenant.api
        fields = [{"name": "Name", "field_type": "text"}, {"name": "Revenue", "field_type": "number"}]
        self.companies = pipeline(self.api, "Companies", fields, title_field="name")
        self.people = pipeline(self.api, "People", fields[:1], title_field="name")
        relationship_type(tenant, "employs", "companies", "people")
        self.acme = record(self.api, "companies", {"name": "Acme", "revenue": 4711})
        self.ada, self.jun = (record(self.api, "people", {"name": name}) for name in ("Ada", "Jun"))
        self.links = [link(self.api, "employs", self.acme["id"], one["id"]) for one in (self.ada, self.jun)]

    def one(self, query: str, api: Api | None = None) -> Any:
        answer = (api or self.api).get(f"/relationships/{self.links[0]['id']}/?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def listed(self, query: str, api: Api | None = None, path: str = "") -> list[Any]:
        answer = (api or self.api).get(f"/relationships/{path}?ordering=created_at&{query}")
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json["results"]
        return found

    def reader(self, **companies: Any) -> Api:
        """Somebody who reads relationships and people, and companies as it is said."""
        grants: list[dict[str, Any]] = [
            {"permission": "relationships:read"},
            {"permission": "records:read", "pipelines": ["people"]},
            {"permission": "records:read", "pipelines": ["companies"], **companies},
        ]
        return self.tenant.user(self.tenant.role("readers", grants)).api


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return World(tenant)


def test_both_ends_stand_beside_a_relationship_as_they_are_read(world: World) -> None:
    shown = {"source": world.acme, "target": world.ada}
    assert world.one(BOTH) == {**world.links[0], "included": shown}
    assert world.one("include=target") == {**world.links[0], "included": {"target": world.ada}}
    assert world.one(f"{BOTH}&fields=id") == {"id": world.links[0]["id"], "included": shown}


def test_both_ends_stand_beside_each_row_of_a_list(world: World) -> None:
    rows = world.listed(BOTH)
    assert rows == [
        {**found, "included": {"source": world.acme, "target": person}}
        for found, person in zip(world.links, (world.ada, world.jun), strict=True)
    ]
    assert [row["included"]["target"]["title"] for row in world.listed(f"{BOTH}&cursor=&page_size=1")] == ["Ada"]


def test_seen_from_its_target_the_ends_change_places(world: World) -> None:
    found = world.one(f"{BOTH}&reverse=true")
    assert found["included"] == {"source": world.ada, "target": world.acme}
    assert (found["source_record_id"], found["target_record_id"]) == (world.ada["id"], world.acme["id"])


def test_what_cannot_be_included_is_refused(world: World) -> None:
    for path in ("", f"{world.links[0]['id']}/"):
        problem = assert_problem(world.api.get(f"/relationships/{path}?include=sourc"), 400, "INVALID_PARAMETER")
        assert problem["errors"][0]["suggestion"] == "source"


@pytest.mark.parametrize("hidden", ["revenue", "name"])
def test_a_hidden_field_is_neither_in_the_data_nor_in_the_title(world: World, hidden: str) -> None:
    """Threat 13."""
    api = world.reader(hidden_fields=[hidden])
    told = api.get(f"/records/{world.acme['id']}/").json
    assert hidden not in told["data"]
    for found in (world.one(BOTH, api), *world.listed(BOTH, api)):
        assert found["included"]["source"] == told
    assert {"revenue": "4711", "name": "Acme"}[hidden] not in str(world.listed(BOTH, api))


@pytest.mark.parametrize(
    "companies", [{"pipelines": ["people"]}, {"rows": "own"}, {"rows": {"filter": {"data__name": "Globex"}}}]
)
def test_where_an_end_may_not_be_read_there_is_no_relationship(world: World, companies: dict[str, Any]) -> None:
    """Threats 17 to 19: it is not shown with an end left out."""
    api = world.reader(**companies)
    assert world.listed(BOTH, api) == []
    gone = api.get(f"/relationships/{world.links[0]['id']}/?{BOTH}")
    assert_problem(gone, 404, "RELATIONSHIP_NOT_FOUND")


def test_a_removed_record_is_told_no_more_beside_what_was_removed_with_it(world: World) -> None:
    assert world.api.delete(f"/records/{world.ada['id']}/").status_code == 204
    (row,) = world.listed(BOTH, path="deleted/")
    assert row["included"] == {"source": world.acme, "target": None}


def test_a_page_is_one_statement_however_many_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checklist 86."""
    world.listed(BOTH)
    for size in (1, 2):
        with counted(monkeypatch) as sent:
            assert len(world.listed(f"{BOTH}&page_size={size}")) == size
        assert len(sent) == 1, sent
