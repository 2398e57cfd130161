"""What is asked about relationships in the words of other systems, as our operations take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from graphene.utils.str_converters import to_snake_case

from oneo.errors import FaultList, ValidationFailed
from oneo.graphql.base import JSON, DateTime
from oneo.graphql.records import RecordFilters


class RelationshipStatus(graphene.Enum):
    """Whether a relationship holds; DELETED is that of removed ones."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    PENDING = "PENDING"
    DELETED = "DELETED"


class SortDirection(graphene.Enum):
    """Ascending or descending."""

    ASC = "ASC"
    DESC = "DESC"


class TraversalDirection(graphene.Enum):
    """From source to target, the other way, or both."""

    OUTBOUND = "OUTBOUND"
    INBOUND = "INBOUND"
    BOTH = "BOTH"
    FORWARD = "FORWARD"
    REVERSE = "REVERSE"

    @property
    def deprecation_reason(self) -> str | None:
        other = {"FORWARD": "OUTBOUND", "REVERSE": "INBOUND"}.get(self.name)
        return f"Use {other}." if other else None


class DateTimeRange(graphene.InputObjectType):
    """Both moments belong to it; either may be left out."""

    from_ = DateTime(name="from")
    to = DateTime()


class PaginationInput(graphene.InputObjectType):
    """By first and after, by limit and offset, or by page and pageSize; 50 rows unless said, 1,000 at most."""

    first = graphene.Int()
    after = graphene.String()
    limit = graphene.Int()
    offset = graphene.Int()
    page = graphene.Int()
    page_size = graphene.Int()


class SortInput(graphene.InputObjectType):
    """A key to sort by."""

    field = graphene.String(required=True)
    direction = SortDirection(default_value=SortDirection.ASC)


class RelationshipFilter(graphene.InputObjectType):
    """Conditions that have all to be met."""

    relationship_type_ids = graphene.List(graphene.NonNull(graphene.ID), description="Ids or slugs.")
    source_thing_ids = graphene.List(graphene.NonNull(graphene.ID))
    target_thing_ids = graphene.List(graphene.NonNull(graphene.ID))
    status = graphene.List(graphene.NonNull(RelationshipStatus))
    is_bidirectional = graphene.Boolean()
    effective_at_date = DateTime(description="What holds at this moment.")
    created_date_range = DateTimeRange()
    updated_date_range = DateTimeRange()
    metadata_contains = JSON()
    search = graphene.String()
    where = RecordFilters(description="More conditions, in the language of REST's `filter`.")


class RelationshipTraversalInput(graphene.InputObjectType):
    """A walk. Types that stand here and in the filter have to stand in both; the filter takes no search."""

    start_thing_id = graphene.ID(required=True)
    relationship_type_ids = graphene.List(graphene.NonNull(graphene.ID), description="Ids or slugs; all unless given.")
    direction = TraversalDirection(default_value=TraversalDirection.BOTH)
    max_depth = graphene.Int(default_value=1, description="10 at most.")
    include_inactive = graphene.Boolean(default_value=False)
    filter = RelationshipFilter(description="Conditions on each relationship.")
    limit = graphene.Int(description="Records that are found at most: 1,000 unless given, 10,000 at most.")


class CreateValueInput(graphene.InputObjectType):
    """A value of a field, in the member of its type or in `valueData`."""

    attribute_id = graphene.ID(required=True, description="Id or slug of the field.")
    value_data = JSON()
    string_value = graphene.String()
    number_value = graphene.Float()
    boolean_value = graphene.Boolean()
    date_value = DateTime()
    json_value = JSON()


class CreateRelationshipInput(graphene.InputObjectType):
    """A relationship that is to be made."""

    relationship_type_id = graphene.ID(required=True, description="Id or slug.")
    source_thing_id = graphene.ID(required=True)
    target_thing_id = graphene.ID(required=True)
    status = RelationshipStatus(default_value=RelationshipStatus.ACTIVE)
    metadata = JSON()
    is_bidirectional = graphene.Boolean(description="As its type says unless given.")
    effective_from = DateTime()
    effective_until = DateTime()
    strength = graphene.Float(description="From 0 to 1; 1 unless given.")
    values = graphene.List(graphene.NonNull(CreateValueInput))
    data = JSON(description="Values by the slugs of the type's fields.")


