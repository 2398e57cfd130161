"""Figures for administrators: how the tenant is used, and what it runs on."""

from __future__ import annotations

import platform
from typing import Any

import orjson
from flask import current_app

from oneo import __version__
from oneo.access import policy
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.config import Settings
from oneo.operations.tenants import get_time_zone
from oneo.store import analytics as store


def get_analytics(actor: Actor, *, days: int) -> str:
    """JSON text: people, credentials and what happened, by type and by day of the tenant's time zone."""
    policy.require(actor, P.ANALYTICS_READ)
    return store.figures(actor, days=days, zone=get_time_zone(actor))


def get_system(actor: Actor) -> dict[str, Any]:
    """Versions, revisions and the limits in force; nothing that would help an intruder."""
    policy.require(actor, P.SYSTEM_READ)
    settings: Settings = current_app.extensions["oneo.settings"]
    return {
        "version": __version__,
        "python_version": platform.python_version(),
        **orjson.loads(store.system(actor)),
        "limits": {
            "access_token_seconds": settings.access_token_seconds,
            "refresh_token_seconds": settings.refresh_token_seconds,
            "password_min_length": settings.password_min_length,
            "max_body_bytes": settings.max_body_bytes,
            "event_retention_days": settings.event_retention_days,
            "rate_limit_user": settings.rate_limit_user if settings.rate_limits else None,
            "rate_limit_tenant": settings.rate_limit_tenant if settings.rate_limits else None,
        },
    }
