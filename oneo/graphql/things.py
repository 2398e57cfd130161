"""The words of other systems: things, their classes, attributes and values; only the names differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

import graphene
from graphql import GraphQLResolveInfo

from oneo.access.schema import Sight
from oneo.actor import Actor
from oneo.errors import PipelineNotFound, RecordNotFound
from oneo.fields.kinds.terms import Family
from oneo.fields.shapes import FieldShape
from oneo.graphql.base import JSON, Context, DateTime
from oneo.graphql.exact import named, read_exactly
from oneo.graphql.selection import asked
from oneo.ids import as_id
from oneo.operations import records
from oneo.operations.ends import find_class

RECORD_KEYS = {
    "name": "title", "thing_class": "pipeline_id", "pipeline": "pipeline_id", "tenant_id": "id",
}  # fmt: skip
"""What is asked of a record under another name, and the key that it is made of."""
_MEMBERS = {
    Family.TEXT: "string_value", Family.CHOICE: "string_value", Family.NUMBER: "number_value",
    Family.FLAG: "boolean_value", Family.MOMENT: "date_value", Family.SET: "json_value",
    Family.DOCUMENT: "json_value",
}  # fmt: skip


class ThingClass(graphene.ObjectType):
    """A pipeline, or a relationship type."""

    id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    name = graphene.String(required=True)
    description = graphene.String()
    is_active = graphene.Boolean(required=True)


class Attribute(graphene.ObjectType):
    """A field of a pipeline or a relationship type."""

    id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    name = graphene.String(required=True)
    description = graphene.String()
    data_type = graphene.String(required=True, description="The field's type.")
    is_required = graphene.Boolean(required=True)

    @staticmethod
    def resolve_data_type(found: FieldShape, _info: object) -> str:
        return found.kind.name


class Value(graphene.ObjectType):
    """What a field says: in one of the members by its type, and exactly in `valueData`."""

    id = graphene.ID(required=True)
    attribute = graphene.Field(Attribute, required=True)
    value_data = JSON(required=True)
    string_value = graphene.String(description="Of texts, choices and users.")
    number_value = graphene.Float()
    boolean_value = graphene.Boolean()
    date_value = DateTime(description="Of dates and moments.")
    json_value = JSON(description="Of sets of choices and of JSON.")


class Thing(graphene.ObjectType):
    """A record."""

    id = graphene.ID(required=True)
    tenant_id = graphene.ID(required=True)
    name = graphene.String(required=True, description="The title.")
    thing_class = graphene.Field(ThingClass, required=True)
    created_at = DateTime(required=True)
    updated_at = DateTime(required=True)
    created_by = graphene.ID()
    version = graphene.Int(required=True)

    @staticmethod
    def resolve_tenant_id(_record: object, info: GraphQLResolveInfo) -> str:
        return str(info.context.actor.tenant_id)

    @staticmethod
    def resolve_name(record: dict[str, Any], _info: object) -> object:
        return record["title"]

    @staticmethod
    def resolve_thing_class(record: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return class_of(info, record["pipeline_id"])


class BetweenThings:
    """The ends of a relationship, as things."""

    source_thing_id = graphene.ID(required=True)
    source_thing = graphene.Field(Thing, required=True)
    target_thing_id = graphene.ID(required=True)
    target_thing = graphene.Field(Thing, required=True)

    @staticmethod
    def resolve_source_thing_id(link: dict[str, Any], _info: object) -> object:
        return link["source_record_id"]

    @staticmethod
    def resolve_source_thing(link: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return record_at(info, link["source_record_id"])

    @staticmethod
    def resolve_target_thing_id(link: dict[str, Any], _info: object) -> object:
        return link["target_record_id"]

    @staticmethod
    def resolve_target_thing(link: dict[str, Any], info: GraphQLResolveInfo) -> Any:
        return record_at(info, link["target_record_id"])


def get_thing(actor: Actor, info: GraphQLResolveInfo, *, id: str) -> dict[str, Any]:  # noqa: A002 - its name there
    """Raises RecordNotFound."""
    record_id = as_id(id)
    missing = RecordNotFound("There is no such thing.", extra={"thing_id": id})
    if record_id is None:
        raise missing
    keys = named({RECORD_KEYS.get(key, key) for key in asked(info)})
    try:
        found: dict[str, Any] = read_exactly(records.get_record(actor, record_id, fields=keys)[0])
    except RecordNotFound:
        raise missing from None
    return found


def record_at(info: GraphQLResolveInfo, record_id: str) -> dict[str, Any]:
    context: Context = info.context
    return context.ends.get(context.actor, record_id)


def class_of(info: GraphQLResolveInfo, class_id: str | None) -> Any:
    """None when the caller sees no such pipeline or type."""
    sight = find_class(info.context.actor, class_id) if class_id else None
    return sight.shape if sight else None


def attributes_of(info: GraphQLResolveInfo, class_id: str) -> list[FieldShape]:
    return list(_sight(info, class_id).fields.values())


def values_of(info: GraphQLResolveInfo, class_id: str, of: str, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that are there, in the order of the fields. `of` is what has them, which makes their ids."""
    for found in attributes_of(info, class_id):
        if data.get(found.slug) is not None:
            value = data[found.slug]
            member = _MEMBERS[found.kind.family]
            yield {"id": uuid5(UUID(of), str(found.id)), "attribute": found, "value_data": value, member: value}


def _sight(info: GraphQLResolveInfo, class_id: str) -> Sight:
    sight = find_class(info.context.actor, class_id)
    if sight is None:
        raise PipelineNotFound
    return sight
