"""Every table, so that one import knows them all."""

from __future__ import annotations

from oneo.models.base import Base, TenantOwned
from oneo.models.event import Event, IdempotencyKey
from oneo.models.pipeline import Field, Pipeline, RelationshipType, Slot, Template
from oneo.models.record import Comment, Record, is_declared
from oneo.models.relationship import Constraint, Relationship
from oneo.models.role import Role, UserRole
from oneo.models.tenant import Tenant, TenantClock, TenantDomain, TenantProfile
from oneo.models.user import ApiKey, Session, User

__all__ = [
    "ApiKey",
    "Base",
    "Comment",
    "Constraint",
    "Event",
    "Field",
    "IdempotencyKey",
    "Pipeline",
    "Record",
    "Relationship",
    "RelationshipType",
    "Role",
    "Session",
    "Slot",
    "Template",
    "Tenant",
    "TenantClock",
    "TenantDomain",
    "TenantOwned",
    "TenantProfile",
    "User",
    "UserRole",
    "is_declared",
]
