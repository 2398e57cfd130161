"""What a reader is shown of the log: which events, and their JSON without what is hidden from him. Audit, history and
sockets read it through this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

from oneo.event_types import EventType, Visibility, types_of
from oneo.filters.sql import TRUE, Sql, all_of, any_of
from oneo.store.link_sight import Group, record_within
from oneo.store.records import fallback_title
from oneo.store.resources import EVENTS, Resource

_RECORD, _PIPELINE = "starts_with(e.type, 'record.')", "starts_with(e.type, 'pipeline.')"
_LINK = "starts_with(e.type, 'relationship.')"
_VALUED = f"({_RECORD} OR {_LINK})"
"""Events of what has values of fields."""
_OWN_SLUG = """coalesce(e.data->>'slug',
    (SELECT f.slug FROM fields f WHERE f.tenant_id = e.tenant_id AND f.id = e.subject_id))"""
_IS_OF_TYPE = """EXISTS (SELECT FROM pipelines t WHERE t.tenant_id = e.tenant_id AND t.id = e.pipeline_id
    AND t.kind = 'relationship')"""
_TITLE_FIELD_THEN = """(SELECT p.data->>'title_field' FROM events p WHERE p.tenant_id = e.tenant_id
    AND p.subject_id = e.pipeline_id AND p.seq < e.seq AND starts_with(p.type, 'pipeline.')
    ORDER BY p.seq DESC LIMIT 1)"""
"""A title may have been made of another field than would make it now."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Slugs of fields that do not exist for the reader: by pipeline, and in those that are not named."""

    places: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.elsewhere) or any(self.places.values())

    def sql(self, place: str) -> str:
        """What is hidden in the pipeline that the expression names."""
        named = {found: _array(slugs) for found, slugs in self.places.items() if slugs != self.elsewhere}
        return _look_up(named, place, _array(self.elsewhere))


@dataclass(frozen=True, slots=True)
class Reach:
    """Records of these pipelines: all of them, or those of the scope now, which were also of it then."""

    pipelines: frozenset[UUID]
    scope: Sql
    scope_then: Sql


@dataclass(frozen=True)
class EventSight:
    resource: Resource
    condition: Sql

    @cached_property
    def key(self) -> tuple[str, str, str]:
        """Alike for those who are shown the same."""
        return self.resource.json(), self.condition.text, repr(self.condition.values)


def of_types(types: Iterable[EventType]) -> str:
    """Test that an event is of one of these types."""
    return f"e.type = ANY('{{{','.join(types)}}}'::varchar[])"


PLAIN = EventSight(EVENTS, Sql(f"({of_types(types_of())})"))
"""Every event of a known type, as it is."""


def event_sight(
    *, reaches: Iterable[Reach] | None, seen: Iterable[UUID] | None, seen_types: Iterable[UUID] | None = None,
    names: Hidden, values: Hidden, titles: Mapping[UUID, str], links: Sql = TRUE,
) -> EventSight:  # fmt: skip
    """`reaches` are the records that he reads, `seen` the pipelines and types that he sees: None is all. `names` hides
    fields from the schema, `values` in records and relationships; `titles` are names of pipelines, for records without
    a title. `links` says which events of relationships are there for him.
    """
    condition = _condition(reaches, links, _seen_tests(seen, seen_types), names, values)
    document = dict(EVENTS.document)
    if values:
        _cut_values(document, values.sql("e.pipeline_id"), titles)
    if names:
        _cut_pipelines(document, names.sql("e.subject_id"))
    resource = replace(EVENTS, document=document) if names or values else EVENTS
    return EventSight(resource, condition)


def links_within(types: Iterable[UUID], groups: Sequence[Group]) -> Sql:
    """Events of relationships of these types, the records at both ends of which are in one of the groups now.

    One that has been erased has no ends any more.
    """
    ends = [
        record_within(
            groups, f"(e.data->>'{end}_record_id')::uuid", f"(e.data->>'{end}_pipeline_id')::uuid", "e.tenant_id"
        )
        for end in ("source", "target")
    ]
    return all_of([Sql(f"(e.pipeline_id = ANY({_ids(types)}))"), *ends])


