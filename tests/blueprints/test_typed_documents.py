"""The document of one caller: routes and shapes of the pipelines that he sees (contract 2; threats 11, 13, 38)."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
import yaml
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from oneo.app import create_app
from oneo.blueprints.openapi import document
from oneo.blueprints.openapi.kept import Kept, Rendered
from tests import databases
from tests.api import Api
from tests.architecture.sources import DOCS
from tests.factories.kinds import EVERY_KIND, VALUES, every_kind
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant
from tests.threads import together

PATH = "/api/v1/openapi.json"
LIST, ONE = "/api/v1/pipelines/things/records/", "/api/v1/pipelines/things/records/{record_id}/"
GENERIC = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
HOSTILE = [
    "</script><script>alert(1)</script>", "'; DROP TABLE records; --", "{{7*7}}${7*7}%s%(x)s", "a\nb\r\tc\u2028d",
    "\u202eright to left", "🜚" * 40, '"quoted" \\ back', "$ref: '#/x'", "- &a [*a]", "n" * 200, "__proto__", "null",
]  # fmt: skip


def of(api: Api) -> dict[str, Any]:
    found = api.get(PATH)
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json
    return body


def check(body: dict[str, Any]) -> None:
    """What it has beside the generic document is valid as a whole, in each schema, and in each example."""
    more = {**body, "paths": {path: item for path, item in body["paths"].items() if path not in GENERIC["paths"]}}
    OpenAPIV31SpecValidator(more).validate()
    for name, schema in body["components"]["schemas"].items():
        if name not in GENERIC["components"]["schemas"]:
            Draft202012Validator.check_schema(schema)
    names = [said["operationId"] for _, _, said in _operations(body)]
    assert sorted(names) == sorted(set(names))
    tags = [tag["name"] for tag in body["tags"]]
    assert sorted(tags) == sorted(set(tags))
    whole = Draft202012Validator(body)
    for path, method, said in _operations(more):
        assert set(said["tags"]) <= set(tags)
        for media in [*said.get("requestBody", {}).get("content", {}).values(), *_answers(said)]:
            if "example" in media and "schema" in media:
                found = whole.evolve(schema=media["schema"]).iter_errors(media["example"])
                assert list(found) == [], f"{method} {path}"


def _operations(body: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, said)
        for path, item in body["paths"].items()
        for method, said in item.items()
        if isinstance(said, dict) and "responses" in said
    ]


def _answers(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [media for found in said["responses"].values() for media in found.get("content", {}).values()]


def _typed(body: dict[str, Any]) -> dict[str, str]:
    """Operations of pipelines that are named in the path."""
    return {
        said["operationId"]: f"{method} {path}"
        for path, method, said in _operations(body)
        if re.match(r"/api/v1/pipelines/[a-z0-9_]+/records/", path)
    }


def _schema_of(body: dict[str, Any], name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": body["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_every_kind_of_field_is_in_a_valid_document(api: Api) -> None:
    every_kind(api, title_field="name", description="All there is.")
    body = of(api)
    check(body)
    assert _typed(body) == {
        "list_things_records": f"get {LIST}", "create_things_record": f"post {LIST}",
        "get_things_record": f"get {ONE}", "update_things_record": f"patch {ONE}",
        "replace_things_record": f"put {ONE}", "delete_things_record": f"delete {ONE}",
    }  # fmt: skip
    slugs = [field["name"].lower() for field in EVERY_KIND]
    schemas = body["components"]["schemas"]
    for name in ("Record", "RecordItem", "RecordCreate", "RecordUpdate", "RecordReplace"):
        assert list(schemas[f"Things{name}"]["properties"]["data"]["properties"]) == slugs
    created = schemas["ThingsRecordCreate"]["properties"]["data"]
    assert (created["required"], created["additionalProperties"]) == (["stage"], False)
    assert created["properties"]["name"]["title"] == "Name"
    assert {"name": "things records", "description": "All there is."} in body["tags"]
    generic = of(Api(api.app))
    assert {path: body["paths"][path] for path in generic["paths"]} == generic["paths"]
    assert {name: schemas[name] for name in generic["components"]["schemas"]} == generic["components"]["schemas"]


def test_each_operator_of_a_field_is_a_parameter(api: Api) -> None:
    every_kind(api)
    said = of(api)["paths"][LIST]["get"]
    found = {p["name"]: p["schema"] for p in said["parameters"] if "name" in p and p["name"].startswith("data__")}
    operators = {
        slug: [name.rpartition("__")[2] for name in found if name.startswith(f"data__{slug}__")] for slug in VALUES
    }
    assert operators["amount"] == ["exact", "not", "in", "not_in", "exists", "gt", "gte", "lt", "lte"]
    assert operators["extra"] == ["exact", "not", "contains", "exists"]
    assert found["data__count__gte"] == {"type": "number"}
    assert found["data__active"] == {"type": "boolean"}
    assert found["data__born__lt"] == {"type": "string", "format": "date"}
    assert [choice["const"] for choice in found["data__stage"]["oneOf"]] == ["open", "won"]
    ordering = next(p["schema"]["pattern"] for p in said["parameters"] if p.get("name") == "ordering")
    assert re.fullmatch(ordering, "-data__amount,title")
    picked = next(p["schema"]["pattern"] for p in said["parameters"] if p.get("name") == "fields")
    assert re.fullmatch(picked, "id,data__amount")


def test_what_the_document_describes_is_what_answers(api: Api) -> None:
    """Walks the typed operations with their own examples."""
    every_kind(api, title_field="name")
    body = of(api)
    collection, one = body["paths"][LIST], body["paths"][ONE]
    made = api.post(LIST, _example(collection["post"]))
    assert made.status_code == 201, made.text
    assert list(_schema_of(body, "ThingsRecord").iter_errors(made.json)) == []
    path = ONE.replace("{record_id}", made.json["id"])
    for answer in (
        api.get(path), api.patch(path, _example(one["patch"])), api.request("PUT", path, json=_example(one["put"])),
    ):  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert list(_schema_of(body, "ThingsRecord").iter_errors(answer.json)) == []
    record(api, "things", VALUES)
    listed = api.get(f"{LIST}?fields=id,data__amount")
    assert list(_schema_of(body, "ThingsRecordPage").iter_errors(api.get(LIST).json)) == []
    assert list(_schema_of(body, "ThingsRecordPage").iter_errors(listed.json)) == []
    assert api.delete(path).status_code == 204


def test_each_parameter_is_understood(api: Api) -> None:
    every_kind(api, title_field="name")
    record(api, "things", {**VALUES, "owner": api.get("/auth/user/profile/").json["id"]})
    tried = 0
    for parameter in of(api)["paths"][LIST]["get"]["parameters"]:
        if parameter.get("name", "").startswith("data__"):
            for operand in _operands(parameter):
                found = api.get(LIST, query_string={parameter["name"]: operand})
                assert found.status_code == 200, f"{parameter['name']}={operand}: {found.text}"
                tried += 1
    assert tried > 130


def _operands(parameter: dict[str, Any]) -> list[str]:
    """Values that the schema of a parameter takes."""
    schema = parameter["schema"]
    if schema.get("contentMediaType") == "application/json":
        return ['{"a": 1}', "[1]"]
    if "oneOf" in schema:
        return [choice["const"] for choice in schema["oneOf"]]
    slug = parameter["name"].split("__")[1]
    usual = {"tags": "hot", "stage": "open", "owner": "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4"}
    by_format = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "uuid": usual["owner"]}
    if schema["type"] == "boolean":
        return ["true", "false"]
    return [by_format.get(schema.get("format", ""), str(VALUES.get(slug, "")) if slug not in usual else usual[slug])]


@pytest.mark.parametrize(
    ("name", "valid", "body"),
    [
        ("Create", True, {"data": {"name": "x", "stage": "open"}}),
        ("Create", True, {"data": {"name": "x", "stage": "open", "amount": None}, "status": "new"}),
        ("Create", False, {"data": {"name": "x"}}),
        ("Create", False, {}),
        ("Create", False, {"data": {"name": "x", "stage": "shut"}}),
        ("Create", False, {"data": {"name": None, "stage": "open"}}),
        ("Create", False, {"data": {"name": "x", "stage": "open", "nome": 1}}),
        ("Create", False, {"data": {"name": "x", "stage": "open"}, "id": "x"}),
        ("Update", True, {"data": {"amount": None}}),
        ("Update", True, {}),
        ("Update", False, {"data": {"stage": None}}),
        ("Update", False, {"data": {"count": -1}}),
        ("Replace", True, {"data": {"name": "x", "stage": "open"}}),
        ("Replace", False, {"data": {"stage": "open"}}),
    ],
)
def test_schemas_take_what_the_server_takes(api: Api, name: str, valid: bool, body: dict[str, Any]) -> None:
    every_kind(api)
    found = of(api)
    assert (list(_schema_of(found, f"ThingsRecord{name}").iter_errors(body)) == []) == valid
    made = record(api, "things", {"name": "One", "stage": "open"})
    method, path = {"Create": ("POST", LIST), "Update": ("PATCH", ONE), "Replace": ("PUT", ONE)}[name]
    answer = api.request(method, path.replace("{record_id}", made["id"]), json=body)
    assert (answer.status_code < 300) == valid, answer.text


def test_hidden_and_closed_fields_are_not_in_it(api: Api, tenant: TestTenant) -> None:
    every_kind(api, title_field="amount")
    limited = tenant.role("limited", [
        {"permission": "records:read", "hidden_fields": ["amount", "weight"]},
        {"permission": "records:create", "read_only_fields": ["notes"]},
        {"permission": "records:update", "read_only_fields": ["phone", "stage"]},
    ])  # fmt: skip
    answer = tenant.user(limited).api.get(PATH)
    body = answer.json
    check(body)
    typed = {name: schema for name, schema in body["components"]["schemas"].items() if name.startswith("Things")}
    told = str(typed) + str([body["paths"][path] for path in (LIST, ONE)])
    assert "weight" not in told
    assert "data__amount" not in told
    properties = {name: set(typed[f"ThingsRecord{name}"]["properties"]["data"]["properties"]) for name in
                  ("", "Create", "Update")}  # fmt: skip
    assert properties[""] - properties["Create"] == {"notes"}
    assert properties[""] - properties["Update"] == {"phone", "stage"}
    assert typed["ThingsRecordReplace"]["properties"]["data"]["required"] == ["name"]
    assert not _operation_ids(body) & {"delete_things_record"}


def _operation_ids(body: dict[str, Any]) -> set[str]:
    return set(_typed(body))


@pytest.mark.parametrize(
    ("permission", "operations"),
    [
        ("records:read", {"list_things_records", "get_things_record"}),
        ("records:create", {"create_things_record"}),
        ("records:update", {"update_things_record", "replace_things_record"}),
        ("records:delete", {"delete_things_record"}),
        ("pipelines:read", set()),
    ],
)
def test_only_what_is_permitted_is_in_it(
    api: Api, tenant: TestTenant, permission: str, operations: set[str]
) -> None:  # fmt: skip
    made = every_kind(api)
    deals(api)
    some = tenant.user(tenant.role("some", [{"permission": permission, "pipelines": [made["id"]]}]))
    body = of(some.api)
    check(body)
    assert _operation_ids(body) == operations
    assert "Deals" not in str(body["components"]["schemas"].keys())


def test_who_sees_no_pipeline_gets_the_generic_document(app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    every_kind(other.api, name="Canary")
    generic = Api(app).get(PATH)
    for api in (tenant.api, tenant.user(tenant.role("nothing", [])).api):
        assert api.get(PATH).data == generic.data
        assert api.get(PATH).headers["ETag"] == generic.headers["ETag"]
    assert "canary" in other.api.get(PATH).text


def test_hostile_names_are_only_words(api: Api) -> None:
    """Threat 38."""
    for at, name in enumerate(HOSTILE):
        fields: list[dict] = [{"name": label, "description": label, "slug": f"f{number}", "field_type": "text"}
                  for number, label in enumerate(HOSTILE)]  # fmt: skip
        choices = [
            {"value": label[:100].strip(), "label": label[:100].strip()} for label in HOSTILE if "\n" not in label
        ]
        fields = fields if at == 0 else fields[at : at + 1]
        fields.append({"name": name, "slug": "chosen", "field_type": "select", "field_config": {"choices": choices}})
        pipeline(api, name, fields, slug=f"p{at}", description=name)
    answer = api.get(PATH)
    check(answer.json)
    assert len(_typed(answer.json)) == 6 * len(HOSTILE)
    summary = answer.json["paths"]["/api/v1/pipelines/p3/records/"]["get"]["summary"]
    assert "\n" not in summary
    assert yaml.load(api.get("/api/v1/openapi.yaml").text, Loader=yaml.CSafeLoader) == answer.json


def test_a_pipeline_may_have_the_name_of_anything(api: Api) -> None:
    slugs = ["pipeline", "record", "user", "users", "problem", "constructor", "a_1", "a1", "record_create", "x" * 48]
    fields = [{"name": name, "slug": name, "field_type": "text"} for name in ("id", "data", "title", "filter", "page")]
    for slug in slugs:
        pipeline(api, "Same", fields, slug=slug)
    body = of(api)
    check(body)
    assert len(_typed(body)) == 6 * len(slugs)
    for slug in slugs:
        made = record(api, slug, {"id": "1", "page": "2"})
        path = body["paths"][f"/api/v1/pipelines/{slug}/records/{{record_id}}/"]
        reference = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        name = reference.rpartition("/")[2]
        assert list(_schema_of(body, name).iter_errors(made)) == []
        assert list(_schema_of(body, name).iter_errors({**made, "pipeline_id": made["id"]})) != []


def test_names_of_operations_outlast_changes_of_the_pipeline(api: Api) -> None:
    made = every_kind(api)
    before = _typed(of(api))
    assert api.patch(f"/pipelines/{made['id']}/", {"name": "Renamed"}).status_code == 200
    assert api.post(f"/pipelines/{made['id']}/fields/", {"name": "More", "field_type": "text"}).status_code == 201
    body = of(api)
    assert _typed(body) == before
    assert "more" in body["components"]["schemas"]["ThingsRecord"]["properties"]["data"]["properties"]


def test_it_is_not_sent_twice_and_anew_after_a_change(api: Api, tenant: TestTenant) -> None:
    every_kind(api)
    found = api.get(PATH)
    assert "private" in found.headers["Cache-Control"]
    tag = found.headers["ETag"]
    assert api.get(PATH, headers={"If-None-Match": tag}).status_code == 304
    assert tenant.user("admin").api.get(PATH, headers={"If-None-Match": tag}).status_code == 304
    assert tenant.user("viewer").api.get(PATH, headers={"If-None-Match": tag}).status_code == 200
    assert api.delete("/pipelines/things/").status_code == 204
    after = api.get(PATH, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert _typed(after.json) == {}


def test_a_right_that_is_taken_away_is_gone_from_the_next_document(api: Api, tenant: TestTenant) -> None:
    """Threat 22."""
    every_kind(api)
    role = tenant.role("some", [{"permission": "records:read"}])
    user = tenant.user(role)
    assert _operation_ids(of(user.api)) == {"list_things_records", "get_things_record"}
    hiding = [{"permission": "records:read", "hidden_fields": ["amount"]}]
    assert api.patch(f"/users/types/{role}/", {"grants": hiding}).status_code == 200
    assert "data__amount" not in user.api.get(PATH).text
    assert api.patch(f"/users/types/{role}/", {"grants": []}).status_code == 200
    assert _operation_ids(of(user.api)) == set()


def test_callers_who_see_the_same_share_one_that_is_built_once(database_address: str, tenant: TestTenant) -> None:
    every_kind(tenant.api)
    app = create_app(databases.settings(database_address))
    built: list[int] = []
    document.steps(app).append(lambda made: built.append(len(made["paths"])))
    callers = [Api(app, tenant.user("admin").api.token) for _ in range(4)]
    answers = together([partial(caller.get, PATH) for caller in callers])
    assert {answer.data for answer in answers} == {tenant.api.get(PATH).data}
    assert len(built) == 1


def test_the_longest_unused_documents_make_room() -> None:
    kept = Kept(max_bytes=30)
    made: list[str] = []

    def get(key: str) -> bytes:
        def make() -> Rendered:
            made.append(key)
            return Rendered.of(key.encode() * 10)

        return kept.get(key, make).body

    for key in ("a", "b", "c", "a", "d", "b", "a"):
        assert get(key) == key.encode() * 10
    assert made == ["a", "b", "c", "d", "b"]
    assert kept.get("large", lambda: Rendered.of(b"x" * 100)).body == b"x" * 100
    assert get("a") == b"a" * 10
    assert made == ["a", "b", "c", "d", "b", "a"]


def test_a_document_that_cannot_be_made_is_tried_again() -> None:
    kept = Kept(max_bytes=30)

    def fail() -> Rendered:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept.get("a", fail)
    assert kept.get("a", lambda: Rendered.of(b"a")).body == b"a"


def _example(said: dict[str, Any]) -> Any:
    return said["requestBody"]["content"]["application/json"]["example"]
