"""Figures for administrators (checklist 26, 28)."""

from __future__ import annotations

import pytest

from tests.api import assert_problem
from tests.factories.tenant import TestTenant


def test_analytics_count_people_and_what_they_did(tenant: TestTenant, other: TestTenant) -> None:
    made = tenant.api.post("/users/", {"email": "ada@acme.example"}).json
    tenant.api.delete(f"/users/{made['id']}/")
    other.api.post("/users/", {"email": "bob@globex.example"})
    body = tenant.api.get("/admin/analytics/?days=7").json
    assert body["users"] == {"total": 1, "active": 1, "deleted": 1}
    assert body["user_types"] == 4
    assert body["sessions"] == 1
    assert body["days"] == 7
    assert len(body["events_by_day"]) == 7
    assert body["active_users"] == 1
    assert body["events_by_type"]["user.deleted"] == 1
    assert body["events"] == sum(day["count"] for day in body["events_by_day"]) == sum(body["events_by_type"].values())


def test_days_begin_where_the_tenant_is(tenant: TestTenant) -> None:
    assert tenant.api.patch("/tenants/settings/", {"timezone": "Pacific/Kiritimati"}).status_code == 200
    east = tenant.api.get("/admin/analytics/?days=1").json["events_by_day"]
    tenant.api.patch("/tenants/settings/", {"timezone": "Pacific/Pago_Pago"})
    west = tenant.api.get("/admin/analytics/?days=1").json["events_by_day"]
    assert len(east) == len(west) == 1
    assert east[0]["date"] > west[0]["date"]


@pytest.mark.parametrize("days", ["0", "367", "-1", "x", "1.5", ""])
def test_days_out_of_range_are_refused(tenant: TestTenant, days: str) -> None:
    assert_problem(tenant.api.get(f"/admin/analytics/?days={days}"), 400, "INVALID_PARAMETER")


def test_the_system_page_names_versions_and_no_secrets(tenant: TestTenant) -> None:
    found = tenant.api.get("/admin/system/")
    assert found.status_code == 200, found.text
    assert found.json["migration"]
    assert found.json["event_seq"] == tenant.api.events()[-1]["seq"]
    assert "secret" not in found.text
    assert "postgresql://" not in found.text


@pytest.mark.parametrize("path", ["/admin/analytics/", "/admin/system/", "/admin/audit/"])
def test_a_viewer_sees_none_of_it(tenant: TestTenant, path: str) -> None:
    assert_problem(tenant.user("viewer").api.get(path), 403, "PERMISSION_DENIED")
