"""Rate limits: what they count, say, and do when their store is gone (checklist 31, 49; threats 53, 72)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from limits import RateLimitItemPerSecond
from werkzeug.test import TestResponse

from oneo.app import create_app
from oneo.http import limits, login_throttle
from tests import databases
from tests.api import Api, assert_problem
from tests.factories.tenant import PASSWORD, TestTenant, TestUser
from tests.threads import together

USER, TENANT, PEER, LOGIN = 5, 8, 4, 3
WIDE = 5 * LOGIN
"""Tries at one account from everywhere, and from one address at every account."""
PROXY = "192.0.2.10"
WRONG = "four wrong words here"


@pytest.fixture(scope="module")
def started(database_address: str) -> Flask:
    return serve(database_address)


@pytest.fixture
def limited(started: Flask) -> Flask:
    """Which has counted nothing yet."""
    (limiter,) = started.extensions["limiter"]
    limiter.reset()
    return started


def serve(database_address: str, **overrides: Any) -> Flask:
    chosen: dict[str, Any] = {
        "rate_limits": True, "rate_limit_user": f"{USER} per minute", "rate_limit_tenant": f"{TENANT} per minute",
        "rate_limit_peer": f"{PEER} per minute", "rate_limit_login": f"{LOGIN} per 5 minutes",
        "trusted_proxies": (f"{PROXY}/32",), **overrides,
    }  # fmt: skip
    return create_app(databases.settings(database_address, **chosen))


def ask(app: Flask, user: TestUser) -> TestResponse:
    return Api(app, user.api.token).get("/auth/user/profile/")


def log_in(
    app: Flask, tenant: TestTenant, password: str = WRONG, *, email: str | None = None, peer: str = "198.51.100.7",
    **headers: str,
) -> TestResponse:  # fmt: skip
    body = {"tenant": tenant.slug, "email": email or tenant.admin.email, "password": password}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Api(app).post("/auth/login/", body, headers=sent, environ_overrides={"REMOTE_ADDR": peer})


def statuses(times: int, work: Callable[[], TestResponse]) -> list[int]:
    return [work().status_code for _ in range(times)]


# -- what is said ------------------------------------------------------------------------------------------------------


def test_every_answer_says_what_is_left(limited: Flask, tenant: TestTenant) -> None:
    for used in range(1, USER + 1):
        answer = ask(limited, tenant.admin)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"user";q={USER};w=60, "tenant";q={TENANT};w=60'
        said = re.fullmatch(r'"user";r=(\d+);t=(\d+), "tenant";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        assert said is not None, answer.headers["RateLimit"]
        left, wait, tenant_left, tenant_wait = (int(number) for number in said.groups())
        assert (left, tenant_left) == (USER - used, TENANT - used)
        assert 1 <= wait <= 60
        assert 1 <= tenant_wait <= 60
        assert answer.headers["X-RateLimit-Limit"] == str(USER)
        assert answer.headers["X-RateLimit-Remaining"] == str(USER - used)
        assert 0 <= int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 61


def test_the_limit_nearest_to_its_end_is_the_one_in_the_older_headers(limited: Flask, tenant: TestTenant) -> None:
    second = tenant.user()
    statuses(USER, lambda: ask(limited, tenant.admin))
    answer = ask(limited, second)
    assert answer.headers["X-RateLimit-Limit"] == str(TENANT)
    assert answer.headers["X-RateLimit-Remaining"] == str(TENANT - USER - 1)


def test_one_too_many_is_a_problem_that_says_when_to_come_back(limited: Flask, tenant: TestTenant) -> None:
    statuses(USER, lambda: ask(limited, tenant.admin))
    answer = ask(limited, tenant.admin)
    problem = assert_problem(answer, 429, "RATE_LIMITED")
    assert problem["violated_policies"] == ["user"]
    assert problem["detail"] == f"The limit 'user' of {USER} requests in 60 s is used up."
    assert answer.headers["RateLimit-Policy"] == f'"user";q={USER};w=60'
    said = re.fullmatch(r'"user";r=0;t=(\d+)', answer.headers["RateLimit"])
    assert said is not None
    assert 1 <= int(said[1]) <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["Cache-Control"] == "no-store"


def test_limits_can_be_switched_off(database_address: str, tenant: TestTenant) -> None:
    """Checklist 31."""
    app = serve(database_address, rate_limits=False)
    assert statuses(3 * TENANT, lambda: ask(app, tenant.admin)) == [200] * 3 * TENANT
    assert statuses(2 * LOGIN, lambda: log_in(app, tenant)) == [401] * 2 * LOGIN
    assert not [name for name in ask(app, tenant.admin).headers if "RateLimit" in name]


# -- what is counted ---------------------------------------------------------------------------------------------------


def test_a_user_s_limit_is_his_own(limited: Flask, tenant: TestTenant, other: TestTenant) -> None:
    assert statuses(USER + 1, lambda: ask(limited, tenant.admin)) == [200] * USER + [429]
    assert ask(limited, tenant.user()).status_code == 200
    assert ask(limited, other.admin).status_code == 200


def test_all_credentials_of_a_user_count_together(limited: Flask, tenant: TestTenant) -> None:
    key = tenant.api.post("/auth/api-keys/", {"name": "key"}).get_json()["key"]
    session = tenant.logged_in(tenant.admin.id, tenant.admin.email)
    assert statuses(USER - 1, lambda: ask(limited, tenant.admin)) == [200] * (USER - 1)
    assert ask(limited, session).status_code == 200
    assert Api(limited, key).get("/auth/user/profile/").status_code == 429


def test_a_tenant_s_limit_is_shared_by_its_users_and_by_nobody_else(
    limited: Flask, tenant: TestTenant, other: TestTenant
) -> None:
    users = [tenant.user() for _ in range(3)]
    found = [ask(limited, users[at % 3]).status_code for at in range(TENANT + 1)]
    assert found == [200] * TENANT + [429]
    assert assert_problem(ask(limited, users[0]), 429, "RATE_LIMITED")["violated_policies"] == ["tenant"]
    assert ask(limited, other.admin).status_code == 200


def test_what_is_refused_one_user_does_not_use_up_his_tenant(limited: Flask, tenant: TestTenant) -> None:
    second = tenant.user()
    assert statuses(5 * TENANT, lambda: ask(limited, tenant.admin))[USER:] == [429] * (5 * TENANT - USER)
    assert statuses(TENANT - USER, lambda: ask(limited, second)) == [200] * (TENANT - USER)


def test_many_at_once_are_counted_exactly(limited: Flask, tenant: TestTenant) -> None:
    assert ask(limited, tenant.admin).status_code == 200  # before that the address pays for a token nobody knows yet
    found = together([lambda: ask(limited, tenant.admin).status_code] * 12)
    assert sorted(found) == [200] * (USER - 1) + [429] * (13 - USER)


def test_a_limit_is_over_with_its_window(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, rate_limit_user="2 per 1 second")
    assert statuses(3, lambda: ask(app, tenant.admin)) == [200, 200, 429]
    time.sleep(1.05)
    assert ask(app, tenant.admin).status_code == 200


NOBODY: dict[str, dict[str, str]] = {
    "no token": {},
    "a forged token": {"Authorization": "Bearer a.b.c"},
    "a false key": {"Authorization": "Bearer oneo_x_y_z"},
    "another scheme": {"Authorization": "Basic YTpi"},
}


@pytest.mark.parametrize("headers", NOBODY.values(), ids=NOBODY.keys())
def test_who_cannot_say_who_he_is_is_counted_by_address(limited: Flask, headers: dict[str, str]) -> None:
    def knock(peer: str) -> TestResponse:
        return Api(limited).get("/users/", headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert statuses(PEER + 1, lambda: knock("198.51.100.7")) == [401] * PEER + [429]
    assert knock("198.51.100.8").status_code == 401
    assert "q=4;w=60" in knock("198.51.100.9").headers["RateLimit-Policy"]


def test_who_has_a_token_is_not_counted_by_address(limited: Flask, tenant: TestTenant) -> None:
    statuses(PEER + 3, lambda: Api(limited).get("/users/"))
    assert Api(limited).get("/users/").status_code == 429
    assert ask(limited, tenant.admin).status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "Forwarded", "True-Client-Ip"])
def test_an_address_that_is_only_claimed_counts_for_nothing(limited: Flask, name: str) -> None:
    """Threat 53."""
    knocks = [Api(limited).get("/users/", headers={name: f"10.0.0.{at}"}).status_code for at in range(PEER + 2)]
    assert knocks == [401] * PEER + [429] * 2


def test_behind_the_proxy_each_client_has_his_own_limit(limited: Flask) -> None:
    def knock(client: str) -> int:
        sent = {"X-Forwarded-For": f"9.9.9.9, {client}"}
        return Api(limited).get("/users/", headers=sent, environ_overrides={"REMOTE_ADDR": PROXY}).status_code

    assert [knock("1.2.3.4") for _ in range(PEER + 1)] == [401] * PEER + [429]
    assert knock("1.2.3.5") == 401


# -- logins ------------------------------------------------------------------------------------------------------------


def free(**overrides: Any) -> dict[str, Any]:
    """Limits that leave the login's own to be seen."""
    return {"rate_limit_peer": "10000 per minute", **overrides}


