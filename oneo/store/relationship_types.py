"""How relationship types and their constraints are shown and asked about, and what is in the way of changing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its case

from oneo.actor import Actor
from oneo.fields.dates import DateTime
from oneo.fields.scalars import Boolean, Identifier, Integer, Keyword, Text
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.models.pipeline import CARDINALITIES, ON_DELETE
from oneo.models.relationship import CONSTRAINT_KINDS
from oneo.store import message
from oneo.store.conversion import RELATIONSHIPS, counted
from oneo.store.link_sight import Group, record_within
from oneo.store.pipelines import Hidden, array, fields_sql
from oneo.store.resources import Resource, moment_keys, plain_keys

_ID, _TEXT, _WORD, _FLAG, _NUMBER, _TIME = Identifier(), Text(), Keyword(), Boolean(), Integer(), DateTime()
_CONSTRAINT = {
    "id": "c.id",
    "relationship_type_id": "c.type_id",
    **plain_keys("c", "constraint_type", "source_pipeline_id", "target_pipeline_id", "min_instances", "max_instances"),
    **plain_keys("c", "is_required", "constraint_metadata"),
    **moment_keys("c", "created_at", "updated_at"),
    **plain_keys("c", "version"),
}
_SHOWN = ", ".join(f'{sql} AS "{key}"' for key, sql in _CONSTRAINT.items())
_CONSTRAINTS = f"""(SELECT coalesce(json_agg(row_to_json(d)), '[]') FROM (SELECT {_SHOWN}
    FROM relationship_constraints c WHERE c.tenant_id = p.tenant_id AND c.type_id = p.id ORDER BY c.id) d)"""
_ALIVE = "(SELECT a.id FROM pipelines a WHERE a.tenant_id = p.tenant_id AND a.deleted_at IS NULL)"
_COUNT = f"""(SELECT count(*) FROM my_relationships x WHERE x.tenant_id = p.tenant_id AND x.type_id = p.id
    AND x.deleted_at IS NULL AND NOT x.is_dormant
    AND x.source_pipeline_id IN {_ALIVE} AND x.target_pipeline_id IN {_ALIVE})"""


def type_resource(counted_types: Iterable[UUID] | None, hidden: Hidden, *, whole: bool = False) -> Resource:
    """`counted_types` are those of which the caller may see all relationships; None is every one. `whole`: with fields
    and constraints.
    """
    count_fields, show_fields = fields_sql(hidden)
    count = _COUNT
    if counted_types is not None:
        count = f"CASE WHEN p.id::text = ANY({array(str(found) for found in counted_types)}) THEN {_COUNT} END"
    document = {
        **plain_keys("p", "id", "slug", "name", "description", "is_active", "source_pipeline_id", "target_pipeline_id"),
        **plain_keys("p", "cardinality", "is_bidirectional", "forward_label", "reverse_label", "on_delete", "settings"),
        **plain_keys("p", "graphql_name"),
        "relationship_count": count,
        "field_count": count_fields,
        **plain_keys("p", "created_by", "updated_by"),
        **moment_keys("p", "created_at", "updated_at", "deleted_at"),
        **plain_keys("p", "version"),
    }
    if whole:
        document |= {"fields": show_fields, "constraints": _CONSTRAINTS}
    return Resource(
        table="pipelines",
        alias="p",
        base="p.kind = 'relationship'",
        document=document,
        columns={
            "id": Column("p.id", _ID),
            "name": Column("p.name", _TEXT),
            "slug": Column("p.slug", _WORD),
            "is_active": Column("p.is_active", _FLAG),
            "source_pipeline_id": Column("p.source_pipeline_id", _ID, nullable=True),
            "target_pipeline_id": Column("p.target_pipeline_id", _ID, nullable=True),
            "cardinality": Column("p.cardinality", Word(CARDINALITIES)),
            "is_bidirectional": Column("p.is_bidirectional", _FLAG),
            "on_delete": Column("p.on_delete", Word(ON_DELETE)),
            "relationship_count": Column(count, _NUMBER, nullable=True),
            "created_by": Column("p.created_by", _ID, nullable=True),
            "created_at": Column("p.created_at", _TIME),
            "updated_at": Column("p.updated_at", _TIME),
        },
        search=("p.name", "p.description", "p.forward_label", "p.reverse_label"),
    )


def constraint_resource(type_id: UUID) -> Resource:
    return Resource(
        table="relationship_constraints",
        alias="c",
        base=f"c.type_id = '{type_id}'",
        document=_CONSTRAINT,
        columns={
            "id": Column("c.id", _ID),
            "constraint_type": Column("c.constraint_type", Word(CONSTRAINT_KINDS)),
            "source_pipeline_id": Column("c.source_pipeline_id", _ID, nullable=True),
            "target_pipeline_id": Column("c.target_pipeline_id", _ID, nullable=True),
            "min_instances": Column("c.min_instances", _NUMBER),
            "max_instances": Column("c.max_instances", _NUMBER, nullable=True),
            "is_required": Column("c.is_required", _FLAG),
            "created_at": Column("c.created_at", _TIME),
            "updated_at": Column("c.updated_at", _TIME),
        },
        order="created_at",
    )


def elsewhere(
    connection: Connection, tenant_id: UUID, type_id: UUID, ends: Mapping[str, UUID | None]
) -> tuple[int, list[str]]:  # fmt: skip
    """How many relationships of the type have other ends than these pipelines, and the ids of some; None is any.

    Those whose records are removed count, because they come back with them.
    """
    tests = [f"r.{end}_pipeline_id <> '{found}'" for end, found in ends.items() if found is not None]
    if not tests:
        return 0, []
    return counted(connection, RELATIONSHIPS, tenant_id, type_id, f"r.deleted_at IS NULL AND ({' OR '.join(tests)})")


def readable_records(actor: Actor, ids: Sequence[UUID], groups: Sequence[Group]) -> set[UUID]:
    """Those of the ids that are records within the groups."""
    within = record_within(groups, "r.id", "r.pipeline_id", "r.tenant_id")
    sql = f"""SELECT r.id FROM my_records r WHERE r.tenant_id = '{actor.tenant_id}' AND r.id = ANY(%s::uuid[])
        AND r.deleted_at IS NULL AND {within.text}"""
    rows = message.read(actor, sql, [[str(found) for found in ids], *within.values]).rows
    return {row[0] for row in rows}


_NOBODY = UUID(int=0)
RELATIONSHIP_TYPES, CONSTRAINTS = type_resource(None, ()), constraint_resource(_NOBODY)
"""As somebody sees them from whom nothing is hidden: what lists of them take is documented from these."""
