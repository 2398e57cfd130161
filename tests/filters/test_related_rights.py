"""Relations show nothing that their caller may not read, and row rules that ask about them (threats 13-18)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import update

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import RelationshipType
from tests.api import Api, assert_problem
from tests.factories.relationship import relationship_type
from tests.factories.tenant import TestTenant
from tests.filters.world import World, peopled, related

ADULTS = {"filter": {"data__age": {"gte": 30}}}
PATH = "/pipelines/companies/records/"


@pytest.fixture
def world(tenant: TestTenant) -> World:
    return peopled(tenant)


def grant(permission: str, *pipelines: str, **details: Any) -> dict[str, Any]:
    return {"permission": permission, **({"pipelines": list(pipelines)} if pipelines else {}), **details}


def somebody(world: World, *grants: dict[str, Any]) -> Api:
    slug = f"role{len(world.api.get('/users/types/').json['results'])}"
    return world.tenant.user(world.tenant.role(slug, list(grants))).api


def faults(api: Api, path: str, asked: Any) -> list[dict[str, Any]]:
    body = assert_problem(api.get(f"{path}?filter={quote(json.dumps(asked))}"), 400, "INVALID_PARAMETER")
    found: list[dict[str, Any]] = body["errors"]
    return found


def include_faults(api: Api, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = assert_problem(api.get(f"{PATH}?include={name}"), 400, "INVALID_PARAMETER")["errors"]
    return found


def test_types_that_may_not_be_read_do_not_exist(world: World) -> None:
    api = somebody(world, grant("records:read"), grant("relationships:read", str(world.knows)))
    assert world.find("people", related("knows"), api) == ["ada", "bob", "cleo", "dan"]
    for name in ("employs", str(world.employs)):
        unknown = faults(api, PATH, related("emplois" if name == "employs" else str(UUID(int=1))))
        assert faults(api, PATH, related(name)) == unknown
        assert include_faults(api, f"count:related:{name}") == include_faults(api, "count:related:nothing_such")
    nobody = somebody(world, grant("records:read"))
    assert faults(nobody, "/pipelines/people/records/", related("knows"))[0]["code"] == "RELATIONSHIP_TYPE_NOT_FOUND"


def test_records_of_pipelines_that_may_not_be_read_do_not_count(world: World) -> None:
    api = somebody(world, grant("records:read", "companies"), grant("relationships:read"))
    assert world.find("companies", related("employs"), api) == []
    assert world.find("companies", related("owns"), api) == []
    assert world.find("companies", related("employs", count={"exact": 0}), api) == ["acme", "bolt", "cyan"]
    assert figures(api, "count:related:employs") == [0, 0, 0]
    hidden, unknown = ({"type": "employs", "filter": {f"data__{slug}": 1}} for slug in ("pay", "payx"))
    kept = [
        {key: fault.get(key) for key in ("code", "suggestion", "allowed")}
        for asked in (hidden, unknown)
        for fault in faults(api, PATH, {"related": asked})
    ]
    assert kept[0] == kept[1]
    asked = related("owns", pipeline="people")
    assert faults(api, PATH, asked) == faults(api, PATH, related("owns", pipeline="nothing"))
    assert include_faults(api, "sum:related:employs.pay")[0]["code"] == "UNKNOWN_FIELD"


def test_records_beyond_one_s_rows_do_not_count(world: World) -> None:
    api = somebody(
        world, grant("records:read", "people", rows=ADULTS), grant("records:read", "companies"),
        grant("relationships:read"),
    )  # fmt: skip
    assert world.find("companies", related("employs", count={"gte": 2}), api) == []
    assert world.find("companies", related("employs"), api) == ["acme", "bolt"]
    assert world.find("companies", related("employs", filter={"data__name": "ada"}), api) == []
    assert world.find("companies", related("owns", direction="inbound"), api) == []
    through = related("employs", filter=related("knows", filter={"data__name": "ada"}))
    assert world.find("companies", through, api) == []
    assert world.find("companies", through) == ["acme"]
    assert figures(api, "count:related:employs") == [1, 1, 0]
    assert figures(api, "sum:related:employs.age") == [30, 40, None]


def test_hidden_fields_of_either_do_not_exist(world: World) -> None:
    works = world.works_at()
    world.link(works, "ada acme", data={"role": "boss"})
    api = somebody(
        world, grant("records:read", hidden_fields=["pay"]), grant("relationships:read", hidden_fields=["role"])
    )
    hidden, unknown = (related("employs", filter={f"data__{slug}": 1}) for slug in ("pay", "pax"))
    assert [f["code"] for asked in (hidden, unknown) for f in faults(api, PATH, asked)] == ["UNKNOWN_FIELD"] * 2
    assert "data__pay" not in json.dumps([fault.get("suggestion") for fault in faults(api, PATH, unknown)])
    shown = [include_faults(api, f"sum:related:employs.{slug}")[0] for slug in ("pay", "zzz")]
    assert [(fault["code"], fault.get("suggestion")) for fault in shown] == [("UNKNOWN_FIELD", None)] * 2
    own = related("works_at", link={"data__role": "boss"})
    assert faults(api, PATH, own)[0]["code"] == "UNKNOWN_FIELD"
    assert world.find("companies", own) == ["acme"]


def test_row_rules_may_ask_about_relations(world: World) -> None:
    rule = {"filter": related("employs", filter={"data__size": {"lt": 1}})}
    api = somebody(world, grant("records:read", "people", rows=rule), grant("audit:read"))
    assert world.find("people", {}, api) == ["ada", "bob"]
    assert api.get(f"/records/{world.ids['ada']}/").status_code == 200
    assert api.get(f"/records/{world.ids['cleo']}/").status_code == 404
    first = api.get("/pipelines/people/records/")
    assert "ETag" not in first.headers  # the clock stands in the rule
    told = {event["subject_id"] for event in api.events() if event["type"] == "record.created"}
    assert told == {world.ids["ada"], world.ids["bob"]}
    end_relationships(world)
    assert world.find("people", {}, api) == []


def end_relationships(world: World) -> None:
    for row in world.api.get(f"/relationships/?source_record_id={world.ids['acme']}").json["results"]:
        assert world.api.delete(f"/relationships/{row['id']}/").status_code == 204


def test_rules_about_each_other_come_to_an_end(world: World) -> None:
    api = somebody(
        world, grant("records:read", "people", rows={"filter": related("employs")}),
        grant("records:read", "companies", rows={"filter": related("employs", count={"gte": 2})}),
        grant("relationships:read"),
    )  # fmt: skip
    assert world.find("people", {}, api) == ["ada", "bob", "cleo"]
    assert world.find("companies", {}, api) == ["acme"]
    assert world.find("people", related("employs"), api) == ["ada", "bob"]


def test_a_rule_about_a_type_that_is_gone_reaches_nothing(world: World) -> None:
    made = relationship_type(world.tenant, "blocks", "companies", "people")
    api = somebody(world, grant("records:read", "people", rows={"filter": related("blocks", exists=False)}))
    assert world.find("people", {}, api) == ["ada", "bob", "cleo", "dan"]
    with world.tenant.app.app_context(), unit(system_actor(world.tenant.id)) as work:
        work.session.execute(update(RelationshipType).where(RelationshipType.id == made).values(slug="bars"))
        work.renew_schema()
    assert world.find("people", {}, api) == []


@pytest.mark.parametrize(("asked", "where"), [
    (related("emploies"), "/related/type"),
    (related("employs", filter={"data__sise": 1}), "/related/filter/data__sise"),
    (related("employs", link={"stat": 1}), "/related/link/stat"),
])  # fmt: skip
def test_a_rule_is_checked_when_it_is_granted(world: World, asked: dict[str, Any], where: str) -> None:
    grants = [grant("records:read", "people", rows={"filter": asked})]
    made = world.api.post("/users/types/", {"name": "Ruled", "slug": "ruled", "grants": grants})
    assert made.status_code in {400, 422}, made.text
    assert made.json["errors"][0]["pointer"] == f"/grants/0/rows/filter{where}"


def test_nobody_grants_a_rule_about_records_that_he_does_not_see(world: World) -> None:
    """By granting it he could find out about them."""
    able = (grant("user_types:create"), grant("user_types:read"), grant("relationships:read"))
    rule = {"filter": related("employs", filter={"data__size": {"gte": 1}})}
    wanted = [grant("records:read", "people", rows=rule)]
    few = somebody(world, *able, grant("records:read", "people"), grant("records:read", "companies", rows="own"))
    refused = few.post("/users/types/", {"name": "Ruled", "slug": "ruled", "grants": wanted})
    assert refused.status_code in {400, 422}, refused.text
    assert refused.json["errors"][0]["code"] == "RELATIONSHIP_TYPE_NOT_FOUND"
    all_of_them = somebody(world, *able, grant("records:read", "people", "companies"))
    made = all_of_them.post("/users/types/", {"name": "Ruled", "slug": "ruled", "grants": wanted})
    assert made.status_code == 201, made.text
    cut = somebody(world, *able, grant("records:read", "people", "companies", hidden_fields=["size"]))
    refused = cut.post("/users/types/", {"name": "Ruled2", "slug": "ruled2", "grants": wanted})
    assert refused.json["errors"][0]["pointer"] == "/grants/0/rows/filter/related/filter/data__size"


def figures(api: Api, name: str) -> list[Any]:
    found = api.get(f"{PATH}?ordering=created_at&include={name}")
    assert found.status_code == 200, found.text
    return [row["included"][name] for row in found.json["results"]]
