"""The schemas of the OpenAPI document and the server agree about which bodies are valid.

Where JSON Schema cannot say what the server knows (a taken name, a user that is there), or the document says less on
purpose, the exception is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api import SOME_ID
from tests.factories.kinds import EVERY_KIND, VALUES
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

POOL: list[Any] = [
    None, "", " ", "x", "A B", "a_b", "x" * 300, "x" * 50, "no_such_thing", 0, 1, -1, 2.5, 10**25, True, False, [],
    ["x"], [1], [None], {}, {"a": 1}, "1", "1.5", "1e3", "-0", "open", "won", ["hot"], ["hot", "hot"], "2026-01-31",
    "2026-02-30", "2026-01-31T12:00:00Z", "a@b.example", "https://example.com/", "+442079460018", "AB-1", "#3B82F6",
    "#3b82f", SOME_ID, "text", "number", "EUR", "de-DE", "export", "CARDINALITY", "ACTIVE", "all",
]  # fmt: skip


def _document(tenant: TestTenant) -> dict[str, Any]:
    body: dict[str, Any] = tenant.api.get("/api/v1/openapi.json").json
    return body


def _refused(document: dict[str, Any], name: str, body: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return not Draft202012Validator(schema).is_valid(body)


# -- records of a pipeline ---------------------------------------------------------------------------------------------

THINGS = [
    *EVERY_KIND,
    {"name": "Word", "field_type": "text", "field_config": {"min_length": 2, "max_length": 5}},
    {"name": "Must", "field_type": "textarea", "is_required": True, "field_config": {"default": "x"}},
    {"name": "Ratio", "field_type": "number", "field_config": {"min": -1.5, "max": 1.5}},
    {"name": "Price", "field_type": "decimal", "field_config": {"precision": 4, "scale": 1, "max": 50}},
    {"name": "Some", "field_type": "multiselect", "field_config": {"choices": ["hot", "new"], "min_items": 1}},
    {"name": "Day", "field_type": "date", "field_config": {"min": "2026-01-01"}},
]
UNSAID = {
    "owner": "whether a user is there",
    "mail": "what an address is",
    "site": "what an address is",
    "phone": "what a telephone number is",
    "born": "what a date is", "seen": "what a date is", "day": "what a date is",
    "weight": "limits of numbers that are sent as texts", "amount": "limits of numbers that are sent as texts",
    "share": "limits of numbers that are sent as texts", "price": "limits of numbers that are sent as texts",
}  # fmt: skip
"""Fields of which the schema may take what the server does not, and why."""
NUMERALS = {"weight", "amount", "share", "price"}
"""The schema names one spelling of a number that is sent as a text; the server reads others too, such as `1e3`."""


@pytest.fixture(scope="module")
def things(settled: TestTenant) -> tuple[TestTenant, dict[str, Any]]:
    pipeline(settled.api, "Things", THINGS, title_field="name")
    return settled, _document(settled)


def _bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    least = {"name": "x", "stage": "open"}
    yield "", {}
    yield "", {"data": {}}
    for slug in (field["name"].lower() for field in THINGS):
        values = [*POOL, VALUES[slug]] if slug in VALUES else POOL
        yield from ((slug, {"data": {**least, slug: value}}) for value in values)
        yield slug, {"data": {key: value for key, value in least.items() if key != slug}}
    for value in POOL:
        yield "title", {"title": value, "data": {"stage": "open"}}
        yield "status", {"status": value, "data": least}
        yield "data", {"data": value}
    yield "x", {"data": least, "x": 1}


def _verdicts(tenant: TestTenant, bodies: list[dict[str, Any]]) -> list[bool]:
    """Whether each would be refused by itself: a call says it of each entry, whatever becomes of the others."""
    refused = []
    for body in bodies:
        answer = tenant.api.post("/pipelines/things/records/bulk_create/?mode=dry_run", [body])
        refused.append(bool(answer.json["errors"]))
    return refused


def test_a_pipelines_schema_takes_what_the_server_takes(things: tuple[TestTenant, dict[str, Any]]) -> None:
    tenant, document = things
    cases = list(_bodies())
    verdicts = _verdicts(tenant, [body for _, body in cases])
    stricter, looser = [], []
    for (name, body), refused in zip(cases, verdicts, strict=True):
        said = _refused(document, "ThingsRecordCreate", body)
        if said and not refused and name not in NUMERALS:
            stricter.append((name, body))
        if refused and not said and name not in UNSAID:
            looser.append((name, body))
    assert stricter == [], "the schema refuses what the server takes"
    assert [body for _, body in looser] == [{"data": {"stage": "open"}}], (
        "only that a name or a title is needed is unsaid"
    )


# -- what every tenant has ---------------------------------------------------------------------------------------------

BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "UserCreate": ("POST", "/users/", {"email": "new@acme.example"}),
    "UserUpdate": ("PATCH", "/users/{user}/", {}),
    "UserTypeCreate": ("POST", "/users/types/", {"name": "New"}),
    "PipelineCreate": ("POST", "/pipelines/", {"name": "New"}),
    "PipelineUpdate": ("PATCH", "/pipelines/other/", {}),
    "FieldCreate": ("POST", "/pipelines/other/fields/", {"name": "New", "field_type": "text"}),
    "TemplateCreate": ("POST", "/pipelines/other/templates/", {"name": "New"}),
    "RelationshipTypeCreate": ("POST", "/relationships/types/", {"name": "New"}),
    "ConstraintCreate": ("POST", "/relationships/types/knows/constraints/", {"constraint_type": "CARDINALITY"}),
    "RelationshipUpdate": ("PATCH", "/relationships/{link}/", {}),
    "SettingsUpdate": ("PATCH", "/tenants/settings/", {}),
    "CommentCreate": ("POST", "/records/{record}/comments/", {"body": "New"}),
    "ApiKeyRequest": ("POST", "/auth/api-keys/", {"name": "New"}),
}
SHORT_POOL: list[Any] = [
    None, "", " ", "x", "A B", "a_b", "x" * 300, 0, 1, -1, 2.5, True, [], ["x"], [None], {}, {"a": 1}, "number", "EUR",
    "de-DE", "ACTIVE", "one_to_one", "#3B82F6", SOME_ID, "2026-01-31",
]  # fmt: skip
KNOWN_BY_THE_SERVER = {
    "email": "what an address is",
    "timezone": "which time zones there are",
    "password": "which passwords are weak",
    "user_types": "which user types there are",
    "scopes": "which permissions the caller has",
    "template": "which templates there are",
    "title_field": "which fields there are",
    "fields": "what fields need",
    "source_pipeline": "which pipelines there are",
    "target_pipeline": "which pipelines there are",
    "field_config": "which options the type has",
    "constraint_metadata": "which options the kind has",
    "parent_id": "which comments there are",
    "effective_from": "what a date is",
    "effective_until": "what a date is",
    "data": "which fields there are",
    "default": "what the field takes",
    "is_indexed": "which types have an index",
    "is_unique": "which types can be unique",
}
LENIENT = {"status": "written in any case"}


@pytest.fixture(scope="module")
def addresses(settled: TestTenant) -> dict[str, str]:
    api = settled.api
    pipeline(api, "Other", [])
    made = record(api, "other", {})["id"]
    assert api.post("/relationships/types/", {"name": "Knows"}).status_code == 201
    ends = {"source_record_id": made, "target_record_id": made}
    link = api.post("/relationships/", {"relationship_type": "knows", **ends}).json["id"]
    return {"user": str(settled.user().id), "record": made, "link": link}


@pytest.mark.parametrize("name", BODIES)
def test_a_schema_takes_what_the_server_takes(name: str, settled: TestTenant, addresses: dict[str, str]) -> None:
    """Each body has a key that is unknown as well: nothing is written, and the other faults are answered with it."""
    document = _document(settled)
    method, path, least = BODIES[name]
    properties = document["components"]["schemas"][name]["properties"]
    wrong = []
    for key in properties:
        for value in SHORT_POOL:
            body = {**least, key: value}
            answer = settled.api.request(method, path.format(**addresses), json={**body, "no_such_key": 1})
            assert answer.status_code == 422, answer.text
            refused = any(f"{fault['pointer']}/".startswith(f"/{key}/") for fault in answer.json["errors"])
            said = _refused(document, name, body)
            if (said and not refused and key not in LENIENT) or (
                refused and not said and key not in KNOWN_BY_THE_SERVER
            ):
                wrong.append((key, value, "refused by the schema" if said else "refused by the server"))
    assert wrong == []
