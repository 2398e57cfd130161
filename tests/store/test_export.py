"""Reading a list in batches: bounded, in one snapshot, and given back whatever happens."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import psycopg2
import pytest
from flask import Flask

from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import system_actor
from oneo.errors import StaleActor, TooManyRunning, Unavailable
from oneo.filters.sql import TRUE
from oneo.operations.export import Export, export_records
from oneo.operations.lists import ListQuery, asked
from oneo.operations.records import insert_row, perform_insert
from oneo.operations.values import Values
from oneo.store import export as module
from oneo.store import message
from oneo.store.export import BATCH_BYTES, FIRST_BATCH, MOST_ROWS, Batches, cell_items, open_batches
from oneo.store.records import record_resource
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of, kill

COUNT = 3 * FIRST_BATCH


@pytest.fixture(scope="module")
def filled(settled: TestTenant) -> TestTenant:
    """A tenant with some batches of records."""
    pipeline(settled.api, "Notes", [{"name": "Text", "field_type": "textarea"}])
    with settled.app.app_context():
        insert(settled, ["short"] * COUNT)
    return settled


@pytest.fixture(autouse=True)
def context(in_app: Flask) -> Flask:
    return in_app


def insert(tenant: TestTenant, texts: list[str], name: str = "notes") -> None:
    actor = system_actor(tenant.id)
    sight = find_pipeline(actor, name, P.RECORDS_CREATE)
    perform_insert(actor, sight, [insert_row(sight, {}, Values({"text": text})) for text in texts])


def batches_of(tenant: TestTenant) -> Batches:
    actor = actor_of(tenant)
    sight = find_pipeline(actor, "notes", P.RECORDS_READ)
    resource = record_resource(sight.shape, sight.hidden)
    _, keys = asked(resource, ListQuery(), None)
    return open_batches(actor, resource, ["r.id::text"], where=TRUE, keys=keys)


def exported(tenant: TestTenant, form: str = "ndjson", told: list[int] | None = None) -> Export:
    written: list[int] = [] if told is None else told
    return export_records(actor_of(tenant), "notes", ListQuery(), form=form, told=written.append)


def shown(batches: Batches, setting: str) -> str:
    assert batches._connection is not None
    [(value,)] = message.execute(batches._connection, f"SHOW {setting}")
    return str(value)


def test_all_rows_come_once_in_bounded_batches(filled: TestTenant) -> None:
    found = list(batches_of(filled))
    assert len({row for rows in found for row in rows}) == sum(map(len, found)) == COUNT
    assert max(map(len, found)) == FIRST_BATCH


@pytest.mark.parametrize(
    ("rows", "size", "following"),
    [(100, 100 * 10, MOST_ROWS), (100, 100 * BATCH_BYTES, 1), (10, BATCH_BYTES, 10), (1, 0, MOST_ROWS)],
)
def test_the_next_batch_is_as_large_as_the_last_one_allows(
    filled: TestTenant, rows: int, size: int, following: int
) -> None:
    batches = batches_of(filled)
    batches.weigh(rows, size)
    assert len(next(iter(batches))) == min(following, COUNT)
    batches.close()


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_the_first_bytes_are_there_before_the_last_row_is_read(filled: TestTenant, form: str) -> None:
    told: list[int] = []
    file = exported(filled, form, told)
    pieces = iter(file)
    assert len(next(pieces)) > FIRST_BATCH
    assert told == [FIRST_BATCH]
    assert list(pieces)
    assert told[-1] == COUNT
    file.close()


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_large_records_come_in_small_batches(settled: TestTenant, form: str) -> None:
    """What is held at once follows from bytes, not from rows: far less than the file."""
    if settled.api.get("/pipelines/large/").status_code == 404:
        pipeline(settled.api, "Large", [{"name": "Text", "field_type": "textarea"}])
        insert(settled, ["x" * 40_000] * (20 * FIRST_BATCH), "large")
    total = 20 * FIRST_BATCH * 40_000
    tracemalloc.start()
    try:
        with closing(export_records(actor_of(settled), "large", ListQuery(), form=form)) as file:
            sizes = [len(piece) for piece in file]
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) > total
    assert max(sizes[1:]) <= BATCH_BYTES * 1.1
    assert held < total / 2


def test_it_has_its_own_patience_after_the_first_rows_and_gives_it_back(filled: TestTenant) -> None:
    batches = batches_of(filled)
    connection = batches._connection
    assert connection is not None
    assert (shown(batches, "statement_timeout"), connection.patience_ms) == ("15s", None)
    rows = iter(batches)
    next(rows)
    assert (shown(batches, "statement_timeout"), connection.patience_ms) == ("15s", None)
    next(rows)
    assert (shown(batches, "statement_timeout"), connection.patience_ms) == ("10min", module.PATIENCE_MS)
    assert shown(batches, "idle_in_transaction_session_timeout") == "1min"
    assert (shown(batches, "transaction_read_only"), shown(batches, "role")) == ("on", "oneo_app")
    batches.close()
    assert connection.patience_ms is None
    with message.pool().take() as again:
        assert again is connection
        assert message.execute(again, "SHOW statement_timeout") == [("15s",)]
    again.close()


def test_who_takes_nothing_for_too_long_is_cut_off(
    filled: TestTenant, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_MS", 100)
    file = exported(filled)
    pieces = iter(file)
    next(pieces)
    while readers(database_address):
        time.sleep(0.05)
    with pytest.raises(Unavailable):
        next(pieces)
    file.close()


def test_it_shows_one_moment(tenant: TestTenant) -> None:
    pipeline(tenant.api, "Notes", [{"name": "Text", "field_type": "textarea"}])
    insert(tenant, ["before"] * (FIRST_BATCH + 1))
    batches = batches_of(tenant)
    rows = iter(batches)
    first = next(rows)
    record(tenant.api, "notes", {"text": "after"})
    assert len(first) + sum(map(len, rows)) == FIRST_BATCH + 1


@pytest.mark.parametrize("pieces", [0, 1, None])
def test_a_reader_who_leaves_keeps_nothing(filled: TestTenant, pieces: int | None) -> None:
    """More often than there are connections, however far he has read."""
    for form in ("csv", "ndjson", "json", "xlsx") * 3:
        file = exported(filled, form)
        for at, _ in enumerate(file):
            if pieces is not None and at >= pieces:
                break
        file.close()
        file.close()


def test_only_some_are_made_at_once(filled: TestTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneo.store.pool.WAIT_SECONDS", 0.1)
    with pytest.raises(TooManyRunning):
        for _ in _kept(filled):
            pass
    assert filled.api.get("/pipelines/").status_code == 200
    file = exported(filled)
    file.close()


def _kept(tenant: TestTenant) -> Iterator[Export]:
    files: list[Export] = []
    try:
        while True:
            files.append(exported(tenant))
            yield files[-1]
    finally:
        assert len(files) > 1
        for file in files:
            file.close()


def test_a_caller_who_is_out_of_date_gets_nothing(filled: TestTenant) -> None:
    actor = actor_of(filled)
    sight = find_pipeline(actor, "notes", P.RECORDS_READ)
    resource = record_resource(sight.shape, sight.hidden)
    _, keys = asked(resource, ListQuery(), None)
    for stale in (replace(actor, access_revision=actor.access_revision + 1), replace(actor, tenant_id=UUID(int=1))):
        with pytest.raises(StaleActor):
            open_batches(stale, resource, ["r.id::text"], where=TRUE, keys=keys)


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_file_that_breaks_off_does_not_look_whole(filled: TestTenant, database_address: str, form: str) -> None:
    file = exported(filled, form)
    pieces = iter(file)
    head = next(pieces)
    kill(database_address, *readers(database_address))
    with pytest.raises(Unavailable):
        b"".join(pieces)
    file.close()
    assert not head.rstrip().endswith(b"]")


def test_a_workbook_that_breaks_off_is_not_there(
    filled: TestTenant, database_address: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("exports")
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    def end(_written: int) -> None:
        kill(database_address, *readers(database_address))

    with pytest.raises(Unavailable):
        export_records(actor_of(filled), "notes", ListQuery(), form="xlsx", told=end)
    assert not list(folder.iterdir())
    file = exported(filled, "xlsx")
    assert list(folder.iterdir())
    file.close()
    assert not list(folder.iterdir())


def test_a_connection_that_died_in_the_pool_is_replaced(filled: TestTenant, database_address: str) -> None:
    exported(filled).close()
    with message.pool().take() as connection:
        pid = connection.info.backend_pid
    connection.close()
    kill(database_address, pid)
    file = exported(filled)
    assert sum(piece.count(b"\n") for piece in file) == COUNT
    file.close()


def readers(database_address: str) -> list[int]:
    connection = psycopg2.connect(database_address)
    try:
        return [
            row[0]
            for row in message.execute(
                connection,
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'FETCH%exported'",
            )
        ]
    finally:
        connection.close()


def test_cells_are_texts_of_the_database(filled: TestTenant) -> None:
    sight = find_pipeline(actor_of(filled), "notes", P.RECORDS_READ)
    resource = record_resource(sight.shape, sight.hidden)
    kind = sight.fields["text"].kind
    assert cell_items(resource, [("version", kind), ("data__text", kind)]) == ["(r.version)::text", "(r.data->>'text')"]
    assert module.json_item(resource, ("id",))[0].endswith("::text")
