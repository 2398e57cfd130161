"""What is no HTTP gets a problem document too, and takes nobody else's answer away."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest

from tests.live import LiveServer
from tests.server.asking import ask

LOGIN = b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


def _answers(server: LiveServer, sent: bytes) -> list[tuple[int, Any]]:
    """(status, problem) of each answer until the server closes the connection."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    found = []
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        reader = connection.makefile("rb")
        while status := reader.readline():
            headers = http.client.parse_headers(reader)
            body = reader.read(int(headers["Content-Length"]))
            assert headers["Content-Type"] == "application/problem+json"
            found.append((int(status.split()[1]), json.loads(body)))
    return found


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (b"GET /healthz\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (HEALTH + b"Na me: x\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (HEALTH + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (HEALTH + b"X-Many: a\r\n" * 200 + b"\r\n", 400, "MALFORMED_REQUEST"),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "URI_TOO_LONG"),
        (LOGIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400, "MALFORMED_REQUEST"),
        (LOGIN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (LOGIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST"),
        (LOGIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST"),
    ],
    ids=[
        "tls", "no version", "lower case", "header name", "long header", "many headers", "long line", "two lengths",
        "length and chunks", "no chunks", "space before colon",
    ],
)  # fmt: skip
def test_refusals_are_problem_documents(live: LiveServer, sent: bytes, status: int, code: str) -> None:
    answers = _answers(live, sent)
    assert [(found, problem["code"], problem["status"]) for found, problem in answers] == [(status, code, status)]
    assert ask(live.url + answers[0][1]["type"])[0] == 200
    assert "Traceback" not in live.log


def test_nothing_is_smuggled_past_a_refusal(live: LiveServer) -> None:
    """A request hidden in the body of a refused one is not answered."""
    hidden = b"GET /api/v1/users/ HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = LOGIN + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden
    assert len(_answers(live, sent)) == 1
