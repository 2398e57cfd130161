"""A second tenant's client that repeats a small GET while an attack runs, and reports how long each answer took.

It runs as a process of its own: in a thread it would wait for the interpreter that runs the attack, and measure that.
`python -m tests.attacks.bystander URL TOKEN` prints one duration in seconds per line until its input is closed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import requests

from tests.live import ROOT

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 30.0


class Bystander:
    """Measures while the block lasts; afterwards `durations` holds one entry for each request, failed ones included
    as TIMEOUT_SECONDS.
    """

    def __init__(self, url: str, token: str) -> None:
        self._command = [sys.executable, "-m", "tests.attacks.bystander", url, token]
        self._process: subprocess.Popen[str] | None = None
        self.durations: list[float] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # the first answer came: what follows is measured
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        output, _ = self._process.communicate(timeout=2 * TIMEOUT_SECONDS)
        self.durations = [float(line) for line in output.splitlines()]

    @property
    def p99(self) -> float:
        ordered = sorted(self.durations)
        assert len(ordered) >= 20, f"only {len(ordered)} answers: the attack was over before it could be noticed"
        return ordered[int(len(ordered) * 0.99) - 1]


def _repeat(url: str, token: str) -> None:
    session = requests.Session()
    headers = {"Authorization": f"Bearer {token}"}
    while not _input_closed():
        began = time.perf_counter()
        try:
            answer = session.get(f"{url}/api/v1/tenants/current/", headers=headers, timeout=TIMEOUT_SECONDS)
            answered = answer.status_code == 200
        except requests.RequestException:
            answered = False
        print(time.perf_counter() - began if answered else TIMEOUT_SECONDS, flush=True)
        time.sleep(PAUSE_SECONDS)


def _input_closed() -> bool:
    import select

    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    _repeat(*sys.argv[1:3])
