"""Every route, visited as nobody, as a stranger, as somebody without rights, and with a token that was revoked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oneo.access.permissions import P
from tests.api import Api
from tests.architecture.walk import BODIES, Route, routes
from tests.factories.tenant import TestTenant, TestUser, open_session


def _visits(app: Flask) -> Iterator[tuple[Route, dict[str, Any]]]:
    """Each guarded route, writes once with each kind of body."""
    for route in routes(app):
        if not route.is_public:
            for body in BODIES if route.writes else BODIES[:1]:
                yield route, body


def _ids(tenant: TestTenant) -> dict[str, object]:
    """An id of each kind of thing that the tenant has, by the kind's name, from its log."""
    return {event["type"].partition(".")[0]: event["subject_id"] for event in tenant.api.events()}


class Lasting:
    """A user who is always logged in: what a request has ended is begun anew."""

    def __init__(self, tenant: TestTenant, user: TestUser) -> None:
        self._tenant, self._user, self._api = tenant, user, user.api

    def request(self, route: Route, path: str, **body: Any) -> TestResponse:
        answer = self._api.request(route.method, path, **body)
        assert answer.status_code != 401, route.name
        if route.writes and answer.status_code < 300:
            self._api = Api(self._tenant.app, open_session(self._tenant.app, self._tenant.id, self._user.id)[1])
        return answer


def _told(response: TestResponse) -> str:
    return response.text + str(response.headers)


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    assert len({route.name for route in routes(app)}) > 30


def test_every_operation_has_a_name_of_its_own(app: Flask) -> None:
    views = [rule.endpoint for rule in app.url_map.iter_rules()]
    names = [endpoint.rpartition(".")[2] for endpoint in dict.fromkeys(views)]
    assert sorted(names) == sorted(set(names))


def test_nobody_is_told_only_that_a_token_is_needed(app: Flask) -> None:
    for route, body in _visits(app):
        response = Api(app).request(route.method, route.path(), **body)
        assert response.status_code == 401, f"{route.name} {body}: {response.status_code} {response.text}"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_opens_nothing(app: Flask, tenant: TestTenant) -> None:
    user = tenant.user("admin")
    assert user.api.get("/users/").status_code == 200
    assert user.api.post("/auth/logout/").status_code == 204
    for route, body in _visits(app):
        response = user.api.request(route.method, route.path(), **body)
        assert response.status_code == 401, f"{route.name} {body}: {response.status_code} {response.text}"


def test_without_the_permission_no_route_does_anything(app: Flask, tenant: TestTenant) -> None:
    weak, ids = tenant.user(tenant.role("nothing", [])), _ids(tenant)
    before = len(tenant.api.events())
    for route, body in _visits(app):
        if isinstance(route.permission, P):
            response = weak.api.request(route.method, route.path(_by_parameter(route, ids)), **body)
            assert response.status_code == 403, f"{route.name} {body}: {response.status_code} {response.text}"
            if route.method != "HEAD":
                assert response.json["permission"] == route.permission.value
    assert len(tenant.api.events()) == before


def test_no_route_fails_for_somebody_without_rights(app: Flask, tenant: TestTenant) -> None:
    weak, ids = Lasting(tenant, tenant.user(tenant.role("nothing", []))), _ids(tenant)
    for route, body in _visits(app):
        response = weak.request(route, route.path(_by_parameter(route, ids)), **body)
        assert response.status_code < 500, f"{route.name} {body}: {response.status_code} {response.text}"


def test_a_stranger_finds_nothing_of_another_tenant(app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    tenant.user("member")
    ids = _ids(tenant)
    before = len(tenant.api.events())
    secrets = [tenant.slug, str(tenant.id), *(str(found) for found in ids.values())]
    stranger = Lasting(other, other.admin)
    for route, body in _visits(app):
        for found in ids.values() if route.rule.arguments else [None]:
            path = route.path(dict.fromkeys(route.rule.arguments, found))
            response = stranger.request(route, path, **body)
            where = f"{route.name} {body}: {response.status_code} {response.text}"
            assert response.status_code < 500, where
            if route.rule.arguments:
                assert response.status_code in {400, 404, 415, 422}, where
            told = _told(response).replace(path, "")
            assert not [secret for secret in secrets if secret in told], where
    assert len(tenant.api.events()) == before


def test_what_is_not_there_and_what_is_anothers_look_alike(app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    ids, stranger = _ids(tenant), Lasting(other, other.admin)
    for route in (route for route in routes(app) if route.rule.arguments and not route.is_public):
        for found in ids.values():
            anothers = route.path(dict.fromkeys(route.rule.arguments, found))
            answers = [
                stranger.request(route, path, json={} if route.writes else None) for path in (anothers, route.path())
            ]
            assert answers[0].status_code == answers[1].status_code, route.name
            if route.method != "HEAD":
                assert _comparable(answers[0]) == _comparable(answers[1]), route.name


def test_another_tenants_things_cannot_be_named_in_a_body(tenant: TestTenant, other: TestTenant) -> None:
    role = next(row["id"] for row in tenant.api.get("/users/types/").json["results"] if row["slug"] == "member")
    made = other.api.post("/users/", {"email": "x@other.example", "user_types": [role]})
    assert made.status_code == 422
    assert made.json["errors"][0]["code"] == "USER_TYPE_NOT_FOUND"
    claimed = other.api.post("/users/", {"email": "y@other.example", "tenant_id": str(tenant.id)})
    assert claimed.status_code == 422


@pytest.mark.parametrize("key", ["id", "created_by", "created_at", "version", "deleted_at", "tenant_id", "is_system"])
def test_what_the_server_owns_cannot_be_written(tenant: TestTenant, key: str) -> None:
    user = tenant.user()
    for answer in (
        tenant.api.post("/users/", {"email": "z@own.example", key: None}),
        tenant.api.patch(f"/users/{user.id}/", {key: None}),
        user.api.patch("/auth/user/profile/", {key: None}),
    ):
        assert answer.status_code == 422
        assert answer.json["errors"] == [
            {"pointer": f"/{key}", "field": key, "code": "UNKNOWN_FIELD", "message": "Unknown field."}
        ]


def test_nobody_gives_himself_rights(tenant: TestTenant) -> None:
    user = tenant.user("viewer")
    for key, value in {"user_types": ["admin"], "is_superuser": True, "role": "admin", "is_active": True}.items():
        assert user.api.patch("/auth/user/profile/", {key: value}).status_code == 422
    assert user.api.patch(f"/users/{user.id}/", {"user_types": ["admin"]}).status_code == 403
    assert user.api.get("/users/permissions/").json["is_administrator"] is False


def _by_parameter(route: Route, ids: dict[str, object]) -> dict[str, object]:
    """The id of the thing that a parameter is named after: `user_id` takes a user's."""
    kinds = {name: name.removesuffix("_id") for name in route.rule.arguments}
    kinds |= {"key_id": "api_key"}
    return {name: ids[kind] for name, kind in kinds.items() if kind in ids}


def _comparable(response: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = dict(response.get_json() or {})
    return {key: value for key, value in body.items() if key not in {"instance", "request_id"}}
