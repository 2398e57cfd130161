"""How relationships are shown and asked about, cut to what a caller may see of their own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from oneo.actor import Actor
from oneo.fields.dates import DateTime
from oneo.fields.kinds.registry import kind_named
from oneo.fields.links import TypeShape
from oneo.fields.pipelines import RelationshipTypeName
from oneo.fields.scalars import Boolean, Identifier
from oneo.fields.shapes import PipelineShape
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.filters.link_columns import EffectiveColumn, MetadataColumn, StatusColumn, StoredMetadataColumn
from oneo.filters.sql import Sql
from oneo.models.relationship import STATUSES
from oneo.store import message
from oneo.store.link_sight import LINK
from oneo.store.records import literal
from oneo.store.resources import Resource, json_object, moment
from oneo.store.search import Reach, shared_document

MAX_EMBEDDED = 100
"""Relationships that are shown beside a record; for more there is the list of them."""
MOMENTS = ("effective_from", "effective_until", "created_at", "updated_at", "deleted_at")
ALIVE = f"NOT {LINK}.is_dormant"
_ID, _FLAG, _TIME = Identifier(), Boolean(), DateTime()
_NUMBER = kind_named("number", {})

Seen = Sequence[tuple[TypeShape | PipelineShape, frozenset[str]]]
"""Types with the slugs of their fields that do not exist for the caller."""


def by_type(found: Mapping[UUID, str], otherwise: str, row: str) -> str:
    if not found:
        return otherwise
    cases = " ".join(f"WHEN '{type_id}' THEN {sql}" for type_id, sql in found.items())
    return f"CASE {row}.type_id {cases} ELSE {otherwise} END"


def document(seen: Seen, row: str = LINK) -> dict[str, str]:
    """Each key of a relationship's JSON as SQL."""
    slugs = {found.id: literal(found.slug) for found, _ in seen}
    cut = {found.id: f"({row}.data - '{{{','.join(sorted(hidden))}}}'::text[])" for found, hidden in seen if hidden}
    times = {name: moment(f"{row}.{name}") for name in MOMENTS}
    return {
        "id": f"{row}.id",
        "relationship_type_id": f"{row}.type_id",
        "relationship_type": by_type(slugs, "NULL::text", row),
        "source_record_id": f"{row}.source_id",
        "source_pipeline_id": f"{row}.source_pipeline_id",
        "target_record_id": f"{row}.target_id",
        "target_pipeline_id": f"{row}.target_pipeline_id",
        "status": f"CASE WHEN {row}.deleted_at IS NULL THEN {row}.status ELSE 'DELETED' END",
        "is_bidirectional": f"{row}.is_bidirectional",
        "effective_from": times["effective_from"],
        "effective_until": times["effective_until"],
        "strength": f"{row}.strength",
        "metadata": f"{row}.metadata",
        "data": by_type(cut, f"{row}.data", row),
        "version": f"{row}.version",
        "created_at": times["created_at"],
        "updated_at": times["updated_at"],
        "created_by": f"{row}.created_by",
        "updated_by": f"{row}.updated_by",
        "deleted_at": times["deleted_at"],
    }


def end_records(reaches: Sequence[Reach]) -> dict[str, str]:
    """The record at each end, as who may read records of these pipelines sees it; NULL where it is removed. Whether he
    may read this one is asked of the relationship.
    """
    shown = json_object(shared_document(reaches, "r"))
    return {
        end: f"(SELECT {shown} FROM my_records r WHERE r.tenant_id = {LINK}.tenant_id AND r.id = {LINK}.{end}_id "
        "AND r.deleted_at IS NULL)"
        for end in ("source", "target")
    }


def relationships_of(seen: Seen, visible: Sql) -> Sql:
    """The newest relationships of a record `r` that are `visible`, as an object of `results` and `truncated`.

    Each end has an index of its own, so both are asked separately; a relationship of a record to itself counts once.
    """
    found = " UNION ALL ".join(
        f"(SELECT x.* FROM my_relationships x WHERE x.tenant_id = r.tenant_id AND x.{end}_id = r.id AND {ALIVE} "
        f"AND x.deleted_at IS NULL{other} AND {visible.text} ORDER BY x.id DESC LIMIT {MAX_EMBEDDED + 1})"
        for end, other in (("source", ""), ("target", " AND x.source_id <> x.target_id"))
    )
    return Sql(
        f"""(SELECT json_build_object(
                'results', coalesce(json_agg(o.document ORDER BY o.id DESC) FILTER (WHERE o.n <= {MAX_EMBEDDED}), '[]'),
                'truncated', count(*) > {MAX_EMBEDDED})
            FROM (SELECT x.id, row_number() OVER (ORDER BY x.id DESC) AS n, {json_object(document(seen))} AS document
                FROM ({found}) x ORDER BY x.id DESC LIMIT {MAX_EMBEDDED + 1}) o)""",
        [*visible.values, *visible.values],
    )


