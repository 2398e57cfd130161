"""Every route of one tenant against everything that another one has (threats 1-3, 6-10, 12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oneo.ids import new_id
from oneo.store.events import clocks
from tests.api import Api, assert_problem
from tests.architecture.walk import Route, routes
from tests.factories import pipeline as factory
from tests.factories.tenant import TenantFactory, TestTenant, open_session

CANARY = "canary"
_NAME, _TEXT = {"name": "taken over"}, {"body": "taken over"}
_DATA: dict[str, Any] = {"data": {}}
VALID: dict[str, Any] = {
    "users.update_user": _NAME,
    "user types.update_user_type": _NAME,
    "pipelines.update_pipeline": _NAME,
    "pipelines.replace_pipeline": _NAME,
    "pipelines.create_field": {"name": "Taken over", "field_type": "text"},
    "pipelines.update_field": _NAME,
    "templates.create_template": _NAME,
    "pipeline extras.clone_pipeline": {},
    "records.create_record": _DATA,
    "records.update_record": _DATA,
    "records.update_pipeline_record": _DATA,
    "records.replace_record": _DATA,
    "records.replace_pipeline_record": _DATA,
    "comments.create_comment": _TEXT,
    "comments.update_comment": _TEXT,
    "relationship types.update_relationship_type": _NAME,
    "relationship types.replace_relationship_type": _NAME,
    "relationships.update_relationship": {"strength": 0.5},
    "relationships.replace_relationship": {"strength": 0.5},
    "relationship types.create_constraint": {"constraint_type": "HIERARCHY"},
    "relationship types.update_constraint": {"is_required": True},
    "relationship types.create_relationship_type_field": {"name": "Taken over", "field_type": "text"},
    "relationship types.update_relationship_type_field": _NAME,
    "bulk.bulk_create_records": [{"data": {}}],
    "bulk.bulk_update_records": [],
    "bulk.bulk_upsert_records": [],
    "bulk.bulk_delete_records": {"ids": []},
}
"""Bodies without fault, so that what is refused is refused for the id."""
NAMED = frozenset({"user_type", "pipeline", "field", "template", "relationship_type", "type_field"})
"""Parameters that may be slugs."""
FORCED = {"pipelines.delete_field", "relationship types.delete_relationship_type_field"}
NO_IDS = {"code", "version", "name"}
"""Parameters of addresses that name no tenant's thing."""


@dataclass(frozen=True)
class Things:
    """What a tenant has, by the parameter that names it in an address."""

    tenant: TestTenant
    ids: dict[str, tuple[str, ...]]
    pipeline_id: str

    @property
    def all(self) -> list[str]:
        return [*(found for kind in self.ids.values() for found in kind), self.pipeline_id, str(self.tenant.id)]


def furnish(tenant: TestTenant) -> Things:
    """One of each kind, all of them named so that they would be noticed elsewhere."""
    slug = f"{CANARY}_{tenant.slug}"
    api = tenant.api
    assert api.patch("/tenants/settings/", {"name": f"{CANARY} Inc."}).status_code == 200
    role = api.post("/users/types/", {"name": CANARY, "slug": slug, "grants": []})
    body = {"email": f"{CANARY}@{CANARY}.example", "name": CANARY, "user_types": [slug]}
    user = api.post("/users/", body, headers={"Idempotency-Key": CANARY})
    gone = api.post("/users/", {"email": f"{CANARY}2@{CANARY}.example", "name": CANARY, "user_types": [slug]})
    key = api.post("/auth/api-keys/", {"name": CANARY})
    for made in (role, user, gone, key):
        assert made.status_code == 201, made.text
    assert api.delete(f"/users/{gone.json['id']}/").status_code == 204
    data = _data(tenant, slug, CANARY)
    ids = {
        **{name: (found,) for name, found in data.items()},
        "pipeline": (data["pipeline"], slug),
        "field": (data["field"], "canary_field"),
        "template": (data["template"], f"{slug}_template"),
        "relationship_type": (data["relationship_type"], f"{slug}_type"),
        "type_field": (data["type_field"], "canary_field"),
        "user_id": (user.json["id"], gone.json["id"], str(tenant.admin.id)),
        "session_id": (str(tenant.admin.session_id),),
        "key_id": (key.json["id"],),
        "user_type": (role.json["id"], slug),
    }
    return Things(tenant, ids, data["pipeline"])


