"""How the comments of a record are shown and asked about. Of a deleted one its place in the thread is left."""

from __future__ import annotations

from uuid import UUID

from oneo.fields.dates import DateTime
from oneo.fields.scalars import Identifier
from oneo.filters.columns import Column
from oneo.store.resources import Resource, moment_keys, plain_keys

_ID, _TIME = Identifier(), DateTime()
_BODY = "CASE WHEN c.deleted_at IS NULL THEN c.body ELSE '' END"


def comment_resource(record_id: UUID) -> Resource:
    return Resource(
        table="comments",
        alias="c",
        base=f"c.record_id = '{record_id}'",
        document={
            **plain_keys("c", "id", "pipeline_id", "record_id", "parent_id"),
            "body": _BODY,
            "created_by": "c.created_by",
            **moment_keys("c", "created_at", "updated_at", "deleted_at"),
            "version": "c.version",
        },
        columns={
            "id": Column("c.id", _ID),
            "parent_id": Column("c.parent_id", _ID, nullable=True),
            "created_by": Column("c.created_by", _ID, nullable=True),
            "created_at": Column("c.created_at", _TIME),
            "updated_at": Column("c.updated_at", _TIME),
        },
        search=(_BODY,),
        order="created_at",
    )


COMMENTS = comment_resource(UUID(int=0))
"""What holds for the comments of every record."""
