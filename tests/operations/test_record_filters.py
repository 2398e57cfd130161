"""Filters over the values of records: every kind, every operator, with an index and without (checklist 36;
threats 14, 55-58)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from oneo import exact_json
from oneo.fields.kinds.registry import KINDS
from oneo.fields.kinds.terms import Family
from tests.api import SOME_ID, Api, assert_problem
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.operations.record_model import FIELDS, exact, holds, kind_of, ordered

_LONG = "x" * 256
VALUES: dict[str, list[Any]] = {
    "text": ["", "a", "A", "ab", "100%", "a_b", "a\\b", "%", "_", "\\", "É", "z", _LONG, _LONG + "a", _LONG + "b",
             _LONG[:255], _LONG[:255] + "yy", "a" + _LONG, "null", "true", "5", "'", '"', "a\nb", "\U0001f600"],
    "textarea": [_LONG * 4, _LONG * 4 + "a", "line\nline", " ", "a"],
    "email": ["a@example.com", "b@example.com", "b+tag@example.org"],
    "url": ["https://example.com/", "https://example.com/a?b=c#d", f"https://example.com/{_LONG}1",
            f"https://example.com/{_LONG}2"],
    "phone": ["+4930123456", "+15551234567"],
    "number": [0, 1, -1, 2, 10, 9, 0.1, 0.30000000000000004, 1e308, -1e308, 5e-324, 9007199254740992, 1.5],
    "decimal": ["0", "12345678901234567890.1", "12345678901234567890.2", "12345678901234567890", "-0.0000000001",
                "0.1", "2", "10", "99999999999999999999.9999999999"],
    "currency": ["0.01", "-5", "12345678901234567.01", "12345678901234567.02", "100"],
    "percentage": ["12.5", "0", "-3", "99999999999"],
    "boolean": [True, False],
    "date": ["0001-01-01", "9999-12-31", "2026-01-31", "2026-02-01", "1969-12-31"],
    "datetime": ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2026-01-31T12:00:00.000000Z",
                 "2026-01-31T12:00:00.000001Z"],
    "select": ["a", "b", "c,d"],
    "multiselect": [[], ["a"], ["b"], ["b", "a"], ["c,d"], ["b", "a", "c,d"]],
    "user": ["me"],
    "json": [1, "1", True, "", [], {}, [1], [1, 2], [2, 1], {"a": 1}, {"a": 1, "b": [1, {"c": 2}]}, "a%", 0.1,
             18446744073709551617, {"a": None}],
}  # fmt: skip
MORE: dict[str, list[Any]] = {
    "text": ["x", "B", "aB", _LONG + "c", _LONG[:254], "a%", "é", "\\b"],
    "textarea": [_LONG * 4 + "b"], "email": ["c@example.com"],
    "url": [f"https://example.com/{_LONG}3"],
    "phone": ["+4930123457"],
    "number": [Decimal("0.3"), Decimal("1.0000000000000001"), 9007199254740993, Decimal("4e-324"),
               3],
    "decimal": [Decimal("12345678901234567890.15"), Decimal("1e20"), Decimal("0.10"), Decimal("-1e-10")],
    "currency": [Decimal("12345678901234567.015"), 0], "percentage": [12],
    "date": ["2026-01-30"], "datetime": ["2026-01-31T12:00:00.0000005Z", "2026-01-31T13:00:00+01:00"],
    "select": [], "multiselect": [["a", "b"]], "user": [SOME_ID], "boolean": [],
    "json": [2, None, {"b": [{"c": 2}]}, {"b": []}, [2], [[]]],
}  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Two pipelines with the same records, of which one has index slots."""

    api: Api
    rows: dict[str, list[dict[str, Any]]]
    me: str

    def ids(self, query: str, place: str) -> list[str]:
        found = self.api.get(f"/pipelines/{place}/records/?page_size=1000&fields=id&{query}")
        assert found.status_code == 200, (query, found.text)
        return [row["id"] for row in found.json["results"]]


@pytest.fixture(scope="module")
def places(settled: TestTenant) -> Places:
    api, me = settled.api, str(settled.admin.id)
    rows: dict[str, list[dict[str, Any]]] = {}
    for place in ("plain", "slotted"):
        pipeline(api, place, _fields(place))
        for at in range(max(map(len, VALUES.values()))):
            data = {kind: values[at] for kind, values in VALUES.items() if at < len(values)}
            data = {kind: me if value == "me" else value for kind, value in data.items()}
            record(api, place, data)
        record(api, place, {})
        listed = api.get(f"/pipelines/{place}/records/?page_size=1000&ordering=created_at")
        rows[place] = exact(listed.text)["results"]
        for row in rows[place]:
            row["data"] = {kind: _comparable(kind, value) for kind, value in row["data"].items()}
    return Places(api, rows, me)


def _fields(place: str) -> list[dict[str, Any]]:
    wanted = place == "slotted"
    return [{**field, "is_indexed": wanted and KINDS[str(field["field_type"])].slot is not None} for field in FIELDS]


