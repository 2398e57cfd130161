"""Which tenant a host leads to, and that nothing else leads there (contract 3; checklist 47; threats 3, 4, 5)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oneo.actor import system_actor
from oneo.app import create_app
from oneo.operations.tenants import add_domain
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import PASSWORD, TenantFactory, TestTenant

BASE = "oneo.example"
PROXY = "192.0.2.10"


@pytest.fixture(scope="module")
def hosted(database_address: str) -> Flask:
    """Serves one domain, behind one proxy."""
    settings = databases.settings(database_address, base_domain=BASE, trusted_proxies=(f"{PROXY}/32", "2001:db8::/32"))
    return create_app(settings)


@pytest.fixture(scope="module")
def ours(owner_app: Flask, app: Flask) -> TestTenant:
    return TenantFactory(owner_app, app).create()


@pytest.fixture(scope="module")
def theirs(owner_app: Flask, app: Flask) -> TestTenant:
    made = TenantFactory(owner_app, app).create()
    with owner_app.app_context():
        add_domain(system_actor(made.id), domain_of(made))
    return made


def domain_of(tenant: TestTenant) -> str:
    return f"crm.{tenant.slug.replace('_', '-')}.test"


def subdomain_of(tenant: TestTenant) -> str:
    return f"{tenant.slug}.{BASE}"


def ask(
    app: Flask, host: str, *, token: str | None = None, peer: str = "198.51.100.7", path: str = "/tenants/current/",
    **headers: str,
) -> TestResponse:  # fmt: skip
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Api(app, token).get(path, headers={"Host": host, **sent}, environ_overrides={"REMOTE_ADDR": peer})


def log_in(app: Flask, host: str, tenant: TestTenant, *, named: str | None = None) -> TestResponse:
    body = {"email": tenant.admin.email, "password": PASSWORD, "tenant": named}
    return Api(app).post("/auth/login/", body, headers={"Host": host})


# -- hosts that are served ---------------------------------------------------------------------------------------------


def test_at_the_base_domain_the_token_says_whose(hosted: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    for tenant in (ours, theirs):
        for host in (BASE, BASE.upper(), f"{BASE}:8000"):
            answer = ask(hosted, host, token=tenant.api.token)
            assert answer.get_json()["id"] == str(tenant.id), host


def test_at_its_own_host_a_tenant_is_at_home(hosted: Flask, theirs: TestTenant) -> None:
    for host in (subdomain_of(theirs), domain_of(theirs), subdomain_of(theirs).upper(), f"{domain_of(theirs)}:443"):
        answer = ask(hosted, host, token=theirs.api.token)
        assert answer.status_code == 200, f"{host}: {answer.text}"
        assert answer.get_json()["id"] == str(theirs.id)


def test_a_key_is_at_home_there_too(hosted: Flask, theirs: TestTenant, ours: TestTenant) -> None:
    key = theirs.api.post("/auth/api-keys/", {"name": "key"}).get_json()["key"]
    assert ask(hosted, subdomain_of(theirs), token=key).status_code == 200
    assert_problem(ask(hosted, subdomain_of(ours), token=key), 401, "TENANT_MISMATCH")


def test_the_host_names_the_tenant_of_a_login(hosted: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    for host in (subdomain_of(theirs), domain_of(theirs)):
        assert log_in(hosted, host, theirs).get_json()["tenant_id"] == str(theirs.id)
        assert_problem(log_in(hosted, host, ours), 401, "CREDENTIALS_INVALID")


def test_a_body_does_not_overrule_the_host_of_a_login(hosted: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    refused = log_in(hosted, subdomain_of(theirs), ours, named=ours.slug)
    assert_problem(refused, 401, "CREDENTIALS_INVALID")
    for named in (ours.slug, "nobodys"):
        assert_problem(log_in(hosted, subdomain_of(theirs), theirs, named=named), 401, "CREDENTIALS_INVALID")
    assert log_in(hosted, subdomain_of(theirs), theirs, named=theirs.slug).status_code == 200
    assert log_in(hosted, BASE, ours, named=ours.slug).get_json()["tenant_id"] == str(ours.id)
    assert_problem(log_in(hosted, BASE, ours), 401, "CREDENTIALS_INVALID")


# -- the wrong host ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/tenants/current/", "/users/", "/users/types/", "/admin/audit/", "/auth/sessions/", "/auth/api-keys/",
             "/users/permissions/", "/auth/user/profile/"],
)  # fmt: skip
def test_a_token_does_not_open_another_s_host(hosted: Flask, ours: TestTenant, theirs: TestTenant, path: str) -> None:
    """Threat 3."""
    for host in (subdomain_of(theirs), domain_of(theirs)):
        answer = ask(hosted, host, token=ours.api.token, path=path)
        problem = assert_problem(answer, 401, "TENANT_MISMATCH")
        assert theirs.slug not in answer.text.replace(host, "")
        assert problem["detail"] == "The token belongs to another host."


def test_a_refresh_token_is_of_no_use_at_another_s_host(hosted: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    pair = log_in(hosted, subdomain_of(ours), ours).get_json()
    body = {"refresh_token": pair["refresh_token"]}
    refused = Api(hosted).post("/auth/refresh/", body, headers={"Host": subdomain_of(theirs)})
    assert_problem(refused, 401, "TENANT_MISMATCH")
    renewed = Api(hosted).post("/auth/refresh/", body, headers={"Host": subdomain_of(ours)})
    assert renewed.status_code == 200, "a try at the wrong host does not use it up"


ODD = (
    "", " ", ".", "-", "example", "oneo", "localhost", "127.0.0.1", "[::1]", "0", "::1", "203.0.113.9:80", "[2001::1]",
    f"nobody.{BASE}", f".{BASE}", f"{BASE}.", f"..{BASE}", f"-.{BASE}", f"x{BASE}", f"{BASE}.evil.example",
    f"evil.example/{BASE}", f"evil.example#{BASE}", f"evil.example?{BASE}", f"user@{BASE}", f"{BASE}@evil.example",
    f"{BASE}:port", f"{BASE}:8000:8000", f"{BASE}:", f"{BASE}:999999", f"{BASE},{BASE}", f"{BASE} {BASE}",
    f"http://{BASE}", "%6fneo.example", f"{BASE}%00", "öneo.example", f"{BASE}\t", "a" * 254 + ".example",
    f"{'a' * 300}.{BASE}", f"{'a.' * 100}{BASE}", f"' OR '1'='1.{BASE}", f"*.{BASE}", f"__proto__.{BASE}",
    f"null.{BASE}", f"undefined.{BASE}",
)  # fmt: skip


@pytest.mark.parametrize("host", ODD)
def test_any_other_host_is_not_served(hosted: Flask, ours: TestTenant, host: str) -> None:
    """Threat 5: never a default tenant, whatever token comes along."""
    for token in (ours.api.token, None):
        answer = ask(hosted, host, token=token)
        assert answer.status_code == 421, answer.text
        assert answer.get_json()["code"] == "HOST_NOT_SERVED"
    assert log_in(hosted, host, ours, named=ours.slug).status_code == 421


@pytest.mark.parametrize("variant", ["x.{}", "{}.x", "{}x", "x{}", "www.{}"])
def test_what_is_only_like_a_tenant_s_host_is_none(hosted: Flask, theirs: TestTenant, variant: str) -> None:
    label = variant.format(theirs.slug)
    assert_problem(ask(hosted, f"{label}.{BASE}", token=theirs.api.token), 421, "HOST_NOT_SERVED")
    assert_problem(ask(hosted, variant.format(domain_of(theirs)), token=theirs.api.token), 421, "HOST_NOT_SERVED")


def test_a_tenant_s_domain_does_not_lend_its_name_to_others(hosted: Flask, ours: TestTenant) -> None:
    """Only who has registered a domain is served there."""
    assert_problem(ask(hosted, domain_of(ours), token=ours.api.token), 421, "HOST_NOT_SERVED")


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/version"])
def test_probes_are_served_at_any_host(hosted: Flask, path: str) -> None:
    answer = hosted.test_client().get(path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("host", ["anything.example", "127.0.0.1:8000", "[::1]:8000", "localhost", "a_b.example"])
def test_without_a_base_domain_any_host_is_the_token_s(app: Flask, ours: TestTenant, host: str) -> None:
    assert ask(app, host, token=ours.api.token).get_json()["id"] == str(ours.id)


# -- forwarded hosts ---------------------------------------------------------------------------------------------------


def forwarded(tenant: TestTenant) -> list[dict[str, str]]:
    """Ways of naming another host beside the real one."""
    host = subdomain_of(tenant)
    return [
        {"X_Forwarded_Host": host}, {"X_Forwarded_Host": f"{host}, {host}"}, {"X_Host": host},
        {"X_Original_Host": host}, {"Forwarded": f"host={host}"}, {"X_Forwarded_Server": host},
        {"X_HTTP_Host_Override": host}, {"X_Rewrite_Url": f"http://{host}/"}, {"X_Tenant": tenant.slug},
        {"X_Tenant_Id": str(tenant.id)}, {"Cookie": f"tenant={tenant.slug}"}, {"Origin": f"http://{host}"},
        {"Referer": f"http://{host}/"},
    ]  # fmt: skip


def test_nobody_but_the_proxy_says_which_host_was_meant(hosted: Flask, ours: TestTenant, theirs: TestTenant) -> None:
    """Threat 4."""
    for headers in forwarded(theirs):
        answer = ask(hosted, subdomain_of(ours), token=ours.api.token, **headers)
        assert answer.get_json().get("id") == str(ours.id), headers
        assert ask(hosted, subdomain_of(theirs), token=ours.api.token, **headers).status_code == 401
        assert ask(hosted, "unknown.example", token=theirs.api.token, **headers).status_code == 421


@pytest.mark.parametrize("peer", [PROXY, "2001:db8::7"])
def test_the_proxy_says_which_host_was_meant(hosted: Flask, ours: TestTenant, theirs: TestTenant, peer: str) -> None:
    through: dict[str, Any] = {"peer": peer, "X_Forwarded_Host": subdomain_of(theirs)}
    assert ask(hosted, "inside:8000", token=theirs.api.token, **through).get_json()["id"] == str(theirs.id)
    assert_problem(ask(hosted, subdomain_of(ours), token=ours.api.token, **through), 401, "TENANT_MISMATCH")
    through["X_Forwarded_Host"] = "evil.example"
    assert_problem(ask(hosted, subdomain_of(ours), token=ours.api.token, **through), 421, "HOST_NOT_SERVED")
    assert ask(hosted, subdomain_of(ours), token=ours.api.token, peer=peer).status_code == 200


@pytest.mark.parametrize("peer", ["192.0.2.11", "192.0.2.1", "2001:db9::7", "10.0.0.1", "127.0.0.1"])
def test_a_neighbour_of_the_proxy_is_not_the_proxy(
    hosted: Flask, ours: TestTenant, theirs: TestTenant, peer: str
) -> None:
    answer = ask(hosted, subdomain_of(ours), token=ours.api.token, peer=peer, X_Forwarded_Host=subdomain_of(theirs))
    assert answer.get_json()["id"] == str(ours.id)


def test_of_several_forwarded_hosts_the_proxy_s_own_word_counts(
    hosted: Flask, ours: TestTenant, theirs: TestTenant
) -> None:
    """A proxy that appends leaves what the client claimed in front."""
    claimed = f"{subdomain_of(theirs)}, {subdomain_of(ours)}"
    answer = ask(hosted, "inside", token=ours.api.token, peer=PROXY, X_Forwarded_Host=claimed)
    assert answer.status_code == 200, answer.text
