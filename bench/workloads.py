"""The workloads: what is asked of Oneo, and the SQL that a bare server answers the same thing with (checklist 77: W7,
links, link-bulk, link-validate).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bench.driver import Body
from oneo.store.links import LINKS
from oneo.store.records import RECORDS
from oneo.store.resources import USERS

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the loader made, for requests and SQL to name."""

    tenant_id: UUID
    user_id: UUID
    token: str
    pipeline_id: UUID
    record_id: UUID
    slots: Mapping[str, str]
    """The index slot of each field."""
    graphs: Mapping[str, UUID] = field(default_factory=dict)
    """The record where each graph begins; its relationship type has the same name."""
    walks: Mapping[str, str] = field(default_factory=dict)
    """The statement that answers a walk from there."""
    link_type_id: UUID = NOBODY
    hub_id: UUID = NOBODY
    """A record with very many relationships of this type."""
    stranger_id: UUID = NOBODY
    """A record that it has none with."""
    others: tuple[str, ...] = ()
    """Records each of which has one with the next, and else none but with the hub."""


@dataclass(frozen=True, slots=True)
class Workload:
    """`sql` gives one row with the bytes of the answer in its only column. With a body it is a POST."""

    name: str
    about: str
    path: str
    sql: Callable[[Loaded], str]
    body: str | Callable[[Loaded], str] | None = None
    ids: Callable[[Loaded], Sequence[str]] | None = None
    """What the bodies of requests name in turn, so that none is as another was."""
    graph: str = ""
    """What has to be loaded for it, if it is one of walks."""

    def sent(self, loaded: Loaded, part: int, parts: int) -> Body | None:
        """What is posted in one of several rounds."""
        text = self.body(loaded) if callable(self.body) else self.body
        ids = self.ids(loaded) if self.ids else ()
        size = len(ids) // parts
        return None if text is None else Body(text, ids[part * size : (part + 1) * size])

    def address(self, loaded: Loaded) -> str:
        start = loaded.graphs.get(self.graph)
        return self.path.format(record=loaded.record_id, hub=loaded.hub_id, start=start)


def _profile(loaded: Loaded) -> str:
    return (
        f"SELECT {USERS.json()}::text FROM users u "
        f"WHERE u.tenant_id = '{loaded.tenant_id}' AND u.id = '{loaded.user_id}' AND u.deleted_at IS NULL"
    )


def _users(loaded: Loaded) -> str:
    source = f"FROM users u WHERE u.tenant_id = '{loaded.tenant_id}' AND u.deleted_at IS NULL AND NOT u.is_system"
    return (
        f"SELECT '{{\"count\":' || (SELECT count(*) {source}) || ',\"results\":[' || string_agg(doc, ',') || ']}}' "
        f"FROM (SELECT {USERS.json()}::text AS doc {source} ORDER BY u.created_at DESC, u.id DESC LIMIT 50) page"
    )


def _deals(loaded: Loaded, test: str = "", order: str = "r.created_at DESC, r.id DESC", *, counted: bool) -> str:
    """The 50 first, as rows of the pipeline are shown by Oneo."""
    source = (
        f"FROM my_records r WHERE r.tenant_id = '{loaded.tenant_id}' AND r.pipeline_id = '{loaded.pipeline_id}' "
        f"AND r.deleted_at IS NULL {test}"
    )
    count = f"(SELECT count(*) {source})" if counted else "'null'"
    return (
        f"SELECT set_config('oneo.tenant', '{loaded.tenant_id}', true); "
        f"SELECT '{{\"count\":' || {count} || ',\"results\":[' || string_agg(doc, ',') || ']}}' "
        f"FROM (SELECT {RECORD}::text AS doc {source} ORDER BY {order} LIMIT 50) page"
    )


def _filtered(loaded: Loaded) -> str:
    amount, stage = f"r.{loaded.slots['amount']}", f"r.{loaded.slots['stage']}"
    return _deals(
        loaded, f"AND {amount} >= 95000::float8 AND {stage} = 'won'", f"{amount} DESC, r.id DESC", counted=True
    )  # fmt: skip


def _one(loaded: Loaded) -> str:
    return (
        f"SELECT set_config('oneo.tenant', '{loaded.tenant_id}', true); SELECT {RECORD}::text FROM my_records r "
        f"WHERE r.tenant_id = '{loaded.tenant_id}' AND r.id = '{loaded.record_id}' AND r.deleted_at IS NULL"
    )


