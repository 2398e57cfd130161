"""Pages of a list, by number and by cursor: nothing is skipped, nothing comes twice (checklist 32, 33, 93)."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.api import assert_problem
from tests.factories.tenant import TestTenant
from tests.http.people import fill, local, walk

ENVELOPE = ["count", "pages", "page_size", "current_page", "next", "previous", "results"]
ORDERINGS = (
    "", "created_at", "-created_at", "name", "-name", "is_active,-name", "-is_active", "created_by", "-created_by",
    "created_by,-name", "-created_by,name", "id", "-id", "email,id",
)  # fmt: skip


def _ids(pages: list[list[dict[str, Any]]]) -> list[str]:
    return [row["id"] for page in pages for row in page]


@pytest.fixture(scope="module")
def tenant(settled: TestTenant) -> TestTenant:
    return settled


@pytest.fixture(scope="module", autouse=True)
def people(tenant: TestTenant) -> list[dict[str, Any]]:
    return fill(tenant)


# -- by number ---------------------------------------------------------------------------------------------------------


def test_a_page_has_the_envelope_in_its_order(tenant: TestTenant) -> None:
    found = tenant.api.get("/users/")
    body = found.json
    assert list(body) == ENVELOPE
    assert (body["count"], body["pages"], body["page_size"], body["current_page"]) == (13, 1, 50, 1)
    assert (body["next"], body["previous"], len(body["results"])) == (None, None, 13)
    assert "Link" not in found.headers


def test_pages_follow_one_another(tenant: TestTenant, people: list[dict[str, Any]]) -> None:
    second = tenant.api.get("/users/?page=2&page_size=5")
    body = second.json
    assert (body["count"], body["pages"], body["current_page"], len(body["results"])) == (13, 3, 2, 5)
    assert second.headers["Link"] == f'<{body["next"]}>; rel="next", <{body["previous"]}>; rel="prev"'
    assert "page=3" in body["next"]
    assert "page=1" in body["previous"]
    assert "page_size=5" in body["next"]
    last = tenant.api.get(local(body["next"])).json
    assert (last["next"], len(last["results"])) == (None, 3)
    assert sorted(_ids(walk(tenant.api, "/users/?page_size=5"))) == sorted(row["id"] for row in people)


def test_beyond_the_last_page_there_is_an_empty_one(tenant: TestTenant) -> None:
    body = tenant.api.get("/users/?page=99").json
    assert (body["results"], body["next"], body["count"], body["current_page"]) == ([], None, 13, 99)


def test_pages_by_number_do_not_reach_for_ever(tenant: TestTenant) -> None:
    problem = assert_problem(tenant.api.get("/users/?page=1000000&page_size=1000"), 400, "INVALID_PARAMETER")
    assert problem["errors"][0]["code"] == "TOO_FAR"


@pytest.mark.parametrize(("mode", "count", "pages"), [("exact", 13, 3), ("estimated", 13, 3), ("none", None, None)])
def test_counting_is_the_callers_choice(tenant: TestTenant, mode: str, count: int | None, pages: int | None) -> None:
    body = tenant.api.get(f"/users/?count={mode}&page_size=5&page=2").json
    assert (body["count"], body["pages"], body["current_page"]) == (count, pages, 2)
    assert body["next"] is not None
    assert tenant.api.get(f"/users/?count={mode}&page_size=5&page=3").json["next"] is None


# -- by cursor ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("size", [1, 4, 13])
def test_cursors_visit_every_row_once_in_both_directions(tenant: TestTenant, ordering: str, size: int) -> None:
    expected = _ids([tenant.api.get(f"/users/?ordering={ordering}").json["results"]])
    first = f"/users/?cursor=&page_size={size}&ordering={ordering}"
    pages = walk(tenant.api, first)
    assert _ids(pages) == expected
    last = _last(tenant, first)
    assert last["next"] is None
    if last["previous"] is None:
        assert len(pages) == 1
        return
    back = walk(tenant.api, last["previous"], by="previous")
    assert _ids(list(reversed(back))) == expected[: len(expected) - len(last["results"])]


def test_a_page_by_cursor_has_no_number(tenant: TestTenant) -> None:
    body = tenant.api.get("/users/?cursor=&page_size=5").json
    assert list(body) == ENVELOPE
    assert (body["count"], body["pages"], body["current_page"], body["previous"]) == (13, None, None, None)
    middle = tenant.api.get(local(body["next"])).json
    assert (middle["count"], len(middle["results"])) == (13, 5)
    assert tenant.api.get(local(middle["previous"])).json["results"] == body["results"]


def test_rows_that_come_or_go_neither_shift_nor_repeat_others(other: TestTenant) -> None:
    people = fill(other)
    body = other.api.get("/users/?cursor=&page_size=5&ordering=created_at").json
    seen = [row["id"] for row in body["results"]]
    other.api.delete(f"/users/{seen[1]}/")
    other.api.post("/users/", {"email": "late@people.example"})
    rest = _ids(walk(other.api, body["next"]))
    assert not set(seen) & set(rest)
    assert set(rest) > {row["id"] for row in people[5:]} - {seen[1]}


def test_missing_values_come_last_in_both_directions(other: TestTenant) -> None:
    for expires in (None, 3, None, 1, 2):
        other.api.post("/auth/api-keys/", {"name": f"k{expires}", "expires_in_days": expires})
    for ordering, names in (
        ("expires_at", ["k1", "k2", "k3", "kNone", "kNone"]), ("-expires_at", ["k3", "k2", "k1", "kNone", "kNone"]),
    ):  # fmt: skip
        for size in (1, 2, 5):
            first = f"/auth/api-keys/?cursor=&ordering={ordering}&page_size={size}"
            assert [row["name"] for page in walk(other.api, first) for row in page] == names
            last = _last(other, first)
            if last["previous"] is not None:
                back = reversed(walk(other.api, last["previous"], by="previous"))
                assert [row["name"] for page in [*back, last["results"]] for row in page] == names


def test_a_number_beside_a_cursor_is_refused(tenant: TestTenant) -> None:
    problem = assert_problem(tenant.api.get("/users/?cursor=&page=3"), 400, "INVALID_PARAMETER")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/page"]
    assert len(tenant.api.get("/users/?cursor=&page=1").json["results"]) == 13


# -- cursors that are not ours ----------------------------------------------------------------------------------------


def _cursor(tenant: TestTenant, query: str = "") -> str:
    following: str = tenant.api.get(f"/users/?cursor=&page_size=1{query}").json["next"]
    return parse_qs(urlsplit(following).query)["cursor"][0]


def test_a_forged_cursor_is_refused(tenant: TestTenant) -> None:
    cursor = _cursor(tenant)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for forged in (
        cursor[:-1], cursor + "A", cursor[1:], cursor.swapcase(), "A" + cursor[1:], "x", "===", "ä",
        base64.urlsafe_b64encode(raw[:16]).decode(), base64.urlsafe_b64encode(raw[16:]).decode(),
        base64.urlsafe_b64encode(raw[:16] + b'[0,"a"]').decode(),
        base64.urlsafe_b64encode(b"\0" * 16 + raw[16:]).decode(),
        base64.b64encode(b'{"created_at": "2026-01-01"}').decode(),
    ):  # fmt: skip
        refused = tenant.api.get(f"/users/?cursor={quote(forged)}&page_size=1")
        assert_problem(refused, 400, "INVALID_CURSOR")


def test_a_cursor_is_good_for_its_own_list_alone(tenant: TestTenant, other: TestTenant) -> None:
    other.user()
    cursor = _cursor(tenant)
    assert tenant.api.get(f"/users/?cursor={cursor}&page_size=1").status_code == 200
    assert tenant.api.get(f"/users/?cursor={cursor}&page_size=7").status_code == 200
    for path in ("/users/types/", "/users/deleted/", "/admin/audit/", "/auth/sessions/"):
        assert_problem(tenant.api.get(f"{path}?cursor={cursor}"), 400, "INVALID_CURSOR")
    for query in ("name=a", "ordering=name", "ordering=created_at", "search=a", "is_active=true"):
        assert_problem(tenant.api.get(f"/users/?cursor={cursor}&{query}"), 400, "INVALID_CURSOR")
    assert_problem(other.api.get(f"/users/?cursor={cursor}"), 400, "INVALID_CURSOR")


def test_a_cursor_shows_nothing_that_its_reader_could_not_see(tenant: TestTenant) -> None:
    cursor = _cursor(tenant)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert str(tenant.id).encode() not in raw


def _last(tenant: TestTenant, first: str) -> dict[str, Any]:
    body: dict[str, Any] = tenant.api.get(first).json
    while body["next"] is not None:
        body = tenant.api.get(local(body["next"])).json
    return body
