"""Where a request comes from and what it was addressed to, as a proxy says it (threats 4, 53)."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.api import Api
from tests.factories.tenant import PASSWORD, TestTenant
from tests.http.test_hosts import PROXY, ask, hosted, ours, subdomain_of

__all__ = ["hosted", "ours"]


@pytest.mark.parametrize(
    ("peer", "chain", "expected"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "1.2.3.4", "198.51.100.7"),
        (PROXY, "1.2.3.4", "1.2.3.4"),
        (PROXY, "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        (PROXY, f"9.9.9.9, 1.2.3.4, {PROXY}", "1.2.3.4"),
        (PROXY, "9.9.9.9, 1.2.3.4, 2001:db8::9", "1.2.3.4"),
        (PROXY, "", PROXY),
        (PROXY, ", ,", PROXY),
        (PROXY, PROXY, PROXY),
        (PROXY, "x" * 100, "x" * 64),
        (PROXY, "1.2.3.4:5678", "1.2.3.4"),
        (PROXY, f"9.9.9.9, 1.2.3.4:1, {PROXY}:40000, [2001:db8::9]:443", "1.2.3.4"),
        (PROXY, "[2001:db9::1]:99", "2001:db9::1"),
        (PROXY, "[2001:DB9:0::1]", "2001:db9::1"),
        (PROXY, '"[2001:db9::1]:99"', "2001:db9::1"),
        (PROXY, "2001:db9::1:99", "2001:db9::1:99"),
        (PROXY, "::ffff:1.2.3.4", "1.2.3.4"),
        (f"::ffff:{PROXY}", "1.2.3.4", "1.2.3.4"),
        ("::ffff:198.51.100.7", "1.2.3.4", "198.51.100.7"),
        (PROXY, "1.2.3.4:", "1.2.3.4:"),
        (PROXY, "unknown", "unknown"),
    ],
)
def test_a_session_knows_the_address_that_the_proxy_vouches_for(
    hosted: Flask, ours: TestTenant, peer: str, chain: str, expected: str
) -> None:
    body = {"email": ours.admin.email, "password": PASSWORD}
    headers = {"Host": subdomain_of(ours), "X-Forwarded-For": chain}
    pair = Api(hosted).post("/auth/login/", body, headers=headers, environ_overrides={"REMOTE_ADDR": peer}).get_json()
    sessions = ours.api.get(f"/auth/sessions/?id={pair['session_id']}").get_json()["results"]
    assert [session["peer"] for session in sessions] == [expected]


@pytest.mark.parametrize(("peer", "said", "scheme"), [
    (PROXY, "https", "https"), (PROXY, "HTTPS", "https"), (PROXY, "http, https", "https"),
    (PROXY, "https, http", "http"), (PROXY, "https, gopher", "http"), (PROXY, "", "http"),
    ("198.51.100.7", "https", "http"),
])  # fmt: skip
def test_links_have_the_scheme_and_the_host_that_the_same_proxy_saw(
    hosted: Flask, ours: TestTenant, peer: str, said: str, scheme: str
) -> None:
    host = subdomain_of(ours)
    seen = {"X_Forwarded_Proto": said, "X_Forwarded_Host": f"evil.example, {host}"}
    answer = ask(hosted, host, token=ours.api.token, peer=peer, path="/users/?page_size=1&page=2", **seen)
    assert answer.get_json()["previous"].startswith(f"{scheme}://{host}/api/v1/users/?")
