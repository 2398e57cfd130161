"""Search over all pipelines and within one: by words, by rank, never by what is hidden (checklist 15, 34;
threats 13, 14, 17, 19)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TenantFactory, TestTenant

HOSTILE = (
    "'", "''", '"', "\\", "\\'", "a\\", "a & b", "a | b", "!a", "a <-> b", "a:*", "a:b", ":*", "(a", "a)", "()", "&",
    "|", "!", "<->", "a' & 'b", "'a':*", "a:A", "%", "%s", "a%b", "_", ";", "--", "a; DROP TABLE records", "$1", "{}",
    "\t", "🎉", "🎉party", "é", "ß", "İ", "名前", "ـ", "e\u0301", "\u200b", "\u00a0", "\u202e", "-", "- -", "a-b", "-5",
    "+49 30", "1e5", "1.5.2", "ada@", "@", "a@b", "http://", "http://x/?y=z&a=b", "a/b", "a.b.c", "x" * 200, "\x01",
    "\x7f", "&amp;", "<b>a</b>", "<", "a<b", "\ufffe", "\U0010ffff", "a\rb",
)  # fmt: skip

NO_WORDS = ("&amp;",)
"""PostgreSQL takes an entity of HTML for what stands between words."""


def titles(api: Api, query: str, path: str = "/records/") -> list[str]:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    found = [row["title"] for row in answer.json["results"]]
    if "page" not in query and "cursor" not in query and "count" not in query:
        assert answer.json["count"] == len(found)
    return found


def people(api: Api, **more: Any) -> dict[str, Any]:
    fields = [
        {"name": "Name", "field_type": "text"},
        {"name": "Mail", "field_type": "email"},
        {"name": "Salary", "field_type": "number"},
        {"name": "Note", "field_type": "textarea"},
    ]
    return pipeline(api, "People", fields, **{"title_field": "name", **more})


@pytest.fixture
def two(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two pipelines with records that share words."""
    made = deals(api), people(api)
    record(api, "deals", {"name": "Acme renewal", "amount": "1200.50", "stage": "open"})
    record(api, "deals", {"name": "Globex acme acme", "code": "X-17"})
    record(api, "people", {"name": "Ada Acme", "mail": "ada@example.com", "salary": 5000, "note": "likes tea"})
    record(api, "people", {"name": "Bob", "mail": "bob@globex.example", "note": "knows Ada"})
    return made


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("acme", {"Acme renewal", "Globex acme acme", "Ada Acme"}),
        ("ACM", {"Acme renewal", "Globex acme acme", "Ada Acme"}),
        ("acme ren", {"Acme renewal"}),
        ("ren acme", {"Acme renewal"}),
        ("ada@exam", {"Ada Acme"}),
        ("ada@example.com", {"Ada Acme"}),
        ("ad", {"Ada Acme", "Bob"}),
        ("1200", {"Acme renewal"}),
        ("5000", {"Ada Acme"}),
        ("x-17", {"Globex acme acme"}),
        ("x-1", {"Globex acme acme"}),
        ("a - renewal", {"Acme renewal"}),
        ('"acme renewal"', {"Acme renewal"}),
        ("(acme) renewal!", {"Acme renewal"}),
        ("acme bob", set()),
        ("cme", set()),
        ("nobody", set()),
        ("!!!", set()),
    ],
)
def test_words_are_found_by_their_beginnings(two: Any, api: Api, search: str, expected: set[str]) -> None:
    assert set(titles(api, f"search={quote(search)}")) == expected


