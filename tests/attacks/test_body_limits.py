"""A body is read whole or refused, within the limit of its route, and not before its sender is known."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import pytest
import requests
from flask import Flask, request
from werkzeug.test import TestResponse

from oneo import pacing
from oneo.app import create_app
from oneo.errors import BodyTooLarge
from oneo.http.manners import SMALL_BODY
from tests import databases
from tests.api import Api, assert_problem
from tests.architecture.walk import routes
from tests.factories.tenant import TestTenant
from tests.live import serve


class Untouchable:
    """A body that nobody may read."""

    def read(self, _size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def _send(api: Api, path: str, stream: object, method: str = "POST", **environ: Any) -> TestResponse:
    """Send a stream, without a declared length, as our server and werkzeug's hand over a body in chunks."""
    streamed = {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return api.request(
        method, path, content_type="application/json", environ_overrides={**streamed, **environ}
    )  # fmt: skip


@pytest.fixture(scope="module")
def strict(database_address: str) -> Flask:
    return create_app(databases.settings(database_address, max_body_bytes=100_000, max_json_values=5_000))


@pytest.mark.parametrize("extra", [0, 1, 5_000])
def test_a_body_without_a_length_is_refused_beyond_the_limit_and_never_cut(
    strict: Flask, tenant: TestTenant, extra: int
) -> None:
    """What fits the limit exactly is read; of a longer one, the part within the limit is a valid document here."""
    user = b'{"email": "cut@one.example", "name": "Cut", "user_types": ["no-such-type"]}'
    body = user.ljust(100_000 + extra)
    answer = _send(Api(strict, tenant.api.token), "/users/", io.BytesIO(body))
    if extra:
        assert_problem(answer, 413, "BODY_TOO_LARGE")
    else:
        assert_problem(answer, 422, "VALIDATION_FAILED")


def test_a_body_that_ends_before_its_declared_length_is_refused(strict: Flask, tenant: TestTenant) -> None:
    broken_off = {"HTTP_TRANSFER_ENCODING": "", "CONTENT_LENGTH": "10"}
    answer = _send(Api(strict, tenant.api.token), "/users/", io.BytesIO(b"{}"), **broken_off)
    problem = assert_problem(answer, 400, "MALFORMED_REQUEST")
    assert problem["detail"] == "The body ended after 2 of 10 bytes."


def test_chunks_under_a_server_that_does_not_read_them_are_refused(strict: Flask, tenant: TestTenant) -> None:
    """They would look like no body at all."""
    not_terminated: dict[str, Any] = {"wsgi.input_terminated": False}
    answer = _send(Api(strict, tenant.api.token), "/users/", io.BytesIO(b"{}"), **not_terminated)
    assert assert_problem(answer, 400, "MALFORMED_REQUEST")["detail"] == "This server needs a Content-Length."


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_every_way_of_sending_a_body_has_the_same_limit(strict: Flask, tenant: TestTenant, encoding: str) -> None:
    pack: Any = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    api = Api(strict, tenant.api.token)
    with serve(strict) as url:
        for size, status in ((100_000, 422), (100_001, 413)):
            body = pack(b"{}".ljust(size))
            headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
            assert api.request("POST", "/users/", data=body, headers=headers).status_code == status
            assert _chunked(f"{url}/api/v1/users/", body, headers, tenant) == status


def _chunked(url: str, body: bytes, headers: dict[str, str], tenant: TestTenant) -> int:
    pieces = (body[start : start + 7_000] for start in range(0, len(body), 7_000))
    headers = headers | {"Authorization": f"Bearer {tenant.api.token}"}
    return requests.post(url, data=pieces, headers=headers, timeout=30).status_code


def test_a_form_is_bounded_like_any_other_body(strict: Flask) -> None:
    """No route takes one; whoever reads one later goes through the same stream."""
    form = b"a=" + b"x" * SMALL_BODY.max_bytes
    with strict.test_request_context("/", method="POST", data=form, content_type="application/x-www-form-urlencoded"):
        for read in (lambda: request.form, lambda: request.get_data(), lambda: request.stream.read()):
            with pytest.raises(BodyTooLarge):
                read()


def test_no_body_is_read_before_its_sender_is_known(app: Flask, tenant: TestTenant) -> None:
    headers: list[dict[str, str]] = [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}]
    for route in routes(app):
        if route.is_public or not route.writes:
            continue
        for sent in headers:
            answer = _send(Api(app, **sent), route.path(), Untouchable(), route.method)
            assert answer.status_code == 401, f"{route.name}: {answer.text}"


@pytest.mark.parametrize("path", ["/auth/login/", "/auth/refresh/", "/auth/user/password/", "/auth/api-keys/"])
def test_bodies_of_account_routes_are_small(tenant: TestTenant, path: str) -> None:
    declared = {"HTTP_TRANSFER_ENCODING": "", "CONTENT_LENGTH": str(SMALL_BODY.max_bytes + 1)}
    assert_problem(_send(tenant.api, path, Untouchable(), **declared), 413, "BODY_TOO_LARGE")
    chunked = io.BytesIO(b"{}".ljust(SMALL_BODY.max_bytes + 1))
    assert_problem(_send(tenant.api, path, chunked), 413, "BODY_TOO_LARGE")
    bomb = io.BytesIO(gzip.compress(b" " * 10_000_000))
    assert_problem(_send(tenant.api, path, bomb, HTTP_CONTENT_ENCODING="gzip"), 413, "BODY_TOO_LARGE")
    many = tenant.api.post(path, {"email": [0] * SMALL_BODY.max_values})
    assert [fault["code"] for fault in assert_problem(many, 400, "MALFORMED_JSON")["errors"]] == ["TOO_MANY_VALUES"]


def test_values_are_limited_by_a_setting(strict: Flask, tenant: TestTenant) -> None:
    api = Api(strict, tenant.api.token)
    assert_problem(api.post("/users/", {"name": [0] * 4_990}), 422, "VALIDATION_FAILED")
    refused = assert_problem(api.post("/users/", {"name": [0] * 5_000}), 400, "MALFORMED_JSON")
    assert [fault["code"] for fault in refused["errors"]] == ["TOO_MANY_VALUES"]


def test_a_query_string_that_is_too_long_is_called_that(api: Api) -> None:
    too_long = assert_problem(api.get("/users/?id=" + "x" * 20_000), 400, "INVALID_PARAMETER")
    assert too_long["detail"] == "The query string is longer than 16384 bytes."
    too_many = assert_problem(api.get("/users/?" + "&" * 5_000), 400, "INVALID_PARAMETER")
    assert too_many["detail"] == "The query string has more than 200 parameters."


def test_very_many_unknown_keys_pause_for_others(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a million of them took seconds in one go."""
    pauses: list[float] = []
    monkeypatch.setattr(pacing, "SLICE_SECONDS", 0)
    monkeypatch.setattr("time.sleep", pauses.append)
    problem = assert_problem(api.post("/users/", {f"k{at}": 1 for at in range(20_000)}), 422, "VALIDATION_FAILED")
    assert problem["errors_left_out"] > 19_000
    assert len(pauses) > 600
