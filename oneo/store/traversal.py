"""Walks along relationships, breadth first: one statement with two parts for each level, which makes the JSON itself.
Of a level there are the records that none before it holds, in the order of those that lead to them and then of the
relationships, so that its beginning can be known without the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from oneo.actor import Actor
from oneo.filters.sql import TRUE, Sql, all_of, any_of
from oneo.store import message
from oneo.store.link_sight import Group, ids_sql, of_types

MAX_EDGES = 50_000
"""Of a graph; those of the shortest paths are the first to be told."""
FIRST = 1_000
"""So many records of a level at most are gone on from before the others, which are left alone if that was enough."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What may be walked: relationships `x` of these types (slugs by id) in these directions, to records `r` of these
    groups that fulfil the condition. `titles` is SQL of what a record is called.
    """

    types: Mapping[UUID, str]
    outbound: bool
    inbound: bool
    links: Sql
    sight: Sequence[Group]
    groups: Sequence[Group]
    records: Sql
    titles: str
    depth: int
    limit: int
    keep: bool


@dataclass(frozen=True, slots=True)
class Found:
    """`body` is JSON text; None when a record that was named is not there for the caller."""

    seq: int
    body: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The pieces of a walk's statement that come again in it, their values named."""

    walk: Walk
    tenant_id: UUID
    link: str
    check: str
    values: dict[str, object]


def in_force(statuses: Sequence[str], moment: str | None) -> Sql:
    """Relationships of these statuses that are valid at a moment, or now."""
    then = Sql("now()") if moment is None else Sql("%s::timestamptz", [moment])
    return Sql(
        "(x.deleted_at IS NULL AND NOT x.is_dormant AND x.status = ANY(%s::text[]) "
        f"AND x.effective_from <= {then.text} AND (x.effective_until IS NULL OR x.effective_until > {then.text}))",
        [list(statuses), *then.values, *then.values],
    )


def paths_from(actor: Actor, walk: Walk, start: UUID) -> Found:
    """What is reached, each with the way to it. Raises StaleActor."""
    return _read(actor, walk, paths_sql(actor.tenant_id, walk, start))


def paths_sql(tenant_id: UUID, walk: Walk, start: UUID) -> tuple[str, dict[str, object]]:
    """The statement with its values."""
    plan = _plan(tenant_id, walk)
    parts = [*_levels(plan), _shown(plan, "f.path")]
    paths = f"SELECT string_agg({_PATH}, ',') FROM shown s WHERE s.depth > 0"
    body = f"""'{{"start":' || {_START} || ',"paths":[', ({paths}), {_tail(walk, "shown", "false")}"""
    return _statement(plan, parts, body, start=start)


def graph_from(actor: Actor, walk: Walk, start: UUID) -> Found:
    """The same as nodes and the edges that were walked between them."""
    plan = _plan(actor.tenant_id, walk)
    nodes = "SELECT string_agg(left(s.node, -1) || ',\"depth\":' || s.depth || '}', ',') FROM shown s"
    edge = """'{"id":"' || e.link || '",' || k.head || ',"source_record_id":"' || e.source_id
        || '","target_record_id":"' || e.target_id || '","is_bidirectional":' || e.is_bidirectional::text || '}'"""
    edges = f"""SELECT string_agg({edge}, ',' ORDER BY e.on_path DESC, e.link)
        FROM (SELECT * FROM edges LIMIT {MAX_EDGES}) e JOIN kinds k ON k.id = e.type_id"""
    parts = [*_levels(plan, paths=False), _shown(plan, "NULL::text"), _edges(plan)]
    tail = _tail(walk, "edges", f"(SELECT count(*) FROM edges) > {MAX_EDGES}")
    body = f"""'{{"start":' || {_START} || ',"nodes":[', ({nodes}), '],"edges":[', ({edges}), {tail}"""
    return _read(actor, walk, _statement(plan, parts, body, start=start))