@pytest.mark.parametrize("hiding", [False, True])
@pytest.mark.parametrize(
    ("text", "search"),
    [("Smith/Jones", "jones"), ("Smith/Jones", "smith"), ("Smith/Jones", "Smith/Jo"), ("Smith/Jones", "jones/smith"),
     ("/usr/lib/x", "lib"), ("/usr/lib/x", "/usr/li"), ("see /usr/lib/x.so", "usr/lib/x.so"), ("and/or", "or"),
     ("https://example.com/docs/Intro?q=1", "intro"), ("https://example.com/docs/Intro", "example.com"),
     ("https://example.com/docs/Intro", "https://example.com/do"), ("1/2", "2"), ("a//b", "b"), ('\\/b"/c', "c")],
)  # fmt: skip
def test_what_a_slash_joins_is_found_by_its_parts(tenant: TestTenant, text: str, search: str, *, hiding: bool) -> None:
    """In a value and in a title, for whom something is hidden too."""
    people(tenant.api)
    pipeline(tenant.api, "Bare", [{"name": "Salary", "field_type": "number"}])
    record(tenant.api, "people", {"name": "Found", "note": text, "salary": 1})
    titled = tenant.api.post("/pipelines/bare/records/", {"title": text, "data": {"salary": 1}})
    assert titled.status_code == 201, titled.text
    record(tenant.api, "people", {"name": "Not", "note": "Johnson Goldsmith usrlib 12 an example"})
    grant = {"permission": "records:read", "hidden_fields": ["salary"]}
    reader = tenant.user(tenant.role("hiding", [grant])).api if hiding else tenant.api
    assert sorted(titles(reader, f"search={quote(search)}")) == sorted(["Found", text])
    assert titles(reader, f"search={quote(search)}", "/pipelines/people/records/") == ["Found"]


@pytest.mark.parametrize(
    ("text", "search"),
    [("INV-1200", "1200"), ("INV-1200", "12"), ("INV-1200", "inv-12"), ("INV-1200", "inv 1200"), ("mid-2024", "2024"),
     ("2024-11-30", "30"), ("a-1.5", "1.5"), ("loss of -70", "70"), ("+49170", "49170"), ("+49170", "+49")],
)  # fmt: skip
def test_a_number_is_found_without_the_sign_before_it(api: Api, text: str, search: str) -> None:
    people(api)
    made = record(api, "people", {"name": "Found", "note": text})
    record(api, "people", {"name": "Not", "note": "41200 92024 330 11.5 170 149170"})
    assert titles(api, f"search={quote(search)}") == [made["title"]]
    assert titles(api, f"search={quote(search)}", "/pipelines/people/records/") == [made["title"]]


def test_the_better_match_comes_first_and_tells_its_pipeline(
    two: tuple[dict[str, Any], dict[str, Any]], api: Api
) -> None:
    found = api.get("/records/?search=acme").json["results"]
    ranks = [row["rank"] for row in found]
    assert found[0]["title"] == "Globex acme acme"
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] > ranks[-1] > 0
    assert found[0]["pipeline"] == {"id": two[0]["id"], "slug": "deals", "name": "Deals"}
    alone = api.get(f"/records/{found[0]['id']}/").json
    assert {key: value for key, value in found[0].items() if key not in {"pipeline", "rank"}} == alone


def test_without_words_the_newest_of_all_pipelines_come_first(two: Any, api: Api) -> None:
    everything = ["Bob", "Ada Acme", "Globex acme acme", "Acme renewal"]
    assert titles(api, "") == everything
    assert titles(api, "search=%20") == everything
    assert {row["rank"] for row in api.get("/records/").json["results"]} == {None}
    assert titles(api, "pipeline=people") == ["Bob", "Ada Acme"]
    assert titles(api, f"pipeline={two[0]['id']},people&ordering=created_at") == everything[::-1]
    assert titles(api, "pipeline=deals&search=acme&ordering=id") == ["Acme renewal", "Globex acme acme"]
    assert titles(api, "status=gone") == []
    assert titles(api, "created_after=2999-01-01") == []
    assert titles(api, "search=acme&filter=" + quote('{"pipeline": {"not": "deals"}}')) == ["Ada Acme"]
    assert api.get("/records/?fields=title,pipeline&pipeline=deals").json["results"][0].keys() == {"title", "pipeline"}


@pytest.mark.parametrize("query", ["search=acme&", "", "search=a&ordering=-created_at&", "search=ad&"])
def test_paging_meets_each_record_once(two: Any, api: Api, query: str) -> None:
    whole = titles(api, query)
    numbered = [title for page in (1, 2, 3, 4) for title in titles(api, f"{query}page_size=1&page={page}")]
    assert numbered == whole
    walked, address = [], f"/api/v1/records/?{query}page_size=1&cursor="
    while address:
        page = api.get(address).json
        walked += [row["title"] for row in page["results"]]
        address = (page["next"] or "").partition("localhost")[2]
    assert walked == whole