def _seen_tests(seen: Iterable[UUID] | None, seen_types: Iterable[UUID] | None) -> dict[Visibility, Sql]:
    """Whether the pipeline or relationship type of an event is one that the reader sees. Fields may be of either."""
    pipelines = "true" if seen is None else f"e.pipeline_id = ANY({_ids(seen)})"
    types = "true" if seen_types is None else f"e.pipeline_id = ANY({_ids(seen_types)})"
    either = types if pipelines == types else f"CASE WHEN {_IS_OF_TYPE} THEN {types} ELSE {pipelines} END"
    return {
        Visibility.PIPELINE: Sql(pipelines), Visibility.FIELD: Sql(either), Visibility.RELATIONSHIP_TYPE: Sql(types),
    }  # fmt: skip


def _condition(
    reaches: Iterable[Reach] | None, links: Sql, tests: dict[Visibility, Sql], names: Hidden, values: Hidden
) -> Sql:
    records, comments = TRUE, TRUE
    if reaches is not None:
        known = list(reaches)
        records = any_of([_reached(reach, "e.subject_id", then=True) for reach in known])
        comments = any_of([_reached(reach, "(e.data->>'record_id')::uuid", then=False) for reach in known])
    if values:
        some = f"EXISTS (SELECT FROM unnest(e.changed_fields) f WHERE {_is_shown(values.sql('e.pipeline_id'))})"
        records = all_of([records, Sql(f"(e.type <> 'record.updated' OR {some})")])
        links = all_of([links, Sql(f"(e.type <> 'relationship.updated' OR {some})")])
    pipelines, fields = tests[Visibility.PIPELINE], tests[Visibility.FIELD]
    if names:
        blind = f"e.changed_fields = ARRAY['title_field']::varchar[] AND {_is_blind(names.sql('e.subject_id'))}"
        pipelines = all_of([pipelines, Sql(f"(e.type <> 'pipeline.updated' OR NOT ({blind}))")])
        fields = all_of([fields, Sql(f"{_OWN_SLUG} <> ALL({names.sql('e.pipeline_id')})")])
    return _by_visibility({
        Visibility.RECORD: records, Visibility.RELATIONSHIP: links, Visibility.COMMENT: comments,
        Visibility.PIPELINE: pipelines, Visibility.FIELD: fields,
        Visibility.RELATIONSHIP_TYPE: tests[Visibility.RELATIONSHIP_TYPE], Visibility.LOG: TRUE,
    })  # fmt: skip


def _by_visibility(tests: Mapping[Visibility, Sql]) -> Sql:
    """Each event is judged by the test of its type's visibility. A type that no visibility covers is not shown."""
    free = [visibility for visibility, test in tests.items() if test.text == "true"]
    if len(free) == len(Visibility):
        return PLAIN.condition
    cut = {visibility: test for visibility, test in tests.items() if visibility not in free}
    cases = [f"WHEN {of_types(types_of(visibility))} THEN {test.text}" for visibility, test in cut.items()]
    return Sql(
        f"(CASE {' '.join(cases)} WHEN {of_types(types_of(*free))} THEN true ELSE false END)",
        [value for test in cut.values() for value in test.values],
    )


def _reached(reach: Reach, record_id: str, *, then: bool) -> Sql:
    """A record that has been erased is out of every scope but that of all records."""
    place = f"e.pipeline_id = ANY({_ids(reach.pipelines)})"
    if reach.scope.text == "true":
        return Sql(f"({place})")
    row = f"SELECT FROM my_records r WHERE r.tenant_id = e.tenant_id AND r.id = {record_id}"
    within = Sql(f"EXISTS ({row} AND {reach.scope.text})", reach.scope.values)
    both = all_of([within, reach.scope_then if then else TRUE])
    return Sql(f"(CASE WHEN {place} THEN {both.text} ELSE false END)", both.values)


