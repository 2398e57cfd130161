"""A tenant with people whose names are hard to search, sort and page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.api import Api
from tests.factories.tenant import TestTenant

NAMES = (
    "Ada", "ada lovelace", "100% sure", "under_score", "back\\slash", "O'Brien", "Ünï 名", "", "zoe", "Zoe", "%", "_",
)  # fmt: skip


def fill(tenant: TestTenant) -> list[dict[str, Any]]:
    """One user for each name, besides the administrator; all as the API shows them, oldest first."""
    for number, name in enumerate(NAMES):
        active = number % 3 != 0
        body = {"email": f"p{number}@people.example", "name": name, "is_active": active, "user_types": ["viewer"]}
        made = tenant.api.post("/users/", body)
        assert made.status_code == 201, made.text
    users: list[dict[str, Any]] = tenant.api.get("/users/?ordering=created_at").json["results"]
    return users


def walk(api: Api, path: str, *, by: str = "next") -> list[list[dict[str, Any]]]:
    """The pages of a list from here on, forwards by `next` or backwards by `previous`."""
    pages: list[list[dict[str, Any]]] = []
    following: str | None = path
    while following is not None:
        body = api.get(local(following)).json
        pages.append(body["results"])
        following = body[by]
    return pages


def local(address: str) -> str:
    """An address without its host."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"
