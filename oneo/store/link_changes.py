"""Changing relationships that are there: their values, their standing, their end and their return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oneo.actor import Actor
from oneo.filters.sql import Sql
from oneo.store.link_checks import Rules
from oneo.store.link_terms import Look
from oneo.store.link_writes import LinkOutcome, Reach, event_of, json_of, run, told, union
from oneo.store.links import Seen
from oneo.store.locks import Lock
from oneo.store.many import as_many

_CHANGE = """
, input AS MATERIALIZED (
    SELECT i.n, (i.b->>'id')::uuid AS id, i.b, CASE WHEN i.b ? 'versions'
           THEN ARRAY(SELECT jsonb_array_elements(i.b->'versions')::int) END AS versions
    FROM gate, jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS i(b, n) WHERE gate.seq IS NOT NULL
), before AS MATERIALIZED (
    SELECT b.* FROM (
        SELECT x.*, i.n, i.b, i.versions IS NULL OR x.version = ANY(i.versions) AS willing,
               coalesce(x.effective_until, 'infinity') AS hi
        FROM input i JOIN relationships x ON x.tenant_id = %(tenant)s AND x.id = i.id
        WHERE NOT x.is_dormant AND x.deleted_at IS {standing} NULL AND {scope} ORDER BY x.id FOR NO KEY UPDATE OF x
    ) b{many}
), prepared AS MATERIALIZED (
    SELECT b.n, b.id, b.type_id, b.source_id, b.target_id, b.source_pipeline_id, b.target_pipeline_id,
           {status} AS status, {deleted_at} AS new_deleted_at,
           coalesce((b.b->>'is_bidirectional')::boolean, b.is_bidirectional) AS is_bidirectional,
           coalesce((b.b->>'effective_from')::timestamptz, b.effective_from) AS lo,
           CASE WHEN b.b ? 'effective_until' THEN coalesce((b.b->>'effective_until')::timestamptz, 'infinity')
                ELSE b.hi END AS hi,
           coalesce((b.b->>'strength')::float8, b.strength) AS strength,
           CASE WHEN b.b ? 'metadata' THEN b.b->'metadata' ELSE
               (b.metadata || coalesce(b.b->'metadata_set', '{{}}'))
               - ARRAY(SELECT jsonb_array_elements_text(b.b->'metadata_unset')) END AS metadata,
           (b.data || coalesce(b.b->'set', '{{}}')) - ARRAY(SELECT jsonb_array_elements_text(b.b->'unset')) AS data,
           s.status AS source_status, t.status AS target_status,
           CASE WHEN s.deleted_at IS NOT NULL OR t.deleted_at IS NOT NULL THEN 'INACTIVE_THING' END AS end_fault,
           {event_before} AS former
    FROM before b JOIN my_records s ON s.tenant_id = %(tenant)s AND s.id = b.source_id
    JOIN my_records t ON t.tenant_id = %(tenant)s AND t.id = b.target_id WHERE b.willing
), standing AS MATERIALIZED (
    SELECT p.* FROM prepared p{many}
    WHERE p.status IN ('ACTIVE', 'PENDING') AND p.new_deleted_at IS NULL AND p.lo < p.hi
), wanted AS MATERIALIZED (
    SELECT p.* FROM standing p JOIN before b USING (n){many}
    WHERE (b.deleted_at IS NOT NULL OR b.status <> p.status OR p.lo < b.effective_from OR p.hi > b.hi
         OR p.is_bidirectional <> b.is_bidirectional)
), leaving AS MATERIALIZED (
    SELECT b.n, b.id, b.type_id, b.source_id, b.target_id, b.source_pipeline_id, b.target_pipeline_id,
           b.is_bidirectional, b.effective_from AS lo, b.hi
    FROM before b JOIN prepared p USING (n){many} WHERE b.status = 'ACTIVE' AND b.deleted_at IS NULL
    AND (p.status <> 'ACTIVE' OR p.lo > b.effective_from OR p.hi < b.hi
         OR (b.is_bidirectional AND NOT p.is_bidirectional))
), faults AS MATERIALIZED (
    SELECT n, 'VALIDATION_FAILED' AS code, NULL::uuid AS rule, NULL::text AS kind, 'effective_until' AS at,
           NULL::jsonb AS detail FROM prepared WHERE lo >= hi
    UNION ALL SELECT n, end_fault, NULL::uuid, NULL::text, 'source', NULL::jsonb FROM prepared
    WHERE end_fault IS NOT NULL AND new_deleted_at IS NULL
    UNION ALL SELECT n, 'VERSION_MISMATCH', NULL::uuid, NULL::text, 'version', jsonb_build_object('version', version)
    FROM before WHERE NOT willing
    {checks}
), done AS (
    UPDATE relationships x SET status = CASE p.status WHEN 'DELETED' THEN b.status ELSE p.status END,
           is_bidirectional = p.is_bidirectional, effective_from = p.lo, effective_until = nullif(p.hi, 'infinity'),
           strength = p.strength, metadata = p.metadata, data = p.data, deleted_at = p.new_deleted_at,
           version = x.version + 1, updated_at = now(), updated_by = %(actor)s
    FROM prepared p JOIN before b USING (n){many}
    WHERE x.tenant_id = %(tenant)s AND x.id = p.id AND NOT EXISTS (SELECT FROM faults)
    AND (p.status, p.is_bidirectional, p.lo, p.hi, p.strength, p.metadata, p.data, p.new_deleted_at) IS DISTINCT FROM
        (b.status, b.is_bidirectional, b.effective_from, b.hi, b.strength, b.metadata, b.data, b.deleted_at)
    RETURNING x.*, p.n, p.former
), shown AS (
    SELECT d.n, d.id, d.type_id, d.version, d.changed, {json} AS doc, {event} AS state, delta.old, delta.changed_fields
    FROM (
        SELECT {columns}, n, former, true AS changed FROM done
        UNION ALL SELECT {columns}, n, NULL, false FROM before
        WHERE n NOT IN (SELECT n FROM done)
    ) d
    CROSS JOIN LATERAL (SELECT {event} AS state) e
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(k, d.former->k) FILTER (WHERE k <> 'data'), '{{}}')
               || coalesce((SELECT jsonb_build_object('data', jsonb_object_agg(f, d.former->'data'->f)
                       FILTER (WHERE d.former->'data' ? f)) FROM ({parts}) p(f) HAVING count(*) > 0), '{{}}') AS old,
               coalesce(array_agg(k ORDER BY k) FILTER (WHERE k <> 'data'), '{{}}')
               || ARRAY(SELECT 'data.' || f FROM ({parts}) p(f) ORDER BY f) AS changed_fields
        FROM jsonb_object_keys(d.former) k
        WHERE d.former->k IS DISTINCT FROM e.state->k AND k NOT IN ('version', 'updated_at', 'updated_by')
    ) delta
    WHERE NOT EXISTS (SELECT FROM faults)
)"""

_PARTS = """SELECT j.f FROM (
                SELECT jsonb_object_keys(d.former->'data') UNION SELECT jsonb_object_keys(e.state->'data')) j(f)
            WHERE d.former->'data'->j.f IS DISTINCT FROM e.state->'data'->j.f"""
_COLUMNS = (
    "id, type_id, source_id, target_id, source_pipeline_id, target_pipeline_id, status, is_bidirectional, "
    "effective_from, effective_until, strength, metadata, data, version, created_at, updated_at, created_by, "
    "updated_by, deleted_at"
)


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What a kind of change does; `standing` is NOT for relationships that are removed."""

    event_type: str
    status: str = "coalesce(b.b->>'status', b.status)"
    deleted_at: str = "b.deleted_at"
    standing: str = ""


