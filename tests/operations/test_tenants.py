"""A tenant as its people see it, and its life as the server's owner commands it (checklist 5, 6, 47; threats 3, 50)."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.errors import DomainTaken, EmailTaken, SlugTaken, TenantNotFound, ValidationFailed
from oneo.ids import new_id
from oneo.operations.tenants import add_domain, create_tenant, delete_tenant, set_tenant_status, tenant_actor
from oneo.store.fence import tenant_tables
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.tenant import PASSWORD, TenantFactory, TestTenant

DEFAULTS = {"timezone": "UTC", "locale": "en", "currency": "EUR", "week_start": "monday"}


def host_of(tenant: TestTenant, name: str = "crm") -> str:
    return f"{name}.{tenant.slug.replace('_', '-')}.example"


def test_everybody_may_know_where_he_is(owner_app: Flask, tenant: TestTenant) -> None:
    """Checklist 5."""
    with owner_app.app_context():
        add_domain(system_actor(tenant.id), host_of(tenant).upper())
    user = tenant.user(tenant.role("nothing", []))
    found = user.api.get("/tenants/current/").json
    assert {name: found[name] for name in ("id", "slug", "name", "status", "domains", "version")} == {
        "id": str(tenant.id), "slug": tenant.slug, "name": tenant.slug.title(), "status": "active",
        "domains": [host_of(tenant)], "version": 1,
    }  # fmt: skip


def test_settings_begin_with_their_defaults(tenant: TestTenant) -> None:
    """Checklist 6."""
    answer = tenant.api.get("/tenants/settings/")
    assert answer.json == {"name": tenant.slug.title(), **DEFAULTS}
    assert answer.headers["ETag"] == '"1"'


def test_settings_are_merged(tenant: TestTenant) -> None:
    first = tenant.api.patch("/tenants/settings/", {"currency": "CHF", "locale": "de-CH"})
    assert first.status_code == 200, first.text
    second = tenant.api.patch(
        "/tenants/settings/", {"name": "Acme", "timezone": "Europe/Zurich", "week_start": "sunday"},
        headers={"If-Match": first.headers["ETag"]},
    )  # fmt: skip
    assert second.json == {
        "name": "Acme", "timezone": "Europe/Zurich", "locale": "de-CH", "currency": "CHF", "week_start": "sunday",
    }  # fmt: skip
    assert tenant.api.get("/tenants/settings/").json == second.json
    assert tenant.api.get("/tenants/current/").json["name"] == "Acme"


def test_null_returns_a_setting_to_its_default(tenant: TestTenant) -> None:
    tenant.api.patch("/tenants/settings/", {"currency": "CHF", "locale": "de-CH"})
    back = tenant.api.patch("/tenants/settings/", {"currency": None})
    assert (back.json["currency"], back.json["locale"]) == ("EUR", "de-CH")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"currency": "EURO"}, "INVALID_VALUE"),
        ({"currency": "EU"}, "INVALID_VALUE"),
        ({"currency": "eur"}, "INVALID_CURRENCY"),
        ({"currency": "E1R"}, "INVALID_CURRENCY"),
        ({"currency": "E R"}, "INVALID_CURRENCY"),
        ({"currency": "€€€"}, "INVALID_CURRENCY"),
        ({"currency": "ÄÖÜ"}, "INVALID_CURRENCY"),
        ({"currency": 978}, "INVALID_VALUE"),
        ({"locale": "de_CH"}, "INVALID_LOCALE"),
        ({"locale": "german language"}, "INVALID_LOCALE"),
        ({"locale": ""}, "INVALID_LOCALE"),
        ({"locale": "de-"}, "INVALID_LOCALE"),
        ({"locale": "dé"}, "INVALID_LOCALE"),
        ({"locale": "x" * 36}, "INVALID_VALUE"),
        ({"timezone": "Berlin"}, "UNKNOWN_TIMEZONE"),
        ({"timezone": "europe/berlin"}, "UNKNOWN_TIMEZONE"),
        ({"timezone": "/etc/localtime"}, "UNKNOWN_TIMEZONE"),
        ({"timezone": "UTC+1"}, "UNKNOWN_TIMEZONE"),
        ({"week_start": "tuesday"}, "INVALID_VALUE"),
        ({"week_start": 1}, "INVALID_VALUE"),
        ({"name": ""}, "INVALID_VALUE"),
        ({"name": None}, "INVALID_VALUE"),
        ({"name": "x" * 201}, "INVALID_VALUE"),
        ({"name": "x\0y"}, None),
        ({"id": SOME_ID}, "UNKNOWN_FIELD"),
        ({"slug": "other"}, "UNKNOWN_FIELD"),
        ({"status": "active"}, "UNKNOWN_FIELD"),
        ({"settings": {}}, "UNKNOWN_FIELD"),
        ({"access_revision": 1}, "UNKNOWN_FIELD"),
        ({"version": 1}, "UNKNOWN_FIELD"),
        ({"theme": "dark"}, "UNKNOWN_FIELD"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_settings_take_sensible_values_only(settled: TestTenant, body: dict[str, Any], code: str | None) -> None:
    """Threat 21, and amounts and dates that can be written later."""
    answer = settled.api.patch("/tenants/settings/", {"week_start": "sunday", **body})
    if code is None:
        assert_problem(answer, 400, "MALFORMED_JSON")
    else:
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        (key,) = body
        assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(f"/{key}", code)]
    assert settled.api.get("/tenants/settings/").json["week_start"] == "monday", "nothing is changed by half"


@pytest.mark.parametrize("locale", ["en", "de-CH", "zh-Hant-TW", "es-419", "yue", "sr-Latn-RS"])
@pytest.mark.parametrize("currency", ["USD", "XAU"])
def test_settings_take_what_the_standards_know(tenant: TestTenant, locale: str, currency: str) -> None:
    answer = tenant.api.patch("/tenants/settings/", {"locale": locale, "currency": currency})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("grants", "read", "write"),
    [([], 403, 403), ([{"permission": "tenant:read"}], 200, 403), ([{"permission": "tenant:update"}], 403, 200)],
)
def test_settings_are_for_those_who_may(
    tenant: TestTenant, grants: list[dict[str, Any]], read: int, write: int
) -> None:
    user = tenant.user(tenant.role("some", grants))
    assert user.api.get("/tenants/settings/").status_code == read
    assert user.api.patch("/tenants/settings/", {"locale": "de"}).status_code == write


def test_settings_of_one_tenant_are_none_of_another(tenant: TestTenant, other: TestTenant) -> None:
    tenant.api.patch("/tenants/settings/", {"name": "Canary", "currency": "CHF"})
    assert other.api.get("/tenants/settings/").json["currency"] == "EUR"
    assert "Canary" not in other.api.get("/tenants/current/").text


# -- as the owner ------------------------------------------------------------------------------------------------------


def test_a_new_tenant_can_be_worked_in_at_once(app: Flask, owner_app: Flask) -> None:
    tenant_id = new_id()
    slug = f"fresh_{tenant_id.hex[-12:]}"
    with owner_app.app_context():
        made = create_tenant(
            system_actor(tenant_id), slug=slug, name="Fresh", admin_email="Admin@Fresh.example", admin_password=PASSWORD
        )
        assert made == tenant_id == tenant_actor(slug).tenant_id
    body = {"tenant": slug, "email": "admin@fresh.example", "password": PASSWORD}
    login = Api(app).post("/auth/login/", body)
    assert login.status_code == 200, login.text
    api = Api(app, login.json["access_token"])
    assert api.get("/users/").json["results"][0]["user_types"] == ["admin"]
    assert [event["type"] for event in api.events()][:3] == ["tenant.created", "user.created", "user_type.created"]
    assert {event["actor"]["kind"] for event in api.events()[:7]} == {"system"}


@pytest.mark.parametrize(
    "wrong",
    [{"slug": "Not A Slug"}, {"slug": ""}, {"slug": "a" * 49}, {"slug": "a.b"}, {"slug": "-a"},
     {"admin_email": "nobody"}, {"admin_password": "short"}, {"admin_password": "passwordpassword1"}],
    ids=str,
)  # fmt: skip
def test_a_tenant_that_cannot_be_made_leaves_nothing(owner_app: Flask, wrong: dict[str, str]) -> None:
    slug = f"half_{new_id().hex[-12:]}"
    right = {"slug": slug, "name": "Half", "admin_email": "a@half.example", "admin_password": PASSWORD}
    with owner_app.app_context():
        with pytest.raises(ValidationFailed):
            create_tenant(system_actor(new_id()), **{**right, **wrong})
        with pytest.raises(TenantNotFound):
            tenant_actor(wrong.get("slug", slug))


def test_a_slug_belongs_to_one_tenant(owner_app: Flask, tenant: TestTenant) -> None:
    with owner_app.app_context(), pytest.raises(SlugTaken):
        create_tenant(
            system_actor(new_id()), slug=tenant.slug, name="x", admin_email="a@b.example", admin_password=PASSWORD
        )
    assert tenant.api.get("/tenants/current/").json["name"] == tenant.slug.title()


def test_a_suspended_tenant_stops_at_the_next_request_and_goes_on_after(
    app: Flask, owner_app: Flask, tenant: TestTenant, other: TestTenant
) -> None:
    """Threat 50, of a whole tenant."""
    user = tenant.user()
    assert user.api.get("/tenants/current/").status_code == 200
    with owner_app.app_context():
        set_tenant_status(system_actor(tenant.id), "suspended")
    for api in (tenant.api, user.api):
        assert_problem(api.get("/tenants/current/"), 401, "TOKEN_REVOKED")
        assert_problem(api.patch("/auth/user/profile/", {"name": "x"}), 401, "TOKEN_REVOKED")
    body = {"tenant": tenant.slug, "email": tenant.admin.email, "password": PASSWORD}
    assert_problem(Api(app).post("/auth/login/", body), 401, "CREDENTIALS_INVALID")
    assert other.api.get("/tenants/current/").status_code == 200
    with owner_app.app_context():
        set_tenant_status(system_actor(tenant.id), "suspended")
        set_tenant_status(system_actor(tenant.id), "active")
    assert user.api.get("/tenants/current/").status_code == 200
    events = [event for event in tenant.api.events() if event["event_type"] in {"suspended", "activated"}]
    assert [(event["type"], event["old"]["status"]) for event in events] == [
        ("tenant.suspended", "active"), ("tenant.activated", "suspended"),
    ]  # fmt: skip


def test_a_deleted_tenant_leaves_no_row(
    app: Flask, owner_app: Flask, database_address: str, tenant: TestTenant, other: TestTenant
) -> None:
    tenant.user()
    tenant.api.post("/auth/api-keys/", {"name": "key"})
    tenant.api.post("/users/", {"email": "a@example.com"}, headers={"Idempotency-Key": "1"})
    with owner_app.app_context():
        add_domain(system_actor(tenant.id), host_of(tenant))
    before = rows_of(database_address, other)
    assert sum(rows_of(database_address, tenant).values()) > 20
    with owner_app.app_context():
        delete_tenant(system_actor(tenant.id))
    assert set(rows_of(database_address, tenant).values()) == {0}
    assert rows_of(database_address, other) == before
    assert_problem(tenant.api.get("/tenants/current/"), 401, "TOKEN_REVOKED")
    assert_problem(tenant.api.patch("/auth/user/profile/", {"name": "x"}), 401, "TOKEN_REVOKED")
    with owner_app.app_context(), pytest.raises(TenantNotFound):
        delete_tenant(system_actor(tenant.id))


def rows_of(address: str, tenant: TestTenant) -> dict[str, int]:
    tables = {*tenant_tables(), "tenant_clocks", "tenant_domains"}
    with psycopg2.connect(address) as connection, connection.cursor() as cursor:
        found = {}
        for table in sorted(tables):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (tenant.id,))
            found[table] = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM tenants WHERE id = %s", (tenant.id,))
        return {**found, "tenants": cursor.fetchone()[0]}


def test_a_tenant_of_the_same_name_is_another_tenant(
    app: Flask, owner_app: Flask, tenants: TenantFactory, tenant: TestTenant
) -> None:
    key = Api(app, tenant.api.post("/auth/api-keys/", {"name": "key"}).json["key"])
    assert key.get("/tenants/current/").status_code == 200
    with owner_app.app_context():
        delete_tenant(system_actor(tenant.id))
    again = tenants.create(tenant.slug)
    assert again.api.get("/tenants/current/").status_code == 200
    for old in (tenant.api, key):
        assert_problem(old.get("/tenants/current/"), 401, "TOKEN_REVOKED")


def test_a_domain_leads_to_one_tenant(owner_app: Flask, tenant: TestTenant, other: TestTenant) -> None:
    with owner_app.app_context():
        add_domain(system_actor(tenant.id), host_of(tenant))
        for claimant in (tenant, other):
            with pytest.raises(DomainTaken):
                add_domain(system_actor(claimant.id), host_of(tenant).upper())
    assert other.api.get("/tenants/current/").json["domains"] == []


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "https://crm.example.com", "crm.example.com:8000", "crm.example.com/", "crm.example.com.",
     ".example.com", "*.example.com", "crm example.com", "crm..example.com", "-crm.example.com", "crm-.example.com",
     "münchen.example", "user@example.com", "x" * 64 + ".com", "a." * 130 + "com", "crm.example.com\n", "[::1]"],
)  # fmt: skip
def test_what_no_request_can_name_is_no_domain(owner_app: Flask, settled: TestTenant, host: str) -> None:
    with owner_app.app_context(), pytest.raises(ValidationFailed):
        add_domain(system_actor(settled.id), host)


@pytest.mark.parametrize("slug", ["no_such_tenant", "", "'; DROP TABLE tenants; --"])
def test_a_tenant_that_is_not_there_is_said(owner_app: Flask, slug: str) -> None:
    with owner_app.app_context():
        with pytest.raises(TenantNotFound):
            tenant_actor(slug)
        with pytest.raises(TenantNotFound):
            set_tenant_status(system_actor(new_id()), "suspended")


def test_the_system_s_user_does_not_stand_in_the_way(owner_app: Flask, tenants: TenantFactory) -> None:
    """His address is one that nobody can have: `.invalid` is reserved."""
    tenant = tenants.create()
    email = f"system@{tenant.slug.replace('_', '-')}.invalid"
    made = tenant.api.post("/users/", {"email": email})
    assert_problem(made, 409, EmailTaken.code)