def _insert(rows: str, *, logged: bool = False) -> Callable[[Loaded], str]:
    """The records with their index slots; `logged` with an event for each and the tenant's clock, as Oneo does."""

    def sql(loaded: Loaded) -> str:
        slots = {slot: _slot(slot, slug) for slug, slot in loaded.slots.items()}
        tenant, pipeline, user = loaded.tenant_id, loaded.pipeline_id, loaded.user_id
        return (
            f"SELECT set_config('oneo.tenant', '{tenant}', true); "
            f"WITH r AS (INSERT INTO records (tenant_id, id, pipeline_id, data, created_by, updated_by, "
            f"{', '.join(slots)}) SELECT '{tenant}', gen_random_uuid(), '{pipeline}', i.data, "
            f"'{user}', '{user}', {', '.join(slots.values())} "
            f"FROM (SELECT e->'data' AS data FROM jsonb_array_elements('{rows}'::jsonb) e) i RETURNING *)"
            f"{_LOGGED.format(tenant=tenant, pipeline=pipeline, user=user) if logged else ''} "
            f"SELECT string_agg({RECORD}::text, ',') FROM r"
        )

    return sql


_LOGGED = """, tick AS (
    UPDATE tenant_clocks SET seq = seq + (SELECT count(*) FROM r) WHERE tenant_id = '{tenant}' RETURNING seq
), logged AS (
    INSERT INTO events (tenant_id, seq, id, type, actor_id, actor_kind, subject_id, pipeline_id, version, data)
    SELECT '{tenant}', tick.seq + 1 - row_number() OVER (), gen_random_uuid(), 'record.created', '{user}', 'session',
           r.id, '{pipeline}', 1, jsonb_build_object('id', r.id, 'status', r.status, 'data', r.data) FROM tick, r
)"""


def _slot(slot: str, slug: str) -> str:
    value = f"(i.data->>'{slug}')"
    made = {"t": f"left({value}, 256)", "n": f"{value}::float8", "d": f"({value} || 'T00:00:00Z')::timestamptz"}
    return made[slot[0]]


def _entries(count: int) -> str:
    return json.dumps([{"data": {**DEAL, "amount": number}} for number in range(count)])


def _walked(graph: str, direction: str = "both") -> Workload:
    """The same statement, without the caller's gate."""
    name, about = f"W7{'' if graph == 'levels' else '-' + graph}", f"traverse 5 levels of {GRAPHS[graph]}"
    query = f"depth=5&limit=10000&direction={direction}&relationship_types={graph}"
    path = f"/api/v1/relationships/traverse/?start={{start}}&{query}"
    return Workload(name, about, path, lambda loaded: loaded.walks[graph], graph=graph)


GRAPHS = {
    "levels": "1,000 relationships each",
    "complete": "a complete digraph of 100",
    "hubs": "10 hubs of 10,000",
    "random": "1,000,000 relationships of 100,000 records",
}


def _links(loaded: Loaded) -> str:
    """The hub's 50 newest, as Oneo shows them."""
    source = (
        f"FROM my_relationships x WHERE x.tenant_id = '{loaded.tenant_id}' AND x.source_id = '{loaded.hub_id}' "
        "AND NOT x.is_dormant AND x.deleted_at IS NULL"
    )
    return (
        f"SELECT set_config('oneo.tenant', '{loaded.tenant_id}', true); "
        f"SELECT '{{\"count\":' || (SELECT count(*) {source}) || ',\"results\":[' || string_agg(doc, ',') || ']}}' "
        f"FROM (SELECT {LINK}::text AS doc {source} ORDER BY x.created_at DESC, x.id DESC LIMIT 50) page"
    )


def _link_insert(loaded: Loaded) -> str:
    """With their events and the clock, and no questions asked: of records that Oneo is not asked to relate."""
    tenant, user, kind = loaded.tenant_id, loaded.user_id, loaded.link_type_id
    logged = _LOGGED.format(tenant=tenant, pipeline=kind, user=user).replace("record.created", "relationship.created")
    return (
        f"SELECT set_config('oneo.tenant', '{tenant}', true); "
        f"WITH k AS MATERIALIZED (SELECT nextval('{SERIES}') AS n), r AS ("
        "INSERT INTO relationships (tenant_id, id, type_id, source_id, target_id, source_pipeline_id, "
        "target_pipeline_id, created_by, updated_by) "
        f"SELECT '{tenant}', gen_random_uuid(), '{kind}', s.id, t.id, '{loaded.pipeline_id}', "
        f"'{loaded.pipeline_id}', '{user}', '{user}' FROM k JOIN {SERIES}_ids s ON s.n = k.n "
        f"JOIN {SERIES}_ids t ON t.n BETWEEN k.n + 2 AND k.n + 101 RETURNING *)"
        f"{logged} SELECT string_agg({LINK}::text, ',') FROM r x"
    )


