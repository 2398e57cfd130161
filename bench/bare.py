"""The yardstick: a plain WSGI application that passes on the bytes that PostgreSQL made, under the same server."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg2

_dsn = os.environ["BENCH_DSN"]
_statements: dict[str, str] = json.loads(Path(os.environ["BENCH_STATEMENTS"]).read_text(encoding="utf-8"))
_idle: deque[Any] = deque()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    statement = _statements[environ["PATH_INFO"]]
    connection = _idle.pop() if _idle else _connect()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        body = cursor.fetchone()[0].encode()
    _idle.append(connection)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _connect() -> Any:
    connection = psycopg2.connect(_dsn, options="-c jit=off -c TimeZone=UTC")
    connection.autocommit = True
    return connection
