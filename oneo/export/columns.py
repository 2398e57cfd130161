"""The columns of an export: what each is called, and what its cells hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import kind_named
from oneo.fields.shapes import FieldShape

_BEFORE = {"id": "text", "title": "text", "status": "text"}
_AFTER = {"created_at": "datetime", "updated_at": "datetime", "created_by": "text", "updated_by": "text",
          "version": "number"}  # fmt: skip
_ON_DEMAND = {"pipeline_id": "text", "deleted_at": "datetime"}
_OWN = {**_BEFORE, **_AFTER, **_ON_DEMAND}
_PREFIX = "data__"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is what `fields=` picks it by, `header` what stands above it."""

    name: str
    header: str
    kind: Kind


def columns_of(fields: Mapping[str, FieldShape], picked: Iterable[str] | None, *, labels: bool) -> list[Column]:
    """Those that are picked, in that order, else all; `data` stands for every field."""
    whole = [f"{_PREFIX}{slug}" for slug in fields]
    names: list[str] = []
    for name in picked or (*_BEFORE, "data", *_AFTER):
        names.extend(whole if name == "data" else [name])
    return [_column(name, fields, labels=labels) for name in dict.fromkeys(names)]


def _column(name: str, fields: Mapping[str, FieldShape], *, labels: bool) -> Column:
    if name in _OWN:
        header = "ID" if name == "id" else name.replace("_", " ").capitalize()
        return Column(name, header if labels else name, kind_named(_OWN[name], {}))
    slug = name.removeprefix(_PREFIX)
    field = fields[slug]
    # A field may be called like a column of every record; two columns of one name could not be told apart.
    header = name if slug in _OWN else slug
    return Column(name, field.name if labels else header, field.kind)
