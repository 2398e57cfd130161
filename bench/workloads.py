"""The workloads: what is asked of Oneo, and the SQL that a bare server answers the same thing with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from oneo.store.resources import USERS


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the loader made, for requests and SQL to name."""

    tenant_id: UUID
    user_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Workload:
    """`sql` gives one row with the bytes of the answer in its only column."""

    name: str
    about: str
    path: str
    sql: Callable[[Loaded], str]


def _profile(loaded: Loaded) -> str:
    return (
        f"SELECT {USERS.json()}::text FROM users u "
        f"WHERE u.tenant_id = '{loaded.tenant_id}' AND u.id = '{loaded.user_id}' AND u.deleted_at IS NULL"
    )


def _users(loaded: Loaded) -> str:
    source = f"FROM users u WHERE u.tenant_id = '{loaded.tenant_id}' AND u.deleted_at IS NULL AND NOT u.is_system"
    return (
        f"SELECT '{{\"count\":' || (SELECT count(*) {source}) || ',\"results\":[' || string_agg(doc, ',') || ']}}' "
        f"FROM (SELECT {USERS.json()}::text AS doc {source} ORDER BY u.created_at DESC, u.id DESC LIMIT 50) page"
    )


WORKLOADS = (
    Workload("profile", "GET auth/user/profile", "/api/v1/auth/user/profile/", _profile),
    Workload("users", "GET users/, 50 of 1,000, exact count", "/api/v1/users/", _users),
)