def _comparable(kind: str, value: Any) -> Any:
    return Decimal(value) if KINDS[kind].family is Family.NUMBER else value


def operands(kind: str, operator: str, me: str) -> list[Any]:
    """Values to compare with, as JSON has them."""
    if operator == "exists":
        return [True, False]
    given = [me if value == "me" else value for value in [*VALUES[kind], *MORE[kind]]]
    if operator in {"in", "not_in"}:
        lists = [value for value in given if value] if kind == "multiselect" else [given[:2], given[2:], given[-1:]]
        return [[], *lists]
    nothing = [None] if operator in {"exact", "not"} else []
    return [value for value in given if value is not None] + nothing


CASES = [(kind, operator) for kind in sorted(KINDS) for operator in KINDS[kind].operators]


@pytest.mark.parametrize(("kind", "operator"), CASES)
def test_an_operator_means_what_it_says_with_and_without_an_index(places: Places, kind: str, operator: str) -> None:
    for value in operands(kind, operator, places.me):
        sent = urlencode({"filter": exact_json.dumps({f"data__{kind}": {operator: value}})})
        compared = kind_of(kind).operand(operator, value, from_text=False)
        compared = exact(exact_json.dumps(compared)) if KINDS[kind].family is Family.DOCUMENT else compared
        for place, rows in places.rows.items():
            expected = {
                row["id"] for row in rows if holds(KINDS[kind].family, row["data"].get(kind), operator, compared)
            }
            assert set(places.ids(sent, place)) == expected, (place, value)


@pytest.mark.parametrize("kind", [kind for kind in sorted(KINDS) if KINDS[kind].slot])
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_records_are_sorted_alike_with_and_without_an_index(places: Places, kind: str, *, descending: bool) -> None:
    for place, rows in places.rows.items():
        expected = [row["id"] for row in ordered(rows, [(kind, descending)])]
        ordering = f"ordering={'-' if descending else ''}data__{kind}"
        assert places.ids(ordering, place) == expected, place
        assert walked(places.api, f"/pipelines/{place}/records/?{ordering}&page_size=7&fields=id") == expected, place


def walked(api: Api, address: str) -> list[str]:
    """Ids by pages, forth by cursor; back by cursor and by page number they must be the same."""
    forth: list[list[str]] = []
    following, last = f"{address}&cursor=", ""
    while following:
        page = api.get(following).json
        forth.append([row["id"] for row in page["results"]])
        last, following = following, _path(page["next"])
    back, previous = [forth[-1]], _path(api.get(last).json["previous"])
    while previous:
        page = api.get(previous).json
        back.append([row["id"] for row in page["results"]])
        previous = _path(page["previous"])
    ids = [found for page in forth for found in page]
    assert [found for page in back[::-1] for found in page] == ids
    numbered: list[str] = []
    following = address
    while following:
        page = api.get(following).json
        numbered += [row["id"] for row in page["results"]]
        following = _path(page["next"])
    assert numbered == ids
    return ids


def _path(url: str | None) -> str:
    return url[url.index("/api/") :] if url else ""


@pytest.mark.parametrize(
    ("query", "kind", "texts"),
    [
        ("data__text=A", "text", ["a", "A", "ab", "a_b", "a\\b", "a" + _LONG, _LONG + "a", "a\nb"]),
        ("data__text=%25", "text", ["100%", "%"]),
        ("data__text=_", "text", ["a_b", "_"]),
        ("data__text=%5C", "text", ["a\\b", "\\"]),
        ("data__text__in=a,ab", "text", ["a", "ab"]),
        ("data__email=EXAMPLE.ORG", "email", ["b+tag@example.org"]),
        ("data__multiselect=b,a", "multiselect", [["b", "a"], ["b", "a", "c,d"]]),
        ("data__multiselect__in=b,a", "multiselect", [["a"], ["b"], ["b", "a"], ["b", "a", "c,d"]]),
        ("data__multiselect__exact=a,b", "multiselect", [["b", "a"]]),
        ("data__select__gte=b", "select", ["b", "c,d"]),
        ("data__boolean=TRUE", "boolean", [True]),
        ("data__boolean__exact=0", "boolean", [False]),
        ("data__date__gt=2026-01-31", "date", ["2026-02-01", "9999-12-31"]),
        ("data__json__exact=1", "json", [1]),
        ("data__json__contains=%7B%22a%22%3A1%7D", "json", [{"a": 1}, {"a": 1, "b": [1, {"c": 2}]}]),
        ("data__number__gt=-2e308&data__number__lt=-1e307", "number", [-(10**308)]),
        ("data__percentage__gte=0&data__percentage__lt=12.50", "percentage", [0]),
    ],
    ids=range(17),
)
def test_a_query_string_says_the_same(places: Places, query: str, kind: str, texts: list[Any]) -> None:
    for place in places.rows:
        found = places.api.get(f"/pipelines/{place}/records/?page_size=1000&{query}").json["results"]
        values = [json.dumps(row["data"][kind], sort_keys=True) for row in found]
        assert sorted(values) == sorted(json.dumps(value, sort_keys=True) for value in texts), place


