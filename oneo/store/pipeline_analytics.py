"""Figures about the records of one pipeline, counted by PostgreSQL in one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from oneo.actor import Actor
from oneo.fields.shapes import PipelineShape
from oneo.filters.sql import Sql
from oneo.store import message
from oneo.store.records import title_sql
from oneo.store.resources import moment

RECENT = 20
_CHANGES = "'record.created', 'record.updated', 'record.deleted', 'record.restored'"


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the tenant's time zone: so many, the last of them `until`, or all from `since` on; today if not said."""

    count: int
    since: date | None = None
    until: date | None = None


def figures(
    actor: Actor, shape: PipelineShape, *, hidden: frozenset[str], scope: Sql, links: Sql, days: Days, zone: str
) -> str:  # fmt: skip
    """JSON text. `links` are the relationships `x` that the caller may see, `zone` the time zone of tenants that have
    not chosen one. What happened to a record is told to whom the scope shows it as it is now; what happened to hidden
    fields alone did not happen.
    """
    names = ",".join(sorted(f"data.{slug}" for slug in hidden))
    source = _Source(f"'{actor.tenant_id}'::uuid", shape, hidden, f"'{{{names}}}'::text[]")
    sql = f"WITH {_span(source, days.count)}, {_rows(source, scope.text)} SELECT {_document(source, links.text)}::text"
    text: str = message.read(actor, sql, [zone, days.until, days.since, *scope.values, *links.values]).rows[0][0]
    return text


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose records of which pipeline, as SQL; `names` are hidden fields as events call them."""

    tenant: str
    shape: PipelineShape
    hidden: frozenset[str]
    names: str

    @property
    def told(self) -> str:
        return f"(e.type <> 'record.updated' OR NOT e.changed_fields::text[] <@ {self.names})"

    @property
    def events(self) -> str:
        return f"events e ON e.tenant_id = {self.tenant} AND e.subject_id = r.id AND e.type IN ({_CHANGES})"


def _span(source: _Source, count: int) -> str:
    """Takes the usual zone, the last day and the first; both days may be null."""
    return f"""zone AS (
    SELECT coalesce((SELECT settings->>'timezone' FROM tenant_profiles
                     WHERE tenant_id = {source.tenant} AND id = {source.tenant}), %s) AS name
), named AS (
    SELECT name, (now() AT TIME ZONE name)::date AS today, coalesce(%s::date, (now() AT TIME ZONE name)::date) AS last,
           %s::date AS since FROM zone
), span AS (
    SELECT name, today, last, coalesce(since, last - {count - 1:d}) AS first FROM named
), bounds AS MATERIALIZED (
    SELECT *, today::timestamp AT TIME ZONE name AS midnight, first::timestamp AT TIME ZONE name AS begins,
           (last + 1)::timestamp AT TIME ZONE name AS ends FROM span
)"""


def _rows(source: _Source, scope: str) -> str:
    """The caller's records, the events of the range among theirs, and the records that changed last."""
    return f"""mine AS NOT MATERIALIZED (
    SELECT r.* FROM my_records r WHERE r.tenant_id = {source.tenant} AND r.pipeline_id = '{source.shape.id}' AND {scope}
), seen AS MATERIALIZED (
    SELECT e.type, e.actor_id, e.actor_kind, (e.occurred_at AT TIME ZONE b.name)::date AS day
    FROM bounds b, mine r JOIN {source.events}
    WHERE r.updated_at >= (SELECT begins FROM bounds) AND e.occurred_at >= b.begins AND e.occurred_at < b.ends
    AND {source.told}
), latest AS (
    SELECT r.* FROM mine r WHERE r.deleted_at IS NULL ORDER BY r.updated_at DESC, r.id DESC LIMIT {RECENT}
), gone AS (
    SELECT r.* FROM mine r WHERE r.deleted_at IS NOT NULL ORDER BY r.updated_at DESC, r.id DESC LIMIT {RECENT}
)"""


def _document(source: _Source, links: str) -> str:
    alive = "(SELECT count(*) FROM mine r WHERE r.deleted_at IS NULL"
    # Either way round: one between two records of the pipeline is one.
    related = f"""SELECT count(*) FROM my_relationships x WHERE x.tenant_id = {source.tenant}
        AND x.deleted_at IS NULL AND NOT x.is_dormant
        AND '{source.shape.id}' IN (x.source_pipeline_id, x.target_pipeline_id) AND {links}"""
    return f"""json_build_object(
    'record_count', {alive}),
    'records_created_today', {alive} AND r.created_at >= (SELECT midnight FROM bounds)),
    'records_updated_today', {alive} AND r.updated_at >= (SELECT midnight FROM bounds)),
    'field_count', {len(source.shape.fields.keys() - source.hidden):d},
    'relationship_count', ({related}),
    'active_users', (SELECT count(DISTINCT actor_id) FROM seen WHERE actor_kind <> 'system'),
    'recent_activity', {_recent(source)},
    'from', (SELECT first FROM bounds), 'to', (SELECT last FROM bounds), 'timezone', (SELECT name FROM bounds),
    'by_day', (SELECT coalesce(json_agg(json_build_object('date', d.day, 'created', coalesce(n.created, 0),
                   'updated', coalesce(n.updated, 0), 'deleted', coalesce(n.deleted, 0)) ORDER BY d.day), '[]')
               FROM (SELECT generate_series(first, last, '1 day')::date AS day FROM bounds) d
               LEFT JOIN (SELECT day, {_counted("created")}, {_counted("updated")}, {_counted("deleted")}
                          FROM seen GROUP BY day) n ON n.day = d.day),
    'by_status', (SELECT coalesce(json_object_agg(status, n ORDER BY n DESC, status), '{{}}')
                  FROM (SELECT status, count(*) AS n FROM mine r WHERE r.deleted_at IS NULL GROUP BY status) found))"""


def _counted(name: str) -> str:
    return f"count(*) FILTER (WHERE type = 'record.{name}') AS {name}"


def _recent(source: _Source) -> str:
    """The last changes of the records that changed last: no other record can have a later one."""
    title = title_sql(source.shape, source.hidden, "r")
    return f"""(SELECT coalesce(json_agg(json_build_object(
        'type', a.type, 'event_type', split_part(a.type, '.', 2), 'record_id', a.id, 'title', a.title,
        'occurred_at', {moment("a.occurred_at")}, 'actor', json_build_object('id', a.actor_id, 'kind', a.actor_kind),
        'version', a.version, 'changed_fields', a.changed_fields) ORDER BY a.seq DESC), '[]')
        FROM (SELECT e.seq, e.type, r.id, CASE WHEN r.deleted_at IS NULL THEN {title} END AS title, e.occurred_at,
                     e.actor_id, e.actor_kind, e.version,
                     ARRAY(SELECT c FROM unnest(e.changed_fields) c WHERE c <> ALL({source.names})) AS changed_fields
              FROM (SELECT * FROM latest UNION ALL SELECT * FROM gone) r JOIN {source.events}
              WHERE {source.told} ORDER BY e.seq DESC LIMIT {RECENT}) a)"""
