"""Sending requests and timing them: wrk where there is one, else a driver of our own."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Body:
    """What is posted. `@0`, `@1` ... in it are ids: those of the first request begin with the first, those of the next
    with the second, and so on.
    """

    text: str
    ids: Sequence[str] = ()

    def each(self) -> Callable[[], str]:
        """The body of each request in turn."""
        if not self.ids:
            return lambda: self.text
        numbers: Iterator[int] = itertools.count()

        def made() -> str:
            first = next(numbers)
            return _PLACE.sub(lambda found: self.ids[(first + int(found[1])) % len(self.ids)], self.text)

        return made

    def lua(self) -> str:
        """The same for wrk, whose only thread makes each request."""
        script = f'wrk.method = "POST"\nwrk.body = [==[{self.text}]==]\n'
        script += 'wrk.headers["Content-Type"] = "application/json"\n'
        if self.ids:
            script += f"local ids, first = {{{','.join(map(json.dumps, self.ids))}}}, -1\n{_REQUEST}"
        return script


_PLACE = re.compile(r"@(\d+)")
_REQUEST = """
function request()
    first = first + 1
    return wrk.format(nil, nil, nil, (wrk.body:gsub("@(%d+)", function(n) return ids[(first + n) % #ids + 1] end)))
end
"""


@dataclass(frozen=True, slots=True)
class Result:
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int


def measure(url: str, token: str, *, connections: int, seconds: int, body: Body | None = None) -> Result:
    """Requests per second over keep-alive connections, and their latencies. With a body they are POSTs."""
    if shutil.which("wrk"):
        return _wrk(url, token, connections, seconds, body)
    return _own(url, token, connections, seconds, body)


def _wrk(url: str, token: str, connections: int, seconds: int, body: Body | None) -> Result:
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body is not None:
            script.write(body.lua())
            script.flush()
            command += ["-s", script.name]
        headers = ["-H", f"Authorization: Bearer {token}"]
        text = subprocess.run([*command, *headers, url], capture_output=True, text=True, check=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Result(
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        _milliseconds(re.search(r"50%\s+([\d.]+)(us|ms|s)", text)),
        _milliseconds(re.search(r"99%\s+([\d.]+)(us|ms|s)", text)),
        int(refused[1]) if refused else 0,
    )


def _milliseconds(found: re.Match[str] | None) -> float:
    if found is None:
        return 0.0
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _own(url: str, token: str, connections: int, seconds: int, body: Body | None) -> Result:
    """One process with a thread for each connection; slower than wrk, and so a lower bound."""
    results: multiprocessing.Queue[tuple[list[float], int]] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_drive, args=(url, token, connections, seconds, body, results))
    process.start()
    times, errors = results.get()
    process.join()
    cuts = statistics.quantiles(times, n=100)
    return Result(len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000, errors)


def _drive(
    url: str, token: str, connections: int, seconds: int, body: Body | None,
    results: multiprocessing.Queue[tuple[list[float], int]],
) -> None:  # fmt: skip
    times: list[float] = []
    errors: list[int] = []
    made = body.each() if body else None
    threads = [
        threading.Thread(target=_connection, args=(url, token, made, time.monotonic() + seconds, times, errors))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((times, len(errors)))


def _connection(
    url: str, token: str, made: Callable[[], str] | None, until: float, times: list[float], errors: list[int]
) -> None:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
    if made is not None:
        head += "Content-Type: application/json\r\n"
    with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80)) as sock:
        reader = sock.makefile("rb")
        while time.monotonic() < until:
            body = made().encode() if made else b""
            length = f"Content-Length: {len(body)}\r\n" if made else ""
            request = f"{'POST' if made else 'GET'} {path} HTTP/1.1\r\n{head}{length}\r\n".encode() + body
            started = time.perf_counter()
            sock.sendall(request)
            if b" 20" not in reader.readline():
                errors.append(1)
            expected = 0
            while (line := reader.readline().lower()) not in {b"\r\n", b""}:
                if line.startswith(b"content-length:"):
                    expected = int(line.split(b":")[1])
            reader.read(expected)
            times.append(time.perf_counter() - started)
