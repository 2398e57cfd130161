"""What is hidden, read-only or beyond one's rows, by every door of records (threats 13, 14, 16, 17, 19, 21, 22)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

CANARY = "canary4711"
FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "field_type": "text"},
    {"name": "Secret", "field_type": "text", "is_unique": True},
    {"name": "Stage", "field_type": "select", "field_config": {"choices": ["open", "won"]}},
    {"name": "Fixed", "field_type": "number"},
]
ALL = ("records:read", "records:create", "records:update", "records:delete", "records:purge", "pipelines:read")


def grants(*permissions: str, **details: Any) -> list[dict[str, Any]]:
    return [{"permission": permission, **details} for permission in permissions]


def people(tenant: TestTenant, *given: dict[str, Any]) -> Api:
    """Somebody with these grants and no others."""
    slug = f"role{len(tenant.api.get('/users/types/').json['results'])}"
    return tenant.user(tenant.role(slug, list(given))).api


def same_problem(*answers: Any) -> None:
    """Nothing tells these answers apart but where and when they were asked for."""
    cut = [{k: v for k, v in answer.json.items() if k not in {"instance", "request_id"}} for answer in answers]
    assert all(found == cut[0] for found in cut), cut
    assert len({answer.status_code for answer in answers}) == 1


@pytest.fixture
def deals(tenant: TestTenant) -> list[dict[str, Any]]:
    pipeline(tenant.api, "Deals", FIELDS)
    values = [{"name": f"N{n}", "secret": f"{CANARY}{n}", "stage": "open" if n % 2 else "won", "fixed": n}
              for n in range(4)]  # fmt: skip
    return [record(tenant.api, "deals", data) for data in values]


def test_a_hidden_field_shows_by_no_door(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(tenant, *grants(*ALL, hidden_fields=["secret"]), *grants("audit:read", "pipelines:update"))
    path = f"/records/{deals[0]['id']}/"
    doors = [
        api.get(path), api.get(f"/pipelines/deals{path}"), api.get("/pipelines/deals/records/"),
        api.get("/pipelines/deals/records/?fields=data"), api.get(f"{path}?fields=data,title"),
        api.patch(path, {"data": {"name": "X"}}), api.request("PUT", path, json={"data": {"name": "Y"}}),
        api.patch(path, {"data": {"name": "Z"}}, headers={"If-Match": '"1"'}),
        api.post("/pipelines/deals/records/", {"data": {"name": "new"}}),
        api.delete(path), api.get("/pipelines/deals/records/deleted/"), api.post(f"{path}restore/"),
        api.get("/pipelines/deals/"), api.get("/pipelines/deals/fields/"), api.get("/pipelines/deals/fields/secret/"),
        api.get("/pipelines/deals/fields/deleted/"), api.patch("/pipelines/deals/fields/secret/", {"name": "x"}),
        api.delete("/pipelines/deals/fields/secret/"), api.patch("/pipelines/deals/", {"title_field": "secre"}),
        api.get("/pipelines/"), api.get("/admin/audit/?page_size=1000&type__in=record.created,record.updated"),
        api.request("PUT", "/pipelines/deals/", json={"name": "Deals"}), api.get("/openapi.json"),
        api.patch(path, {"data": {"secre": "x"}}),
    ]  # fmt: skip
    for number, door in enumerate(doors):
        assert CANARY not in door.text, (number, door.text)
        assert '"secret"' not in door.text, (number, door.text)
        assert "data.secret" not in door.text, (number, door.text)
    assert tenant.api.get(path).json["data"] == {"name": "Y", "secret": f"{CANARY}0"}
    assert api.get("/pipelines/deals/").json["field_count"] == 3


ASKING = [
    *[f"data__secret__{operator}={CANARY}" for operator in (
        "exact", "not", "contains", "not_contains", "startswith", "gt", "gte", "lt", "lte", "in", "not_in")],
    "data__secret=x", "data__secret__exists=true", "ordering=data__secret", "ordering=-data__secret",
    "ordering=name,data__secret", "fields=data__secret", "data__secre=x", "ordering=data__secre", "fields=data__secre",
    'filter={"data__secret":"x"}', 'filter={"or":[{"data__secret":{"startswith":"c"}},{"data__name":"x"}]}',
    'filter={"not":{"data__secret":null}}', 'filter={"data__secre":1}',
]  # fmt: skip


def test_a_hidden_field_cannot_be_asked_about(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(tenant, *grants(*ALL, hidden_fields=["secret"]))
    assert len(deals) == 4
    for query in ASKING:
        for path in ("", "deleted/"):
            problem = assert_problem(api.get(f"/pipelines/deals/records/{path}?{query}"), 400, "INVALID_PARAMETER")
            fault = problem["errors"][0]
            assert fault["code"] in {"UNKNOWN_PARAMETER", "UNKNOWN_FIELD"}
            assert fault.get("suggestion") != "data__secret"
        unknown = api.get(f"/pipelines/deals/records/?{query.replace('secret', 'sekret').replace('secre', 'sekre')}")
        assert unknown.status_code == 400


@pytest.mark.parametrize("hidden", ["name", "fixed"])
def test_a_hidden_title_is_no_title(tenant: TestTenant, deals: list[dict[str, Any]], hidden: str) -> None:
    assert tenant.api.patch("/pipelines/deals/", {"title_field": hidden}).status_code == 200
    api = people(tenant, *grants(*ALL, "pipelines:update", hidden_fields=[hidden]))
    path = f"/records/{deals[1]['id']}/"
    assert api.get(path).json["title"] == f"Deals {deals[1]['id'][-8:]}"
    assert api.get("/pipelines/deals/").json["title_field"] is None
    assert api.request("PUT", "/pipelines/deals/", json={"name": "Deals"}).status_code == 200
    assert tenant.api.get("/pipelines/deals/").json["title_field"] == hidden
    for query in (f"title={'N1' if hidden == 'name' else 1}", "ordering=title", "title__exists=true"):
        assert_problem(api.get(f"/pipelines/deals/records/?{query}"), 400, "INVALID_PARAMETER")
    for answer in (api.patch(path, {"title": "Mine"}), api.request("PUT", path, json={"title": "Mine"}),
                   api.post("/pipelines/deals/records/", {"title": "Mine"})):  # fmt: skip
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [("READ_ONLY", "/title")]
        assert f'"{hidden}"' not in answer.text
        assert f"'{hidden}'" not in answer.text
    assert tenant.api.get(path).json["version"] == 1


def test_a_conflict_over_a_hidden_value_does_not_name_it(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(tenant, *grants(*ALL, hidden_fields=["secret"]))
    path = f"/records/{deals[0]['id']}/"
    assert api.delete(path).status_code == 204
    record(tenant.api, "deals", {"secret": f"{CANARY}0"})
    refused = api.post(f"{path}restore/")
    assert assert_problem(refused, 409, "VALUE_TAKEN")["errors"] == []
    assert "secret" not in refused.text
    seen = assert_problem(tenant.api.post(f"{path}restore/"), 409, "VALUE_TAKEN")
    assert [(fault["code"], fault["pointer"]) for fault in seen["errors"]] == [("NOT_UNIQUE", "/data/secret")]


def test_a_read_only_field_is_seen_and_stays(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(tenant, *grants(*ALL, read_only_fields=["fixed"]))
    path = f"/records/{deals[2]['id']}/"
    assert api.get(path).json["data"]["fixed"] == 2
    assert api.get("/pipelines/deals/records/?data__fixed=2").json["count"] == 1
    for answer in (
        api.patch(path, {"data": {"fixed": 5}}), api.patch(path, {"data": {"fixed": None}}),
        api.patch(path, {"data": {"fixed": 2}}), api.request("PUT", path, json={"data": {"fixed": 5}}),
        api.post("/pipelines/deals/records/", {"data": {"fixed": 5}}),
    ):  # fmt: skip
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [("READ_ONLY", "/data/fixed")]
    assert api.request("PUT", path, json={"data": {"name": "n"}}).json["data"] == {
        "name": "n", "fixed": 2,
    }  # fmt: skip
    assert tenant.api.patch("/pipelines/deals/", {"title_field": "name"}).status_code == 200
    other = people(tenant, *grants(*ALL, read_only_fields=["name"]))
    problem = assert_problem(other.patch(path, {"title": "Mine"}), 422, "VALIDATION_FAILED")
    assert [fault["code"] for fault in problem["errors"]] == ["READ_ONLY"]


ROWS: dict[str, Any] = {
    "own": "own",
    "me": {"filter": {"created_by": "$me"}},
    "stage": {"filter": {"data__stage": "open"}},
    "nested": {"filter": {"or": [{"data__name": {"contains": "mine"}}, {"not": {"created_by": {"not": "$me"}}}]}},
}


@pytest.mark.parametrize("rule", sorted(ROWS))
def test_rows_beyond_one_s_own_are_not_there(
    tenant: TestTenant, other: TestTenant, deals: list[dict[str, Any]], rule: str
) -> None:
    api = people(tenant, *grants(*ALL[:1], *ALL[2:5], rows=ROWS[rule]), *grants("records:create", "pipelines:read"))
    mine = record(api, "deals", {"name": "mine", "stage": "open"})
    allowed = {mine["id"], *(row["id"] for row in deals if rule == "stage" and row["data"]["stage"] == "open")}
    pipeline(other.api, "Deals", FIELDS)
    foreign = record(other.api, "deals", {"name": "theirs"})["id"]
    strange = next(row["id"] for row in deals if row["id"] not in allowed)
    for path in ("", "?ordering=data__name", "?data__fixed__gte=0", '?filter={"not":{"data__name":"x"}}', "?cursor="):
        listed = api.get(f"/pipelines/deals/records/{path}").json
        found = {row["id"] for row in listed["results"]}
        assert found <= allowed
        assert listed["count"] == len(found)
    assert {row["id"] for row in api.get("/pipelines/deals/records/").json["results"]} == allowed
    assert api.get("/pipelines/deals/").json["record_count"] is None
    assert api.get("/pipelines/?record_count__gte=0").json["count"] == 0
    for prefix in ("", "/pipelines/deals"):
        for method, suffix, body in (
            ("GET", "", None), ("PATCH", "", {"data": {"name": "x"}}), ("PATCH", "", {}), ("PUT", "", {"data": {}}),
            ("DELETE", "", None), ("POST", "restore/", None), ("DELETE", "?purge=true", None),
        ):  # fmt: skip
            answers = [
                api.request(method, f"{prefix}/records/{found}/{suffix}", json=body)
                for found in (strange, foreign, SOME_ID)
            ]
            assert_problem(answers[0], 404, "RECORD_NOT_FOUND")
            same_problem(*answers)
            stale = api.request(method, f"{prefix}/records/{strange}/{suffix}", json=body, headers={"If-Match": '"9"'})
            assert stale.status_code == 404
    assert tenant.api.delete(f"/records/{strange}/").status_code == 204
    assert api.get("/pipelines/deals/records/deleted/").json["count"] == 0
    same_problem(*(api.post(f"/records/{found}/restore/") for found in (strange, foreign, SOME_ID)))
    assert api.delete(f"/records/{mine['id']}/").status_code == 204
    assert [row["id"] for row in api.get("/pipelines/deals/records/deleted/").json["results"]] == [mine["id"]]
    assert api.post(f"/records/{mine['id']}/restore/").status_code == 200


def test_a_rule_whose_field_is_gone_reaches_nothing(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(
        tenant, *grants("records:read", rows={"filter": {"not": {"data__stage": "won"}}}), *grants("pipelines:read")
    )
    assert api.get("/pipelines/deals/records/").json["count"] == 2
    assert tenant.api.delete("/pipelines/deals/fields/stage/?force=true").status_code == 204
    assert api.get("/pipelines/deals/records/").json["count"] == 0
    assert_problem(api.get(f"/records/{deals[1]['id']}/"), 404, "RECORD_NOT_FOUND")


def test_a_record_that_may_not_be_read_cannot_be_told_from_none(
    tenant: TestTenant, deals: list[dict[str, Any]]
) -> None:
    closed = pipeline(tenant.api, "Closed", FIELDS)
    hidden = record(tenant.api, "closed", {"name": CANARY})["id"]
    place = pipeline(tenant.api, "Open", FIELDS)["id"]
    api = people(
        tenant, *grants("pipelines:read"), *grants(*ALL[:5], pipelines=[place]),
        *grants("records:update", "records:delete", "records:purge"),
        *grants("records:read", pipelines=[closed["id"]], rows="own"),
    )  # fmt: skip
    for found in (hidden, deals[0]["id"]):
        for method, suffix, body in (
            ("GET", "", None), ("PATCH", "", {}), ("PATCH", "", {"data": {"name": "x"}}), ("PUT", "", {"data": {}}),
            ("DELETE", "", None), ("POST", "restore/", None), ("DELETE", "?purge=true", None),
        ):  # fmt: skip
            answers = [api.request(method, f"/records/{each}/{suffix}", json=body) for each in (found, SOME_ID)]
            assert_problem(answers[0], 404, "RECORD_NOT_FOUND")
            same_problem(*answers)
    assert tenant.api.delete(f"/records/{hidden}/").status_code == 204
    same_problem(*(api.post(f"/records/{found}/restore/") for found in (hidden, SOME_ID)))
    assert api.get("/pipelines/closed/records/deleted/").json["count"] == 0
    same_problem(*(api.delete(f"/records/{found}/?purge=true") for found in (hidden, SOME_ID)))
    reader = people(tenant, *grants("records:read"), *grants("records:update", pipelines=[place]))
    assert_problem(reader.patch(f"/records/{deals[0]['id']}/", {}), 403, "PERMISSION_DENIED")


def test_a_pipeline_without_rights_is_not_there(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    place = pipeline(tenant.api, "Open", FIELDS)["id"]
    record(tenant.api, "open", {"name": "seen"})
    api = people(tenant, *grants(*ALL, "pipelines:update", "pipelines:delete", pipelines=[place]))
    assert [found["slug"] for found in api.get("/pipelines/").json["results"]] == ["open"]
    closed = tenant.api.get("/pipelines/deals/").json["id"]
    for name in ("deals", closed):
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"name": "x"}), ("PUT", "", {"name": "x"}), ("DELETE", "", None),
            ("GET", "records/", None), ("GET", "records/deleted/", None), ("POST", "records/", {"data": {}}),
            ("GET", f"records/{deals[0]['id']}/", None), ("PATCH", f"records/{deals[0]['id']}/", {}),
            ("DELETE", f"records/{deals[0]['id']}/", None), ("POST", f"records/{deals[0]['id']}/restore/", None),
            ("GET", "fields/", None), ("GET", "fields/deleted/", None), ("POST", "fields/", FIELDS[0]),
            ("GET", "fields/name/", None), ("PATCH", "fields/name/", {"name": "x"}), ("DELETE", "fields/name/", None),
        ):  # fmt: skip
            answers = [api.request(method, f"/pipelines/{each}/{path}", json=body) for each in (name, "nothing")]
            assert_problem(answers[0], 404, "PIPELINE_NOT_FOUND")
            same_problem(*answers)
    same_problem(*(api.get(f"/records/{found}/") for found in (deals[0]["id"], SOME_ID)))
    assert_problem(api.get(f"/pipelines/open/records/{deals[0]['id']}/"), 404, "RECORD_NOT_FOUND")


OWNED = ["id", "created_by", "updated_by", "created_at", "updated_at", "version", "is_deleted", "deleted_at",
         "tenant_id", "pipeline_id", "search", "t1"]  # fmt: skip


@pytest.mark.parametrize("key", OWNED)
def test_what_the_server_owns_is_not_written(tenant: TestTenant, deals: list[dict[str, Any]], key: str) -> None:
    api, path = tenant.api, f"/records/{deals[0]['id']}/"
    for method, address in (("POST", "/pipelines/deals/records/"), ("PATCH", path), ("PUT", path)):
        for body in ({key: SOME_ID, "data": {}}, {"data": {key: SOME_ID}}):
            answer = api.request(method, address, json=body)
            assert assert_problem(answer, 422, "VALIDATION_FAILED")["errors"][0]["code"] == "UNKNOWN_FIELD"
    assert api.get(path).json == deals[0]
    assert api.get("/pipelines/deals/records/").json["count"] == 4


def test_a_right_that_is_taken_away_is_gone_at_once(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    slug = tenant.role("passing", grants("records:read", "pipelines:read"))
    api = tenant.user(slug).api
    assert api.get(f"/records/{deals[0]['id']}/").json["data"]["secret"] == f"{CANARY}0"
    known = api.get("/pipelines/deals/records/").headers["ETag"]
    hiding = {"grants": grants("records:read", "pipelines:read", hidden_fields=["secret"])}
    assert tenant.api.patch(f"/users/types/{slug}/", hiding).status_code == 200
    for path in (f"/records/{deals[0]['id']}/", "/pipelines/deals/records/"):
        for headers in ({}, {"If-None-Match": known}, {"If-None-Match": '"1"'}):
            answer = api.get(path, headers=headers)
            assert answer.status_code == 200
            assert CANARY not in answer.text
    assert tenant.api.patch(f"/users/types/{slug}/", {"grants": grants("pipelines:read")}).status_code == 200
    assert_problem(api.get("/pipelines/deals/records/"), 403, "PERMISSION_DENIED")


def test_an_event_of_somebody_with_hidden_fields_is_whole(tenant: TestTenant, deals: list[dict[str, Any]]) -> None:
    api = people(tenant, *grants(*ALL, hidden_fields=["secret"]))
    assert api.patch(f"/records/{deals[0]['id']}/", {"data": {"name": "n"}}).status_code == 200
    last = tenant.api.events()[-1]
    assert last["data"]["data"] == {**deals[0]["data"], "name": "n"}
