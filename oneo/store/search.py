"""Records of many pipelines in one list: newest first, or by how well they match the words that are searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from oneo.fields.pipelines import PipelineName
from oneo.fields.scalars import Integer
from oneo.fields.shapes import PipelineShape
from oneo.filters.columns import Column
from oneo.filters.sql import Sql, all_of, any_of
from oneo.store.records import ALIVE, ANY_PIPELINE, RECORDS, WORDS, data_sql, document, literal, title_sql, vector_sql
from oneo.store.resources import Resource

MOST_RANKED = 10_000
"""Of the records that match, so many of the newest are ranked and counted: no word is too common to be searched for."""
_COLUMNS = {name: RECORDS.columns[name] for name in
            ("id", "status", "version", "created_at", "updated_at", "created_by", "updated_by")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """A pipeline that the caller may read: what of it is hidden from him, and which records are within his scope."""

    shape: PipelineShape
    hidden: frozenset[str]
    scope: Sql


class RankColumn(Column):
    """How well a record matches: an order, and no value that could be asked for."""

    __slots__ = ()

    @property
    def cast(self) -> str:
        return "real"


def within(reaches: Iterable[Reach]) -> Sql:
    """Records that the caller may read. Pipelines of one and the same scope are asked for together."""
    groups: dict[tuple[str, str], tuple[Sql, list[str]]] = {}
    for reach in reaches:
        scope = reach.scope
        groups.setdefault((scope.text, repr(scope.values)), (scope, []))[1].append(str(reach.shape.id))
    return any_of(
        [all_of([Sql(f"r.pipeline_id = ANY('{{{','.join(ids)}}}'::uuid[])"), scope]) for scope, ids in groups.values()]
    )


def everywhere(reaches: Sequence[Reach]) -> Resource:
    """The records of all these pipelines. Ids rise with time, and their index serves the newest of any pipeline."""
    seen = _seen(reaches)
    names = {name: str(reach.shape.id) for reach in reaches for name in (str(reach.shape.id), reach.shape.slug)}
    return Resource(
        table="my_records",
        alias="r",
        document=_document(reaches, "r", "NULL::real"),
        columns={**_COLUMNS, "pipeline": Column("r.pipeline_id", PipelineName(names), sortable=False)},
        words=(WORDS,) if seen == WORDS else (WORDS, seen),
        order="-id",
        base=ALIVE,
    )


def ranked(tenant_id: UUID, reaches: Sequence[Reach], where: Sql, query: Sql) -> Resource:
    """Those of them that fulfil the condition, with a rank: from the words that the caller may see, and no others."""
    table = f"""(SELECT r.tenant_id, {", ".join(f"r.{name}" for name in _COLUMNS)},
            ts_rank({_seen(reaches)}, {query.text}) AS rank
        FROM my_records r WHERE r.tenant_id = '{tenant_id}' AND {ALIVE} AND {where.text}
        ORDER BY r.id DESC LIMIT {MOST_RANKED})"""
    return Resource(
        table=table,
        alias="r",
        document=_document(reaches, "f", "r.rank"),
        source="FROM my_records f WHERE f.tenant_id = r.tenant_id AND f.id = r.id",
        columns={**_COLUMNS, "rank": RankColumn("r.rank", Integer())},
        order="-rank",
        values=(*query.values, *where.values),
    )


def shared_document(reaches: Sequence[Reach], row: str) -> dict[str, str]:
    """Each key of the JSON of a record of any of the pipelines."""
    titles = {reach.shape.id: title_sql(reach.shape, reach.hidden, row) for reach in reaches}
    cut = {reach.shape.id: data_sql(reach.hidden, row) for reach in reaches if reach.hidden}
    return {
        **document(ANY_PIPELINE, frozenset(), row),
        "title": by_pipeline(row, titles, "NULL::text"),
        "data": by_pipeline(row, cut, f"{row}.data"),
    }


def _document(reaches: Sequence[Reach], row: str, rank: str) -> dict[str, str]:
    shapes = [reach.shape for reach in reaches]
    return {
        **shared_document(reaches, row),
        "pipeline": by_pipeline(row, {shape.id: _named(shape) for shape in shapes}, "NULL::json"),
        "rank": rank,
    }


def _seen(reaches: Iterable[Reach]) -> str:
    """The words of a record that the caller may find it by; where nothing is hidden, the indexed ones."""
    vectors = {reach.shape.id: vector_sql(reach.shape, reach.hidden) for reach in reaches}
    return by_pipeline("r", {key: sql for key, sql in vectors.items() if sql}, WORDS)


def by_pipeline(row: str, found: Mapping[UUID, str], otherwise: str) -> str:
    """SQL that each pipeline has of its own."""
    if not found:
        return otherwise
    cases = " ".join(f"WHEN '{pipeline}' THEN {sql}" for pipeline, sql in found.items())
    return f"CASE {row}.pipeline_id {cases} ELSE {otherwise} END"


def _named(shape: PipelineShape) -> str:
    return f"({literal(orjson.dumps({'id': shape.id, 'slug': shape.slug, 'name': shape.name}).decode())})::json"


EVERYWHERE = everywhere([])
"""What a search takes, whoever asks."""
