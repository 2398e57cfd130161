"""What `python wsgi.py` says when it cannot start."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests import databases
from tests.server.asking import EXTERNAL, started_with


def test_help_names_every_option(tmp_path: Path) -> None:
    code, said = started_with(tmp_path, "--help")
    assert code == 0
    assert all(option in said for option in ("--host", "--port", "--workers", "--demo"))


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"ONEO_WORKERS": "0"}, "ONEO_WORKERS must be from 1 to 256."),
        ({"ONEO_WORKERS": "10"}, "ONEO_WORKERS times ONEO_DATABASE_POOL may be 180 at most"),
        ({"ONEO_JWT_SECRET": "secret"}, "ONEO_JWT_SECRET is too weak"),
        ({"DATABASE_URL": "postgresql://oneo@127.0.0.1/oneo"}, "ONEO_JWT_SECRET must be set"),
        ({"DATABASE_URL": "mysql://oneo:pass-word@h/oneo", **EXTERNAL}, "DATABASE_URL is no address of PostgreSQL"),
        ({"ONEO_HOST": "192.0.2.1"}, "ONEO_HOST: cannot listen on 192.0.2.1"),
        ({"ONEO_DATA_DIR": "/proc/oneo"}, "ONEO_DATA_DIR: /proc/oneo cannot be used"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, environ: dict[str, str], told: str) -> None:
    code, said = started_with(tmp_path, **environ)
    assert code == 2
    assert told in said
    assert said.count("\n") == 1
    assert "pass-word" not in said


def test_an_unreachable_database_is_told_in_one_line(tmp_path: Path) -> None:
    code, said = started_with(tmp_path, DATABASE_URL="postgresql://oneo:pass-word@127.0.0.1:1/oneo", **EXTERNAL)
    assert (code, said.count("\n")) == (1, 1)
    assert "the database of DATABASE_URL cannot be reached" in said
    assert "pass-word" not in said


@pytest.mark.prove
def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = started_with(tmp_path, "--port", str(port), DATABASE_URL="postgresql://unused@/unused", **EXTERNAL)
    told = f"port {port} of 127.0.0.1 is in use. Choose another one with --port or PORT (0: any free one)."
    assert (code, said) == (1, f"oneo: {told}\n")


def test_an_external_database_is_not_migrated_behind_its_owners_back(server_address: str, tmp_path: Path) -> None:
    address = databases.create(server_address, f"oneo_test_bare_{os.getpid()}")
    code, said = started_with(tmp_path, DATABASE_URL=address, **EXTERNAL)
    assert (code, said.count("\n")) == (2, 1)
    assert "run `flask --app wsgi db upgrade`" in said
