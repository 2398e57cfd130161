"""The statements that write records."""

from __future__ import annotations

import pytest
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.store import record_writes
from oneo.store.many import as_many
from oneo.store.record_writes import DELETE, UPDATE, Change
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.store.plans import handled_rows

COUNT = 400
PER_ROW = 60
"""A step that looks at all rows for each of them handles hundreds."""


@pytest.mark.parametrize("what", [UPDATE, DELETE])
@pytest.mark.parametrize("value", [1, 2])
def test_many_rows_cost_in_proportion(tenant: TestTenant, in_app: Flask, what: Change, value: int) -> None:
    """Whether they become others or stay as they are."""
    pipeline(tenant.api, "Notes", [{"name": "Mark", "field_type": "number"}])
    made = tenant.api.post("/pipelines/notes/records/bulk_create/", [{"data": {"mark": 1}}] * COUNT)
    rows = [{"id": found["id"], "set": {"mark": value}} for found in made.json["created"]]
    actor = system_actor(tenant.id)
    shape = find_pipeline(actor, "notes", P.RECORDS_UPDATE).shape
    sql = record_writes._change_sql(shape, what, frozenset(), many=as_many(rows))
    values = record_writes._values(actor, shape.id, rows, None)
    with unit(actor) as work:
        assert COUNT < handled_rows(work.connection, sql, values) < COUNT * PER_ROW
