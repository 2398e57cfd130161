"""Work for a client that has left or stopped reading ends, and gives back what it holds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.client import watch_client
from oneo.errors import ClientGone, StatementTimeout
from oneo.filters.sql import TRUE
from oneo.operations.export import export_records
from oneo.operations.lists import ListQuery, asked
from oneo.operations.records import shown
from oneo.server import reply
from oneo.server.worker import has_left
from oneo.store import message
from oneo.store.export import open_batches
from tests.attacks.conftest import Scene
from tests.attacks.test_connection_shares import records_locked, until
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.live import LiveServer

EXPORT = "pipelines/notes/export/?format={}"
LIST = "pipelines/notes/records/?count=none"


@pytest.fixture(scope="module")
def patient(database_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose statements wait for a lock for 80 seconds."""
    folder = tmp_path_factory.mktemp("patient")
    with LiveServer(folder, database_url=database_address, ONEO_STATEMENT_TIMEOUT_MS="120000") as server:
        yield server


@pytest.fixture
def noted(tenant: TestTenant) -> TestTenant:
    _fill(tenant)
    return tenant


def _fill(tenant: TestTenant) -> None:
    pipeline(tenant.api, "Notes", [{"name": "Text", "field_type": "text"}])
    for number in range(30):
        record(tenant.api, "notes", {"text": f"note {number}"})


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        with closing(client), closing(accepted):
            yield client, accepted


def request_of(url: str, tenant: TestTenant, path: str) -> socket.socket:
    """A request that was sent and whose answer nobody reads."""
    place = urlsplit(url)
    client = socket.create_connection((place.hostname, place.port), timeout=30)
    head = f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {tenant.api.token}\r\n\r\n"
    client.sendall(head.encode())
    return client


def waiting(database_address: str) -> int:
    """Statements that wait for a lock."""
    with closing(psycopg2.connect(database_address)) as connection:
        rows = message.execute(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        return int(rows[0][0])


@pytest.mark.parametrize("path", [LIST, EXPORT.format("csv"), EXPORT.format("xlsx"), "records/?search=note"])
def test_a_read_ends_in_the_database_when_its_client_leaves(
    patient: LiveServer, noted: TestTenant, database_address: str, path: str
) -> None:
    with records_locked(database_address):
        client = request_of(patient.url, noted, path)
        until(lambda: waiting(database_address) == 1)
        client.close()
        until(lambda: waiting(database_address) == 0)


def test_a_write_is_carried_out_when_its_client_leaves(
    patient: LiveServer, noted: TestTenant, database_address: str
) -> None:
    with records_locked(database_address):
        place, body = urlsplit(patient.url), b'{"data": {"text": "left"}}'
        client = socket.create_connection((place.hostname, place.port), timeout=30)
        head = (
            "POST /api/v1/pipelines/notes/records/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {noted.api.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        until(lambda: waiting(database_address) == 1)
        client.close()
        time.sleep(3)  # longer than the server takes to notice
        assert waiting(database_address) == 1
    until(lambda: noted.api.get("/pipelines/notes/records/?data__text=left").json["count"] == 1)


def test_a_client_that_left_is_noticed_also_behind_bytes_that_it_sent() -> None:
    with connected() as (client, accepted):
        assert not has_left(accepted)
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert not has_left(accepted)
        client.close()
        until(lambda: has_left(accepted))
        accepted.close()
        assert has_left(accepted)


def test_an_export_ends_between_its_batches_when_the_client_leaves(in_app: Flask, noted: TestTenant) -> None:
    left = threading.Event()
    watch_client(left.is_set)
    try:
        with closing(export_records(system_actor(noted.id), "notes", ListQuery(), form="ndjson")) as export:
            pieces = iter(export)
            assert next(pieces)
            left.set()
            with pytest.raises(ClientGone):
                next(pieces)
    finally:
        watch_client(None)


def test_the_first_rows_of_an_export_have_the_usual_time(in_app: Flask, noted: TestTenant) -> None:
    actor = system_actor(noted.id)
    resource = shown(actor, find_pipeline(actor, "notes", P.RECORDS_READ))
    where, keys = asked(resource, ListQuery(), None)
    assert where == TRUE
    with closing(open_batches(actor, resource, ["pg_sleep(0.2)::text"], where=where, keys=keys)) as batches:
        assert batches._connection is not None
        message.execute(batches._connection, "SET LOCAL statement_timeout = 100")
        with pytest.raises(StatementTimeout):
            next(iter(batches))


def test_a_client_that_stops_reading_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "STALL_SECONDS", 0.2)
    with connected() as (_client, accepted), pytest.raises(ConnectionResetError):
        reply.send(accepted, bytes(50_000_000))


def test_a_slow_client_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "STALL_SECONDS", 5)
    size, received = 5_000_000, 0
    with connected() as (client, accepted):
        sender = threading.Thread(target=reply.send, args=(accepted, bytes(size)))
        sender.start()
        while received < size:
            received += len(client.recv(100_000))
            time.sleep(0.01)
        sender.join()


@pytest.mark.prove
def test_clients_that_leave_do_not_disturb_others(scene: Scene, database_address: str) -> None:
    """Reads and exports that wait in the database, whose clients leave at once, again and again."""
    _fill(scene.attacker)
    paths = [LIST, EXPORT.format("ndjson"), EXPORT.format("xlsx")] * 10
    with scene.undisturbed():
        with records_locked(database_address):
            for _ in range(3):
                clients = [request_of(scene.url, scene.attacker, path) for path in paths]
                time.sleep(1)
                for client in clients:
                    client.close()
            until(lambda: waiting(database_address) == 0, seconds=8)
        headers = {"Authorization": f"Bearer {scene.attacker.api.token}"}
        assert requests.get(f"{scene.url}/api/v1/{LIST}", headers=headers, timeout=30).status_code == 200