def _data(tenant: TestTenant, slug: str, text: str) -> dict[str, str]:
    """A pipeline with a field, a record, a comment and a template, and a relationship type with a field, a constraint
    and a relationship, by the parameters that name them.
    """
    api = tenant.api
    field = {"name": text, "slug": f"{text}_field", "field_type": "text"}
    pipeline = factory.pipeline(api, text, [field], slug=slug)
    record = factory.record(api, slug, {f"{text}_field": text})
    comment = api.post(f"/records/{record['id']}/comments/", {"body": text})
    template = api.post(f"/pipelines/{slug}/templates/", {"name": text, "slug": f"{slug}_template"})
    of_type = {"name": text, "slug": f"{slug}_type", "source_pipeline": slug, "fields": [field]}
    link_type = api.post("/relationships/types/", of_type)
    constraint = api.post(f"/relationships/types/{slug}_type/constraints/", {"constraint_type": "HIERARCHY"})
    for made in (comment, template, link_type, constraint):
        assert made.status_code == 201, made.text
    ends = {
        "source_record_id": record["id"],
        "target_record_id": factory.record(api, slug, {f"{text}_field": text})["id"],
    }
    link = api.post("/relationships/", {"relationship_type": f"{slug}_type", **ends, "data": {f"{text}_field": text}})
    assert link.status_code == 201, link.text
    return {
        "pipeline": pipeline["id"],
        "field": pipeline["fields"][0]["id"],
        "record_id": record["id"],
        "comment_id": comment.json["id"],
        "template": template.json["id"],
        "relationship_type": link_type.json["id"],
        "type_field": link_type.json["fields"][0]["id"],
        "constraint_id": constraint.json["id"],
        "relationship_id": link.json["id"],
    }


@pytest.fixture(scope="module")
def ours(owner_app: Flask, app: Flask) -> TestTenant:
    return TenantFactory(owner_app, app).create()


@pytest.fixture(scope="module")
def theirs(owner_app: Flask, app: Flask) -> Things:
    return furnish(TenantFactory(owner_app, app).create())


@pytest.fixture(autouse=True)
def _left_alone(app: Flask, theirs: Things) -> Iterator[None]:
    """Whatever is tried, nothing happens in the other tenant."""
    with app.app_context():
        before = clocks([theirs.tenant.id])
    yield
    with app.app_context():
        assert clocks([theirs.tenant.id]) == before
    assert theirs.tenant.api.get("/auth/user/profile/").status_code == 200


def as_admin(tenant: TestTenant) -> Api:
    """With a session of its own: some routes end the one they are called in."""
    return Api(tenant.app, open_session(tenant.app, tenant.id, tenant.admin.id)[1])


def told(response: TestResponse) -> str:
    return f"{response.text}\n{response.headers}"


def shape(response: TestResponse) -> tuple[int, str | None, dict[str, Any] | None]:
    """All of an answer but what names the very request."""
    body = response.get_json() if response.data else None
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in {"instance", "request_id"}}
    return response.status_code, response.content_type, body


def with_ids(app: Flask) -> Iterator[Route]:
    for route in routes(app):
        if set(route.rule.arguments) - NO_IDS:
            yield route


