"""Odd query strings and odd ids: an answer or a refusal, never a failure (threats 37, 55, 56)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api import assert_problem
from tests.effort import effort
from tests.factories.tenant import TestTenant
from tests.http.hostile import assert_problem_shape, assert_tells_nothing

LISTS = ("/users/", "/users/deleted/", "/users/types/", "/admin/audit/", "/auth/sessions/", "/auth/api-keys/")
BAD = (
    "page=0", "page=-1", "page=1.5", "page=1e3", "page=", "page=abc", "page=+1", "page=٣", "page=1&page=2",
    f"page={10**30}", "page=1000001", "page=%00", "page[]=1", "page=null", "page=0x10", "page=1_000", "page=%20",
    "page_size=0", "page_size=-5", "page_size=1001", f"page_size={10**30}", "page_size=all", "page_size=",
    "page_size=5&page_size=6", "cursor=x", "cursor=%FF", "cursor=AAAA", "cursor=" + "A" * 5000, "cursor='--",
    "cursor=e30", "cursor=null", "cursor=&cursor=", "ordering=nonsense", "ordering=password_hash",
    "ordering=-secret_hash", "ordering=id;DROP TABLE users", "ordering=1", "ordering=--id", "ordering=tenant_id",
    "ordering=" + ",".join(["id"] * 6), "count=all", "count=", "count=EXACT", "count=exact&count=none",
    "fields=nonsense", "fields=password_hash", "fields=id,secret_hash", "fields=*",
    "filter=", "filter=x", "filter=[]", "filter=null", "filter=1", 'filter="a"', "filter={", 'filter={"nonsense":1}',
    'filter={"id":{"nonsense":1}}', 'filter={"and":1}', 'filter={"or":{}}', 'filter={"not":[]}', 'filter={"id":[]}',
    'filter={"id":{"in":"x"}}', 'filter={"id":{"exists":1}}', 'filter={"id":NaN}', 'filter={"id":1,"id":2}',
    'filter={"id":"\\ud800"}', "filter=" + '{"not":' * 9 + "{}" + "}" * 9, "nonsense=1", "id__nonsense=1",
    "__proto__=1", "constructor=1", "id__=1", "__exact=1", "id__exact__exact=1", "=1", "id=1'--", "id__in=a,b",
    "created_at=yesterday", "created_at__gte=infinity", "created_at__gte=now", "created_at__lt=epoch",
    "created_at__gte=2026-13-01", "created_at__gte=2026-02-30T00:00:00Z", "created_at__gte=1", "id__exists=maybe",
    "password_hash=x", "tenant_id=x", "is_system=true", "data__x=1", "search=%00", "search=" + "x" * 201,
    "$where=1", "select=*", "limit=1", "offset=1", "sort=id", "%FF=1", "id=%FF%FE", "a" * 500 + "=1",
)  # fmt: skip
ODD_BUT_FINE = (
    "", "&", "&&&", "page=1", "page=01", "page=1000000&page_size=1", "page_size=1000", "cursor=", "ordering=",
    "ordering=,", "ordering=-created_at,,", "count=none", "fields=", "fields=id,,id", "filter={}",
    'filter={"and":[],"or":[{}]}', "id=", "ordering=id&ordering=",
)  # fmt: skip
ODD_IDS = (
    "0", "-1", "1", "null", "undefined", "None", "NaN", "true", "me", "*", "%", "%25", "%2e%2e", "..%2f..%2fetc",
    "'", "%27%20OR%201=1--", "%22", "%3Cscript%3E", "%00", "%0a", "%F0%9F%98%80", "%FF", "%ed%a0%80", "{}", "[]",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0199f3a4c1b27d05a9c0d6c4f1f2a3b4",
    "{0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4}", "urn:uuid:0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4", "0" * 36, "a" * 1000,
    "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4%20", "0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b",
)  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_a_query_that_cannot_be_meant_is_refused(tenant: TestTenant, query: str) -> None:
    sent = quote(query, safe="=&%,_-")
    for path in LISTS:
        response = tenant.api.get(f"{path}?{sent}")
        assert response.status_code == 400, f"{path}?{query}: {response.status_code}"
        assert_problem_shape(response, said=query)


@pytest.mark.parametrize("query", ODD_BUT_FINE)
def test_an_odd_query_is_answered_if_it_has_a_meaning(tenant: TestTenant, query: str) -> None:
    response = tenant.api.get(f"/users/?{quote(query, safe='=&%,_-')}")
    assert response.status_code in {200, 400}, response.text
    assert_tells_nothing(response)
    if response.status_code == 200:
        assert len(response.json["results"]) <= 1000


@pytest.mark.parametrize("path", LISTS)
def test_too_many_parameters_are_refused_at_once(tenant: TestTenant, path: str) -> None:
    for query in ("&".join(f"p{n}=1" for n in range(5000)), "&" * 5000, "id=" + "x" * 20_000):
        with effort() as spent:
            response = tenant.api.get(f"{path}?{query}")
        assert spent.calls < 100_000
        assert response.status_code in {400, 414}
        assert_problem_shape(response)


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_odd_id_is_nobodys(tenant: TestTenant, odd: str) -> None:
    for method, path in (
        ("GET", "/users/{}/"), ("PATCH", "/users/{}/"), ("DELETE", "/users/{}/"), ("POST", "/users/{}/restore/"),
        ("GET", "/users/types/{}/"), ("PATCH", "/users/types/{}/"), ("DELETE", "/users/types/{}/"),
        ("DELETE", "/auth/sessions/{}/"), ("DELETE", "/auth/api-keys/{}/"),
    ):  # fmt: skip
        response = tenant.api.request(method, path.format(odd), json={} if method == "PATCH" else None)
        assert response.status_code in {400, 404, 405}, f"{method} {path} {odd}: {response.status_code}"
        assert_problem_shape(response)


def test_an_id_is_read_in_its_canonical_spelling_alone(tenant: TestTenant) -> None:
    user_id = str(tenant.admin.id)
    assert tenant.api.get(f"/users/{user_id}/").status_code == 200
    for spelling in (user_id.replace("-", ""), "{" + user_id + "}", f"urn:uuid:{user_id}", f" {user_id}"):
        assert tenant.api.get(f"/users/{quote(spelling)}/").status_code == 404


@pytest.mark.parametrize(("query", "suggestion"), [
    ("nam=x", "name"), ("emial=x", "email"), ("name__contain=x", "contains"),
    ("ordering=-creatd_at", "created_at"), ("fields=emai", "email"), ('filter={"nme":"x"}', "name"),
    ('filter={"name":{"startwith":"x"}}', "startswith"),
])  # fmt: skip
def test_a_misspelt_name_gets_the_nearest_one(tenant: TestTenant, query: str, suggestion: str) -> None:
    problem = assert_problem(tenant.api.get(f"/users/?{quote(query, safe='=&%,_-')}"), 400, "INVALID_PARAMETER")
    assert [fault["suggestion"] for fault in problem["errors"]] == [suggestion]


def test_all_faults_of_a_query_are_said_at_once(tenant: TestTenant) -> None:
    problem = assert_problem(tenant.api.get("/users/?nonsense=1&id=2&created_at__gte=3"), 400, "INVALID_PARAMETER")
    assert {fault["pointer"] for fault in problem["errors"]} == {"/nonsense", "/id", "/created_at__gte"}
    problem = assert_problem(tenant.api.get("/users/?page=x&count=y"), 400, "INVALID_PARAMETER")
    assert {fault["pointer"] for fault in problem["errors"]} == {"/page", "/count"}


def test_a_query_parameter_of_a_single_route_stands_once(tenant: TestTenant) -> None:
    path = "/users/permissions/explain/"
    assert tenant.api.get(f"{path}?action=users:read").status_code == 200
    assert_problem(tenant.api.get(f"{path}?action=users:read&action=users:read"), 400, "INVALID_PARAMETER")
    assert_problem(tenant.api.get(path), 400, "INVALID_PARAMETER")
    assert_problem(tenant.api.get(f"{path}?action=users:read&nonsense=1"), 400, "INVALID_PARAMETER")


@pytest.mark.parametrize("text", ["%FF%FE", "%C3", "%ed%a0%80", "a%80b"])
def test_a_query_that_is_no_utf8_is_refused(tenant: TestTenant, text: str) -> None:
    assert_problem(tenant.api.get(f"/users/?name={text}"), 400, "INVALID_PARAMETER")
    assert tenant.api.get("/users/?name=%C3%BC%E5%90%8D").status_code == 200


@pytest.mark.parametrize("text", ["", "%20"])
def test_an_empty_filter_is_told_as_a_filter(tenant: TestTenant, text: str) -> None:
    problem = assert_problem(tenant.api.get(f"/users/?filter={text}"), 400, "INVALID_PARAMETER")
    assert [(fault["pointer"], "body" in fault["message"]) for fault in problem["errors"]] == [("/filter", False)]
