"""Fields of a pipeline or a relationship type: what its records or relationships can hold. What would lose values is
refused, or done aloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import find_type
from oneo.access.schema import Sight, find_pipeline
from oneo.actor import Actor
from oneo.errors import FaultList, FieldNotFound, SlugTaken
from oneo.events.unit import Unit, unit
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import KINDS, kind_named, read_kind
from oneo.fields.kinds.terms import Family
from oneo.filters.sql import Sql
from oneo.ids import as_id
from oneo.models import Field, Pipeline
from oneo.operations import conversion, slots
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.operations.size_limits import check_fields
from oneo.operations.slug_checks import RESERVED, read_slug
from oneo.store import message
from oneo.store.conversion import RECORDS, RELATIONSHIPS, Rows
from oneo.store.lists import get_row
from oneo.store.pipelines import field_resource

MAX_FIELDS = 200
_PLAIN = ("name", "description", "display_order", "is_visible_in_list")


@dataclass(frozen=True, slots=True)
class Owner:
    """What has fields: how it is found by name, what has values of them, and whether these have index slots."""

    find: Callable[[Actor, str, P], Sight]
    rows: Rows
    has_slots: bool


PIPELINE = Owner(find_pipeline, RECORDS, has_slots=True)
RELATIONSHIP_TYPE = Owner(lambda actor, name, permission: find_type(actor, name, permission).own, RELATIONSHIPS,
                          has_slots=False)  # fmt: skip
_OWNERS = {"record": PIPELINE, "relationship": RELATIONSHIP_TYPE}


@cache
def title_kinds() -> frozenset[str]:
    """Kinds whose values can be titles."""
    families = {Family.TEXT, Family.NUMBER, Family.MOMENT, Family.CHOICE}
    return frozenset(name for name, kind in KINDS.items() if kind.family in families and name != "user")


def list_fields(
    actor: Actor, name: str, query: ListQuery, *, deleted: bool = False, of: Owner = PIPELINE
) -> Listing:  # fmt: skip
    """Raises PipelineNotFound, RelationshipTypeNotFound."""
    sight = of.find(actor, name, P.PIPELINES_UPDATE if deleted else P.PIPELINES_READ)
    hidden = policy.hidden_fields(actor, sight.shape.id) if deleted else sight.hidden
    return list_resource(actor, field_resource(sight.shape.id, hidden, deleted=deleted), query)


def get_field(actor: Actor, pipeline: str, name: str, *, of: Owner = PIPELINE) -> tuple[str, int]:
    """(JSON text, version), by id or slug. Raises PipelineNotFound, RelationshipTypeNotFound, FieldNotFound."""
    sight = of.find(actor, pipeline, P.PIPELINES_READ)
    return _shown(actor, sight, name)


def create_field(
    actor: Actor, pipeline: str, body: Mapping[str, Any], *,
    force: bool = False, faults: FaultList | None = None, of: Owner = PIPELINE,
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises SlugTaken, NoSlotLeft, FieldInUse, ValidationFailed."""
    sight = of.find(actor, pipeline, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        found = _locked_pipeline(work, sight.shape.id)
        last = work.session.scalar(select(func.max(Field.display_order)).where(Field.pipeline_id == found.id))
        faults, order = faults or FaultList(), 0 if last is None else last + 1
        [made] = add_fields(work, found, read_fields(work, found, [("", body)], faults, first=order), faults)
        if made.is_required:
            conversion.require_values(work, of.rows, sight, made, body, force=force)
        work.renew_schema()
        work.created(made, "field.created")
        return (made.id, *_shown(actor, sight, str(made.id)))


def read_fields(
    work: Unit, pipeline: Pipeline, entries: Sequence[tuple[str, Mapping[str, Any] | None]], faults: FaultList, *,
    first: int = 0, new: bool = False,
) -> list[tuple[Field, bool | None]]:  # fmt: skip
    """Fields that are wanted, each with whether an index is; an entry comes with where it stands in the request.

    The first has the place `first`. In a new pipeline no slug is taken. Of an entry that is None a fault is known.
    """
    taken: dict[str, datetime | None] = {} if new else _slugs(work, pipeline.id)
    wanted = []
    for order, (where, body) in enumerate(entries, first):
        if body is not None:
            field = _read_field(work, pipeline, body, where, order, faults)
            _check_free(taken, field.slug, where, faults)
            taken[field.slug or where] = None
            wanted.append((field, body.get("is_indexed")))
    return wanted


def add_fields(
    work: Unit, pipeline: Pipeline, wanted: Sequence[tuple[Field, bool | None]], faults: FaultList, *, new: bool = False
) -> list[Field]:
    """Store what `read_fields` has read, with index slots, flushed but not yet in the log. First raises the faults.

    Raises SlugTaken, NoSlotLeft, FieldInUse, ValidationFailed.
    """
    faults.check()
    room = slots.Room({}) if new else slots.Room.of(work, pipeline.id)
    held: dict[str, Field] = {}
    for field, is_indexed in wanted:
        field.pipeline_id = pipeline.id
        if _OWNERS[pipeline.kind].has_slots:
            plain = room.plain(kind_named(field.field_type, field.field_config), wanted=is_indexed)
            field.is_indexed = plain is not None
            names = [plain, room.unique() if field.is_unique else None]
            held |= {name: field for name in names if name}
    made = [field for field, _ in wanted]
    work.session.add_all(made)
    work.session.flush()
    check_fields(work)
    slots.hold(work, held, new=new)
    return made


def _read_field(
    work: Unit, pipeline: Pipeline, body: Mapping[str, Any], where: str, order: int, faults: FaultList
) -> Field:  # fmt: skip
    of = _OWNERS[pipeline.kind]
    slug = read_slug(body, faults, where, reserved=RESERVED)
    kind = read_kind(body["field_type"], faults, where + "/field_type") if "field_type" in body else None
    config: dict[str, Any] = {}
    if kind:
        if not faults.covers(where + "/field_config"):
            config = kind.read_config(body.get("field_config") or {}, faults, where + "/field_config")
        _check_flags(of, kind, body, faults, where)
        conversion.check_default(work, kind.name, config, faults, where + "/field_config")
    return Field(
        slug=slug, name=body.get("name", ""), description=body.get("description", ""),
        field_type=body.get("field_type", ""), field_config=config, is_required=body.get("is_required", False),
        is_unique=body.get("is_unique", False),
        display_order=body.get("display_order", order), is_visible_in_list=body.get("is_visible_in_list", True),
        created_by=work.actor.user_id, updated_by=work.actor.user_id,
    )  # fmt: skip


def update_field(
    actor: Actor, pipeline: str, name: str, body: Mapping[str, Any], *,
    force: bool = False, versions: frozenset[int] | None = None, faults: FaultList | None = None,
    of: Owner = PIPELINE,
) -> tuple[str, int]:  # fmt: skip
    """Changes what is given. A change that present values would not survive needs `force` or `default`.

    Raises FieldNotFound, VersionMismatch, FieldInUse, NoSlotLeft, ValidationFailed.
    """
    sight = of.find(actor, pipeline, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        _locked_pipeline(work, sight.shape.id)
        field = _locked(work, sight, name, versions)
        for key in _PLAIN:
            if key in body:
                setattr(field, key, body[key])
        faults = faults or FaultList()
        wanted = conversion.wanted_kind(work, field, body, faults)
        if wanted:
            flags = {"is_unique": body.get("is_unique", field.is_unique), **body}
            _check_flags(of, type(wanted), flags, faults, "")
        faults.check()
        if wanted and {"field_type", "field_config"} & body.keys():
            conversion.change_kind(work, of.rows, sight, field, wanted, body, force=force)
        if body.get("is_required") and not field.is_required:
            conversion.require_values(work, of.rows, sight, field, body, force=force)
        field.is_required = body.get("is_required", field.is_required)
        slots.fit(work, field, unique=body.get("is_unique"), indexed=body.get("is_indexed"))
        if work.differences(field):
            field.updated_by = actor.user_id
        if work.changed(field, "field.updated"):
            work.renew_schema()
        return _shown(actor, sight, str(field.id))


def delete_field(
    actor: Actor, pipeline: str, name: str, *,
    force: bool = False, versions: frozenset[int] | None = None, of: Owner = PIPELINE,
) -> None:  # fmt: skip
    """With values in records it is refused, or, with force, removed from sight with them until it is restored.

    Raises FieldNotFound, FieldInUse, VersionMismatch.
    """
    sight = of.find(actor, pipeline, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        found = _locked_pipeline(work, sight.shape.id)
        field = _locked(work, sight, name, versions)
        used = conversion.usage(work, of.rows, field)
        if used.count and not force:
            raise used.error(actor)
        if found.title_field == field.slug:
            work.lock(Pipeline, found.id)
            found.title_field = None
            work.changed(found, "pipeline.updated")
        slots.release(work, field)
        field.deleted_at, field.updated_by = datetime.now(UTC), actor.user_id
        work.changed(field, "field.deleted")
        work.renew_schema()
        if not used.count:
            work.session.delete(field)


def restore_field(
    actor: Actor, pipeline: str, name: str, *, versions: frozenset[int] | None = None, of: Owner = PIPELINE
) -> tuple[str, int]:
    """With the values that records still hold.

    Raises FieldNotFound, VersionMismatch, NoSlotLeft, and FieldInUse when they are no longer unique.
    """
    sight = of.find(actor, pipeline, P.PIPELINES_UPDATE)
    with unit(actor) as work:
        _locked_pipeline(work, sight.shape.id)
        field_id = _id_of(work, sight, name)
        field = work.lock(Field, field_id) if field_id else None
        if field is None or field.pipeline_id != sight.shape.id or field.deleted_at is None:
            raise FieldNotFound
        if field.slug in policy.hidden_fields(actor, sight.shape.id):
            raise FieldNotFound
        work.require_version(field, versions)
        field.deleted_at, field.updated_by = None, actor.user_id
        slots.come_back(work, field)
        work.changed(field, "field.restored")
        check_fields(work)
        work.renew_schema()
        return _shown(actor, sight, str(field.id))


def _check_flags(of: Owner, kind: type[Kind], body: Mapping[str, Any], faults: FaultList, where: str) -> None:
    if not of.has_slots:
        for flag, about in (("is_unique", "be unique"), ("is_indexed", "have an index")):
            if body.get(flag):
                faults.add(f"{where}/{flag}", "NOT_POSSIBLE", f"Fields of relationships cannot {about}.")
        return
    if body.get("is_unique") and not kind.is_unique:
        faults.add(where + "/is_unique", "NOT_POSSIBLE", f"A {kind.name} field cannot be unique.")
    if body.get("is_indexed") and kind.slot is None:
        faults.add(where + "/is_indexed", "NOT_POSSIBLE", f"A {kind.name} field has no index of its own.")


def _slugs(work: Unit, pipeline_id: UUID) -> dict[str, datetime | None]:
    """Those that are taken, with when their fields were removed; of a hidden field that is not told."""
    rows = work.session.execute(select(Field.slug, Field.deleted_at).where(Field.pipeline_id == pipeline_id))
    hidden = policy.hidden_fields(work.actor, pipeline_id)
    return {row.slug: None if row.slug in hidden else row.deleted_at for row in rows}


def _check_free(taken: Mapping[str, datetime | None], slug: str, where: str, faults: FaultList) -> None:
    if slug in taken:
        removed = (
            "A removed field has this slug, and records still hold its values: restore it, or choose another slug."
        )
        faults.add_conflict(SlugTaken(removed if taken[slug] else None, where=where + "/slug"))
    elif len(taken) >= MAX_FIELDS:
        faults.add(where, "TOO_MANY_FIELDS", f"A pipeline has at most {MAX_FIELDS} fields.")


def _locked_pipeline(work: Unit, pipeline_id: UUID) -> Pipeline:
    """With nobody writing records of it until the unit ends. Raises FieldNotFound when it has just gone."""
    message.stand_alone(work.connection, work.actor.tenant_id, pipeline_id, all_types=True)
    found = work.lock(Pipeline, pipeline_id)
    if found is None or found.deleted_at is not None:
        raise FieldNotFound
    return found


def _id_of(work: Unit, sight: Sight, name: str) -> UUID | None:
    """A removed field keeps its slug to itself, so there is one at most."""
    return as_id(name) or work.session.scalar(
        select(Field.id).where(Field.pipeline_id == sight.shape.id, Field.slug == name)
    )


def _locked(work: Unit, sight: Sight, name: str, versions: frozenset[int] | None) -> Field:
    """Of a field that is not there for the caller there is not even a version."""
    field_id = _id_of(work, sight, name)
    field = work.lock(Field, field_id) if field_id else None
    gone = field is None or field.pipeline_id != sight.shape.id or field.deleted_at is not None
    if field is None or gone or field.slug in sight.hidden:
        raise FieldNotFound
    work.require_version(field, versions)
    return field


def _shown(actor: Actor, sight: Sight, name: str) -> tuple[str, int]:
    field_id = as_id(name)
    where = Sql("f.id = %s", [field_id]) if field_id else Sql("f.slug = %s", [name])
    hidden = policy.hidden_fields(actor, sight.shape.id)
    found = get_row(actor, field_resource(sight.shape.id, hidden), where)
    if found is None:
        raise FieldNotFound
    return found
