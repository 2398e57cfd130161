"""A caller with a token, speaking REST to the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask
from werkzeug.test import TestResponse

PREFIX = "/api/v1"
SOME_ID = "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4"
"""An id that is nobody's: a constant, so that all workers collect the same tests."""
ROOTS = ("/api/", "/graphql", "/healthz", "/readyz", "/version", "/metrics", "/docs", "/openapi", "/.well-known/")


class Reply(TestResponse):
    """An answer whose JSON the test knows the shape of."""

    if TYPE_CHECKING:
        json: Any


class Api:
    def __init__(self, app: Flask, token: str | None = None, **headers: str) -> None:
        self.app = app
        self.token = token
        self.headers = headers

    def request(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> Reply:
        sent = {**self.headers, **(headers or {})}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if json is not None:
            kwargs["json"] = json
        url = path if path.startswith(ROOTS) else PREFIX + path
        return cast("Reply", self.app.test_client().open(url, method=method, headers=sent, **kwargs))

    def get(self, path: str, **kwargs: Any) -> Reply:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> Reply:
        return self.request("POST", path, json=json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> Reply:
        return self.request("PATCH", path, json=json, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Reply:
        return self.request("DELETE", path, **kwargs)

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """The tenant's events after a number, oldest first; the caller must be allowed to read them."""
        found = self.get(f"/admin/audit/?seq__gt={after}&ordering=seq&page_size=1000")
        assert found.status_code == 200, found.text
        results: list[dict[str, Any]] = found.json["results"]
        return results


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem document of this status and code."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body = cast("dict[str, Any]", response.json)
    assert body["code"] == code, body
    assert body["status"] == status
    return body
