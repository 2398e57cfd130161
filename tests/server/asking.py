"""Asking a server that runs as a process of its own, and watching it end."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from tests import databases
from tests.live import LiveServer

DEMO = {"tenant": "acme", "email": "admin@acme.example", "password": "oneo-demo-password"}
EXTERNAL = {"ONEO_JWT_SECRET": databases.JWT_SECRET}


def ask(url: str, body: dict[str, Any] | None = None, *, token: str = "", seconds: float = 30.0) -> tuple[int, Any]:
    """(status, JSON or text); a body makes it a POST."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310
            answer = response.read().decode()
            return response.status, json.loads(answer) if "json" in response.headers["Content-Type"] else answer
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "null")


def log_in(server: LiveServer, login: dict[str, str] = DEMO) -> str:
    status, body = ask(f"{server.url}/api/v1/auth/login/", login)
    assert status == 200, body
    return str(body["access_token"])


def started_with(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """(exit code, what it said) of a start that is to fail."""
    server = LiveServer(folder, *arguments, **environ)
    code = server.launch().wait(60)
    return code, server.log


def has_ended(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
