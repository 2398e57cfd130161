"""`python -m bench`: loads a database, serves it by Oneo and bare in turn, and prints the ratios."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.download import download
from bench.driver import Result, measure
from bench.loader import load
from bench.workloads import NASTY, WORKLOADS, Loaded, Workload
from oneo.app import create_app
from oneo.config import Settings
from oneo.store import embedded

SECRET = "bench-7vX2mQpLr9TzYw4KdNs8HbCf3GeUa6RxVt1"
ROUNDS = 3
EXPORT = "W10"


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    process: int


def main() -> None:
    options = _options()
    names = options.names or [workload.name for workload in WORKLOADS]
    chosen = [workload for workload in (*WORKLOADS, *NASTY) if workload.name in names]
    with tempfile.TemporaryDirectory(prefix="oneo-bench-") as folder:
        Path(folder).chmod(0o755)
        dsn = embedded.start(Path(folder), database="oneo_bench")
        settings = Settings(database_url=dsn, jwt_secret=SECRET, log_level="ERROR")
        graphs = [workload.graph for workload in chosen if workload.graph]
        loaded = load(create_app(settings, as_owner=True), dsn, graphs)
        statements = {f"/{workload.name}": workload.sql(loaded) for workload in chosen}
        with (
            _serve(_oneo(dsn, options.workers)) as ours,
            _serve(_bare(dsn, options.workers, statements, Path(folder) / "statements.json")) as bare,
        ):
            _print_head(options)
            for workload in chosen:
                _compare(workload, loaded, ours.url, bare.url, options)
            if not options.names or EXPORT in options.names:
                _export(loaded, ours)
        embedded.stop(Path(folder))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    usual = ", ".join([*(workload.name for workload in WORKLOADS), EXPORT])
    nasty = ", ".join(workload.name for workload in NASTY)
    parser.add_argument("names", nargs="*", help=f"workloads: {usual} (default: all of these), {nasty}")
    parser.add_argument("--workers", type=int, default=2, help="server processes (default: 2)")
    parser.add_argument("--connections", type=int, default=16, help="connections (default: 16)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds a round (default: 4)")
    return parser.parse_args()


def _compare(workload: Workload, loaded: Loaded, ours: str, bare: str, options: argparse.Namespace) -> None:
    """In turn, several rounds, the middle one counts: the machine's moods meet both alike."""
    theirs = f"{bare}/{workload.name}"
    mine = ours + workload.address(loaded)
    pairs = [
        (_round(mine, workload, loaded, options, at), _round(theirs, workload, loaded, options, at))
        for at in range(ROUNDS)
    ]
    pairs.sort(key=lambda pair: pair[0].rate / (pair[1].rate or 1))
    one, other = pairs[len(pairs) // 2]
    print(
        f"{workload.name:<12}{_cells(one)}  |{_cells(other)}  | {one.rate / (other.rate or 1):6.2f}   {workload.about}"
    )
    if one.errors or other.errors:
        sys.exit(f"{one.errors} and {other.errors} answers were not 2xx")


def _round(url: str, workload: Workload, loaded: Loaded, options: argparse.Namespace, at: int) -> Result:
    body = workload.sent(loaded, at, ROUNDS)
    return measure(url, loaded.token, connections=options.connections, seconds=options.seconds, body=body)


def _export(loaded: Loaded, ours: Served) -> None:
    """The second of two, when the pages of the table are where they are wanted."""
    url = f"{ours.url}/api/v1/pipelines/deals/export/?format=csv"
    for _ in range(2):
        found = download(url, loaded.token, ours.process)
    print(
        f"{EXPORT:<12}{found.rate:8.0f} rows/s of {found.rows:,} in csv; the largest worker "
        f"{found.before_mb:.0f} MB before, {found.peak_mb:.0f} MB at most"
    )


def _print_head(options: argparse.Namespace) -> None:
    print(
        f"{options.workers} workers, {options.connections} connections, {options.seconds} s, middle of {ROUNDS} rounds"
    )
    print(f"{'':<12}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}  |{'bare':>8}{'p50 ms':>8}{'p99 ms':>8}  |  ratio")


def _cells(result: Result) -> str:
    return f"{result.rate:8.0f}{result.p50_ms:8.2f}{result.p99_ms:8.2f}"


def _oneo(dsn: str, workers: int) -> tuple[list[str], dict[str, str], str]:
    port = _free_port()
    environ = {
        "DATABASE_URL": dsn, "ONEO_JWT_SECRET": SECRET, "ONEO_LOG_LEVEL": "ERROR",
        "ONEO_RATE_LIMIT_USER": "100000000 per minute", "ONEO_RATE_LIMIT_TENANT": "100000000 per minute",
    }  # fmt: skip
    command = [sys.executable, "wsgi.py", "--workers", str(workers), "--port", str(port)]
    return command, environ, f"http://127.0.0.1:{port}"


def _bare(dsn: str, workers: int, statements: dict[str, str], file: Path) -> tuple[list[str], dict[str, str], str]:
    file.write_text(json.dumps({"/": "SELECT ''", **statements}), encoding="utf-8")
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:bench.gunicorn_bare", "-w", str(workers)]
    environ = {"BENCH_DSN": dsn, "BENCH_STATEMENTS": str(file)}
    return [*command, "-b", f"127.0.0.1:{port}", "bench.bare:app"], environ, f"http://127.0.0.1:{port}"


@contextmanager
def _serve(how: tuple[list[str], dict[str, str], str]) -> Iterator[Served]:
    command, environ, url = how
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)
    try:
        _wait(url, process)
        yield Served(url, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            sys.exit("a server did not start")
        try:
            urllib.request.urlopen(url + "/healthz" if "bare" not in str(process.args) else url + "/", timeout=2)  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"nothing answers at {url}")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
