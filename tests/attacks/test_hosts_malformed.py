"""A malformed Host is refused whether any host is served or only those of one domain."""

from __future__ import annotations

import pytest
from flask import Flask

from oneo.app import create_app
from oneo.errors import MalformedRequest
from oneo.http.hosts import Hosts
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import TestTenant

MALFORMED = (
    "t.example:99999", "t.example:65536", "t.example:0", "t.example:000000080", "t.example:", "t.example:-1",
    "t.example:+80", "t.example:8o", "t.example:80:80", "t.example:٣", "[::1", "::1", "::1]", "[::1]x", "[]",
    "[1.2.3.4]", "[::1%25eth0]", "[g::1]", "[::1]:99999", "a..b", ".t.example", "-a.example", "a-.example",
    "t.example..", "a" * 64 + ".example", "a." * 127 + "ab", "user@t.example", "t.example/x", "t.example?x",
    "t.example#x", "t example", "t.example\\x", "<t>", "t.example,u.example", "%74.example", "*.example", "ö.example",
    ".", ":80",
)  # fmt: skip
WELL_FORMED = (
    "t.example", "T.Example:443", "t.example:65535", "t.example:1", "t.example.", "127.0.0.1:8000", "[::1]:8000",
    "[::1]", "[2001:DB8::7]:80", "[::ffff:192.0.2.1]", "localhost", "my_app:8000", "xn--nxasmq6b.example",
    "a" * 63 + ".example", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def hosted(database_address: str) -> Flask:
    return create_app(databases.settings(database_address, base_domain="t.example", trusted_proxies=("192.0.2.10/32",)))


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_refused(app: Flask, hosted: Flask, tenant: TestTenant, host: str) -> None:
    token = tenant.api.token
    sent = {"headers": {"Host": host}}
    assert_problem(Api(app, token).get("/tenants/current/", **sent), 400, "MALFORMED_REQUEST")
    assert_problem(Api(hosted, token).get("/tenants/current/", **sent), 421, "HOST_NOT_SERVED")
    forwarded = {"headers": {"Host": "t.example", "X-Forwarded-Host": host}}
    through = Api(hosted, token).get("/tenants/current/", environ_overrides={"REMOTE_ADDR": "192.0.2.10"}, **forwarded)
    assert_problem(through, 421, "HOST_NOT_SERVED")


@pytest.mark.parametrize("host", WELL_FORMED)
def test_any_well_formed_host_is_served_without_a_base_domain(app: Flask, tenant: TestTenant, host: str) -> None:
    answer = Api(app, tenant.api.token).get("/tenants/current/", headers={"Host": host})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("host", ["[:::1]", "[1:2]", "[::1::2]", "[1:2:3:4:5:6:7:8:9]"])
def test_what_is_no_address_is_refused_in_brackets(app: Flask, host: str) -> None:
    """Asked directly: the test client cannot send these."""
    hosts: Hosts = app.extensions["oneo.hosts"]
    with pytest.raises(MalformedRequest):
        hosts.tenant_of(host)
