"""Who acts: a value that every operation takes first. Never a model, never looked up below the faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from oneo.ids import new_id


class CredentialKind(StrEnum):
    SESSION = "session"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission, on all pipelines or some, for all rows, one's own or those a filter finds."""

    permission: str
    pipelines: frozenset[UUID] | None = None
    rows: str = "all"
    row_filter: Mapping[str, Any] | None = None
    hidden_fields: frozenset[str] = frozenset()
    read_only_fields: frozenset[str] = frozenset()

    def covers(self, pipeline_id: UUID | None) -> bool:
        return pipeline_id is None or self.pipelines is None or pipeline_id in self.pipelines


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller as last loaded: identity, grants, and the revisions at which these were true.

    Two actors are equal when all of this is; grants cannot be hashed and are left to the comparison.
    """

    tenant_id: UUID
    user_id: UUID
    credential: CredentialKind
    credential_id: UUID
    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict, hash=False)
    access_revision: int = 0
    schema_revision: int = 0

    @property
    def principal_id(self) -> UUID:
        """The API key, or the user for sessions, who may have many: to whom a kept answer or a list's tag belongs.

        A key is not its owner, since its scopes may let it see less.
        """
        return self.credential_id if self.credential is CredentialKind.API_KEY else self.user_id

    @property
    def is_system(self) -> bool:
        return self.credential is CredentialKind.SYSTEM


def system_user_id(tenant_id: UUID) -> UUID:
    """Each tenant has one system user, whose id follows from the tenant's."""
    return uuid5(tenant_id, "system")


def system_actor(tenant_id: UUID) -> Actor:
    """The server itself, at work inside one tenant; it may do everything and is named in events as `system`."""
    return Actor(
        tenant_id=tenant_id,
        user_id=system_user_id(tenant_id),
        credential=CredentialKind.SYSTEM,
        credential_id=new_id(),
        grants={"*": (Grant("*"),)},
    )
