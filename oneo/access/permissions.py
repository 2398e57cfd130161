"""The catalogue: everything that can be granted."""

from __future__ import annotations

from enum import StrEnum


class P(StrEnum):
    """`resource:action`. Pipeline-bound ones may be granted for some pipelines and some rows; those about relationships
    for some relationship types."""

    TENANT_READ = "tenant:read"
    TENANT_UPDATE = "tenant:update"
    USERS_READ = "users:read"
    USERS_CREATE = "users:create"
    USERS_UPDATE = "users:update"
    USERS_DELETE = "users:delete"
    USER_TYPES_READ = "user_types:read"
    USER_TYPES_CREATE = "user_types:create"
    USER_TYPES_UPDATE = "user_types:update"
    USER_TYPES_DELETE = "user_types:delete"
    AUDIT_READ = "audit:read"
    ANALYTICS_READ = "analytics:read"
    SYSTEM_READ = "system:read"
    PIPELINES_READ_ALL = "pipelines:read_all"
    PIPELINES_READ = "pipelines:read"
    PIPELINES_CREATE = "pipelines:create"
    PIPELINES_UPDATE = "pipelines:update"
    PIPELINES_DELETE = "pipelines:delete"
    RECORDS_READ = "records:read"
    RECORDS_CREATE = "records:create"
    RECORDS_UPDATE = "records:update"
    RECORDS_DELETE = "records:delete"
    RECORDS_PURGE = "records:purge"
    COMMENTS_CREATE = "comments:create"
    RELATIONSHIPS_READ = "relationships:read"
    RELATIONSHIPS_CREATE = "relationships:create"
    RELATIONSHIPS_UPDATE = "relationships:update"
    RELATIONSHIPS_DELETE = "relationships:delete"
    RELATIONSHIPS_PURGE = "relationships:purge"

    @property
    def about(self) -> str:
        return _ABOUT[self]

    @property
    def per_pipeline(self) -> bool:
        return self in _PER_PIPELINE

    @property
    def per_row(self) -> bool:
        return self in _PER_ROW


def has_fields(permission: str) -> bool:
    """Whether grants of this may hide fields or make them read-only."""
    return permission in _PER_PIPELINE


EVERYTHING = "*"
"""Grants every permission, those of later versions too. Who holds it is an administrator."""

_ABOUT = {
    P.TENANT_READ: "See the tenant's settings.",
    P.TENANT_UPDATE: "Change the tenant's settings.",
    P.USERS_READ: "See users.",
    P.USERS_CREATE: "Add users.",
    P.USERS_UPDATE: "Change users, their user types and passwords.",
    P.USERS_DELETE: "Remove and restore users.",
    P.USER_TYPES_READ: "See user types and their grants.",
    P.USER_TYPES_CREATE: "Add user types.",
    P.USER_TYPES_UPDATE: "Change user types and their grants.",
    P.USER_TYPES_DELETE: "Remove user types.",
    P.AUDIT_READ: "Read the audit log.",
    P.ANALYTICS_READ: "See figures about the tenant's use.",
    P.SYSTEM_READ: "See versions, revisions and limits of the server.",
    P.PIPELINES_READ_ALL: "See every pipeline.",
    P.PIPELINES_READ: "See a pipeline and its fields.",
    P.PIPELINES_CREATE: "Add pipelines.",
    P.PIPELINES_UPDATE: "Change a pipeline and its fields.",
    P.PIPELINES_DELETE: "Remove a pipeline.",
    P.RECORDS_READ: "See records.",
    P.RECORDS_CREATE: "Add records.",
    P.RECORDS_UPDATE: "Change records.",
    P.RECORDS_DELETE: "Remove and restore records.",
    P.RECORDS_PURGE: "Erase records for good.",
    P.COMMENTS_CREATE: "Comment on the records that one sees, and change one's own comments.",
    P.RELATIONSHIPS_READ: "See relationships between records that one sees.",
    P.RELATIONSHIPS_CREATE: "Relate records that one sees.",
    P.RELATIONSHIPS_UPDATE: "Change, activate and deactivate relationships.",
    P.RELATIONSHIPS_DELETE: "Remove and restore relationships.",
    P.RELATIONSHIPS_PURGE: "Erase relationships for good.",
}

_PER_ROW = frozenset({P.RECORDS_READ, P.RECORDS_UPDATE, P.RECORDS_DELETE, P.RECORDS_PURGE})
_PER_PIPELINE = _PER_ROW | {
    P.RECORDS_CREATE, P.COMMENTS_CREATE, P.PIPELINES_READ, P.PIPELINES_UPDATE, P.PIPELINES_DELETE,
    P.RELATIONSHIPS_READ, P.RELATIONSHIPS_CREATE, P.RELATIONSHIPS_UPDATE, P.RELATIONSHIPS_DELETE,
    P.RELATIONSHIPS_PURGE,
}  # fmt: skip


class Access:
    """What a route may ask instead of a permission."""

    def __init__(self, name: str) -> None:
        self.name = name


PUBLIC = Access("public")
"""Anybody, without a token."""
LOGGED_IN = Access("logged in")
"""Anybody with a token: one's own things, or what the operations decide."""
SESSION = Access("session")
"""Anybody who has logged in, but no API key: the account itself, its logins, its keys."""
