"""Pipelines: the entity types of a tenant, made and changed at run time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import find_pipeline, schema_of, sees_pipeline
from oneo.actor import Actor
from oneo.errors import FaultList, PipelineNotFound, pointer
from oneo.events.unit import Unit, unit
from oneo.fields.kinds.registry import KINDS
from oneo.filters.sql import TRUE, Sql, all_of
from oneo.ids import as_id
from oneo.models import Field, Pipeline
from oneo.models.pipeline import DEFAULT_COLOR, DEFAULT_ICON, DEFAULT_TYPE
from oneo.operations.fields import add_fields, read_fields, title_kinds
from oneo.operations.lists import Listing, ListQuery, list_resource, picked
from oneo.operations.size_limits import check_fields, check_pipelines
from oneo.operations.slug_checks import RESERVED, note_taken_slug, read_slug
from oneo.operations.templates import with_template
from oneo.store import message
from oneo.store.lists import get_row
from oneo.store.pipelines import pipeline_resource
from oneo.store.resources import Resource

_DEFAULTS: Mapping[str, Any] = {
    "description": "", "pipeline_type": DEFAULT_TYPE, "icon": DEFAULT_ICON, "color": DEFAULT_COLOR, "is_active": True,
    "settings": {}, "title_field": None,
}  # fmt: skip
_PLAIN = ("name", "description", "pipeline_type", "icon", "color", "is_active", "settings")


def list_pipelines(actor: Actor, query: ListQuery, *, deleted: bool = False, with_fields: bool = False) -> Listing:
    """Those that the caller sees; inactive ones only where the query asks about `is_active`."""
    seen = (found for found in schema_of(actor).pipelines if sees_pipeline(actor, found))
    return list_shapes(actor, _resource(actor, with_fields=with_fields), query, seen, deleted=deleted)


def list_shapes(
    actor: Actor, resource: Resource, query: ListQuery, seen: Iterable[UUID], *, deleted: bool
) -> Listing:  # fmt: skip
    """Pipelines or relationship types: those that are `seen`, or all where the caller sees all."""
    if deleted:
        policy.require(actor, P.PIPELINES_DELETE)
    everything = policy.allows(actor, P.PIPELINES_READ_ALL)
    scope = [
        Sql("p.deleted_at IS NOT NULL") if deleted else Sql("p.deleted_at IS NULL"),
        TRUE if deleted or query.asks_about("is_active") else Sql("p.is_active = %s", [True]),
        TRUE if everything else Sql("p.id = ANY(%s::uuid[])", [[str(found) for found in seen]]),
    ]
    return list_resource(actor, resource, query, scope=all_of(scope))


def get_pipeline(actor: Actor, name: str, *, fields: str = "") -> tuple[str, int]:
    """(JSON text, version), by id or slug; all keys or those named. Raises PipelineNotFound."""
    found = schema_of(actor).find(as_id(name) or name)
    if found is None or not sees_pipeline(actor, found.id):
        raise PipelineNotFound
    return show_pipeline(actor, found.id, fields)


def create_pipeline(
    actor: Actor, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version); fields may be given with it, and a template. Raises SlugTaken, ValidationFailed."""
    policy.require(actor, P.PIPELINES_CREATE)
    with unit(actor) as work:
        faults = faults or FaultList()
        body, first = with_template(actor, body, faults)
        pipeline = make_pipeline(work, body, faults, first=first)
        return (pipeline.id, *show_pipeline(actor, pipeline.id))


