"""Which pipelines and records a list has, and in which order, unless and as it is asked (checklist 34-36, 39)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, assert_problem
from tests.factories.pipeline import deals, pipeline, record
from tests.factories.tenant import TenantFactory

NAMES = [("Deals in Asia", "sales", "First of them"), ("Tickets", "support", "deals with complaints"),
         ("Assets", "custom", "Things that we own")]  # fmt: skip


@pytest.fixture(scope="module")
def three(owner_app: Any, app: Any) -> Api:
    """Made one after the other; the first has two records, the last has one."""
    api = TenantFactory(owner_app, app).create().api
    for name, kind, about in NAMES:
        pipeline(api, name, [{"name": "Name", "field_type": "text"}], pipeline_type=kind, description=about)
    for slug in ("deals_in_asia", "deals_in_asia", "assets"):
        record(api, slug, {"name": "x"})
    return api


def listed(api: Api, query: str = "") -> list[str]:
    answer = api.get(f"/pipelines/?{query}")
    assert answer.status_code == 200, answer.text
    return [row["slug"] for row in answer.json["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "assets tickets deals_in_asia"),
        ("name=DEALS", "deals_in_asia"),
        ("name=s", "assets tickets deals_in_asia"),
        ("pipeline_type=support", "tickets"),
        ("pipeline_type=supp", ""),
        ("search=deals", "tickets deals_in_asia"),
        ("search=OWN", "assets"),
        ("ordering=name", "assets deals_in_asia tickets"),
        ("ordering=-name", "tickets deals_in_asia assets"),
        ("ordering=created_at", "deals_in_asia tickets assets"),
        ("ordering=-record_count", "deals_in_asia assets tickets"),
        ("ordering=record_count,-name", "tickets assets deals_in_asia"),
        ("search=deals&pipeline_type=sales&ordering=name", "deals_in_asia"),
        ("is_active=false", ""),
    ],
)
def test_pipelines_are_listed_as_asked(three: Api, query: str, expected: str) -> None:
    """Checklist 35."""
    assert listed(three, query) == expected.split()


def test_pipelines_are_found_by_when_they_were_made(three: Api) -> None:
    """Checklist 35: the moment itself is on both sides."""
    middle = three.get("/pipelines/tickets/").json["created_at"]
    assert listed(three, f"created_after={middle}") == ["assets", "tickets"]
    assert listed(three, f"created_before={middle}") == ["tickets", "deals_in_asia"]
    assert listed(three, f"created_after={middle}&created_before={middle}") == ["tickets"]


def test_the_last_changed_comes_last_by_that_order(three: Api) -> None:
    assert three.patch("/pipelines/tickets/", {"icon": "ticket"}).status_code == 200
    assert listed(three, "ordering=updated_at")[-1] == "tickets"
    assert listed(three, "ordering=-updated_at")[0] == "tickets"


@pytest.mark.parametrize("path", ["/pipelines/", "/pipelines/tickets/fields/", "/pipelines/tickets/records/",
                                  "/records/", "/users/", "/relationships/", "/relationships/types/"])  # fmt: skip
def test_every_list_takes_conditions_words_and_an_order(three: Api, path: str) -> None:
    """Checklist 34."""
    assert three.get(f"{path}?created_after=2020-01-01&ordering=-created_at&search=").status_code == 200
    assert_problem(three.get(f"{path}?created_after=then"), 400, "INVALID_PARAMETER")
    assert_problem(three.get(f"{path}?ordering=whatever"), 400, "INVALID_PARAMETER")


def test_records_are_found_by_status_and_time_and_are_gone_once_removed(api: Api) -> None:
    """Checklist 36, 39: each condition alone, and newest first unless asked otherwise."""
    deals(api)
    made = [record(api, "deals", {"name": name, "amount": at}, status=status)
            for at, (name, status) in enumerate((("Alpha", "new"), ("Beta", "done"), ("Gamma", "new")))]  # fmt: skip

    def found(query: str = "") -> list[str]:
        answer = api.get(f"/pipelines/deals/records/?{query}")
        assert answer.status_code == 200, answer.text
        return [row["title"] for row in answer.json["results"]]

    assert found() == ["Gamma", "Beta", "Alpha"]
    assert found("status=new") == ["Gamma", "Alpha"]
    assert found(f"created_after={made[1]['created_at']}") == ["Gamma", "Beta"]
    assert found("data__name=ALPH") == ["Alpha"]
    assert found("data__amount__gte=1&data__amount__lte=1") == ["Beta"]
    assert api.patch(f"/records/{made[0]['id']}/", {"data": {"amount": 9}}).status_code == 200
    assert found(f"updated_after={made[2]['updated_at']}&ordering=updated_at") == ["Gamma", "Alpha"]
    assert api.delete(f"/records/{made[2]['id']}/").status_code == 204
    assert found() == ["Beta", "Alpha"]
    for path in (f"/records/{made[2]['id']}/", f"/pipelines/deals/records/{made[2]['id']}/"):
        assert_problem(api.get(path), 404, "RECORD_NOT_FOUND")
    for path in ("/records/?search=gamma", "/pipelines/deals/records/?search=gamma", "/records/"):
        assert "Gamma" not in api.get(path).text
