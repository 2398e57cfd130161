"""What only the real server can get wrong while it serves."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.factories.tenant import TenantFactory, TestTenant
from tests.live import ROOT, LiveServer
from tests.server.asking import ask, log_in


def test_it_serves(live: LiveServer, tenant: TestTenant) -> None:
    login = {"tenant": tenant.slug, "email": tenant.admin.email, "password": tenant.admin.password}
    token = log_in(live, login)
    assert ask(f"{live.url}/api/v1/users/", token=token)[1]["count"] == 1
    assert ask(f"{live.url}/graphql", {"query": "{ __typename }"}, token=token) == (
        200,
        {"data": {"__typename": "Query"}},
    )
    assert ask(f"{live.url}/readyz")[0] == 200


def test_a_wrong_password_leaves_no_trace_in_the_log(live: LiveServer, tenant: TestTenant) -> None:
    """It is found out in a thread beside the event loop, whose failures gevent would print."""
    login = {"tenant": tenant.slug, "email": tenant.admin.email, "password": "not-the-password"}
    assert ask(f"{live.url}/api/v1/auth/login/", login)[0] == 401
    assert "Traceback" not in live.log
    assert "not-the-password" not in live.log


def test_the_standard_library_is_patched_before_it_matters(live: LiveServer) -> None:
    assert "Warning" not in live.log


def test_long_queries_reach_the_application(live: LiveServer) -> None:
    status, problem = ask(f"{live.url}/api/v1/users/?filter={'a' * 20_000}")
    assert (status, problem["code"]) == (400, "INVALID_PARAMETER")


def test_forwarded_headers_of_strangers_do_not_count(live: LiveServer, tenant: TestTenant) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{live.url}/api/v1/users/?page_size=1&count=none",
        headers={
            "Authorization": f"Bearer {tenant.api.token}",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "other.example",
        },
    )  # fmt: skip
    tenant.user()
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert json.load(response)["next"].startswith(live.url)


@pytest.mark.prove
def test_several_processes_serve_one_address(database_address: str, tenants: TenantFactory, tmp_path: Path) -> None:
    tenant = tenants.create()
    with LiveServer(tmp_path, "--workers", "3", database_url=database_address, ONEO_RATE_LIMITS="false") as server:
        assert len(server.workers()) == 3
        assert server.log.count("serves at") == 1
        for _ in range(30):
            assert ask(f"{server.url}/api/v1/users/", token=tenant.api.token or "")[0] == 200
        assert server.stop() == 0


def test_what_is_loaded_is_left_alone_by_the_collector() -> None:
    """In a process of its own: the one of the tests should go on to collect its garbage."""
    script = (
        "import gc\n"
        "from types import SimpleNamespace\n"
        "from oneo.config import Settings\n"
        "from oneo.server.serving import _Server\n"
        "server = _Server(Settings(), 0, None, lambda: print(gc.get_freeze_count()))\n"
        "worker = SimpleNamespace(age=1)\n"
        "server.cfg.post_worker_init(worker)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(said.stdout) > 10_000