def seen_from_target(found: Resource) -> Resource:
    """Relationships as they look from their target."""
    return replace(found, document=_other_end(found.document), embeds=_other_end(found.embeds))


def _other_end(found: Mapping[str, str]) -> dict[str, str]:
    other = {
        key.replace("source", "?").replace("target", "source").replace("?", "target"): sql for key, sql in found.items()
    }
    return {key: other[key] for key in found}


def link_resource(
    seen: Seen, *, own: Mapping[str, Column] | None = None, deleted: bool = False,
    embeds: Mapping[str, str] | None = None,
) -> Resource:  # fmt: skip
    """Relationships that are alive, or removed ones. `own` are the fields of the one type that is asked about."""
    names = {name: str(found.id) for found, _ in seen for name in (str(found.id), found.slug)}
    type_column = Column("x.type_id", RelationshipTypeName(names), sortable=False)
    shown = document(seen)
    return Resource(
        table="my_relationships",
        alias=LINK,
        document=shown,
        columns={
            "id": Column("x.id", _ID),
            "relationship_type": type_column,
            "relationship_type_id": type_column,
            "source_record_id": Column("x.source_id", _ID),
            "target_record_id": Column("x.target_id", _ID),
            "source_pipeline_id": Column("x.source_pipeline_id", _ID),
            "target_pipeline_id": Column("x.target_pipeline_id", _ID),
            "status": StatusColumn(shown["status"], Word(STATUSES, any_case=True)),
            "is_bidirectional": Column("x.is_bidirectional", _FLAG),
            "effective_at": EffectiveColumn("x.effective_from", _TIME, sortable=False),
            "effective_from": Column("x.effective_from", _TIME),
            "effective_until": Column("x.effective_until", _TIME, nullable=True),
            "strength": Column("x.strength", _NUMBER),
            "metadata": StoredMetadataColumn("x.metadata", kind_named("json", {}), sortable=False),
            "created_at": Column("x.created_at", _TIME),
            "updated_at": Column("x.updated_at", _TIME),
            "created_by": Column("x.created_by", _ID, nullable=True),
            "updated_by": Column("x.updated_by", _ID, nullable=True),
            **(own or {}),
        },
        search=("x.metadata::text", f"({shown['data']})::text"),
        base=f"{ALIVE} AND x.deleted_at IS {'NOT ' if deleted else ''}NULL",
        embeds=embeds or {},
    )


_TOLD = (
    "id", "relationship_type", "relationship_type_id", "source_record_id", "target_record_id", "source_pipeline_id",
    "target_pipeline_id", "status", "is_bidirectional", "effective_at", "effective_from", "effective_until", "strength",
    "metadata", "created_at", "updated_at", "created_by", "updated_by",
)  # fmt: skip


def told_columns(seen: Seen) -> Mapping[str, Column]:
    """What may be asked of the state that an event tells of."""
    found = link_resource(seen).columns
    metadata = MetadataColumn("x.metadata", found["metadata"].type, sortable=False)
    return {name: metadata if name == "metadata" else found[name] for name in _TOLD}


def place_of(actor: Actor, link_ids: Sequence[UUID], visible: Sql) -> dict[UUID, tuple[UUID, UUID, UUID]]:
    """(type, source, target) of those of the relationships that fulfil the condition, removed ones too."""
    sql = (
        "SELECT x.id, x.type_id, x.source_id, x.target_id FROM my_relationships x "
        f"WHERE x.tenant_id = '{actor.tenant_id}' AND x.id = ANY(%s::uuid[]) AND {ALIVE} AND {visible.text}"
    )
    rows = message.read(actor, sql, [[str(found) for found in link_ids], *visible.values], keep=True).rows
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


LINKS = link_resource((), embeds=end_records(()))
"""What relationships may be asked, whoever asks."""
