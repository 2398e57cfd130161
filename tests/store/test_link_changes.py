"""The statement that changes relationships."""

from __future__ import annotations

from itertools import pairwise

import pytest
from flask import Flask

from oneo.access.permissions import P
from oneo.access.relationships import readable
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.operations.link_locks import reach_of, rules_for
from oneo.operations.relationships import all_seen
from oneo.store import link_changes
from oneo.store.link_writes import common_values
from oneo.store.many import as_many
from tests.factories.pipeline import pipeline
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant
from tests.store.plans import handled_rows

COUNT = 400
PER_ROW = 120
"""A step that looks at all rows for each of them handles hundreds."""


@pytest.mark.parametrize("strength", [1, 0.5])
def test_many_rows_cost_in_proportion(tenant: TestTenant, in_app: Flask, strength: float) -> None:
    """Whether they become others or stay as they are."""
    pipeline(tenant.api, "People", [{"name": "Name", "field_type": "text"}])
    type_id = relationship_type(tenant, "knows", "people", "people")
    made = tenant.api.post("/pipelines/people/records/bulk_create/", [{}] * (COUNT + 1)).json["created"]
    pairs = [(one["id"], two["id"]) for one, two in pairwise(made)]
    rows = [{"id": str(found), "strength": strength} for found in relate(tenant, type_id, pairs)]
    actor = system_actor(tenant.id)
    condition, values = readable(actor, P.RELATIONSHIPS_UPDATE).named("scope")
    sql = link_changes._sql(
        link_changes.UPDATE, condition, reach_of(actor), rules_for(actor, {type_id}, changing=True), all_seen(actor),
        many=as_many(rows),
    )  # fmt: skip
    with unit(actor) as work:
        handled = handled_rows(work.connection, sql, {**common_values(actor, rows, None), **values, "gone": []})
    assert COUNT < handled < COUNT * PER_ROW


def test_what_changed_is_told_and_what_did_not_is_shown(tenant: TestTenant) -> None:
    api = tenant.api
    pipeline(api, "People", [{"name": "Name", "field_type": "text"}])
    type_id = relationship_type(tenant, "knows", "people", "people")
    made = api.post("/pipelines/people/records/bulk_create/", [{}] * 4).json["created"]
    first, second, third = relate(tenant, type_id, [(one["id"], two["id"]) for one, two in pairwise(made)])
    changes = [
        {"id": str(first), "strength": 0.5, "metadata": {"why": "met"}},
        {"id": str(second), "strength": 1},
        {"id": str(third), "strength": 0.5, "version": 7},
    ]
    answer = api.post("/relationships/bulk_update/", changes)
    assert [found["success"] for found in answer.json["results"]] == [True, True, False]
    shown = [api.get(f"/relationships/{found}/").json for found in (first, second, third)]
    assert [(found["version"], found["strength"]) for found in shown] == [(2, 0.5), (1, 1), (1, 1)]
    [event] = [event for event in api.events() if event["type"] == "relationship.updated"]
    assert event["old"] == {"strength": 1.0, "metadata": {}}
    assert event["changed_fields"] == ["metadata", "strength"]
    assert event["data"]["strength"] == 0.5
    assert api.delete(f"/relationships/{first}/").status_code == 204
    restored = api.post(f"/relationships/{first}/restore/")
    assert (restored.status_code, restored.json["version"]) == (200, 4), restored.text