def test_every_id_of_another_is_as_good_as_none(app: Flask, ours: TestTenant, theirs: Things) -> None:
    """Threats 1, 2, 12: the same status, the same words, and no trace of the other, for every route and kind of id;
    where an address names several things, with one of the other's among one's own as well.
    """
    tried, faults, mine = 0, [], furnish_once_more(ours)
    for route in with_ids(app):
        parameters = set(route.rule.arguments) - NO_IDS
        assert parameters <= theirs.ids.keys(), f"{route.name}: give the other tenant things that these name"
        body = VALID.get(route.rule.endpoint) if route.writes else None
        for foreign in {frozenset({name}) for name in parameters} | {frozenset(parameters)}:
            nothing = _ask(ours, route, {**mine, **{name: _nobodys(name) for name in foreign}}, body)
            for at in range(max(len(theirs.ids[name]) for name in foreign)):
                found = {name: theirs.ids[name][at % len(theirs.ids[name])] for name in foreign}
                if not route.takes(found):
                    continue
                answer = _ask(ours, route, {**mine, **found}, body)
                tried += 1
                said = told(answer)
                for name in found.values():
                    said = said.replace(name, "")
                if answer.status_code != 404 or shape(answer) != shape(nothing) or CANARY in said:
                    faults.append(f"{route.name} {found}: {answer.status_code} {answer.text}, {nothing.status_code}")
    assert faults == []
    assert tried >= 90


def _ask(tenant: TestTenant, route: Route, ids: dict[str, str], body: Any) -> TestResponse:
    return as_admin(tenant).request(route.method, route.path(ids), json=body)


def _nobodys(name: str) -> str:
    return "no_such_thing" if name in NAMED - {"field", "type_field"} else str(new_id())


def test_one_s_own_ids_are_found_in_the_same_way(app: Flask, ours: TestTenant) -> None:
    """Else the test above would prove nothing: with ids of one's own every one of those requests does something."""
    mine = furnish_once_more(ours)
    for route in with_ids(app):
        body = VALID.get(route.rule.endpoint) if route.writes else None
        if route.rule.rule.endswith("/restore/"):
            removed = route.path(mine).removesuffix("/restore/") + "/?force=true"
            assert ours.api.delete(removed if "fields" in removed else removed.partition("?")[0]).status_code == 204
        address = route.path(mine) + ("?force=true" if route.rule.endpoint in FORCED else "")
        answer = ours.api.request(route.method, address, json=body)
        assert answer.status_code in {200, 201, 204}, f"{route.name}: {answer.status_code} {answer.text}"
        if route.method == "DELETE":
            mine = furnish_once_more(ours)


def furnish_once_more(tenant: TestTenant) -> dict[str, str]:
    suffix = new_id().hex
    role = tenant.api.post("/users/types/", {"name": "x", "slug": f"x{suffix}", "grants": []}).json
    user = tenant.api.post("/users/", {"email": f"{suffix}@example.com", "user_types": ["viewer"]}).json
    key = tenant.api.post("/auth/api-keys/", {"name": "x"}).json
    session_id, _ = open_session(tenant.app, tenant.id, tenant.admin.id)
    own = {"user_id": user["id"], "user_type": role["id"], "key_id": key["id"], "session_id": str(session_id)}
    return {**own, **_data(tenant, f"x{suffix}", "x")}


def test_no_answer_of_any_route_tells_of_another_tenant(app: Flask, ours: TestTenant, theirs: Things) -> None:
    """Threat 1: what can be asked without an id."""
    for route in routes(app):
        if not route.rule.arguments and not route.is_public and route.method == "GET":
            said = told(as_admin(ours).get(route.rule.rule))
            assert CANARY not in said, route.name
            assert not [found for found in theirs.all if found in said], route.name