_TESTS = {
    "relationship_type_ids": ("relationship_type", "in"), "source_thing_ids": ("source_record_id", "in"),
    "target_thing_ids": ("target_record_id", "in"), "status": ("status", "in"),
    "is_bidirectional": ("is_bidirectional", "exact"), "effective_at_date": ("effective_at", "exact"),
    "metadata_contains": ("metadata", "contains"),
}  # fmt: skip
_RANGES = {"created_date_range": "created_at", "updated_date_range": "updated_at"}
_PLACES = {
    "relationship_type": "relationshipTypeId", "source_record_id": "sourceThingId", "target_record_id": "targetThingId",
    "effective_from": "effectiveFrom", "effective_until": "effectiveUntil", "is_bidirectional": "isBidirectional",
}  # fmt: skip
_VALUES = ("value_data", "string_value", "number_value", "boolean_value", "date_value", "json_value")


def filter_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """As a filter of relationships."""
    found: dict[str, Any] = {}
    for name, (column, operator) in _TESTS.items():
        value = given.get(name)
        if value is not None:
            found[column] = {operator: [plain(item) for item in value] if isinstance(value, list) else value}
    for name, column in _RANGES.items():
        ends = given.get(name) or {}
        tests = {"gte": ends.get("from_"), "lte": ends.get("to")}
        if any(tests.values()):
            found[column] = {operator: value for operator, value in tests.items() if value is not None}
    return {**found, "and": [given["where"]]} if given.get("where") is not None else found


def ordering_of(sorting: list[Mapping[str, Any]] | None) -> str:
    return ",".join(
        ("-" if plain(entry.get("direction")) == "DESC" else "") + to_snake_case(entry["field"])
        for entry in sorting or ()
    )


def place_in_query(pointer: str) -> str:
    """Where the arguments have what REST's parameters are faulty in."""
    if pointer.startswith("/filter/and/0"):
        return pointer.replace("/and/0", "/where", 1)
    if pointer.startswith("/filter/"):
        column, _, rest = pointer.removeprefix("/filter/").partition("/")
        names = {column: name for name, (column, _) in _TESTS.items()} | {c: name for name, c in _RANGES.items()}
        return f"/filter/{_camel(names.get(column, column))}" + (f"/{rest}" if rest.isdigit() else "")
    return {"/ordering": "/sorting", "/search": "/filter/search"}.get(pointer, pointer)


def body_of(given: Mapping[str, Any], slugs: Mapping[str, str]) -> dict[str, Any]:
    """What is to be made, as REST takes it; `slugs` are those of fields by their ids. Raises ValidationFailed."""
    body = {
        "relationship_type": given["relationship_type_id"],
        "source_record_id": given["source_thing_id"],
        "target_record_id": given["target_thing_id"],
        "status": plain(given.get("status")) or "ACTIVE",
    }
    for name in ("metadata", "is_bidirectional", "effective_from", "effective_until", "strength"):
        if given.get(name) is not None:
            body[name] = given[name]
    data, faults = given.get("data"), FaultList()
    values = {} if data is None else data
    for at, entry in enumerate(given.get("values") or ()):
        said = [entry[name] for name in _VALUES if entry.get(name) is not None]
        if len(said) > 1:
            faults.add(f"/input/values/{at}", "INVALID_VALUE", "A value is given in one member.")
        slug = slugs.get(entry["attribute_id"], entry["attribute_id"])
        if isinstance(values, dict):
            values = {**values, slug: said[0] if said else None}
    faults.check(ValidationFailed)
    return {**body, "data": values}


def place_in_input(path: str | None) -> str | None:
    return _PLACES.get(path, path) if path else path


def plain(value: Any) -> Any:
    """Of an entry of an enum its value."""
    return getattr(value, "value", value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
