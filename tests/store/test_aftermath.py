"""What crashes leave in the embedded server's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oneo.store import aftermath


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def zombie_pid() -> int:
    """A process that has ended and that nobody has asked about."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def _mark(folder: Path, first_line: object) -> Path:
    mark = folder / "postmaster.pid"
    mark.write_text(f"{first_line}\n{folder}\n1\n5432\n{folder}\n\n1 1\nready\n")
    return mark


def test_users_that_died_are_forgotten(tmp_path: Path, dead_pid: int, zombie_pid: int) -> None:
    users = tmp_path / ".handle_pids.json"
    users.write_text(json.dumps([dead_pid, os.getpid(), zombie_pid]))
    aftermath.forget_the_dead(tmp_path)
    assert json.loads(users.read_text()) == [os.getpid()]
    os.waitpid(zombie_pid, 0)


@pytest.mark.parametrize("torn", ["", "[12"])
def test_a_torn_list_of_users_is_none(tmp_path: Path, torn: str) -> None:
    users = tmp_path / ".handle_pids.json"
    users.write_text(torn)
    aftermath.forget_the_dead(tmp_path)
    assert json.loads(users.read_text()) == []


def test_a_folder_that_was_never_used_is_left_alone(tmp_path: Path) -> None:
    aftermath.forget_the_dead(tmp_path)
    aftermath.clear_mark(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not aftermath.is_marked(tmp_path)


def test_marks_of_servers_that_are_no_more_are_cleared(tmp_path: Path, dead_pid: int, zombie_pid: int) -> None:
    for first_line in (dead_pid, zombie_pid, os.getpid(), "", "half"):
        mark = _mark(tmp_path, first_line)
        aftermath.clear_mark(tmp_path)
        assert not mark.exists(), first_line
    os.waitpid(zombie_pid, 0)


def test_the_mark_of_a_server_that_runs_stays(tmp_path: Path, server_address: str) -> None:
    import psycopg2

    connection = psycopg2.connect(server_address)
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        running = int((Path(cursor.fetchone()[0]) / "postmaster.pid").read_text().partition("\n")[0])
    connection.close()
    mark = _mark(tmp_path, running)
    aftermath.clear_mark(tmp_path)
    assert aftermath.is_marked(tmp_path)
    assert mark.exists()


def test_waiting_ends_when_the_server_has_said_everything(tmp_path: Path) -> None:
    aftermath.await_mark(tmp_path, 0.05)
    _mark(tmp_path, 1)
    aftermath.await_mark(tmp_path, 60)