def path_between(actor: Actor, walk: Walk, start: UUID, end: UUID) -> Found:
    """Walks from both ends in turn until they meet, or one of them has seen more than it may."""
    plan = _plan(actor.tenant_id, walk)
    parts = [_kinds(walk), _root(plan, "l0", "start"), _root(plan, "last", "end"), _checked_end(plan)]
    parts.append(_meeting(0, "l0", "last"))
    met, cut = ["EXISTS (SELECT FROM m0)"], ["false"]
    for length in range(1, walk.depth + 1):
        back, ahead, behind = length % 2 == 0, (length + 1) // 2, length // 2
        side, level = ("b", behind) if back else ("l", ahead)
        seen = [f"{side}{n}" for n in range(level)]
        stop = " OR ".join([*met, *cut])
        parts.append(_level(plan, f"{side}{level}", f"SELECT * FROM {seen[-1]}", seen, stop=stop, back=back))
        parts.append(_meeting(length, f"l{ahead}", f"b{behind}"))
        met.append(f"EXISTS (SELECT FROM m{length})")
        cut.append(f"{_count([*seen[1:], f'{side}{level}'])} > {walk.limit}")
    lengths, sides = range(walk.depth + 1), ((walk.depth + 1) // 2, walk.depth // 2)
    places = " UNION ALL ".join(f"SELECT {length} AS depth, id FROM m{length}" for length in lengths)
    parts.append(f"met AS MATERIALIZED (SELECT * FROM ({places}) m ORDER BY m.depth LIMIT 1)")
    ways = [
        "(SELECT w.path FROM ("
        + " UNION ALL ".join(f"SELECT id, path FROM {side}{n}" for n in range(most + 1))
        + ") w WHERE w.id = m.id)"
        for side, most in zip("lb", sides, strict=True)
    ]
    parts.append(
        f"shown AS MATERIALIZED (SELECT m.depth, r.node, concat_ws(',', {', '.join(ways)}) AS path "
        f"FROM met m CROSS JOIN last e CROSS JOIN LATERAL {_node(plan, 'e.id')})"
    )
    body = f"""CASE WHEN EXISTS (SELECT FROM l0) AND EXISTS (SELECT FROM last) THEN
        coalesce((SELECT '{{"found":true,"path":' || {_PATH} || ',"truncated":false' FROM shown s),
                 '{{"found":false,"path":null,"truncated":' || ({" OR ".join(cut)})::text) || {_limits(walk)} END"""
    return _read(actor, walk, _statement(plan, parts, body, start=start, end=end))


_PATH = """'{"depth":' || s.depth || ',"target":' || s.node || ',"relationships":[' || s.path || ']}'"""
_START = "(SELECT s.node FROM shown s WHERE s.depth = 0)"


def _plan(tenant_id: UUID, walk: Walk) -> _Plan:
    link, link_values = all_of([of_types(walk.types), walk.links]).named("link")
    scoped = all_of([_within(walk.groups) if any(g.scope.text != "true" for g in walk.groups) else TRUE, walk.records])
    check, check_values = scoped.named("record")
    return _Plan(walk, tenant_id, link, "" if check == "true" else check, {**link_values, **check_values})


def _within(groups: Sequence[Group]) -> Sql:
    """Records `r` of the groups."""
    return any_of([all_of([Sql(f"(r.pipeline_id = ANY({ids_sql(g.pipelines)}))"), g.scope]) for g in groups])


def _statement(plan: _Plan, parts: Sequence[str], body: str, **ids: UUID) -> tuple[str, dict[str, object]]:
    sight, values = _within(plan.walk.sight).named("sight")
    sql = f"WITH {', '.join(parts)} SELECT {body}".replace(_SIGHT, sight)
    return sql, {**plan.values, **values, **ids}


def _read(actor: Actor, walk: Walk, statement: tuple[str, dict[str, object]]) -> Found:
    """The pieces of the text come as they are: put together in SQL, each `||` would copy all before it."""
    answer = message.read(actor, *statement, keep=walk.keep, by_index=True)
    pieces = answer.rows[0] if answer.rows else None
    return Found(answer.seq, None if pieces is None else "".join(piece or "" for piece in pieces))


_SIGHT = "/* what the caller reads */"


def _root(plan: _Plan, name: str, record: str) -> str:
    """A record that is named, if the caller may read it."""
    return (
        f"{name} AS MATERIALIZED (SELECT r.id, NULL::text AS path, 1 AS n FROM my_records r "
        f"WHERE r.tenant_id = '{plan.tenant_id}' AND r.id = %({record})s AND r.deleted_at IS NULL AND {_SIGHT})"
    )


def _checked_end(plan: _Plan) -> str:
    """The record to be reached, if it is one that may be."""
    places = ids_sql(place for group in plan.walk.groups for place in group.pipelines)
    return (
        f"b0 AS MATERIALIZED (SELECT e.id, e.path, e.n FROM last e CROSS JOIN LATERAL (SELECT FROM my_records r "
        f"WHERE r.tenant_id = '{plan.tenant_id}' AND r.id = e.id AND r.pipeline_id = ANY({places}) "
        f"AND {plan.check or 'true'} OFFSET 0) r)"
    )


def _kinds(walk: Walk) -> str:
    """What is said of a relationship's type in every step."""
    rows = ", ".join(
        f"""('{key}'::uuid, '"relationship_type_id":"{key}","relationship_type":"{slug}"', '{slug}')"""
        for key, slug in walk.types.items()
    )
    return f"kinds(id, head, slug) AS MATERIALIZED ({f'VALUES {rows}' if rows else 'SELECT NULL::uuid, NULL, NULL'})"


def _levels(plan: _Plan, *, paths: bool = True) -> list[str]:
    """From the start outwards, and what was found in order."""
    walk, more = plan.walk, ", path" if paths else ""
    levels, seen = [], ["l0"]
    found = [f"SELECT 0 AS depth, id, n, NULL::uuid AS link, NULL::uuid AS type_id{more} FROM l0"]
    for depth, name, parents, after in _parts(walk):
        levels.append(_level(plan, name, parents, seen, after=after, paths=paths))
        found.append(f"SELECT {depth}, id, n, link, type_id{more} FROM {name}")
        seen = [*seen, name]
    rows = f"SELECT * FROM ({' UNION ALL '.join(found)}) f ORDER BY f.depth, f.n LIMIT {walk.limit + 1}"
    return [_kinds(walk), _root(plan, "l0", "start"), *levels, f"found AS MATERIALIZED ({rows})"]


def _parts(walk: Walk) -> Iterator[tuple[int, str, str, str]]:
    """A level's depth, the name of a part of it, what leads there, and how many of the level stand before.

    A level has one part where there is no more to be found than what the first records lead to.
    """
    for depth in range(1, walk.depth + 1):
        name, before = f"l{depth}", f"SELECT * FROM l{depth - 1}"
        if depth == 1 or walk.limit <= FIRST:
            yield depth, name, before, "0"
            continue
        yield depth, name, f"{before} WHERE n <= {FIRST}", "0"
        others = f" UNION ALL SELECT * FROM rest{depth - 1}" if depth > 2 else ""
        yield depth, f"rest{depth}", f"{before} WHERE n > {FIRST}{others}", f"(SELECT count(*) FROM {name})"


def _names(walk: Walk) -> list[str]:
    return [name for _, name, _, _ in _parts(walk)]


def _level(
    plan: _Plan, name: str, parents: str, seen: Sequence[str], *,
    after: str = "0", stop: str = "false", back: bool = False, paths: bool = True,
) -> str:  # fmt: skip
    """The records one step beyond the parents; none when it is to stop, or when more than enough are found. Their
    numbers come after those of another part of the level.
    """
    enough = plan.walk.limit + 1
    known = " UNION ALL ".join(f"SELECT id FROM {one}" for one in seen)
    check = f"CROSS JOIN LATERAL (SELECT FROM my_records r {_of_record(plan, 'd.id')} OFFSET 0) r" if plan.check else ""
    level = (
        f"SELECT d.* FROM (SELECT * FROM (SELECT DISTINCT ON (x.id) x.id, x.link, x.type_id, x.outbound, "
        f"p.id AS parent, p.n AS place FROM ({parents}) p CROSS JOIN LATERAL ({_steps(plan, back=back)}) x "
        f"WHERE x.id NOT IN ({known} LIMIT {enough}) ORDER BY x.id, p.n, x.link) d ORDER BY d.place, d.link) d {check} "
        f"ORDER BY d.place, d.link LIMIT {enough}"
    )
    room = f"CASE WHEN {stop} THEN 0 ELSE {enough} - {_count(seen[1:])} END"
    number = f"{after} + row_number() OVER (ORDER BY d.place, d.link) AS n"
    level = f"SELECT d.*, {number} FROM (SELECT d.* FROM ({level}) d LIMIT {room}) d"
    if paths:
        path = f"{_step(back=True)}, p.path" if back else f"p.path, {_step(back=False)}"
        level = (
            f"SELECT d.id, d.n, d.link, d.type_id, concat_ws(',', {path}) AS path FROM ({level}) d "
            f"JOIN ({parents}) p ON p.id = d.parent JOIN kinds k ON k.id = d.type_id"
        )
    return f"{name} AS MATERIALIZED ({level})"


def _of_record(plan: _Plan, record_id: str) -> str:
    return f"WHERE r.tenant_id = '{plan.tenant_id}' AND r.id = {record_id} AND {plan.check}"


def _steps(plan: _Plan, *, back: bool = False, more: str = "") -> str:
    """Relationships that lead on from a record `p`, or to it, each with the record at the other end. `more` are further
    columns.
    """
    walk = plan.walk
    places = ids_sql(place for group in walk.groups for place in group.pipelines)
    sides = []
    for end, other in (("source", "target"), ("target", "source")):
        outbound = (end == "source") != back
        allowed = walk.outbound if outbound else walk.inbound
        sides.append(
            f"SELECT x.id AS link, x.type_id, x.{other}_id AS id, {outbound} AS outbound{more} "
            f"FROM my_relationships x "
            f"WHERE x.tenant_id = '{plan.tenant_id}' AND x.{end}_id = p.id AND x.{other}_pipeline_id = ANY({places}) "
            f"AND {plan.link}{'' if allowed else ' AND x.is_bidirectional'}"
        )
    return f"{' UNION ALL '.join(sides)} OFFSET 0"


def _step(*, back: bool) -> str:
    """A relationship as it was walked: from the parent, or, where the walk goes back, to it."""
    source, target = ("d.id", "d.parent") if back else ("d.parent", "d.id")
    return f"""'{{"id":"' || d.link || '",' || k.head
        || ',"source_record_id":"' || CASE WHEN d.outbound THEN {source} ELSE {target} END
        || '","target_record_id":"' || CASE WHEN d.outbound THEN {target} ELSE {source} END
        || CASE WHEN d.outbound THEN '","direction":"OUTBOUND"}}' ELSE '","direction":"INBOUND"}}' END"""


def _count(parts: Iterable[str]) -> str:
    """How many records these hold."""
    return f"({' + '.join(f'(SELECT count(*) FROM {part})' for part in parts) or '0'})"


def _meeting(length: int, ahead: str, behind: str) -> str:
    return (
        f"m{length} AS MATERIALIZED (SELECT a.id FROM {ahead} a WHERE a.id IN (SELECT b.id FROM {behind} b) "
        f"ORDER BY a.id LIMIT 1)"
    )


def _shown(plan: _Plan, path: str) -> str:
    """What was found, as far as it is told, as JSON."""
    return (
        f"shown AS MATERIALIZED (SELECT f.depth, f.id, f.link, f.type_id, r.node, {path} AS path "
        f"FROM found f CROSS JOIN LATERAL {_node(plan, 'f.id')})"
    )


def _node(plan: _Plan, record_id: str) -> str:
    return f"""(SELECT (SELECT row_to_json(document) FROM (
            SELECT r.id, r.pipeline_id, {plan.walk.titles} AS title, r.status) document)::text AS node
        FROM my_records r WHERE r.tenant_id = '{plan.tenant_id}' AND r.id = {record_id} AND r.deleted_at IS NULL
        OFFSET 0) r"""


def _edges(plan: _Plan) -> str:
    """All that leads on from the records of the levels before the last, or before the one where it was enough."""
    full = f"{_count(_names(plan.walk))} > {plan.walk.limit}"
    beyond = f"CASE WHEN {full} THEN (SELECT max(f.depth) FROM found f) ELSE {plan.walk.depth} END"
    return f"""edges AS MATERIALIZED (
    SELECT e.*, e.link IN (SELECT s.link FROM shown s WHERE s.depth > 0) AS on_path FROM (
        SELECT DISTINCT ON (x.link) x.link, x.type_id, CASE WHEN x.outbound THEN p.id ELSE x.id END AS source_id,
            CASE WHEN x.outbound THEN x.id ELSE p.id END AS target_id, x.is_bidirectional
        FROM (SELECT s.id FROM shown s WHERE s.depth < {beyond}) p
        CROSS JOIN LATERAL ({_steps(plan, more=", x.is_bidirectional")}) x
        WHERE x.id IN (SELECT s.id FROM shown s) ORDER BY x.link
    ) e ORDER BY on_path DESC, e.link LIMIT {MAX_EDGES + 1})"""


def _tail(walk: Walk, used: str, cut: str) -> str:
    """`used` is where the types of what was walked are found, `cut` whether something else was left out."""
    return f"""'],"statistics":{{"total_paths":' || (SELECT count(*) FROM shown s WHERE s.depth > 0)
        || ',"max_depth_reached":' || (SELECT max(s.depth) FROM shown s)
        || ',"unique_records_found":' || (SELECT count(*) FROM shown s WHERE s.depth > 0)
        || ',"relationship_types_used":' || coalesce((SELECT json_agg(k.slug ORDER BY k.slug COLLATE "C") FROM kinds k
            WHERE k.id IN (SELECT u.type_id FROM {used} u))::text, '[]')
        || '}},"truncated":' || ({_count(_names(walk))} > {walk.limit} OR {cut})::text || {_limits(walk)}"""


def _limits(walk: Walk) -> str:
    return f"""',"limits":{{"depth":{walk.depth},"limit":{walk.limit}}}}}'"""