def make_pipeline(
    work: Unit, body: Mapping[str, Any], faults: FaultList, *, first: Sequence[Mapping[str, Any]] = ()
) -> Pipeline:
    """Inside a unit; `first` are fields that come before those of the body. Raises SlugTaken, ValidationFailed."""
    slug = read_slug(body, faults, reserved=RESERVED)
    pipeline = Pipeline(
        slug=slug, template=body.get("template"), title_field=body.get("title_field"),
        created_by=work.actor.user_id, updated_by=work.actor.user_id,
    )  # fmt: skip
    for key in _PLAIN:
        if key in body:
            setattr(pipeline, key, body[key])
    entries: list[tuple[str, Mapping[str, Any] | None]] = [("/template", entry) for entry in first]
    entries += field_entries(body)
    wanted = read_fields(work, pipeline, entries, faults, new=True)
    if len(wanted) == len(entries) and all(field.slug for field, _ in wanted) and not _fields_unknown(faults):
        _check_title_field(pipeline.title_field, [field for field, _ in wanted], faults)
    note_taken_slug(work, Pipeline, slug, faults)
    faults.check()
    pipeline.graphql_name = graphql_name(work, slug)
    work.session.add(pipeline)
    work.session.flush()
    check_pipelines(work, kind="record")
    fields = add_fields(work, pipeline, wanted, faults, new=True)
    work.renew_schema()
    work.created(pipeline, "pipeline.created")
    for made in fields:
        work.created(made, "field.created")
    return pipeline


def _fields_unknown(faults: FaultList) -> bool:
    return faults.covers("/fields") or faults.covers("/template")


