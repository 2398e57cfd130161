"""Exports over REST: what is in them, for whom, and how they are sent (checklist 12; threats 13, 60)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from oneo import strict_json
from oneo.errors import MalformedJson
from oneo.export.csv import restored
from oneo.fields.kinds.registry import KINDS, kind_named
from tests.api import SOME_ID, Api, Reply, assert_problem
from tests.export import sheets
from tests.export.formulas import FORMULAS, is_live
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TestTenant
from tests.fields.tables import Refused, tables

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS = [
    "id", "title", "status", "name", "amount", "stage", "closes", "owner", "tags", "code",
    "created_at", "updated_at", "created_by", "updated_by", "version",
]  # fmt: skip
EXPORT = "/pipelines/deals/export/"


def csv_cells(answer: Reply) -> list[list[str | None]]:
    """Every cell as it was before it was made safe."""
    assert answer.status_code == 200, answer.text
    return [[restored(cell) for cell in row] for row in csv.reader(io.StringIO(answer.text, newline=""))]


def xlsx_cells(answer: Reply) -> list[list[str | None]]:
    assert answer.status_code == 200
    return sheets.values(answer.data)


def lines(answer: Reply) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


FLAT = pytest.mark.parametrize(("form", "cells"), [("csv", csv_cells), ("xlsx", xlsx_cells)])
Cells = Callable[[Reply], list[list[str | None]]]


@pytest.mark.parametrize(("form", "media_type"), TYPES.items())
def test_each_format_is_a_file_with_a_name(api: Api, form: str, media_type: str) -> None:
    deals(api)
    answer = api.get(f"{EXPORT}?format={form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(
        rf'attachment; filename="deals-\d{{4}}-\d\d-\d\d\.{form}"', answer.headers["Content-Disposition"]
    )
    if form == "xlsx":
        assert answer.content_length == len(answer.data)


def test_without_a_format_it_is_json_as_lists_show_it(api: Api) -> None:
    deals(api)
    made = [record(api, "deals", {"name": f"n{at}", "amount": f"{at}.10", "tags": ["hot", "new"]}) for at in range(3)]
    listed = api.get("/pipelines/deals/records/").json["results"]
    assert api.get(EXPORT).json == listed == api.get(f"{EXPORT}?format=json").json == made[::-1]
    assert lines(api.get(f"{EXPORT}?format=ndjson")) == listed


def test_without_records_the_files_are_whole_too(api: Api) -> None:
    deals(api)
    assert api.get(EXPORT).json == []
    assert api.get(f"{EXPORT}?format=ndjson").data == b""
    assert csv_cells(api.get(f"{EXPORT}?format=csv")) == [COLUMNS]
    assert xlsx_cells(api.get(f"{EXPORT}?format=xlsx")) == [COLUMNS]


@pytest.mark.parametrize("form", ["xml", "CSV", "", "json,csv", "xls"])
def test_another_format_is_refused(api: Api, form: str) -> None:
    deals(api)
    [fault] = assert_problem(api.get(f"{EXPORT}?format={form}"), 400, "INVALID_PARAMETER")["errors"]
    assert (fault["field"], fault["allowed"]) == ("format", list(TYPES))


@FLAT
def test_columns_stand_in_the_order_of_the_fields(api: Api, form: str, cells: Cells) -> None:
    deals(api)
    made = record(api, "deals", {"name": "Big", "amount": "1200.50", "tags": ["new", "hot"], "closes": "2026-01-31"})
    [headers, row] = cells(api.get(f"{EXPORT}?format={form}"))
    assert headers == COLUMNS
    shown = dict(zip(COLUMNS, row, strict=True))
    assert {key: shown[key] for key in ("id", "title", "status", "name", "stage", "tags", "code")} == {
        "id": made["id"], "title": "Big", "status": "active", "name": "Big", "stage": None, "tags": "hot,new",
        "code": None,
    }  # fmt: skip
    assert float(shown["amount"] or 0) == 1200.5
    assert (shown["created_by"], shown["version"]) == (made["created_by"], "1")
    if form == "csv":
        assert (shown["amount"], shown["closes"]) == ("1200.5", "2026-01-31")
        assert shown["created_at"] == made["created_at"]


@FLAT
def test_headers_can_be_the_names_of_the_fields(api: Api, form: str, cells: Cells) -> None:
    pipeline(api, "Deals", [{"name": "Größe (cm)", "slug": "size", "field_type": "number"}])
    [headers] = cells(api.get(f"{EXPORT}?format={form}&headers=name"))
    assert headers == [
        "ID", "Title", "Status", "Größe (cm)", "Created at", "Updated at", "Created by", "Updated by", "Version",
    ]  # fmt: skip
    assert_problem(api.get(f"{EXPORT}?format={form}&headers=label"), 400, "INVALID_PARAMETER")


@FLAT
def test_a_field_called_like_a_column_of_all_records_is_told_from_it(api: Api, form: str, cells: Cells) -> None:
    pipeline(api, "Deals", [{"name": "Version", "field_type": "number"}])
    record(api, "deals", {"version": 7}, title="x")
    [headers, row] = cells(api.get(f"{EXPORT}?format={form}&fields=data,version"))
    assert (headers, row) == (["data__version", "version"], ["7", "1"])


@FLAT
def test_fields_picks_columns_in_its_order(api: Api, form: str, cells: Cells) -> None:
    deals(api)
    record(api, "deals", {"name": "Big", "stage": "won"})
    found = cells(api.get(f"{EXPORT}?format={form}&fields=data__stage,title,data__stage,pipeline_id,deleted_at"))
    assert [row[:2] for row in found] == [["stage", "title"], ["won", "Big"]]
    assert found[0][2:] == ["pipeline_id", "deleted_at"]


def test_fields_picks_keys_of_the_json(api: Api) -> None:
    deals(api)
    record(api, "deals", {"name": "Big", "stage": "won"})
    assert api.get(f"{EXPORT}?fields=title,data__stage").json == [{"title": "Big", "data": {"stage": "won"}}]


@pytest.mark.parametrize("form", TYPES)
def test_a_column_that_is_not_there_is_refused_by_name(api: Api, form: str) -> None:
    deals(api)
    [fault] = assert_problem(api.get(f"{EXPORT}?format={form}&fields=data__stgae"), 400, "INVALID_PARAMETER")["errors"]
    assert (fault["code"], fault["suggestion"]) == ("UNKNOWN_FIELD", "data__stage")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("data__stage=won", ["c", "b"]),
        ("data__amount__gte=2&data__amount__lt=3", ["b"]),
        ('filter={"data__name":{"in":["a","c"]}}', ["c", "a"]),
        ("status=done", ["a"]),
        ("ordering=data__amount", ["a", "b", "c"]),
        ("ordering=-data__name", ["c", "b", "a"]),
        ("created_after=2020-01-01", ["c", "b", "a"]),
        ("created_before=2020-01-01", []),
        ("title=B", ["b"]),
    ],
)
@pytest.mark.parametrize("form", TYPES)
def test_the_conditions_and_the_order_are_those_of_lists(api: Api, form: str, asked: str, found: list[str]) -> None:
    deals(api)
    record(api, "deals", {"name": "a", "amount": 1, "stage": "open"}, status="done")
    record(api, "deals", {"name": "b", "amount": 2, "stage": "won"})
    record(api, "deals", {"name": "c", "amount": 3, "stage": "won"})
    answer = api.get(f"{EXPORT}?format={form}&fields=title&{asked}")
    shown = {"csv": csv_cells, "xlsx": xlsx_cells}
    titles = [row[0] for row in shown[form](answer)[1:]] if form in shown else [
        row["title"] for row in (answer.json if form == "json" else lines(answer))
    ]  # fmt: skip
    assert titles == found


@pytest.mark.parametrize("name", ["page", "page_size", "cursor", "count", "formt", "data__nothing", "limit"])
def test_what_would_be_passed_over_is_refused(api: Api, name: str) -> None:
    deals(api)
    [fault] = assert_problem(api.get(f"{EXPORT}?{name}=1"), 400, "INVALID_PARAMETER")["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/{name}", "UNKNOWN_PARAMETER")


@pytest.mark.parametrize(
    "asked", ["format=csv&format=json", "filter={", "filter=[]", "ordering=nothing", "filter=null"]
)
def test_a_query_that_cannot_be_read_is_refused(api: Api, asked: str) -> None:
    deals(api)
    assert_problem(api.get(f"{EXPORT}?{asked}"), 400, "INVALID_PARAMETER")


@pytest.mark.parametrize("form", TYPES)
def test_deleted_records_are_never_in_it(api: Api, form: str) -> None:
    deals(api)
    gone = record(api, "deals", {"name": "Departed"})
    assert api.delete(f"/records/{gone['id']}/").status_code == 204
    answer = api.get(f"{EXPORT}?format={form}")
    told = repr(xlsx_cells(answer)) if form == "xlsx" else answer.text
    assert "Departed" not in told
    assert gone["id"] not in told


def test_decimals_keep_their_digits(api: Api) -> None:
    pipeline(api, "Deals", [{"name": "Sum", "field_type": "decimal", "field_config": {"precision": 30, "scale": 10}}])
    exact = "-12345678901234567890.0123456789"
    record(api, "deals", {"sum": exact})
    assert f'"sum": {exact}' in api.get(EXPORT).text
    assert f'"sum": {exact}' in api.get(f"{EXPORT}?format=ndjson").text
    for form, cells in (("csv", csv_cells), ("xlsx", xlsx_cells)):
        assert cells(api.get(f"{EXPORT}?format={form}&fields=data"))[1] == [exact]


def test_no_formula_runs_wherever_it_stands(api: Api) -> None:
    """As value, as choice, as name of a field and of the pipeline, in the title and the status."""
    choices = [text for text in FORMULAS if text == text.strip() and text.isprintable()]
    pipeline(api, "=1+1", [
        {"name": "=SUM(1)", "slug": "note", "field_type": "textarea"},
        {"name": "@x", "slug": "choice", "field_type": "select", "field_config": {"choices": choices}},
        {"name": "+x", "slug": "several", "field_type": "multiselect", "field_config": {"choices": choices}},
        {"name": "-x", "slug": "number", "field_type": "number"},
    ], slug="deals")  # fmt: skip
    for at, text in enumerate(FORMULAS):
        choice = choices[at % len(choices)]
        data = {"note": text, "choice": choice, "several": [choice], "number": -5}
        record(api, "deals", data, title=text if at else "", status=text[:50])
    asked = f"{EXPORT}?headers=name&ordering=created_at&fields=title,status,data&format="
    answer = api.get(f"{asked}csv")
    raw = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert not [cell for row in raw for cell in row if is_live(cell)]
    assert {row[5] for row in raw[1:]} == {"-5"}
    rows = csv_cells(answer)
    assert rows[0] == ["Title", "Status", "=SUM(1)", "@x", "+x", "-x"]
    assert [row[2] for row in rows[1:]] == list(FORMULAS)
    assert [row[0] for row in rows[2:]] == list(FORMULAS[1:])
    assert str(rows[1][0]).startswith("=1+1 ")
    [found] = sheets.sheets(api.get(f"{asked}xlsx").data).values()
    assert [row["C"].value for row in found[1:]] == list(FORMULAS)
    assert {(letter, cell.kind) for row in found[1:] for letter, cell in row.items()} == {
        *((letter, "inlineStr") for letter in "ABCDE"), ("F", "n"),
    }  # fmt: skip
    assert [row["data"]["note"] for row in api.get(f"{EXPORT}?ordering=created_at&format=json").json] == list(FORMULAS)


def test_who_may_not_read_the_records_exports_none(api: Api, tenant: TestTenant, other: TestTenant) -> None:
    made = deals(api)
    pipeline(api, "Secrets", [])
    grant = {"permission": "records:read", "pipelines": [made["id"]]}
    narrow = tenant.user(tenant.role("narrow", [grant, {"permission": "pipelines:read"}])).api
    assert narrow.get(EXPORT).status_code == 200
    assert_problem(narrow.get("/pipelines/secrets/export/"), 403, "PERMISSION_DENIED")
    assert_problem(tenant.user(tenant.role("nothing", [])).api.get(EXPORT), 403, "PERMISSION_DENIED")
    for path in (EXPORT, f"/pipelines/{made['id']}/export/", f"/pipelines/{SOME_ID}/export/"):
        assert_problem(other.api.get(path), 404, "PIPELINE_NOT_FOUND")
    assert_problem(Api(api.app).get(EXPORT), 401, "AUTHENTICATION_REQUIRED")


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "*/*", "text/csv;q=0.5, */*;q=0.1"])
def test_its_media_types_can_be_asked_for(api: Api, accept: str) -> None:
    deals(api)
    assert api.get(f"{EXPORT}?format=csv", headers={"Accept": accept}).status_code == 200
    refused = assert_problem(api.get(EXPORT, headers={"Accept": "image/png"}), 406, "NOT_ACCEPTABLE")
    assert "text/csv" in refused["produced"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
        ("text/*", "text/csv"),
        ("*/*", "application/json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("", "application/json"),
        ("application/problem+json", "application/json"),
    ],
)
def test_the_header_accept_says_the_format_where_the_query_does_not(api: Api, accept: str, expected: str) -> None:
    deals(api)
    record(api, "deals", {"name": "Big"})
    for query, wanted in (("", expected), ("?format=ndjson", "application/x-ndjson")):
        answer = api.get(EXPORT + query, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, wanted)
        assert "Big" in answer.text


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("headers", ["slug", "name"])
def test_there_are_no_headers_to_choose_where_there_are_none(api: Api, form: str, headers: str) -> None:
    deals(api)
    refused = assert_problem(api.get(f"{EXPORT}?format={form}&headers={headers}"), 400, "INVALID_PARAMETER")
    assert refused["errors"][0]["pointer"] == "/headers"


@pytest.mark.parametrize("form", TYPES)
def test_a_hidden_field_is_nowhere_in_it(api: Api, tenant: TestTenant, form: str) -> None:
    """Nor can it be asked for, and no title gives it away (threat 13)."""
    deals(api)
    record(api, "deals", {"name": "Unsaid", "amount": "424242", "stage": "won", "code": "Cipher"})
    grants = [{"permission": "records:read", "hidden_fields": ["name", "amount", "code"]}]
    weak = tenant.user(tenant.role("weak", grants)).api
    answer = weak.get(f"{EXPORT}?format={form}")
    told = repr(xlsx_cells(answer)) if form == "xlsx" else answer.text
    assert "won" in told
    assert "Deals " in told
    for secret in ("Unsaid", "424242", "Cipher", "amount", "code", '"name"', "'name'", ",name,"):
        assert secret not in told, secret
    labels = csv_cells(weak.get(f"{EXPORT}?format=csv&headers=name"))
    assert not {"Name", "Amount", "Code"} & set(labels[0])
    for asked in ("fields=data__amount", "data__amount=424242", "ordering=data__code", 'filter={"data__code":"Cipher"}',
                  "title=Unsaid", "ordering=title"):  # fmt: skip
        refused = assert_problem(weak.get(f"{EXPORT}?format={form}&{asked}"), 400, "INVALID_PARAMETER")
        assert not {"data__amount", "data__code"} & {fault.get("suggestion") for fault in refused["errors"]}


@pytest.mark.parametrize("form", TYPES)
def test_a_removed_field_is_nowhere_in_it(api: Api, form: str) -> None:
    deals(api)
    record(api, "deals", {"name": "Kept", "code": "Cipher"})
    assert api.delete("/pipelines/deals/fields/code/?force=true").status_code == 204
    answer = api.get(f"{EXPORT}?format={form}")
    told = repr(xlsx_cells(answer)) if form == "xlsx" else answer.text
    assert "Kept" in told
    assert "Cipher" not in told
    assert "code" not in told
    assert api.get(f"{EXPORT}?format={form}&fields=data__code").status_code == 400


@pytest.mark.parametrize("form", TYPES)
def test_only_the_callers_rows_are_in_it(api: Api, tenant: TestTenant, form: str) -> None:
    deals(api)
    own = {"permission": "records:read", "rows": "own"}
    won = {"permission": "records:read", "rows": {"filter": {"data__stage": "won"}}}
    create = {"permission": "records:create"}
    weak = tenant.user(tenant.role("weak", [own, create])).api
    winner = tenant.user(tenant.role("winner", [won])).api
    record(api, "deals", {"name": "Foreign", "stage": "won"})
    record(weak, "deals", {"name": "Mine", "stage": "open"})
    for caller, seen, unseen in ((weak, "Mine", "Foreign"), (winner, "Foreign", "Mine")):
        answer = caller.get(f"{EXPORT}?format={form}")
        told = repr(xlsx_cells(answer)) if form == "xlsx" else answer.text
        assert seen in told
        assert unseen not in told


def test_a_right_that_was_taken_away_opens_no_further_export(api: Api, tenant: TestTenant) -> None:
    deals(api)
    weak = tenant.user("viewer")
    assert weak.api.get(EXPORT).status_code == 200
    assert api.patch(f"/users/{weak.id}/", {"is_active": False}).status_code == 200
    assert_problem(weak.api.get(EXPORT), 401, "TOKEN_REVOKED")


@pytest.mark.parametrize("name", KINDS)
def test_values_of_each_kind_read_back_from_a_csv_file(api: Api, tenant: TestTenant, name: str) -> None:
    """A cell, restored, is what the kind reads from text; and it is what the API shows of the stored value."""
    for number, (config, given) in enumerate(_accepted(name, str(tenant.admin.id))):
        made = api.post("/pipelines/", {
            "name": f"p{number}", "slug": f"p{number}x",
            "fields": [{"name": "Value", "slug": "v", "field_type": name, "field_config": config}],
        })  # fmt: skip
        assert made.status_code == 201, made.text
        for value in given:
            record(api, f"p{number}x", {"v": value})
        shown = api.get(f"/pipelines/p{number}x/export/?ordering=id")
        rows = csv_cells(api.get(f"/pipelines/p{number}x/export/?format=csv&ordering=id&fields=data"))
        kind = kind_named(name, made.json["fields"][0]["field_config"])
        stored = [one["data"]["v"] for one in json.loads(shown.text, parse_float=Decimal)]
        assert len(rows) - 1 == len(stored) == len(given)
        for [cell], value in zip(rows[1:], stored, strict=True):
            assert cell is not None
            assert _plain(kind.from_text(cell)) == _plain(value), (cell, value)


def _accepted(name: str, user_id: str) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    for kind, _, table in tables():
        given = [one for one, stored in table.json if not isinstance(stored, Refused) and _is_json(one)]
        if kind == name and given:
            yield table.config, [user_id] * len(given) if name == "user" else given


def _is_json(value: object) -> bool:
    """Whether a body can carry it."""
    try:
        return bool(strict_json.loads(json.dumps(value).encode(), max_depth=64) == value)
    except (TypeError, ValueError, MalformedJson):
        return False


def _plain(value: Any) -> Any:
    """Numbers by what they are, whatever holds them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def test_a_head_request_sends_nothing_and_keeps_nothing(api: Api) -> None:
    deals(api)
    for _ in range(2 * api.app.extensions["oneo.settings"].database_pool):
        answer = api.request("HEAD", f"{EXPORT}?format=csv")
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Type"] == TYPES["csv"]


def test_workbooks_are_made_beside_the_event_loop(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deals(api)
    record(api, "deals", {"name": "a"})
    ran: list[str] = []

    def run(work: Callable[..., Any], *arguments: object) -> Any:
        ran.append(work.__name__)
        return work(*arguments)

    monkeypatch.setitem(api.app.extensions, "oneo.run_native", run)
    assert len(xlsx_cells(api.get(f"{EXPORT}?format=xlsx"))) == 2
    assert ran == ["add", "finish"]