def test_a_password_cannot_be_guessed_for_long(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, **free())
    assert statuses(LOGIN + 2, lambda: log_in(app, tenant)) == [401] * LOGIN + [429] * 2
    answer = log_in(app, tenant, PASSWORD)
    assert assert_problem(answer, 429, "RATE_LIMITED")["violated_policies"] == ["login"]
    assert int(answer.headers["Retry-After"]) <= 300
    assert log_in(app, tenant, PASSWORD, peer="198.51.100.8").status_code == 200, "it locks nobody else out"


def test_whoever_tries_on_and_on_locks_only_himself_out(database_address: str, tenant: TestTenant) -> None:
    """Nor does it help him to name other addresses: nobody asked him."""
    app = serve(database_address, **free())
    found = [log_in(app, tenant, X_Forwarded_For=f"10.1.1.{at}").status_code for at in range(60)]
    assert found == [401] * LOGIN + [429] * (60 - LOGIN)
    assert log_in(app, tenant, PASSWORD, peer="198.51.100.8").status_code == 200


def test_all_addresses_of_a_network_are_one(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, **free(rate_limit_login="3 per 5 minutes"))
    found = [log_in(app, tenant, peer=f"2001:db8:1:2:{at:x}::1").status_code for at in range(5)]
    assert found == [401] * 3 + [429] * 2
    assert log_in(app, tenant, peer="2001:db8:1:3::1").status_code == 401


