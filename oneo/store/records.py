"""How records are shown: the JSON of one pipeline's records, cut to what a caller may see."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from flask import current_app

from oneo.actor import Actor
from oneo.fields.shapes import PipelineShape
from oneo.filters.columns import Column
from oneo.filters.data import RECORD, catalogue, text_of
from oneo.filters.sql import Sql
from oneo.models.record import DATA_WORDS, TITLE_WORDS
from oneo.store import message
from oneo.store.resources import Resource, moment

ALIVE, GONE = "r.deleted_at IS NULL", "r.deleted_at IS NOT NULL"
WORDS = f"{RECORD}.search"
PLAIN = ("id", "pipeline_id", "title", "status", "data", "version", "created_at", "updated_at", "created_by",
         "updated_by", "deleted_at")  # fmt: skip
_MOMENTS = frozenset({"created_at", "updated_at", "deleted_at"})
_PLACES = 100_000


def title_sql(shape: PipelineShape, hidden: frozenset[str] = frozenset(), row: str = RECORD) -> str:
    """A record's title: its title field's value, or the one it was given; never empty."""
    if shape.title_field is None:
        given = f"{row}.title"
    elif shape.title_field in hidden or shape.title_field not in shape.fields:
        given = "NULL"
    else:
        given = f"left({text_of(shape.title_field, f'{row}.data')}, 255)"
    return f"coalesce(nullif({given}, ''), {fallback_title(shape.name, f'{row}.id')})"


def fallback_title(name: str, record_id: str) -> str:
    """The title of a record that has none, by its pipeline's name."""
    return f"{literal(name + ' ')} || right({record_id}::text, 8)"


def literal(text: str) -> str:
    """A text inside a statement whose placeholders may or may not be read."""
    return "'" + text.replace("'", "''").replace("%", "' || chr(37) || '") + "'"


def data_sql(hidden: Iterable[str], row: str = RECORD) -> str:
    """A record's data without what is hidden."""
    cut = sorted(hidden)
    return f"({row}.data - '{{{','.join(cut)}}}'::text[])" if cut else f"{row}.data"


def vector_sql(shape: PipelineShape, hidden: frozenset[str], row: str = RECORD) -> str | None:
    """The words that a record may be found by, where some of them are hidden; None where the indexed ones are."""
    cut = hidden & (shape.fields.keys() | shape.removed)
    if not cut:
        return None
    words = DATA_WORDS.format(data_sql(cut, row))
    return words if shape.title_field else f"({TITLE_WORDS.format(f'{row}.title')} || {words})"


def document(shape: PipelineShape, hidden: frozenset[str], row: str = RECORD) -> dict[str, str]:
    """Each key of a record's JSON as SQL."""
    special = {"title": title_sql(shape, hidden, row), "data": data_sql(hidden, row)}
    return {
        name: special.get(name) or (moment(f"{row}.{name}") if name in _MOMENTS else f"{row}.{name}") for name in PLAIN
    }


def record_resource(shape: PipelineShape, hidden: frozenset[str], *, deleted: bool = False) -> Resource:
    """The records of a pipeline as a list of them is asked for."""
    key = ("resource", hidden, deleted)
    if key not in shape.memo:
        columns: dict[str, Column] = catalogue(shape, hidden)
        fields = {f"data__{slug}": f"{RECORD}.data->'{slug}'" for slug in shape.fields if slug not in hidden}
        seen = vector_sql(shape, hidden)
        shape.memo[key] = Resource(
            table="my_records",
            alias=RECORD,
            document=document(shape, hidden),
            parts={"data": fields},
            columns=columns,
            words=(WORDS, seen) if seen else (WORDS,),
            embeds={"pipeline": _pipeline(shape), "created_by": _user("created_by"), "updated_by": _user("updated_by")},
            base=f"r.pipeline_id = '{shape.id}' AND {GONE if deleted else ALIVE}",
        )
    found: Resource = shape.memo[key]
    return found


def _pipeline(shape: PipelineShape) -> str:
    return f"json_build_object('id', '{shape.id}', 'slug', '{shape.slug}', 'name', {literal(shape.name)})"


def _user(column: str) -> str:
    return (
        f"(SELECT json_build_object('id', u.id, 'name', u.name) FROM users u "
        f"WHERE u.tenant_id = {RECORD}.tenant_id AND u.id = {RECORD}.{column})"
    )