def update_pipeline(
    actor: Actor, name: str, body: Mapping[str, Any], *,
    whole: bool = False, versions: frozenset[int] | None = None, faults: FaultList | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given, or, when it is given whole, everything but the fields.

    Raises PipelineNotFound, VersionMismatch, SlugTaken, ValidationFailed.
    """
    sight, faults = find_pipeline(actor, name, P.PIPELINES_UPDATE), faults or FaultList()
    if whole:
        body = {**_DEFAULTS, **body}
    with unit(actor) as work:
        pipeline = lock_pipeline(work, sight.shape.id, versions=versions)
        for key in _PLAIN:
            if key in body:
                setattr(pipeline, key, body[key])
        unseen = whole and body["title_field"] is None and pipeline.title_field in sight.hidden
        if "title_field" in body and not unseen:
            seen = [found for found in fields_of(work, pipeline.id) if found.slug not in sight.hidden]
            pipeline.title_field = _check_title_field(body["title_field"], seen, faults)
        rename(work, pipeline, body, faults)
        pipeline.updated_by = actor.user_id
        if work.changed(pipeline, "pipeline.updated"):
            work.renew_schema()
        return show_pipeline(actor, pipeline.id)


def delete_pipeline(actor: Actor, name: str, *, versions: frozenset[int] | None = None) -> None:
    """Soft: its records are out of sight until it is restored. Raises PipelineNotFound, VersionMismatch."""
    sight = find_pipeline(actor, name, P.PIPELINES_DELETE)
    with unit(actor) as work:
        pipeline = lock_pipeline(work, sight.shape.id, versions=versions)
        pipeline.deleted_at, pipeline.updated_by = datetime.now(UTC), actor.user_id
        work.changed(pipeline, "pipeline.deleted")
        work.renew_schema()


def restore_pipeline(actor: Actor, name: str, *, versions: frozenset[int] | None = None) -> tuple[str, int]:
    """By id, or by the slug, which is that of the one deleted last. Raises PipelineNotFound when it is not deleted,
    VersionMismatch, SlugTaken when another has its slug now.
    """
    with unit(actor) as work:
        pipeline_id = as_id(name) or last_deleted(work, name)
        if pipeline_id is None or not policy.allows(actor, P.PIPELINES_DELETE, pipeline_id):
            raise PipelineNotFound
        pipeline = lock_pipeline(work, pipeline_id, versions=versions, deleted=True)
        pipeline.deleted_at, pipeline.updated_by = None, actor.user_id
        work.changed(pipeline, "pipeline.restored")
        check_pipelines(work, kind="record")
        check_fields(work)
        work.renew_schema()
        return show_pipeline(actor, pipeline.id)


def last_deleted(work: Unit, slug: str, *, kind: str = "record") -> UUID | None:
    """The pipeline that had the slug, or the relationship type."""
    return work.session.scalar(
        select(Pipeline.id)
        .where(Pipeline.slug == slug, Pipeline.kind == kind, Pipeline.deleted_at.is_not(None))
        .order_by(Pipeline.deleted_at.desc())
        .limit(1)
    )


def lock_pipeline(
    work: Unit, pipeline_id: UUID, *, versions: frozenset[int] | None = None, deleted: bool = False
) -> Pipeline:
    """The pipeline, with nobody writing records of it until the unit ends. Raises PipelineNotFound, VersionMismatch."""
    message.stand_alone(work.connection, work.actor.tenant_id, pipeline_id)
    pipeline = work.lock(Pipeline, pipeline_id)
    if pipeline is None or pipeline.kind != "record" or (pipeline.deleted_at is not None) != deleted:
        raise PipelineNotFound
    work.require_version(pipeline, versions)
    return pipeline


def fields_of(work: Unit, pipeline_id: UUID) -> Sequence[Field]:
    """Fields that are not removed, in display order."""
    return work.session.scalars(
        select(Field)
        .where(Field.pipeline_id == pipeline_id, Field.deleted_at.is_(None))
        .order_by(Field.display_order, Field.id)
    ).all()


def rename(work: Unit, found: Pipeline, body: Mapping[str, Any], faults: FaultList) -> None:
    """Give a locked pipeline or relationship type the slug of the body, if it is another one, after all other checks.

    Raises all the faults: SlugTaken, ValidationFailed.
    """
    slug = found.slug if body.get("slug", found.slug) == found.slug else read_slug(body, faults, reserved=RESERVED)
    note_taken_slug(work, Pipeline, slug, faults, but=found.id)
    faults.check()
    if slug != found.slug:
        found.slug, found.graphql_name = slug, graphql_name(work, slug)


def field_entries(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """The fields of a new pipeline's body, each with where it stands."""
    return [(pointer("fields", at), entry) for at, entry in enumerate(body.get("fields") or ())]


def _check_title_field(slug: str | None, fields: Sequence[Field], faults: FaultList) -> str | None:
    """It is one of the fields whose values can be titles; of a field without a known type that cannot be said."""
    suitable = [found.slug for found in fields if found.field_type in title_kinds()]
    unknown = [found.slug for found in fields if found.field_type not in KINDS]
    if slug is not None and slug not in suitable and slug not in unknown:
        faults.add("/title_field", "NOT_A_TITLE", "Values of this field cannot be titles.", allowed=suitable)
    return slug


def graphql_name(work: Unit, slug: str) -> str:
    """Made of the slug, and no other pipeline's or relationship type's: `a_1` and `a1` stay apart."""
    name = "".join(part.capitalize() for part in slug.split("_"))
    taken = set(
        work.session.scalars(
            select(Pipeline.graphql_name).where(Pipeline.graphql_name.op("~")(f"^{re.escape(name)}(_[0-9]+)?$"))
        )
    )
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def show_pipeline(actor: Actor, pipeline_id: UUID, fields: str = "") -> tuple[str, int]:
    resource = _resource(actor, whole=pipeline_id)
    found = get_row(actor, resource, Sql("p.id = %s", [pipeline_id]), picked(fields, resource))
    if found is None:
        raise PipelineNotFound
    return found


def _resource(actor: Actor, *, with_fields: bool = False, whole: UUID | None = None) -> Resource:
    """As the caller sees pipelines: counts where he sees all records, no trace of fields hidden from him. `whole`
    names one that is shown with its fields; it may have been restored just now.
    """
    pipelines = schema_of(actor).pipelines
    everywhere = any(
        grant.pipelines is None and grant.rows == "all" for grant in policy.granting(actor, P.RECORDS_READ)
    )
    counted = None if everywhere else [found for found in pipelines if policy.reads_all(actor, found)]
    hidden = [
        (found, slug)
        for found in {*pipelines, *([whole] if whole else ())}
        for slug in policy.hidden_fields(actor, found)
    ]
    return pipeline_resource(counted, hidden, with_fields=with_fields or whole is not None)
