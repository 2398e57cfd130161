"""What can be asked about relationships that are walked along; they are `x`, their ends `r`."""

from __future__ import annotations

from collections.abc import Mapping

from oneo.fields.dates import DateTime
from oneo.fields.kinds.registry import kind_named
from oneo.fields.scalars import Boolean, Identifier, Integer
from oneo.filters.columns import Column
from oneo.filters.link_columns import StoredMetadataColumn

_ID, _TIME = Identifier(), DateTime()
STEPS: Mapping[str, Column] = {
    "id": Column("x.id", _ID),
    "source_record_id": Column("x.source_id", _ID),
    "target_record_id": Column("x.target_id", _ID),
    "is_bidirectional": Column("x.is_bidirectional", Boolean()),
    "strength": Column("x.strength", kind_named("number", {})),
    "metadata": StoredMetadataColumn("x.metadata", kind_named("json", {}), sortable=False),
    "effective_from": Column("x.effective_from", _TIME),
    "effective_until": Column("x.effective_until", _TIME, nullable=True),
    "created_at": Column("x.created_at", _TIME),
    "updated_at": Column("x.updated_at", _TIME),
    "created_by": Column("x.created_by", _ID, nullable=True),
    "updated_by": Column("x.updated_by", _ID, nullable=True),
    "version": Column("x.version", Integer()),
}
