"""The walks that find circles and depths."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

import psycopg2
from flask import Flask

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.operations.link_locks import rules_for
from oneo.store.link_ends import _PRESENT
from oneo.store.link_writes import FIND, common_values, union
from oneo.store.many import MANY
from tests.factories.pipeline import pipeline
from tests.factories.relationship import constraint, relate, relationship_type
from tests.factories.tenant import TestTenant
from tests.store.plans import handled_rows

LONG = 120
WAYS = LONG * (LONG + 1) // 2
"""All ways up a chain: one to each record above from each record."""


def test_a_long_chain_costs_its_ways_and_no_more(tenant: TestTenant, in_app: Flask, database_address: str) -> None:
    """Neither each way up with each way down, nor whatever else there is at each level of it."""
    pipeline(tenant.api, "People", [])
    above, other = (relationship_type(tenant, slug, "people", "people") for slug in ("above", "other"))
    made = [
        one["id"]
        for one in tenant.api.post("/pipelines/people/records/bulk_create/", [{}] * (LONG + 1)).json["created"]
    ]
    relate(tenant, above, list(pairwise(made)))
    relate(tenant, other, [(one, two) for one in made[:20] for two in made])
    constraint(tenant, above, "HIERARCHY", constraint_metadata={"single_parent": False, "max_depth": LONG})
    with closing(psycopg2.connect(database_address)) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE records, relationships")
        connection.commit()
    actor = system_actor(tenant.id)
    rules = rules_for(actor, {above}, changing=True)
    sql = _PRESENT.format(checks=union(rules.of_constraints()), many=MANY) + FIND
    with unit(actor) as work:
        values = {**common_values(actor, [], None), "links": [], "types": [str(above)]}
        handled = handled_rows(work.connection, sql, values)
    assert WAYS < handled < 40 * WAYS
