"""The server with its own PostgreSQL, over starts, ends and crashes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live import ROOT, LiveServer
from tests.server.asking import DEMO, ask, has_ended, log_in, started_with


def database_pid(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])


@pytest.mark.prove
def test_the_first_start_shows_a_way_in(bundled: LiveServer) -> None:
    command = re.search(r"^  (curl .*)$", bundled.log, re.MULTILINE)
    assert command
    answer = subprocess.run(command[1], shell=True, capture_output=True, check=True)  # noqa: S602 - as a person would
    assert json.loads(answer.stdout)["access_token"]
    assert "<html" in ask(f"{bundled.url}/docs")[1]
    assert ask(f"{bundled.url}/graphql")[0] == 401


@pytest.mark.prove
def test_one_folder_serves_one_server(bundled: LiveServer) -> None:
    code, said = started_with(bundled.folder, ONEO_DATA_DIR=str(bundled.folder))
    assert code == 1
    assert f"({bundled.url}, process {bundled.process.pid})" in said.splitlines()[-1]
    assert ask(f"{bundled.url}/readyz")[0] == 200


@pytest.mark.prove
def test_the_database_ends_with_the_server_and_keeps_its_data(bundled: LiveServer) -> None:
    postgres = database_pid(bundled.folder)
    assert bundled.stop() == 0
    assert has_ended(postgres, 5)
    bundled.start()
    log_in(bundled)


@pytest.mark.prove
@pytest.mark.parametrize("everything", [False, True], ids=["the server", "its database too"])
def test_what_was_acknowledged_survives_a_kill(bundled: LiveServer, everything: bool) -> None:
    token, postgres = log_in(bundled), database_pid(bundled.folder)
    acknowledged: list[str] = []
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        email = f"user{len(acknowledged)}@acme.example"
        status, _ = ask(f"{bundled.url}/api/v1/users/", {"email": email}, token=token)
        assert status == 201
        acknowledged.append(email)
    bundled.kill()
    if everything:
        os.kill(postgres, signal.SIGKILL)
    bundled.start()
    found = ask(f"{bundled.url}/api/v1/users/?page_size=1000", token=log_in(bundled))[1]["results"]
    assert set(acknowledged) <= {user["email"] for user in found}
    postgres = database_pid(bundled.folder)
    assert bundled.stop() == 0
    assert has_ended(postgres, 5), "those that were killed count as users of the database"


@pytest.mark.prove
def test_the_mark_of_a_server_from_before_a_reboot_is_no_obstacle(bundled: LiveServer) -> None:
    """After it the process id in the mark belongs to somebody else."""
    bundled.stop()
    mark = bundled.folder / "postgres" / "postmaster.pid"
    mark.write_text(f"{os.getpid()}\n{mark.parent}\n1\n5432\n{mark.parent}\n\n   1 1\nready   \n")
    bundled.start()
    log_in(bundled)


@pytest.mark.prove
def test_demo_tenants_are_made_once(bundled: LiveServer) -> None:
    bundled.stop()
    for slug in ("acme", "globex"):
        command = [sys.executable, "-m", "oneo", "tenant", "delete", slug, "--yes"]
        subprocess.run(command, cwd=ROOT, env=bundled.environ, check=True)
    bundled.start()
    assert ask(f"{bundled.url}/api/v1/auth/login/", DEMO)[0] == 401