def test_an_order_splits_the_records_exactly(places: Places) -> None:
    for place, rows in places.rows.items():
        parts = [places.ids(f"data__number{part}", place) for part in ("__gte=1.5", "__lt=1.5", "__exists=false")]
        assert sorted(found for part in parts for found in part) == sorted(row["id"] for row in rows)


@pytest.mark.parametrize(
    ("query", "code", "suggestion"),
    [
        ("data__texd=1", "UNKNOWN_PARAMETER", "data__text"),
        ("data__text__containz=1", "UNKNOWN_OPERATOR", "contains"),
        ("data__number__contains=1", "UNKNOWN_OPERATOR", None),
        ("data__json__gt=1", "UNKNOWN_OPERATOR", None),
        ("data__number=x", "WRONG_TYPE", None),
        ("data__number=NaN", "WRONG_TYPE", None),
        ("data__number=1e99999", "WRONG_TYPE", None),
        ("data__decimal=Infinity", "WRONG_TYPE", None),
        ("data__date=now", "INVALID_DATE", None),
        ("data__date=infinity", "INVALID_DATE", None),
        ("data__datetime=epoch", "INVALID_DATE", None),
        ("data__datetime=9999-12-31T23:59:59-01:00", "INVALID_DATE", None),
        ("data__boolean=yes", "WRONG_TYPE", None),
        ("data__select=bb", "NOT_A_CHOICE", None),
        ("data__user=me", "INVALID_ID", None),
        ("data__texd__gt=1", "UNKNOWN_PARAMETER", "data__text"),
        ("data__text__=a", "UNKNOWN_PARAMETER", "data__text"),
        ("data__json=%7B", "NOT_JSON", None),
        ("data__text__exists=maybe", "WRONG_TYPE", None),
        ("ordering=data__texd", "UNKNOWN_FIELD", "data__text"),
        ("ordering=data__json", "UNKNOWN_FIELD", None),
        ("ordering=data__multiselect", "UNKNOWN_FIELD", None),
        ("fields=data__texd", "UNKNOWN_FIELD", "data__text"),
        ("filter=%7B%22data__texd%22%3A1%7D", "UNKNOWN_FIELD", "data__text"),
        ("filter=%7B%22data%22%3A1%7D", "UNKNOWN_FIELD", None),
        ("data__text'%3B--=1", "UNKNOWN_PARAMETER", "data__text"),
        ("data=1", "UNKNOWN_PARAMETER", None),
        ("deleted_at__exists=true", "UNKNOWN_PARAMETER", None),
        ("tenant_id=1", "UNKNOWN_PARAMETER", None),
        ("t1=x", "UNKNOWN_PARAMETER", None),
    ],
    ids=range(30),
)
def test_what_is_not_known_is_refused(places: Places, query: str, code: str, suggestion: str | None) -> None:
    for place in places.rows:
        problem = assert_problem(
            places.api.get(f"/pipelines/{place}/records/?{query}"), 400, "INVALID_PARAMETER"
        )["errors"][0]  # fmt: skip
        assert problem["code"] == code
        if suggestion:
            assert problem["suggestion"] == suggestion


HOSTILE = ["'", '"', "';SELECT pg_sleep(9)--", "%s", "%(tenant)s", "{}", "\\", "$1", "1 OR 1=1", "/*", "\x00", "\u202e",
           "' || (SELECT version()) || '", "data->>'x'", "::int", "COLLATE", "NULL", "a" * 5000]  # fmt: skip


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_hostile_texts_find_nothing_more(places: Places, at: int) -> None:
    text = HOSTILE[at]
    everything = len(places.rows["plain"])
    for parameter in ("data__text__exact", "data__text", "data__url", "data__json", "data__select", "data__number__gt",
                      "ordering", "fields", "cursor", "filter", "status", "title", "id", f"data__text{text}",
                      "data__" + text, text or "x", "count", "page", "page_size"):  # fmt: skip
        sent = urlencode({parameter: text})
        found = places.api.get(f"/pipelines/slotted/records/?{sent}")
        assert found.status_code in {200, 400, 414}, (parameter, found.text)
        if found.status_code == 200 and parameter.startswith("data__"):
            assert found.json["count"] < everything


def test_a_cursor_is_good_for_its_list_alone(places: Places) -> None:
    first = places.api.get("/pipelines/plain/records/?cursor=&page_size=2&ordering=data__number").json["next"]
    cursor = first.partition("cursor=")[2].partition("&")[0]
    for path in (
        "/pipelines/slotted/records/?ordering=data__number", "/pipelines/plain/records/?ordering=-data__number",
        "/pipelines/plain/records/deleted/?ordering=data__number",
        "/pipelines/plain/records/?ordering=data__number&data__text=a",
        "/pipelines/plain/records/?ordering=data__number&filter=%7B%22data__text%22%3A%22a%22%7D",
    ):  # fmt: skip
        assert_problem(places.api.get(f"{path}&cursor={cursor}"), 400, "INVALID_CURSOR")
