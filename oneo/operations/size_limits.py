"""How many pipelines, relationship types and fields a tenant may have, and how many values one call may bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from oneo.config import Settings
from oneo.errors import Fault, LimitReached, ValidationFailed
from oneo.events.unit import Unit
from oneo.models import Field, Pipeline

TYPES_FACTOR = 4


def check_pipelines(work: Unit, *, kind: str) -> None:
    """Raise LimitReached when a flushed pipeline or relationship type is one too many. Existing ones go on working."""
    limit = _settings().max_pipelines * (TYPES_FACTOR if kind == "relationship" else 1)
    count = work.session.scalar(
        select(func.count()).select_from(Pipeline).where(Pipeline.kind == kind, Pipeline.deleted_at.is_(None))
    )
    if (count or 0) > limit:
        what = "relationship types" if kind == "relationship" else "pipelines"
        raise LimitReached(f"A tenant has at most {limit} {what}.", extra={"limit": limit})


def check_fields(work: Unit) -> None:
    """Raise LimitReached when the tenant has too many fields now that new ones are flushed."""
    limit = _settings().max_fields
    count = work.session.scalar(
        select(func.count())
        .select_from(Field)
        .join(Pipeline, (Pipeline.tenant_id == Field.tenant_id) & (Pipeline.id == Field.pipeline_id))
        .where(Field.deleted_at.is_(None), Pipeline.deleted_at.is_(None))
    )
    if (count or 0) > limit:
        raise LimitReached(f"A tenant has at most {limit} fields.", extra={"limit": limit})


def check_cells(entries: Iterable[Mapping[str, Any]]) -> None:
    """Raise ValidationFailed when the entries of a bulk call have more values than one call may have."""
    limit = _settings().max_bulk_cells
    if sum(len(entry["data"]) for entry in entries if isinstance(entry.get("data"), dict)) > limit:
        message = f"A call takes at most {limit} values in all: send fewer entries at once."
        raise ValidationFailed(faults=[Fault("", "TOO_MANY_VALUES", message)])


def _settings() -> Settings:
    settings: Settings = current_app.extensions["oneo.settings"]
    return settings