def pipeline_of(actor: Actor, record_id: UUID) -> UUID | None:
    """Which pipeline a record is in. It never leaves it, so what was found once is not asked again."""
    known: OrderedDict[tuple[UUID, UUID], UUID] = current_app.extensions["oneo.places"]
    found: UUID | None = known.get((actor.tenant_id, record_id))
    if found is None:
        sql = f"SELECT pipeline_id FROM my_records WHERE tenant_id = '{actor.tenant_id}' AND id = %s"
        rows = message.read(actor, sql, (record_id,), keep=True).rows
        if not rows:
            return None
        found = rows[0][0]
        if message.is_joined():  # the transaction may have made the record, and be rolled back
            return found
        known[actor.tenant_id, record_id] = found
        while len(known) > _PLACES:
            known.popitem(last=False)
    return found


def unknown_users(actor: Actor, user_ids: Iterable[str]) -> set[str]:
    """Those of the ids that are no user of the tenant."""
    asked = sorted(set(user_ids))
    sql = f"SELECT id::text FROM users WHERE tenant_id = '{actor.tenant_id}' AND id = ANY(%s::uuid[]) AND NOT is_system"
    return set(asked) - {row[0] for row in message.read(actor, sql, (asked,)).rows}


def taken_keys(actor: Actor, pipeline_id: UUID, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Which records have these values in unique slots; keys are pairs of slot and value."""
    by_slot: dict[str, list[str]] = {}
    for slot, value in keys:
        by_slot.setdefault(slot, []).append(value)
    if not by_slot:
        return {}
    within = f"FROM my_records WHERE tenant_id = '{actor.tenant_id}' AND pipeline_id = '{pipeline_id}'"
    parts = [
        f"SELECT '{slot}' AS slot, {slot} AS value, id {within} AND {slot} = ANY(%s) AND deleted_at IS NULL"
        for slot in by_slot
    ]
    rows = message.read(actor, " UNION ALL ".join(parts), list(by_slot.values())).rows
    return {(slot, value): record_id for slot, value, record_id in rows}


def taken_ids(actor: Actor, ids: Iterable[UUID]) -> set[UUID]:
    """Return the ids that a new record cannot have: those of records of any pipeline, deleted or erased ones included,
    whether the caller sees them or not.
    """
    sql = (
        f"SELECT id FROM my_records WHERE tenant_id = '{actor.tenant_id}' AND id = ANY(%s::uuid[]) UNION "
        f"SELECT e.subject_id FROM events e WHERE e.tenant_id = '{actor.tenant_id}' "
        "AND e.subject_id = ANY(%s::uuid[]) AND e.type = 'record.purged'"
    )
    asked = [str(found) for found in ids]
    return {row[0] for row in message.read(actor, sql, (asked, asked)).rows}


def versions_of(actor: Actor, shape: PipelineShape, scope: Sql, ids: Iterable[UUID]) -> dict[UUID, int]:
    """The versions of those that are alive and that the scope reaches."""
    sql = (
        f"SELECT r.id, r.version FROM my_records r WHERE r.tenant_id = '{actor.tenant_id}' "
        f"AND r.pipeline_id = '{shape.id}' AND {ALIVE} AND {scope.text} AND r.id = ANY(%s::uuid[])"
    )
    rows = message.read(actor, sql, [*scope.values, [str(found) for found in ids]]).rows
    return dict(rows)


def select_ids(actor: Actor, shape: PipelineShape, where: Sql, limit: int) -> list[UUID]:
    """Records that are alive and match, at most so many."""
    sql = (
        f"SELECT r.id FROM my_records r WHERE r.tenant_id = '{actor.tenant_id}' AND r.pipeline_id = '{shape.id}' "
        f"AND {ALIVE} AND {where.text} ORDER BY r.id LIMIT {limit:d}"
    )
    return [row[0] for row in message.read(actor, sql, where.values).rows]


ANY_PIPELINE = PipelineShape(
    id=UUID(int=0), slug="", name="", graphql_name="", description="", is_active=True, title_field=None, fields={},
    removed=frozenset(), written={}, version=1,
)  # fmt: skip
RECORDS = record_resource(ANY_PIPELINE, frozenset())
"""What holds for the records of every pipeline."""
