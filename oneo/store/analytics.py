"""Figures about a tenant, counted by PostgreSQL in one message."""

from __future__ import annotations

from oneo.actor import Actor
from oneo.event_types import types_of
from oneo.store import message

_FIGURES = """
SELECT json_build_object(
    'users', (SELECT json_build_object(
        'total', count(*) FILTER (WHERE deleted_at IS NULL),
        'active', count(*) FILTER (WHERE deleted_at IS NULL AND is_active),
        'deleted', count(*) FILTER (WHERE deleted_at IS NOT NULL))
        FROM users WHERE tenant_id = %(tenant)s AND NOT is_system),
    'user_types', (SELECT count(*) FROM roles WHERE tenant_id = %(tenant)s AND deleted_at IS NULL),
    'pipelines', (SELECT count(*) FROM pipelines
                  WHERE tenant_id = %(tenant)s AND kind = 'record' AND deleted_at IS NULL),
    'sessions', (SELECT count(*) FROM sessions
                 WHERE tenant_id = %(tenant)s AND revoked_at IS NULL AND expires_at > now()),
    'api_keys', (SELECT count(*) FROM api_keys
                 WHERE tenant_id = %(tenant)s AND revoked_at IS NULL AND coalesce(expires_at > now(), true)),
    'days', %(days)s,
    'active_users', (SELECT count(DISTINCT actor_id) FROM recent WHERE actor_kind <> 'system'),
    'events', (SELECT count(*) FROM recent),
    'events_by_type', (SELECT coalesce(json_object_agg(type, n ORDER BY type), '{}')
                       FROM (SELECT type, count(*) AS n FROM recent GROUP BY type) types),
    'events_by_day', (SELECT json_agg(json_build_object('date', (day AT TIME ZONE %(zone)s)::date, 'count',
                          (SELECT count(*) FROM recent r WHERE r.day = days.day)) ORDER BY day)
                      FROM generate_series(date_trunc('day', now(), %(zone)s) - %(days)s * interval '1 day'
                          + interval '1 day', date_trunc('day', now(), %(zone)s), '1 day', %(zone)s) AS days(day))
)::text
"""

_RECENT = """
WITH recent AS MATERIALIZED (
    SELECT type, actor_id, actor_kind, date_trunc('day', occurred_at, %(zone)s) AS day FROM events
    WHERE tenant_id = %(tenant)s AND type = ANY(%(types)s)
    AND occurred_at >= date_trunc('day', now(), %(zone)s) - %(days)s * interval '1 day' + interval '1 day'
)
"""

_SYSTEM = """
SELECT json_build_object(
    'database_version', current_setting('server_version'),
    'migration', (SELECT version_num FROM alembic_version),
    'event_seq', (SELECT seq FROM tenant_clocks WHERE tenant_id = %(tenant)s),
    'access_revision', p.access_revision, 'schema_revision', p.schema_revision)::text
FROM tenant_profiles p WHERE p.tenant_id = %(tenant)s AND p.id = %(tenant)s
"""


def figures(actor: Actor, *, days: int, zone: str) -> str:
    """JSON text. Days begin at the midnight of the zone."""
    parameters = {"tenant": actor.tenant_id, "days": days, "zone": zone, "types": types_of()}
    rows = message.read(actor, _RECENT + _FIGURES, parameters).rows
    text: str = rows[0][0]
    return text


def system(actor: Actor) -> str:
    """JSON text: what the database says of itself and of the tenant."""
    text: str = message.read(actor, _SYSTEM, {"tenant": actor.tenant_id}).rows[0][0]
    return text