UPDATE = LinkChange("relationship.updated")
ACTIVATE = LinkChange("relationship.activated", status="'ACTIVE'")
DEACTIVATE = LinkChange("relationship.deactivated", status="'INACTIVE'")
DELETE = LinkChange("relationship.deleted", status="'DELETED'", deleted_at="now()")
RESTORE = LinkChange("relationship.restored", deleted_at="NULL::timestamptz", standing="NOT")


def change(
    actor: Actor, what: LinkChange, rows: Sequence[Mapping[str, Any]], *, scope: Sql, reach: Reach, rules: Rules,
    seen: Seen, locks: Sequence[Lock], reason: str | None = None, gone: Sequence[str] = (),
) -> LinkOutcome:  # fmt: skip
    """Rows have an id and may have status, is_bidirectional, effective_from, effective_until, strength, `metadata` as a
    whole or `metadata_set` and `metadata_unset`, `set` and `unset` of their own fields, and `versions`.

    Those that the scope does not reach are not in the outcome. If one breaks something, none is changed. `gone` are
    records that are being removed. Raises StaleActor.
    """
    condition, values = scope.named("scope")
    many = as_many(rows)
    sql = _sql(what, condition, reach, replace(rules, look=Look(True, many)), seen, many=many)
    return run(actor, sql, rows, locks=locks, reason=reason, more={**values, "gone": list(gone)})


def _sql(what: LinkChange, scope: str, reach: Reach, rules: Rules, seen: Seen, *, many: str) -> str:
    returning = rules.of_returning() if what is RESTORE else ()
    sql = _CHANGE.format(
        standing=what.standing,
        scope=scope,
        many=many,
        status=what.status,
        deleted_at=what.deleted_at,
        checks=union([*rules.of_wanted(), *rules.of_leaving(), *returning]),
        event_before=event_of(reach.types, "b"),
        json=json_of(seen),
        event=event_of(reach.types),
        columns=_COLUMNS,
        parts=_PARTS,
    )
    return sql + told(what.event_type)
