"""A tenant written down as rows, from which others are cast at a small part of what making one costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from oneo.actor import system_user_id
from oneo.events.unit import Unit
from oneo.ids import new_id
from oneo.store import message

TABLES = (
    "tenants", "tenant_clocks", "tenant_profiles", "users", "roles", "user_roles", "sessions", "events",
)  # fmt: skip
"""Those that have rows of a new tenant, each after what it refers to."""
SLUG = "oneo_mould"
_SPELT = (SLUG, SLUG.title(), SLUG.replace("_", "-"))
_INSERTS = "; ".join(f"INSERT INTO {t} SELECT * FROM jsonb_populate_recordset(NULL::{t}, %s)" for t in TABLES)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORDS = re.compile(rf"{_UUID.pattern}|{'|'.join(_SPELT)}")


@dataclass(frozen=True)
class Mould:
    """The rows of a tenant with this slug, its ids in the order in which they were given."""

    rows: Mapping[str, str]
    ids: tuple[UUID, ...]
    tenant_id: UUID

    @classmethod
    def taken(cls, work: Unit) -> Mould:
        """Of the tenant of this unit."""
        tenant_id = work.actor.tenant_id
        rows = {table: message.execute(work.connection, _rows(table), (tenant_id,))[0][0] for table in TABLES}
        found = {UUID(one) for part in rows.values() for one in _UUID.findall(part)}
        return cls(rows, tuple(sorted(found - {tenant_id, system_user_id(tenant_id)})), tenant_id)

    def cast(self, work: Unit, slug: str) -> dict[UUID, UUID]:
        """A tenant like it, with the id of this unit's; its other ids by those of the mould."""
        tenant_id = work.actor.tenant_id
        ids = {old: new_id() for old in self.ids}
        ids[self.tenant_id] = tenant_id
        ids[system_user_id(self.tenant_id)] = system_user_id(tenant_id)
        words = {str(old): str(new) for old, new in ids.items()}
        words.update(zip(_SPELT, (slug, slug.title(), slug.replace("_", "-")), strict=True))
        rows = [_WORDS.sub(lambda found: words[found.group()], self.rows[table]) for table in TABLES]
        message.execute(work.connection, _INSERTS, rows)
        return ids


def _rows(table: str) -> str:
    return f"SELECT jsonb_agg(t)::text FROM {table} t WHERE t.{'id' if table == 'tenants' else 'tenant_id'} = %s"
