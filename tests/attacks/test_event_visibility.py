"""An event of a type that nobody has said anything about is shown to nobody, not even to an administrator."""

from __future__ import annotations

import psycopg2
import pytest
from flask import Flask

from oneo.actor import system_actor
from oneo.delivery.hub import Hub
from oneo.events.unit import listeners, unit
from oneo.ids import new_id
from tests.delivery.channels import eventually, reader_of, write
from tests.factories.pipeline import deals, record
from tests.factories.relationship import link, relationship_type
from tests.factories.tenant import TestTenant


def _plant(database_address: str, tenant: TestTenant, event_type: str, subject_id: str) -> int:
    """An event as another version of the program may write it; its number."""
    with psycopg2.connect(database_address) as connection, connection.cursor() as cursor:
        cursor.execute(
            "WITH tick AS (UPDATE tenant_clocks SET seq = seq + 1 WHERE tenant_id = %(tenant)s RETURNING seq) "
            "INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, credential_id, subject_id, "
            "pipeline_id, version, changed_fields, data, old) "
            "SELECT %(tenant)s, tick.seq, gen_random_uuid(), %(type)s, e.actor_id, e.actor_kind, e.credential_id, "
            "%(subject)s, e.pipeline_id, 9, ARRAY['status'], e.data, e.old FROM tick, "
            "(SELECT * FROM events WHERE tenant_id = %(tenant)s AND subject_id = %(subject)s ORDER BY seq LIMIT 1) e "
            "RETURNING seq",
            {"tenant": str(tenant.id), "type": event_type, "subject": subject_id},
        )
        row = cursor.fetchone()
        assert row
        return int(row[0])


@pytest.mark.parametrize("kind", ["record", "relationship", "pipeline", "user", "invoice"])
def test_an_unknown_event_is_shown_by_no_endpoint(
    app: Flask, database_address: str, tenant: TestTenant, kind: str
) -> None:
    made = deals(tenant.api)
    first, second = record(tenant.api, "deals", {}, title="A"), record(tenant.api, "deals", {}, title="B")
    relationship_type(tenant, "knows")
    known = link(tenant.api, "knows", first["id"], second["id"])
    subjects = {
        "record": first["id"],
        "relationship": known["id"],
        "pipeline": made["id"],
        "user": str(tenant.admin.id),
    }
    subject_id = subjects.get(kind, first["id"])
    hub = Hub(app)
    with app.app_context():
        listeners().append(hub.wake)
        reader, notebook = reader_of(app, tenant.api)
        hub.join(reader)
        for topic in ("records", "relationships", "schema", "users"):
            hub.subscribe(reader, topic)
        seq = _plant(database_address, tenant, f"{kind}.leaked", subject_id)
        last = write(app, tenant)
        eventually(lambda: notebook.numbers[-1:] == [last])
        listeners().remove(hub.wake)
    hub.stop()
    assert seq not in notebook.numbers
    audit = tenant.api.get("/admin/audit/?page_size=1000&count=exact").json
    assert seq not in [event["seq"] for event in audit["results"]]
    assert tenant.api.get(f"/admin/audit/?seq={seq}").json["count"] == 0
    histories = (f"/records/{first['id']}/history/", f"/relationships/{known['id']}/history/")
    for path in histories:
        answer = tenant.api.get(path)
        assert answer.status_code == 200
        assert "leaked" not in answer.text
    assert "leaked" not in tenant.api.get("/admin/analytics/").text


def test_an_event_of_an_unknown_type_cannot_be_written(app: Flask, tenant: TestTenant) -> None:
    with app.app_context(), pytest.raises(KeyError), unit(system_actor(tenant.id)) as work:
        work.append("invoice.sent", new_id(), data={})
