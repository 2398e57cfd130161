"""Every value of the tables of values over REST: kept as it is and found again, or refused without a trace
(checklist 37, 38; threats 31-34)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from oneo import exact_json
from oneo.fields.kinds.registry import KINDS
from tests.api import Api
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.fields.tables import Refused, Values, tables
from tests.operations.record_model import alike, exact

TABLES = [pytest.param(name, values, id=f"{name}-{at}") for name, at, values in tables()]
_LONGEST = 3_000
BODY_CODES = {"NUMBER_TOO_LONG", "NUL_CHARACTER", "NOT_JSON", "TOO_DEEP", "LONE_SURROGATE"}


def as_written(value: Any) -> str:
    """JSON with decimals as they stand."""
    text = json.dumps(value, default=lambda number: f"@@{number}@@")
    return re.sub(r'"@@([^"@]*)@@"', r"\1", text)


def send(api: Api, method: str, path: str, value: Any) -> Any:
    body = f'{{"data": {{"it": {as_written(value)}}}}}'
    return api.request(method, path, data=body, content_type="application/json")


@pytest.mark.parametrize(("name", "values"), TABLES)
def test_a_value_is_kept_as_it_is_or_refused_without_a_trace(
    settled: TestTenant, request: pytest.FixtureRequest, name: str, values: Values
) -> None:
    api = settled.api
    slug = "v_" + request.node.callspec.id.replace("-", "_")
    pipeline(api, slug, [{"name": "It", "field_type": name, "field_config": values.config}])
    path = f"/pipelines/{slug}/records/"
    anchor = api.post(path, {}).json["id"]
    kept: dict[str, Any] = {}
    for given, stored in _rows(name, values):
        answer = send(api, "POST", path, given)
        if answer.status_code == 400:  # a body is stricter than a kind: nothing beyond the range of floats
            assert answer.json["errors"][0]["code"] in BODY_CODES
        elif isinstance(stored, Refused):
            assert_refused(answer, stored)
            assert_refused(send(api, "PATCH", f"/records/{anchor}/", given), stored)
        else:
            assert answer.status_code == 201, (given, answer.text)
            kept[answer.json["id"]] = expected = exact(exact_json.dumps(stored))
            for shown in (answer.text, api.get(f"/records/{answer.json['id']}/").text):
                assert alike(exact(shown)["data"]["it"], expected), (given, shown)
            assert_found(api, path, name, answer.json["id"], stored)
    assert api.get(f"/records/{anchor}/").json["version"] == 1
    rows = exact(api.get(f"{path}?page_size=1000").text)["results"]
    assert {row["id"] for row in rows} == {*kept, anchor}
    assert all(alike(row["data"].get("it"), kept.get(row["id"])) for row in rows)
    if KINDS[name].slot:
        for ordering in ("data__it", "-data__it"):
            ids = [row["id"] for row in api.get(f"{path}?page_size=1000&ordering={ordering}").json["results"]]
            assert set(ids) == {*kept, anchor}
            assert ids[-1] == anchor


def _can_be_written(value: Any) -> bool:
    """Python has limits of its own, and keys that are no texts."""
    try:
        return bool(as_written(value)) and not (
            isinstance(value, dict) and any(not isinstance(key, str) for key in value)
        )
    except (RecursionError, ValueError):
        return False


def _rows(name: str, values: Values) -> Iterator[tuple[Any, Any]]:
    """Null is no value but the lack of one; the users of the tables are nobody here."""
    for given, stored in values.json:
        if given is not None and _can_be_written(given):
            nobody = name == "user" and not isinstance(stored, Refused)
            yield given, Refused("USER_NOT_FOUND") if nobody else stored


def assert_refused(answer: Any, refused: Refused) -> None:
    assert answer.status_code == 422, answer.text
    faults = [(fault["code"], fault["pointer"]) for fault in answer.json["errors"]]
    assert faults == [(refused.code, f"/data/it{refused.where}")]


def assert_found(api: Api, path: str, name: str, found: str, stored: Any) -> None:
    for place in (f"{path}?", f"{path}?count=none&ordering=-id&"):
        sent = urlencode({"filter": exact_json.dumps({"data__it": {"exact": stored}}), "page_size": 1000})
        if "exact" in KINDS[name].operators and len(sent) < _LONGEST:
            listed = api.get(f"{place}{sent}")
            if name == "json" and listed.status_code == 400:
                assert [fault["code"] for fault in listed.json["errors"]] == ["TOO_DEEP"]
                continue
            assert listed.status_code == 200, listed.text
            assert found in {row["id"] for row in listed.json["results"]}, stored


BROKEN = ["NaN", "Infinity", "-Infinity", "1e309", "-1e309", "1" * 5000, '"\\u0000"', '"\\ud800"', '{"\\u0000": 1}',
          '{"\\udfff": 1}', "[" * 100_000 + "]" * 100_000, '{"a": 1, "a": 2}', "undefined", "'x'", "01", "1.", ".5",
          "+1", "0x10", "[1,]", "1e-400", "1e99999999999"]  # fmt: skip


@pytest.mark.parametrize("kind", ["json", "number", "decimal", "text", "date"])
def test_what_is_no_json_or_no_value_is_refused(settled: TestTenant, kind: str) -> None:
    slug = f"broken_{kind}"
    pipeline(settled.api, slug, [{"name": "It", "field_type": kind}])
    path = f"/pipelines/{slug}/records/"
    for number in BROKEN:
        body = f'{{"data": {{"it": {number}}}}}'
        answer = settled.api.request("POST", path, data=body, content_type="application/json")
        assert answer.status_code in {400, 422}, (number[:50], answer.text)
    assert settled.api.get(path).json["count"] == 0


DELICATE = [
    "123456789.123456789",
    "99999999.999999999",
    "9007199254740993",
    "-9007199254740993",
    "0.1000000000000000055",
    "1e22",
    "1e-7",
    "-0.0",
    "0.30",
]


@pytest.mark.parametrize("kind", ["json", "number", "decimal", "currency", "percentage"])
@pytest.mark.parametrize("at", range(len(DELICATE)))
def test_a_number_is_exact_or_refused(settled: TestTenant, kind: str, at: int) -> None:
    slug, number = f"exact_{kind}_{at}", DELICATE[at]
    pipeline(settled.api, slug, [{"name": "It", "field_type": kind}])
    path = f"/pipelines/{slug}/records/"
    body = f'{{"data": {{"it": {number}}}}}'
    answer = settled.api.request("POST", path, data=body, content_type="application/json")
    if answer.status_code == 201:
        assert exact(answer.text)["data"]["it"] == Decimal(number)
        listed = settled.api.get(f"{path}?data__it__exact={number}")
        assert [row["data"]["it"] for row in exact(listed.text)["results"]] == [Decimal(number)]
        events = exact(settled.api.get("/admin/audit/?page_size=1").text)["results"]
        assert events[0]["data"]["data"]["it"] == Decimal(number)
    else:
        assert answer.status_code == 422, answer.text
