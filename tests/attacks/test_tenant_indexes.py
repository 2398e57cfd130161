"""What a search reads of the indexes does not depend on what other tenants have."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from oneo.filters import tenant_indexes
from oneo.filters.search import words_query
from oneo.filters.sql import Sql
from tests import databases
from tests.attacks.conftest import Scene
from tests.factories.pipeline import pipeline, record
from tests.factories.tenant import TestTenant

OWN, OTHERS = 3, 3_000
WORD = "zebra"
CONDITIONS: dict[str, tuple[str, Sql]] = {
    "ix_records_tenant_words": ("records r", tenant_indexes.matches("r", words_query(["zeb"]))),
    "ix_records_tenant_data": ("records r", tenant_indexes.contains("r", "data", f'{{"name": "{WORD}"}}')),
    "ix_relationships_tenant_metadata": (
        "relationships x", tenant_indexes.contains("x", "metadata", f'{{"name": "{WORD}"}}'),
    ),
}  # fmt: skip
_FILL = """
SET session_replication_role = replica;
INSERT INTO records (tenant_id, id, pipeline_id, data)
SELECT %(tenant)s::uuid, gen_random_uuid(), gen_random_uuid(), jsonb_build_object('name', %(word)s, 'n', n)
FROM generate_series(1, %(count)s) n;
INSERT INTO relationships
    (tenant_id, id, type_id, source_id, target_id, source_pipeline_id, target_pipeline_id, metadata)
SELECT %(tenant)s::uuid, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
       gen_random_uuid(), jsonb_build_object('name', %(word)s, 'n', n)
FROM generate_series(1, %(count)s) n;
RESET session_replication_role;
SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'gin' AND c.relname LIKE 'ix_re%%'
"""


@pytest.fixture
def cursor(server_address: str, worker_id: str) -> Iterator[Any]:
    """The owner's, in a database of the test's own."""
    address = databases.create(server_address, f"oneo_test_gin_{worker_id}", template=databases.TEMPLATE)
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        with connection.cursor() as found:
            found.execute("SET enable_seqscan = off")
            yield found


def _fill(cursor: Any, tenant: str, count: int, word: str = WORD) -> None:
    cursor.execute(_FILL, {"tenant": tenant, "count": count, "word": word})


def _read(cursor: Any, tenant: str, name: str) -> tuple[int, int]:
    """How many rows an index gave for its condition, and how many pages it read for them."""
    table, where = CONDITIONS[name]
    sql = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT 1 FROM {table} WHERE {where.text}"
    cursor.execute(f"SELECT set_config('oneo.tenant', %s, false); {sql}", [tenant, *where.values])
    plan = cursor.fetchone()[0][0]["Plan"]
    [scan] = plan["Plans"]
    assert scan["Index Name"] == name
    assert "tenant" in scan["Index Cond"]
    return int(scan["Actual Rows"]), scan["Shared Hit Blocks"] + scan["Shared Read Blocks"]


@pytest.mark.parametrize("name", CONDITIONS)
def test_others_who_have_the_same_add_nothing(cursor: Any, name: str) -> None:
    own, other = (f"01a22f41-86ee-73dc-a536-{number:012x}" for number in (0xA3DD8F37A8B7, 0xB7D0E32A11F4))
    _fill(cursor, own, OWN)
    _fill(cursor, other, OTHERS, word="unrelated")
    rows, pages = _read(cursor, own, name)
    assert rows == OWN
    _fill(cursor, other, OTHERS)
    rows, then = _read(cursor, own, name)
    assert rows == OWN
    assert then <= pages + 2, "the tree of keys may grow by a level, and no more is read"
    assert _read(cursor, other, name)[0] == OTHERS


def test_every_gin_index_has_the_tenant_in_it(cursor: Any) -> None:
    cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%USING gin%'")
    found = [row[0] for row in cursor.fetchall()]
    assert len(found) >= len(CONDITIONS)
    assert [definition for definition in found if "tenant_id" not in definition] == []


@pytest.mark.parametrize(
    "words",
    ["'a' 'b':1,2 'it''s':3 '\\\\x':4", "", f"'{'x' * 2046}':1 'short':2", "'''':1 ':*':2 '&':3"],
)
def test_words_keep_what_they_are_behind_the_mark(cursor: Any, words: str) -> None:
    cursor.execute(
        "SELECT lexeme FROM unnest(oneo_of_tenant('01a22f41-86ee-73dc-a536-a3dd8f37a8b7', %s::tsvector))", [words]
    )
    marked = {row[0] for row in cursor.fetchall()}
    cursor.execute("SELECT lexeme FROM unnest(%s::tsvector)", [words])
    plain = {row[0] for row in cursor.fetchall()}
    assert {word[6:] for word in marked} == {word for word in plain if len(word) <= 2000}
    assert len({word[:6] for word in marked}) <= 1


def test_the_most_words_that_a_record_can_have_are_kept(tenant: TestTenant) -> None:
    fields = [{"name": f"Notes {number}", "field_type": "json"} for number in range(4)]
    pipeline(tenant.api, "Things", fields)
    signs = "abcdefghijklmnopqrstuvwxyz0123456789"
    text = " ".join(f"{a}{b}{c}-{c}{b}{a}" for a in signs for b in signs for c in signs)
    parts = {f"notes_{number}": [text[number * 65_000 : (number + 1) * 65_000]] for number in range(4)}
    record(tenant.api, "things", parts)
    assert tenant.api.get("/pipelines/things/records/?search=abc-cba").json["count"] == 1


@pytest.mark.prove
def test_the_time_of_a_search_does_not_tell_what_others_have(scene: Scene, database_address: str) -> None:
    """The median of many searches for a word that another tenant has 20,000 times, and for one that nobody has."""
    for place in (scene.attacker, scene.victim):
        pipeline(place.api, "Things", [{"name": "Name", "field_type": "text"}])
    body = [{"data": {"name": f"thing {number}"}} for number in range(1_000)]
    assert scene.attacker.api.post("/pipelines/things/records/bulk_create/", body).status_code in {200, 201}
    body = [{"data": {"name": f"{WORD} {number}"}} for number in range(10_000)]
    for _ in range(2):
        assert scene.victim.api.post("/pipelines/things/records/bulk_create/", body).status_code in {200, 201}
    with closing(psycopg2.connect(database_address)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE records")
    durations: dict[str, list[float]] = {WORD: [], "quagga": []}
    for _ in range(300):
        for word, taken in durations.items():
            began = time.perf_counter()
            assert scene.attacker.api.get(f"/records/?search={word}").json["count"] == 0
            taken.append(time.perf_counter() - began)
    used, unused = (statistics.median(taken) for taken in durations.values())
    assert 0.8 < used / unused < 1.25, (used, unused)