@pytest.mark.parametrize(
    "address",
    ["/users/?id={user}", "/users/?created_by={admin}", "/users/?email={email}", "/users/?search=canary",
     "/users/deleted/?id={gone}", "/users/deleted/?search=canary", "/users/types/?slug={slug}",
     "/users/types/?id={role}", "/users/types/?search=canary", "/auth/sessions/?id={session}",
     "/auth/sessions/?user_id={admin}", "/auth/api-keys/?id={key}", "/auth/api-keys/?user_id={admin}",
     "/auth/api-keys/?search=canary", "/admin/audit/?subject_id={user}", "/admin/audit/?actor_id={admin}",
     '/users/?filter={{"or":[{{"id":"{user}"}},{{"email":{{"contains":"canary"}}}}]}}',
     '/admin/audit/?filter={{"subject_id":{{"in":["{user}","{role}","{tenant}"]}}}}',
     "/users/?cursor=&id={user}", "/users/?count=estimated&id={user}"],
)  # fmt: skip
def test_asking_a_list_for_another_s_rows_finds_none(ours: TestTenant, theirs: Things, address: str) -> None:
    """Threat 1."""
    user, gone, admin = theirs.ids["user_id"]
    role, slug = theirs.ids["user_type"]
    filled = address.format(
        user=user, gone=gone, admin=admin, role=role, slug=slug, session=theirs.ids["session_id"][0],
        key=theirs.ids["key_id"][0], email=f"{CANARY}@{CANARY}.example", tenant=theirs.tenant.id,
    )  # fmt: skip
    answer = ours.api.get(filled)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["results"] == []
    assert not answer.get_json()["count"]
    assert theirs.tenant.api.get(filled).get_json()["results"] != [], "the question would find something"


def test_another_s_user_type_is_refused_like_one_that_nobody_has(ours: TestTenant, theirs: Things) -> None:
    """Threat 1: user types are a closed set, of the tenant's own."""
    slug = theirs.ids["user_type"][1]
    assert theirs.tenant.api.get(f"/users/?user_type={slug}").get_json()["results"] != []
    of_theirs, of_nobody = (ours.api.get(f"/users/?user_type={name}") for name in (slug, f"{slug}x"))
    problem = assert_problem(of_theirs, 400, "INVALID_PARAMETER")
    assert slug not in problem["errors"][0]["allowed"]
    of_them, of_none = (told_without_names(found.get_json(), slug) for found in (of_theirs, of_nobody))
    assert of_them == of_none


def told_without_names(problem: dict[str, Any], slug: str) -> list[dict[str, Any]]:
    return [{**fault, "message": fault["message"].replace(f"{slug}x", slug)} for fault in problem["errors"]]


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "/users/", {"email": "a@example.com", "user_types": ["{role}"]}),
        ("POST", "/users/", {"email": "a@example.com", "user_types": ["viewer", "{role}"]}),
        ("POST", "/users/", {"email": "a@example.com", "user_types": ["{slug}"]}),
        ("PATCH", "/users/{own}/", {"user_types": ["{role}"]}),
        ("PATCH", "/users/{own}/", {"user_types": ["admin", "{slug}"]}),
        ("POST", "/users/types/", {"name": "x", "grants": [{"permission": "records:read", "pipelines": ["{pipe}"]}]}),
        ("POST", "/users/types/", {"name": "x", "grants": [{"permission": "records:read", "pipelines": ["{slug}"]}]}),
        ("PATCH", "/users/types/viewer/", {"grants": [{"permission": "records:read", "pipelines": ["{pipe}"]}]}),
        ("GET", "/users/permissions/explain/?action=records:read&pipeline={pipe}", None),
        ("GET", "/users/permissions/explain/?action=records:read&pipeline={slug}", None),
        ("GET", "/users/permissions/explain/?action=records:read&record={pipe}", None),
    ],
)
def test_another_s_ids_mean_nothing_inside_a_request(
    ours: TestTenant, theirs: Things, method: str, address: str, body: Any
) -> None:
    """Threats 7, 2: refused, in the words for what does not exist."""

    def filled(part: Any, names: dict[str, str]) -> Any:
        if isinstance(part, dict):
            return {key: filled(value, names) for key, value in part.items()}
        if isinstance(part, list):
            return [filled(value, names) for value in part]
        return part.format(**names) if isinstance(part, str) else part

    role, slug = theirs.ids["user_type"]
    own = {"own": str(ours.admin.id)}
    foreign = {"role": role, "slug": slug, "pipe": theirs.pipeline_id, **own}
    random = {"role": str(new_id()), "slug": "no_such_thing", "pipe": str(new_id()), **own}
    answers = [
        ours.api.request(method, filled(address, names), json=filled(body, names)) for names in (foreign, random)
    ]
    assert answers[0].status_code in {404, 422}, answers[0].text
    assert shape(answers[0]) == shape(answers[1])


