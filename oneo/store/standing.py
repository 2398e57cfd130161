"""The gate for many actors of a tenant in one message: who of them still is what he was held for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oneo.actor import Actor
from oneo.store import message

_STANDING = """
SELECT held.id FROM unnest(%s::text[], %s::uuid[], %s::uuid[], %s::int[], %s::int[])
     AS held(kind, id, user_id, access_revision, schema_revision)
WHERE oneo_gate(%s, held.kind, held.id, held.user_id, held.access_revision, held.schema_revision) IS NOT NULL
"""


def standing(tenant_id: UUID, actors: Sequence[Actor]) -> frozenset[UUID]:
    """The credentials of those who would pass the gate now."""
    columns = (
        [actor.credential.value for actor in actors],
        [str(actor.credential_id) for actor in actors],
        [str(actor.user_id) for actor in actors],
        [actor.access_revision for actor in actors],
        [actor.schema_revision for actor in actors],
    )
    return frozenset(row[0] for row in message.look_up(tenant_id, _STANDING, (*columns, tenant_id)))
