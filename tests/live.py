"""The application behind a real socket, for what only a real client can show."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from oneo.config import Settings
from oneo.store import embedded
from tests import databases

ROOT = Path(__file__).resolve().parent.parent
_SERVES = re.compile(r"serves at (http://\S+)")


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The application has a log of its own."""


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    """Its address on this machine, as long as the block lasts."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class LiveServer:
    """`python wsgi.py` as a process of its own, ready when entered: on a database that is given, or on an embedded one
    in `folder`. Further settings are given by their environment names.
    """

    def __init__(self, folder: Path, *arguments: str, database_url: str = "", **environ: str) -> None:
        self.folder = folder
        self.log_file = folder / "server.log"
        self.url = ""
        self.command = [sys.executable, "wsgi.py", "--port", "0", *arguments]
        self.environ = _clean_environ() | {"ONEO_DATA_DIR": str(folder), "ONEO_LOG_LEVEL": "WARNING"}
        if database_url:
            self.environ |= {"DATABASE_URL": database_url, "ONEO_JWT_SECRET": databases.JWT_SECRET}
        self.environ |= environ
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self.stop()
        if "DATABASE_URL" not in self.environ:
            embedded.stop(self.folder)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The parent of the processes that serve."""
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """Everything it has said, on standard output and standard error."""
        return self.log_file.read_text(encoding="utf-8") if self.log_file.exists() else ""

    def start(self, *, seconds: float = 60.0) -> Self:
        """Returns when it is ready; fails with its log when it is not in time."""
        said = len(self.log)
        self._process = process = self.launch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            found = _SERVES.search(self.log, said)
            if found:
                self.url = found[1]
                urllib.request.urlopen(f"{self.url}/readyz", timeout=10).close()  # noqa: S310
                return self
            time.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self.log}")

    def workers(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return found

    def launch(self) -> subprocess.Popen[bytes]:
        """The process, without waiting for anything."""
        with self.log_file.open("ab") as log:
            return subprocess.Popen(self.command, cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT)

    def stop(self, *, seconds: float = 45.0) -> int:
        """Ends it in order; returns its exit code."""
        return self._end(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """Ends the parent process as a crash would; its workers and its database are left to themselves."""
        self._end(signal.SIGKILL, 10)

    def _end(self, how: signal.Signals, seconds: float) -> int:
        self.process.send_signal(how)
        return self.process.wait(seconds)


def _clean_environ() -> dict[str, str]:
    """Without settings of whoever runs the tests."""
    ours = {field.metadata["env"] for field in fields(Settings)}
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours}