@pytest.mark.parametrize(
    ("path", "body"),
    [("/users/", {"email": "a@example.com"}), ("/users/types/", {"name": "x"}), ("/auth/api-keys/", {"name": "x"})],
)
@pytest.mark.parametrize("key", ["tenant_id", "tenant", "tenantId", "tid"])
def test_a_body_does_not_say_whose_it_is(
    ours: TestTenant, theirs: Things, path: str, body: dict[str, Any], key: str
) -> None:
    """Threat 6."""
    for named in (str(theirs.tenant.id), theirs.tenant.slug):
        assert_problem(ours.api.post(path, {**body, key: named}), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    "header",
    ["X-Tenant-Id", "X-Tenant", "X-Tenant-ID", "X-Oneo-Tenant", "Tenant", "X-Forwarded-Host", "X-Host", "Forwarded",
     "X-Original-Host", "X-Forwarded-Server", "X-Http-Host-Override", "X-Original-Url", "X-Rewrite-Url", "Origin",
     "Referer", "X-User-Id", "X-Forwarded-User", "Cookie"],
)  # fmt: skip
def test_no_header_leads_to_another_tenant(ours: TestTenant, theirs: Things, header: str) -> None:
    """Threat 4."""
    for named in (
        str(theirs.tenant.id),
        theirs.tenant.slug,
        f"host={theirs.tenant.slug}",
        f"tenant={theirs.tenant.id}",
    ):
        answer = ours.api.get("/tenants/current/", headers={header: named})
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["id"] == str(ours.id)


def test_a_tag_of_one_tenant_is_news_to_another(app: Flask, ours: TestTenant, theirs: Things) -> None:
    """Threat 8: the same address, another caller, never 304, also where versions happen to be alike."""
    compared = 0
    for route in routes(app):
        if route.rule.arguments or route.is_public or route.method != "GET":
            continue
        mine = ours.api.get(route.rule.rule)
        tag = mine.headers.get("ETag")
        if mine.status_code != 200 or tag is None:
            continue
        compared += 1
        for versions in ([tag], ['"1"', '"2"', '"3"', tag]):
            answer = theirs.tenant.api.get(route.rule.rule, headers={"If-None-Match": ", ".join(versions)})
            assert answer.status_code == 200, f"{route.name} {versions}: {answer.status_code}"
    assert compared >= 6


def test_what_one_caller_gets_is_not_kept_for_another(app: Flask, ours: TestTenant) -> None:
    """Threat 8."""
    for route in routes(app):
        if not route.rule.arguments and not route.is_public and route.method == "GET":
            answer = ours.api.get(route.rule.rule)
            cached = answer.headers["Cache-Control"]
            assert "private" in cached or "no-store" in cached, route.name
            assert "Authorization" in answer.headers["Vary"], route.name


def test_one_idempotency_key_in_two_tenants_is_two_keys(ours: TestTenant, tenant: TestTenant) -> None:
    """Threats 9, 69: nor does it reveal anything to a colleague."""
    headers, body = {"Idempotency-Key": "the-same"}, {"email": "same@example.com", "user_types": ["viewer"]}
    first = ours.api.post("/users/", body, headers=headers)
    second = tenant.api.post("/users/", body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json()["id"] != second.get_json()["id"]
    colleague = tenant.user("admin").api.post("/users/", body, headers=headers)
    assert_problem(colleague, 409, "EMAIL_TAKEN")
    assert second.get_json()["id"] not in colleague.text


def test_one_address_in_two_tenants_is_two_people(ours: TestTenant, tenant: TestTenant) -> None:
    """Threat 10."""
    body = {"email": "both@example.com", "name": "Here", "user_types": ["viewer"]}
    here, there = ours.api.post("/users/", body).get_json(), tenant.api.post("/users/", body).get_json()
    assert here["id"] != there["id"]
    assert tenant.api.patch(f"/users/{there['id']}/", {"name": "There"}).status_code == 200
    assert tenant.api.delete(f"/users/{there['id']}/").status_code == 204
    assert ours.api.get(f"/users/{here['id']}/").get_json() == here