@pytest.mark.parametrize("search", HOSTILE)
def test_whatever_is_typed_is_looked_for(settled: TestTenant, search: str) -> None:
    """No sign of it is syntax: a record that has this very text is found, if there is a word in it."""
    name = _with_hostile_texts(settled)
    has_word = any(sign.isalnum() for sign in search) and search not in NO_WORDS
    for path in ("/records/", f"/pipelines/{name}/records/"):
        answer = settled.api.get(f"{path}?page_size=1000&search={quote(search)}")
        assert answer.status_code == 200, answer.text
        found = [row["id"] for row in answer.json["results"]]
        if search.strip():
            assert (search in [row["data"]["text"] for row in answer.json["results"]]) == has_word
            assert answer.json["count"] == len(found)
        walked = settled.api.get(f"{path}?page_size=1000&search={quote(search)}&cursor=").json
        assert [row["id"] for row in walked["results"]] == found


def _with_hostile_texts(tenant: TestTenant) -> str:
    if tenant.api.get("/pipelines/typed/").status_code == 404:
        pipeline(tenant.api, "Typed", [{"name": "Text", "field_type": "textarea"}])
        for text in HOSTILE:
            record(tenant.api, "typed", {"text": text})
    return "typed"


@pytest.mark.parametrize("search", ["x" * 201, " ".join("abcdefghijklmnopqrstu")])
def test_too_much_is_refused(settled: TestTenant, search: str) -> None:
    for path in ("/records/", f"/pipelines/{_with_hostile_texts(settled)}/records/"):
        answer = settled.api.get(f"{path}?search={quote(search)}")
        assert assert_problem(answer, 400, "INVALID_PARAMETER")["errors"][0]["pointer"] == "/search"


def test_nul_is_no_character_to_search_for(settled: TestTenant) -> None:
    assert_problem(settled.api.get("/records/?search=a%00b"), 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("pipeline=peopel", "/pipeline", "PIPELINE_NOT_FOUND"),
        (f"pipeline=people,{SOME_ID}", "/pipeline", "PIPELINE_NOT_FOUND"),
        ("data__name=x", "/data__name", "UNKNOWN_PARAMETER"),
        ("title=x", "/title", "UNKNOWN_PARAMETER"),
        ("ordering=data__name", "/ordering", "UNKNOWN_FIELD"),
        ("search=a&data__salary__gt=1", "/data__salary__gt", "UNKNOWN_PARAMETER"),
    ],
)
def test_what_cannot_be_asked_of_all_pipelines_is_refused(
    two: Any, api: Api, query: str, pointer: str, code: str
) -> None:
    problem = assert_problem(api.get(f"/records/?{query}"), 400, "INVALID_PARAMETER")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]


def test_hidden_fields_are_not_searched(two: Any, tenant: TestTenant) -> None:
    """Threats 13 and 14: neither by a whole value nor by a piece, nor told by the count, the rank or the order."""
    record(tenant.api, "people", {"name": "Eve 5000", "note": "x"})
    grant = {"permission": "records:read", "hidden_fields": ["salary", "note"]}
    user = tenant.user(tenant.role("short_sighted", [grant])).api
    for path in ("/records/", "/pipelines/people/records/"):
        for search in ("tea", "likes", "te", "likes%20ada", "knows", "5000%20ada"):
            assert titles(user, f"search={search}", path) == []
        assert titles(user, "search=5000", path) == ["Eve 5000"]
        assert titles(user, "search=50", path) == ["Eve 5000"]
        assert titles(user, "search=ada", path) == ["Ada Acme"]
        for mode in ("count=exact", "count=estimated", "cursor="):
            assert user.get(f"{path}?search=tea&{mode}").json["count"] == 0
    assert len(titles(tenant.api, "search=5000")) == 2
    found = user.get("/records/?search=ada").json["results"][0]
    assert found["data"] == {"name": "Ada Acme", "mail": "ada@example.com"}
    assert titles(user, "search=1200") == ["Acme renewal"]


def test_the_rank_comes_from_what_the_caller_sees(tenant: TestTenant) -> None:
    people(tenant.api)
    record(tenant.api, "people", {"name": "acme acme", "note": "other words in a long text, and more of them"})
    record(tenant.api, "people", {"name": "acme", "note": "acme acme acme acme acme"})
    user = tenant.user(tenant.role("hiding", [{"permission": "records:read", "hidden_fields": ["note"]}])).api
    assert titles(tenant.api, "search=acme") == ["acme", "acme acme"]
    assert titles(user, "search=acme") == ["acme acme", "acme"]


