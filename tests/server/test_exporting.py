"""Exports as the server sends them: in pieces, cut off where they break off, and not in the way of others."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.operations.records import insert_row, perform_insert
from oneo.operations.values import Values
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.live import LiveServer
from tests.store.test_export import readers
from tests.store.test_message import kill

COUNT, LENGTH = 100, 200_000
"""More than sockets hold on their way."""


@pytest.fixture(scope="module")
def filled(settled: TestTenant) -> TestTenant:
    pipeline(settled.api, "Notes", [{"name": "Text", "field_type": "textarea"}])
    with settled.app.app_context():
        actor = system_actor(settled.id)
        sight = find_pipeline(actor, "notes", P.RECORDS_CREATE)
        perform_insert(actor, sight, [insert_row(sight, {}, Values({"text": "x" * LENGTH})) for _ in range(COUNT)])
    return settled


def ask(live: LiveServer, tenant: TestTenant, form: str) -> http.client.HTTPResponse:
    place = urlsplit(live.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    path = f"/api/v1/pipelines/notes/export/?format={form}"
    connection.request("GET", path, headers={"Authorization": f"Bearer {tenant.api.token}"})
    return connection.getresponse()


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_file_comes_whole_in_chunks(live: LiveServer, filled: TestTenant, form: str) -> None:
    with ask(live, filled, form) as answer:
        assert (answer.status, answer.getheader("Transfer-Encoding")) == (200, "chunked")
        body = answer.read()
    assert len(body) > COUNT * LENGTH
    assert form != "json" or len(json.loads(body)) == COUNT


def test_a_workbook_comes_with_its_length(live: LiveServer, filled: TestTenant) -> None:
    with ask(live, filled, "xlsx") as answer:
        assert answer.status == 200
        assert int(answer.getheader("Content-Length") or 0) == len(answer.read())


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_file_is_cut_off_when_the_database_goes_away(
    live: LiveServer, filled: TestTenant, database_address: str, form: str
) -> None:
    with ask(live, filled, form) as answer:
        assert answer.status == 200
        assert answer.read(1000)
        kill(database_address, *readers(database_address))
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    with ask(live, filled, form) as again:
        assert len(again.read()) > COUNT * LENGTH


def test_who_hangs_up_frees_his_connection(live: LiveServer, filled: TestTenant, app: Flask) -> None:
    """More often than a process makes exports at once."""
    for _ in range(3 * app.extensions["oneo.settings"].database_pool):
        with ask(live, filled, "ndjson") as answer:
            assert answer.status == 200
            assert answer.read(1000)