def _cut_values(document: dict[str, str], hidden: str, titles: Mapping[UUID, str]) -> None:
    title = _look_up(
        {found: fallback_title(name, "e.subject_id") for found, name in titles.items()},
        "e.pipeline_id", "right(e.subject_id::text, 8)",
    )  # fmt: skip
    data = f"""SELECT CASE WHEN h.slugs = '{{}}' THEN e.data ELSE e.data || jsonb_build_object(
        'title', CASE WHEN {_TITLE_FIELD_THEN} = ANY(h.slugs) THEN to_jsonb({title}) ELSE e.data->'title' END,
        'data', (e.data->'data') - h.slugs) END FROM (SELECT {hidden} AS slugs) h"""
    link = f"e.data || jsonb_build_object('data', (e.data->'data') - {hidden})"
    old = f"""SELECT (e.old - 'data') || CASE WHEN k.rest = '{{}}' THEN '{{}}'
        ELSE jsonb_build_object('data', k.rest) END FROM (SELECT (e.old->'data') - {hidden} AS rest) k"""
    changed = f"SELECT f FROM unnest(e.changed_fields) WITH ORDINALITY AS u(f, n) WHERE {_is_shown(hidden)} ORDER BY n"
    document["data"] = f"CASE WHEN {_RECORD} THEN ({data}) WHEN {_LINK} THEN {link} ELSE e.data END"
    document["old"] = f"CASE WHEN {_VALUED} AND jsonb_exists(e.old, 'data') THEN ({old}) ELSE e.old END"
    document["changed_fields"] = f"CASE WHEN {_VALUED} THEN ARRAY({changed}) ELSE e.changed_fields END"


def _cut_pipelines(document: dict[str, str], hidden: str) -> None:
    """Names of title fields."""
    for key in ("data", "old"):
        without = f"""CASE WHEN e.{key}->>'title_field' = ANY({hidden})
            THEN e.{key} || '{{"title_field": null}}' ELSE e.{key} END"""
        if key == "old":
            without = f"CASE WHEN {_is_blind(hidden)} THEN e.old - 'title_field' ELSE {without} END"
        document[key] = f"CASE WHEN {_PIPELINE} THEN {without} ELSE {document[key]} END"
    changed = f"""CASE WHEN {_is_blind(hidden)} THEN array_remove(e.changed_fields, 'title_field')
        ELSE e.changed_fields END"""
    document["changed_fields"] = f"CASE WHEN {_PIPELINE} THEN {changed} ELSE {document['changed_fields']} END"


def _is_shown(hidden: str) -> str:
    """Of `f`, an entry of the changed fields of a record or a relationship."""
    return f"NOT (starts_with(f, 'data.') AND substr(f, 6) = ANY({hidden}))"


def _is_blind(hidden: str) -> str:
    """Neither the former nor the present title field of a pipeline is there for the reader."""
    return f"""NOT EXISTS (SELECT FROM unnest(ARRAY[e.old->>'title_field', e.data->>'title_field']) t
        WHERE t <> ALL({hidden}))"""


def _look_up(named: Mapping[UUID, str], place: str, otherwise: str) -> str:
    if not named:
        return otherwise
    rows = ", ".join(f"('{found}'::uuid, {value})" for found, value in sorted(named.items()))
    return f"coalesce((SELECT l.value FROM (VALUES {rows}) l(id, value) WHERE l.id = {place}), {otherwise})"


def _array(slugs: Iterable[str]) -> str:
    return f"'{{{','.join(sorted(slugs))}}}'::text[]"


def _ids(found: Iterable[UUID]) -> str:
    return f"'{{{','.join(sorted(map(str, found)))}}}'::uuid[]"