def test_a_hidden_title_field_gives_neither_title_nor_match(two: Any, tenant: TestTenant) -> None:
    user = tenant.user(tenant.role("nameless", [{"permission": "records:read", "hidden_fields": ["name"]}])).api
    assert titles(user, "search=bob") == ["People " + _last_digits(user, "people", 0)]
    assert user.get("/records/?search=acme").json["count"] == 0
    assert not [title for title in titles(user, "") if "Ada" in title or "Acme" in title]


def _last_digits(api: Api, name: str, at: int) -> str:
    found: str = api.get(f"/records/?pipeline={name}").json["results"][at]["id"]
    return found[-8:]


def test_a_removed_field_is_found_by_nobody(two: Any, api: Api) -> None:
    assert api.delete("/pipelines/people/fields/note/?force=true").status_code == 204
    for path in ("/records/", "/pipelines/people/records/"):
        assert titles(api, "search=tea", path) == []
        assert titles(api, "search=knows", path) == []
        assert titles(api, "search=ada", path) == ["Ada Acme"]
    assert set(titles(api, "search=acme")) == {"Acme renewal", "Globex acme acme", "Ada Acme"}


def test_own_rows_and_ruled_rows_are_found_alone(two: Any, tenant: TestTenant) -> None:
    """Threat 19, and rules that differ from pipeline to pipeline."""
    grants: list[dict[str, Any]] = [
        {"permission": "records:read", "pipelines": ["people"], "rows": "own"},
        {"permission": "records:create", "pipelines": ["people"]},
        {"permission": "records:read", "pipelines": ["deals"], "rows": {"filter": {"data__stage": "open"}}},
    ]
    user = tenant.user(tenant.role("narrow", grants)).api
    assert titles(user, "") == ["Acme renewal"]
    assert titles(user, "search=ada") == []
    record(user, "people", {"name": "Ada of mine"})
    assert set(titles(user, "")) == {"Acme renewal", "Ada of mine"}
    assert titles(user, "search=ada") == ["Ada of mine"]
    assert titles(user, "search=a") == ["Ada of mine", "Acme renewal"]
    assert titles(user, "search=ada", "/pipelines/people/records/") == ["Ada of mine"]


def test_a_pipeline_without_rights_is_nowhere(two: Any, tenant: TestTenant) -> None:
    """Threat 17."""
    grants: list[dict[str, Any]]
    grants = [{"permission": "records:read", "pipelines": ["deals"]}, {"permission": "pipelines:read_all"}]
    user = tenant.user(tenant.role("sales", grants)).api
    assert set(titles(user, "search=acme")) == {"Acme renewal", "Globex acme acme"}
    assert len(titles(user, "")) == 2
    for name in ("people", two[1]["id"]):
        assert_problem(user.get(f"/records/?pipeline={name}"), 400, "INVALID_PARAMETER")
    assert "eople" not in user.get("/records/?pipeline=peple").text.replace("peple", "")


def test_deleted_records_and_pipelines_are_not_found(two: Any, api: Api) -> None:
    gone = api.get("/records/?search=bob").json["results"][0]["id"]
    assert api.delete(f"/records/{gone}/").status_code == 204
    assert titles(api, "search=bob") == []
    assert api.delete("/pipelines/people/").status_code == 204
    assert set(titles(api, "")) == {"Acme renewal", "Globex acme acme"}


def test_another_tenant_s_records_are_not_found(two: Any, api: Api, tenants: TenantFactory) -> None:
    other = tenants.create().api
    assert titles(other, "search=acme") == []
    assert titles(other, "") == []
    people(other)
    record(other, "people", {"name": "acme"})
    assert titles(other, "search=acme") == ["acme"]
    assert len(titles(api, "search=acme")) == 3


def test_a_name_with_quotes_and_signs_does_no_harm(api: Api) -> None:
    pipeline(api, 'It\'s 100% "fine" {}', [{"name": "A", "field_type": "text"}], slug="odd")
    record(api, "odd", {"a": "word"})
    [found] = api.get("/records/?search=word").json["results"]
    assert found["pipeline"]["name"] == 'It\'s 100% "fine" {}'
    assert found["title"] == f'It\'s 100% "fine" {{}} {found["id"][-8:]}'