def _link_check(loaded: Loaded) -> str:
    """Whether both records are there and nothing joins them so now."""
    ends = f"'{loaded.hub_id}', '{loaded.stranger_id}'"
    return (
        f"SELECT set_config('oneo.tenant', '{loaded.tenant_id}', true); SELECT json_build_object('is_valid', "
        f"(SELECT count(*) = 2 FROM my_records r WHERE r.tenant_id = '{loaded.tenant_id}' AND r.id IN ({ends}) "
        "AND r.deleted_at IS NULL) AND NOT EXISTS (SELECT FROM my_relationships x "
        f"WHERE x.tenant_id = '{loaded.tenant_id}' AND x.type_id = '{loaded.link_type_id}' "
        f"AND x.source_id = '{loaded.hub_id}' AND x.target_id = '{loaded.stranger_id}' AND x.status = 'ACTIVE' "
        "AND x.deleted_at IS NULL AND coalesce(x.effective_until > now(), true)))::text"
    )


def _link(source: object, target: object) -> dict[str, str]:
    return {"relationship_type": "joins", "source_record_id": str(source), "target_record_id": str(target)}


SERIES = "bench_others"
"""A sequence, and with `_ids` a table of numbered records."""
LINK = LINKS.json().replace("NULL::text", "'joins'")
RECORD = RECORDS.json().replace("nullif(r.title, '')", "r.data->>'name'")
DEAL = {
    "name": "A deal to measure with", "amount": 1200.5, "stage": "open", "closes": "2026-11-20", "probability": 40,
    "source": "web", "contact": "ada@acme.example", "notes": "Called twice, wants an offer.", "priority": "high",
    "is_hot": True,
}  # fmt: skip
_ENTRY = json.dumps({"data": DEAL})
_LIST = "/api/v1/pipelines/deals/records/"
_BULK = f"{_LIST}bulk_create/"
WORKLOADS = (
    Workload("profile", "GET auth/user/profile", "/api/v1/auth/user/profile/", _profile),
    Workload("users", "GET users/, 50 of 1,000, exact count", "/api/v1/users/", _users),
    Workload("W1", "list 50 of 100,000", _LIST, lambda loaded: _deals(loaded, counted=False)),
    Workload(
        "W2", "amount >= x and stage = y, by amount, exact count",
        f"{_LIST}?data__amount__gte=95000&data__stage=won&ordering=-data__amount", _filtered,
    ),
    Workload("W3", "get one", "/api/v1/records/{record}/", _one),
    Workload(
        "W8", "name contains a text, newest 50", f"{_LIST}?data__name__contains=ber+77&count=none",
        lambda loaded: _deals(loaded, "AND (r.data->>'name') ILIKE '%ber 77%'", counted=False),
    ),
    Workload("W4", "create one", _LIST, _insert(f"[{_ENTRY}]"), _ENTRY),
    Workload("W4+", "create one; bare with event, clock", _LIST, _insert(f"[{_ENTRY}]", logged=True), _ENTRY),
    Workload("W5", "create 100", _BULK, _insert(_entries(100)), _entries(100)),
    Workload("W5+", "create 100; bare with events, clock", _BULK, _insert(_entries(100), logged=True), _entries(100)),
    Workload("W5-1000", "create 1,000", _BULK, _insert(_entries(1000)), _entries(1000)),
    _walked("levels"),
    Workload(
        "links", "relationships of a record, 50 of 10,000, exact count",
        "/api/v1/relationships/?source_record_id={hub}", _links,
    ),
    Workload(
        "link-bulk", "relate one to 100; bare with events, clock", "/api/v1/relationships/bulk_create/", _link_insert,
        json.dumps([_link("@0", f"@{at}") for at in range(2, 102)]), lambda loaded: loaded.others,
    ),
    Workload(
        "link-validate", "ask about a relationship at a record with 10,000", "/api/v1/relationships/validate/",
        _link_check, lambda loaded: json.dumps(_link(loaded.hub_id, loaded.stranger_id)),
    ),
)  # fmt: skip
NASTY = tuple(_walked(graph) for graph in GRAPHS if graph != "levels")
"""Graphs that a walk could be lost in; they are loaded when they are asked for."""
