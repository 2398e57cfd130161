"""Columns that are fields of records: asked in an index slot where the field has one, else in the JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from oneo import exact_json
from oneo.fields.dates import DateTime
from oneo.fields.kinds.base import MAX_KEY, Kind
from oneo.fields.kinds.numbers import as_number
from oneo.fields.kinds.terms import SLOT_LENGTH, Family
from oneo.fields.scalars import Identifier, Integer, Keyword, Text
from oneo.fields.shapes import PipelineShape
from oneo.filters import tenant_indexes
from oneo.filters.columns import SIGNS, Column
from oneo.filters.sql import FALSE, Sql, all_of, any_of, like
from oneo.filters.trigrams import narrowing

RECORD = "r"
"""The alias of the record wherever its fields are asked about."""
MAX_ALTERNATIVES = 10
"""So many values of a list are looked up in the index of the JSON, one by one; more are compared as one array."""
_SLOT_TYPES = {"t": "text", "n": "float8", "d": "timestamptz"}


@dataclass(frozen=True, slots=True)
class DataColumn(Column, ABC):
    """A text slot holds the first 256 characters, a number slot the nearest float: where that is not the whole truth,
    the exact value in the JSON is looked at too. `stored`: the record is a row of the table, which has indexes, and no
    state that it had once. `trigrams`: there is an index of substrings.
    """

    slug: str = ""
    slot: str | None = None
    stored: bool = False
    trigrams: bool = False

    @property
    def cast(self) -> str:
        return _SLOT_TYPES[self.kind.slot] if self.kind.slot else self.type.sql_type

    @property
    def indexed(self) -> bool:
        return self.slot is not None

    @property
    def kind(self) -> Kind:
        return cast("Kind", self.type)

    @property
    def in_slot(self) -> str:
        return f"{RECORD}.{self.slot}"

    @property
    def as_text(self) -> str:
        return text_of(self.slug)

    def test(self, operator: str, value: object) -> Sql:
        if operator == "exists":
            place = self.in_slot if self.slot else f"({RECORD}.data->'{self.slug}')"
            return Sql(f"({place} IS {'NOT ' if value else ''}NULL)")
        if operator == "exact" and value is None:
            return self.test("exists", False)
        if operator == "in" and isinstance(value, list):
            return self._among(value)
        return self.compare(operator, value)

    def _among(self, values: list[Any]) -> Sql:
        """Equal to one of the values. Planning takes memory for each alternative, so that there are few of them."""
        if not values:
            return FALSE
        if self.slot or len(values) > MAX_ALTERNATIVES:
            return self.compare_all(values)
        return any_of([self.holds(value) for value in self.in_data(values)])

    def alternatives(self, value: object) -> int:
        return min(len(value), MAX_ALTERNATIVES) if isinstance(value, list) and not self.slot else 1

    def in_data(self, values: list[Any]) -> list[Any]:
        """The values as the JSON has them where it is equal to, or contains, one of them."""
        return values

    def compare_all(self, values: list[Any]) -> Sql:
        """The same in one comparison with an array."""
        return Sql(f"({self.as_text} = ANY(%s::text[]))", [values])

    @abstractmethod
    def compare(self, operator: str, value: Any) -> Sql:
        """The test of one value by an operator of the kind."""

    def holds(self, value: object) -> Sql:
        """Equality by containment, which the index of the JSON serves."""
        document = exact_json.dumps({self.slug: value})
        found = Sql(f"({RECORD}.data @> %s::jsonb)", [document])
        return all_of([found, tenant_indexes.contains(RECORD, "data", document)]) if self.stored else found


class WordColumn(DataColumn):
    """Texts, choices, ids of users: compared by code point."""

    __slots__ = ()

    def compare_all(self, values: list[Any]) -> Sql:
        exact = DataColumn.compare_all(self, values)
        if not self.slot:
            return exact
        found = Sql(f"({self.in_slot} = ANY(%s::text[]))", [[value[:SLOT_LENGTH] for value in values]])
        return all_of([found, exact]) if any(len(value) >= SLOT_LENGTH for value in values) else found

    def compare(self, operator: str, value: Any) -> Sql:
        slot = self.in_slot if self.slot and len(value) < SLOT_LENGTH else None
        whole = f'{self.as_text} COLLATE "C"'
        if operator == "contains":
            return self.containing(value)
        if operator == "startswith":
            return Sql(f"starts_with({slot or whole}, %s)", [value])
        if operator != "exact":
            return Sql(f"({slot or whole} {SIGNS[operator]} %s)", [value])
        return Sql(f"({slot} = %s)", [value]) if slot else self.holds(value)

    def containing(self, value: str) -> Sql:
        """What the index finds is still held against the field. Where it is not used, the field comes first."""
        found = Sql(f"({self.as_text} ILIKE %s)", [like(value)])
        return all_of([found, narrowing(value, RECORD)]) if self.trigrams else found


class FlagColumn(DataColumn):
    __slots__ = ()

    def compare_all(self, values: list[Any]) -> Sql:
        place = self.in_slot if self.slot else self.as_text
        return Sql(f"({place} = ANY(%s::text[]))", [["true" if value else "false" for value in values]])

    def compare(self, operator: str, value: Any) -> Sql:  # noqa: ARG002 - equality is all there is
        return Sql(f"({self.in_slot} = %s)", ["true" if value else "false"]) if self.slot else self.holds(value)


class NumberColumn(DataColumn):
    __slots__ = ()

    def compare_all(self, values: list[Any]) -> Sql:
        exact = Sql(f"({self.as_text}::numeric = ANY(%s::numeric[]))", [values])
        if not self.slot:
            return exact
        near = Sql(f"({self.in_slot} = ANY(%s::float8[]))", [[float(value) for value in values]])
        sure = self.kind.exact_in_slot and all(as_number(value) is not None for value in values)
        return near if sure else all_of([near, exact])

    def compare(self, operator: str, value: Any) -> Sql:
        sign = SIGNS.get(operator, "=")
        exact = Sql(f"({self.as_text}::numeric {sign} %s)", [value])
        if not self.slot:
            return exact if operator != "exact" else self.holds(value)
        if self.kind.exact_in_slot and as_number(value) is not None:
            return Sql(f"({self.in_slot} {sign} %s::float8)", [float(value)])
        near = sign if sign in {"=", ">=", "<="} else f"{sign}="
        return all_of([Sql(f"({self.in_slot} {near} %s::float8)", [float(value)]), exact])


class MomentColumn(DataColumn):
    """Dates and times are kept as texts that sort as they do."""

    __slots__ = ()

    def compare_all(self, values: list[Any]) -> Sql:
        if not self.slot:
            return DataColumn.compare_all(self, values)
        return Sql(f"({self.in_slot} = ANY(%s::timestamptz[]))", [[self.kind.slot_value(value) for value in values]])

    def compare(self, operator: str, value: Any) -> Sql:
        sign = SIGNS.get(operator, "=")
        if self.slot:
            return Sql(f"({self.in_slot} {sign} %s::timestamptz)", [self.kind.slot_value(value)])
        return Sql(f'({self.as_text} COLLATE "C" {sign} %s)', [value]) if operator != "exact" else self.holds(value)


class SetColumn(DataColumn):
    """Several choices: `contains` is all of the given, `in` any of them, `exact` the same set."""

    __slots__ = ()

    def in_data(self, values: list[Any]) -> list[Any]:
        return [[value] for value in values]

    def compare_all(self, values: list[Any]) -> Sql:
        return Sql(f"({RECORD}.data->'{self.slug}' ?| %s::text[])", [values])

    def compare(self, operator: str, value: Any) -> Sql:
        chosen = value if isinstance(value, list) else [value]
        if operator == "contains":
            return self.holds(chosen)
        size = Sql(f"(jsonb_array_length({RECORD}.data->'{self.slug}') = %s)", [len(chosen)])
        return all_of([self.holds(chosen), size])


class DocumentColumn(DataColumn):
    __slots__ = ()

    def compare(self, operator: str, value: Any) -> Sql:
        if operator == "contains":
            return self.holds(value)
        equal = Sql(f"({RECORD}.data->'{self.slug}' = %s::jsonb)", [exact_json.dumps(value)])
        return all_of([self.holds(value), equal])


_COLUMNS: Mapping[Family, type[DataColumn]] = {
    Family.TEXT: WordColumn,
    Family.CHOICE: WordColumn,
    Family.FLAG: FlagColumn,
    Family.NUMBER: NumberColumn,
    Family.MOMENT: MomentColumn,
    Family.SET: SetColumn,
    Family.DOCUMENT: DocumentColumn,
}


def data_column(
    slug: str, kind: Kind, slot: str | None, *, stored: bool = False, trigrams: bool = False
) -> DataColumn:  # fmt: skip
    """`slot` is one that is filled; while it fills the field is asked about as if it had none."""
    column = _COLUMNS[kind.family]
    # Without a slot the order is that of what it would hold: lists and their cursors outlast its coming and going.
    order = f"{RECORD}.{slot}" if slot else _order(slug, kind)
    return column(
        order, kind, nullable=True, sortable=kind.slot is not None, slug=slug, slot=slot, stored=stored,
        trigrams=trigrams,
    )  # fmt: skip


def _order(slug: str, kind: Kind) -> str:
    if kind.slot is None:
        return text_of(slug)
    held = slot_expression(kind.slot, slug, kind)
    return f'({held} COLLATE "C")' if kind.slot == "t" else f"({held})"


def slot_expression(slot: str, slug: str, kind: Kind, data: str = f"{RECORD}.data") -> str:
    """What a slot of this field holds, from the JSON of a record."""
    text = text_of(slug, data)
    if slot[0] == "u":
        plain = f"trim_scale({text}::numeric)::text" if kind.family is Family.NUMBER else text
        return (
            f"CASE WHEN octet_length({plain}) <= {MAX_KEY} AND NOT starts_with({plain}, 'sha256:') THEN {plain} "
            f"ELSE 'sha256:' || encode(sha256(convert_to({plain}, 'UTF8')), 'hex') END"
        )
    if slot[0] == "n":
        return f"{text}::float8"
    if slot[0] == "d":
        return f"({text} || 'T00:00:00Z')::timestamptz" if kind.name == "date" else f"{text}::timestamptz"
    return f"left({text}, {SLOT_LENGTH})"


def text_of(slug: str, data: str = f"{RECORD}.data") -> str:
    return f"({data}->>'{slug}')"


def catalogue(shape: PipelineShape, hidden: frozenset[str], *, slots: bool = True) -> dict[str, Column]:
    """All that can be asked about records of a pipeline when these fields do not exist.

    Without slots it can be asked of anything that has the other columns of a record, which no index serves.
    """
    fields = {
        f"data__{slug}": data_column(
            slug, found.kind, found.slot if slots else None, stored=slots, trigrams=slots and shape.trigrams
        )
        for slug, found in shape.fields.items()
        if slug not in hidden
    }
    title = _PLAIN["title"] if shape.title_field is None else fields.get(f"data__{shape.title_field}")
    plain = {**_PLAIN, "title": title} if title else {name: c for name, c in _PLAIN.items() if name != "title"}
    return {**plain, **fields}


_PLAIN: Mapping[str, Column] = {
    "id": Column("r.id", Identifier()),
    "title": Column("r.title", Text()),
    "status": Column("r.status", Keyword()),
    "version": Column("r.version", Integer()),
    "created_at": Column("r.created_at", DateTime()),
    "updated_at": Column("r.updated_at", DateTime()),
    "created_by": Column("r.created_by", Identifier(), nullable=True),
    "updated_by": Column("r.updated_by", Identifier(), nullable=True),
}
COMMON: Mapping[str, Column] = {"pipeline_id": Column("r.pipeline_id", Identifier()), **_PLAIN}
"""What can be asked about records of whatever pipeline."""