def test_neither_addresses_nor_spellings_nor_fields_make_more_guesses(
    database_address: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 53: sixty tries, each from another address that our proxy saw, and in another spelling."""
    monkeypatch.setattr(login_throttle, "SLOW_LANE", RateLimitItemPerSecond(1, 300))
    app = serve(database_address, **free())
    email, found = tenant.admin.email, []
    spellings = [email, email.upper(), email.title(), f" {email}", f"{email} ", f"\t{email}", email.swapcase()]
    spellings += [email.replace("@", "@\u00ad"), email.replace(".", "\u3002"), email.replace("e", "\uff45", 1)]
    for at in range(60):
        spelt = spellings[at % len(spellings)]
        headers = {
            "X_Forwarded_For": f"10.1.1.{at}, 203.0.113.{at}",
            "User_Agent": f"agent {at}",
            "X_Real_Ip": f"10.2.2.{at}",
        }
        answer = log_in(app, tenant, f"{WRONG} {at}", email=spelt, peer=PROXY, **headers)
        found.append(answer.status_code)
    assert found == [401] * (WIDE + 1) + [429] * (59 - WIDE)
    assert assert_problem(answer, 429, "RATE_LIMITED")["violated_policies"] == ["login-slow"]
    with_field = Api(app).post(
        "/auth/login/", {"tenant": tenant.slug, "email": email, "password": WRONG, "device": "another"}
    )
    assert with_field.status_code == 422
    assert log_in(app, tenant, PASSWORD, peer="203.0.113.99").status_code == 429


def test_one_address_cannot_try_account_after_account(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, **free(rate_limit_login="2 per 5 minutes"))
    found = [log_in(app, tenant, email=f"user{at}@example.com").status_code for at in range(14)]
    assert found == [401] * 10 + [429] * 4
    refused = log_in(app, tenant, PASSWORD)
    assert assert_problem(refused, 429, "RATE_LIMITED")["violated_policies"] == ["login-peer"]
    assert log_in(app, tenant, PASSWORD, peer="203.0.113.1").status_code == 200


def test_an_account_that_is_tried_is_one_account(database_address: str, tenant: TestTenant, other: TestTenant) -> None:
    tenant.user(email="same@example.com", password=PASSWORD)
    other.user(email="same@example.com", password=PASSWORD)
    app = serve(database_address, **free())
    statuses(LOGIN + 1, lambda: log_in(app, tenant, email="same@example.com"))
    assert log_in(app, tenant, PASSWORD, email="same@example.com").status_code == 429
    assert log_in(app, other, PASSWORD, email="same@example.com").status_code == 200
    assert log_in(app, tenant, PASSWORD).status_code == 200


def test_the_right_password_begins_the_count_anew(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, **free())
    for _ in range(3):
        assert statuses(LOGIN - 1, lambda: log_in(app, tenant)) == [401] * (LOGIN - 1)
        assert log_in(app, tenant, PASSWORD).status_code == 200


def test_accounts_and_tenants_that_do_not_exist_are_limited_alike(
    database_address: str, tenant: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 52: else the limit itself would tell which ones there are."""
    monkeypatch.setattr(login_throttle, "SLOW_LANE", RateLimitItemPerSecond(1, 300))
    app = serve(database_address, **free())
    nowhere = TestTenant(tenant.id, "no_such_tenant", app)
    nowhere.admin = tenant.admin
    for where, email in ((tenant, "nobody@example.com"), (nowhere, "nobody@example.com"), (tenant, None)):
        for per_address, expected in ((LOGIN + 1, [401] * LOGIN + [429]), (1, [401] * (WIDE + 1 - LOGIN) + [429])):
            peers = [f"203.0.{per_address}.{at // per_address}" for at in range(len(expected))]
            found = [log_in(app, where, email=email, peer=peer).status_code for peer in peers]
            assert found == expected, where.slug


def test_the_present_password_cannot_be_guessed_by_changing_it(database_address: str, tenant: TestTenant) -> None:
    app = serve(database_address, **free(rate_limit_user="1000 per minute", rate_limit_tenant="1000 per minute"))
    change = {"current_password": WRONG, "new_password": "four other words of mine"}
    api = Api(app, tenant.api.token)
    assert statuses(LOGIN + 1, lambda: api.post("/auth/user/password/", change)) == [401] * LOGIN + [429]
    assert log_in(app, tenant, PASSWORD).status_code == 200, "this is no way to lock somebody out"


# -- a shared store ----------------------------------------------------------------------------------------------------


@dataclass
class Redis:
    """A server of the test's own, which it may stop."""

    program: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("Redis did not start")

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server is installed here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Redis(program, tmp_path, port)
    server.start()
    yield server
    server.kill()


def test_processes_with_one_store_count_together(database_address: str, tenant: TestTenant, redis: Redis) -> None:
    """Checklist 49."""
    one, two = (serve(database_address, redis_url=redis.url) for _ in range(2))
    found = [ask(app, tenant.admin).status_code for app in (one, two) * 3]
    assert found == [200] * USER + [429]
    second = tenant.user()
    assert re.search(r'"tenant";r=2;', ask(two, second).headers["RateLimit"])
    assert statuses(LOGIN, lambda: log_in(one, tenant)) == [401] * LOGIN
    assert log_in(two, tenant, PASSWORD).status_code == 429


def test_processes_without_one_count_for_themselves(database_address: str, tenant: TestTenant) -> None:
    one, two = (serve(database_address) for _ in range(2))
    assert statuses(USER + 1, lambda: ask(one, tenant.admin)) == [200] * USER + [429]
    assert ask(two, tenant.admin).status_code == 200


def test_without_its_store_the_limiter_counts_on_and_comes_back(
    database_address: str, tenant: TestTenant, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 72: Redis gone is never a 500, nor an open door."""
    monkeypatch.setattr(limits, "RETRY_STORE_SECONDS", 0.5)
    one, two = (serve(database_address, redis_url=redis.url, rate_limit_tenant="1000 per minute") for _ in range(2))
    assert ask(one, tenant.admin).status_code == 200
    redis.kill()
    assert statuses(USER + 1, lambda: ask(one, tenant.admin)) == [200] * USER + [429]
    assert statuses(LOGIN + 1, lambda: log_in(one, tenant)) == [401] * LOGIN + [429]
    redis.start()
    time.sleep(0.6)
    found = [ask(app, tenant.admin).status_code for app in (one, two) * 3]
    assert found == [200] * USER + [429], "counted together again"


def test_a_server_starts_without_its_store(database_address: str, tenant: TestTenant, redis: Redis) -> None:
    redis.kill()
    app = serve(database_address, redis_url=redis.url)
    assert statuses(USER + 1, lambda: ask(app, tenant.admin)) == [200] * USER + [429]


@pytest.mark.prove
def test_a_store_that_hangs_does_not_hang_the_server(database_address: str, tenant: TestTenant, redis: Redis) -> None:
    """Threat 72: worse than gone is silent."""
    app = serve(database_address, redis_url=redis.url)
    assert ask(app, tenant.admin).status_code == 200
    redis.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert statuses(USER, lambda: ask(app, tenant.admin)) == [200] * USER
        assert time.monotonic() - began < 3
        second = tenant.user()
        time.sleep(limits.RETRY_STORE_SECONDS)
        began = time.monotonic()
        together([lambda: ask(app, second)] * 6)
        assert time.monotonic() - began < 2
    finally:
        redis.signal(signal.SIGCONT)
