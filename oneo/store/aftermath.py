"""What a crash leaves in the embedded server's folder, put right before it keeps the next start from working."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil

_MARK_LINES = 8


def forget_the_dead(folder: Path) -> None:
    """Of the processes that signed on as users, those that were killed could not sign off. Call it under the lock."""
    path = folder / ".handle_pids.json"
    if not path.exists():
        return
    try:
        users = json.loads(path.read_text(encoding="utf-8") or "[]")
    except ValueError:
        users = []
    path.write_text(json.dumps([pid for pid in users if _name_of(pid)]), encoding="utf-8")


def is_marked(folder: Path) -> bool:
    """Whether a server says that it runs here."""
    return (folder / "postmaster.pid").exists()


def clear_mark(folder: Path) -> None:
    """A mark of a server that is no more. PostgreSQL itself would take any process of that number for the server,
    after a reboot a stranger, in a container that reaps nobody its own remains, and refuse to start for ever. It
    also knows its shared memory by the folder, so it still notices what else is left of the server before.
    """
    mark = folder / "postmaster.pid"
    if not mark.exists():
        return
    number = mark.read_text(encoding="utf-8").partition("\n")[0].lstrip("-")
    if not (number.isdecimal() and _name_of(int(number)).startswith("postgres")):
        mark.unlink()


def await_mark(folder: Path, seconds: float) -> None:
    """Returns when a server that is starting has said everything about itself, or the time is over."""
    mark = folder / "postmaster.pid"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if mark.exists() and len(mark.read_text(encoding="utf-8").splitlines()) == _MARK_LINES:
            return
        time.sleep(0.2)


def _name_of(pid: int) -> str:
    """Of a process that lives; else empty."""
    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.name())
    except psutil.NoSuchProcess:
        return ""
