"""Every table, so that one import knows them all."""

from __future__ import annotations

from oneo.models.base import Base, TenantOwned
from oneo.models.event import Event, IdempotencyKey
from oneo.models.pipeline import Pipeline
from oneo.models.role import Role, UserRole
from oneo.models.tenant import Tenant, TenantClock, TenantDomain, TenantProfile
from oneo.models.user import ApiKey, Session, User

__all__ = [
    "ApiKey",
    "Base",
    "Event",
    "IdempotencyKey",
    "Pipeline",
    "Role",
    "Session",
    "Tenant",
    "TenantClock",
    "TenantDomain",
    "TenantOwned",
    "TenantProfile",
    "User",
    "UserRole",
]
