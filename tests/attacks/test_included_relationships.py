"""`include=relationships` shows what the caller may read of the relationships of records, bounded, in one statement."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.store import links
from tests.api import Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, own_field, relate, relationship_type
from tests.factories.tenant import TestTenant
from tests.graphql.test_records import counted

INCLUDE = "include=relationships"


class World:
    """A company that employs two people and owns itself."""

    def __init__(self, tenant: TestTenant) -> None:
        self.tenant, self.api = tenant, tenant.api
        self.readers = 0
        fields = [{"name": "Name", "field_type": "text"}]
        for name in ("Companies", "People"):
            pipeline(self.api, name, fields, title_field="name")
        self.employs = relationship_type(tenant, "employs", "companies", "people")
        own_field(tenant, self.employs, "salary", "number")
        relationship_type(tenant, "owns", "companies", "companies")
        self.acme = record(self.api, "companies", {"name": "Acme"})["id"]
        self.people = [record(self.api, "people", {"name": name})["id"] for name in ("Ada", "Jun")]
        self.links = [link(self.api, "employs", self.acme, one, data={"salary": 4711}) for one in self.people]
        self.links.append(link(self.api, "owns", self.acme, self.acme))

    def of(self, record_id: str, api: Api | None = None) -> Any:
        answer = (api or self.api).get(f"/records/{record_id}/?{INCLUDE}")
        assert answer.status_code == 200, answer.text
        return answer.json["included"]["relationships"]

    def listed(self, query: str = "", api: Api | None = None, place: str = "companies") -> list[Any]:
        answer = (api or self.api).get(f"/pipelines/{place}/records/?{INCLUDE}{query}")
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json["results"]
        return found

    def reader(self, *grants: dict[str, Any]) -> Api:
        self.readers += 1
        return self.tenant.user(self.tenant.role(f"readers{self.readers}", list(grants))).api


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return World(tenant)


def test_relationships_stand_beside_a_record_as_they_are_read(world: World) -> None:
    newest_first = world.links[::-1]
    assert world.of(world.acme) == {"results": newest_first, "truncated": False}
    assert world.of(world.people[0]) == {"results": [world.links[0]], "truncated": False}
    assert world.listed()[0]["included"]["relationships"]["results"] == newest_first


def test_it_is_one_of_several_things_that_can_be_included(world: World) -> None:
    answer = world.api.get("/pipelines/people/records/?include=pipeline,relationships,count:related:employs&fields=id")
    for row in answer.json["results"]:
        assert row.keys() == {"id", "included"}
        assert row["included"]["count:related:employs"] == 1
        assert row["included"]["pipeline"]["slug"] == "people"
        assert len(row["included"]["relationships"]["results"]) == 1
    problem = assert_problem(world.api.get("/pipelines/people/records/?include=relationship"), 400, "INVALID_PARAMETER")
    assert problem["errors"][0]["suggestion"] == "relationships"


def test_a_removed_relationship_is_not_shown_and_the_list_has_a_new_tag(world: World) -> None:
    path = f"/pipelines/companies/records/?{INCLUDE}"
    tag = world.api.get(path).headers["ETag"]
    assert tag.startswith("W/")
    assert world.api.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert world.api.delete(f"/relationships/{world.links[0]['id']}/").status_code == 204
    assert world.api.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert world.of(world.acme)["results"] == world.links[:0:-1]
    assert "ETag" not in world.api.get(f"/records/{world.acme}/?{INCLUDE}").headers, "its version says nothing of them"


def test_only_what_the_caller_may_read_is_shown(world: World) -> None:
    records = {"permission": "records:read", "pipelines": ["companies"]}
    employs = {"permission": "relationships:read", "pipelines": ["employs"]}
    people = {"permission": "records:read", "pipelines": ["people"], "rows": {"filter": {"data__name": "Ada"}}}
    without_people = world.reader(records, {"permission": "relationships:read"})
    assert world.of(world.acme, without_people)["results"] == [world.links[2]], "a far end that may not be read"
    some_people = world.reader(records, employs, people)
    assert world.of(world.acme, some_people)["results"] == [world.links[0]], "a far end outside of the rows"
    assert world.listed(api=some_people)[0]["included"]["relationships"]["results"] == [world.links[0]]
    blind = world.reader(records, people, {**employs, "hidden_fields": ["salary"]})
    (shown,) = world.of(world.acme, blind)["results"]
    assert shown == {**world.links[0], "data": {}}, "a hidden field of the type"
    assert_problem(world.reader(records).get(f"/records/{world.acme}/?{INCLUDE}"), 403, "PERMISSION_DENIED")


def test_they_are_bounded(world: World) -> None:
    many = [record(world.api, "people", {"name": str(at)})["id"] for at in range(3)]
    relate(world.tenant, world.employs, [(world.acme, many[at % 3]) for at in range(links.MAX_EMBEDDED)])
    found = world.of(world.acme)
    assert (len(found["results"]), found["truncated"]) == (links.MAX_EMBEDDED, True)
    ids = [row["id"] for row in found["results"]]
    assert ids == sorted(set(ids), reverse=True)


def test_a_page_is_one_statement_however_many_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.listed(place="people")
    for size in (1, 2):
        with counted(monkeypatch) as sent:
            assert len(world.listed(f"&page_size={size}", place="people")) == size
        assert len(sent) == 1, sent
