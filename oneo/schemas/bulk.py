"""Many records in one call."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from oneo.operations.bulk import MAX_ROWS, Mode
from oneo.schemas.base import Choice, Input, StrictInteger
from oneo.schemas.record import RecordCreate, RecordSchema


class BulkParameters(Schema):
    mode = Choice(
        Mode, load_default=Mode.PARTIAL,
        metadata={"description": "`partial` writes the good entries, `atomic` all or none, `dry_run` none."},
    )  # fmt: skip


class UpsertParameters(BulkParameters):
    on = fields.String(
        load_default="id", validate=validate.Length(max=64),
        metadata={"description": "What tells records apart: `id`, or the slug of a unique field."},
    )  # fmt: skip


class BulkUpdateEntry(RecordCreate):
    id = fields.UUID(required=True)
    version = StrictInteger(metadata={"description": "The version that is expected."})


class BulkUpsertEntry(RecordCreate):
    id = fields.UUID()
    version = StrictInteger()


class BulkFault(Schema):
    index = fields.Integer(required=True)
    errors = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), required=True,
        metadata={"example": {"amount": ["A number is expected."]}},
    )  # fmt: skip


class BulkAnswer(Schema):
    errors = fields.List(fields.Nested(BulkFault()), required=True)
    error_count = fields.Integer(required=True)
    valid_count = fields.Integer(required=True, metadata={"description": "Entries that were, or could be, written."})


class BulkCreated(BulkAnswer):
    created = fields.List(fields.Nested(RecordSchema()), required=True)
    created_count = fields.Integer(required=True)


class BulkUpdated(BulkAnswer):
    updated = fields.List(fields.Nested(RecordSchema()), required=True)
    updated_count = fields.Integer(required=True)


class BulkUpserted(BulkAnswer):
    upserted = fields.List(
        fields.Nested(RecordSchema()), required=True, metadata={"description": "In the order of the entries."}
    )
    upserted_count = fields.Integer(required=True)
    created_count = fields.Integer(required=True, metadata={"description": "Of these, new records."})
    updated_count = fields.Integer(required=True, metadata={"description": "Of these, records that were there."})


class BulkDelete(Input):
    """Either ids or a filter."""

    ids = fields.List(fields.UUID(), validate=validate.Length(max=MAX_ROWS), metadata={"example": []})
    filter = fields.Dict(metadata={"example": {"status": "archived"}})
    max_affected = StrictInteger(
        validate=validate.Range(min=0, max=MAX_ROWS),
        metadata={
            "description": f"With a filter: if more records match, none is removed. {MAX_ROWS:,} unless said; "
            "with the filter `{}`, which removes all, it must be said."
        },
    )  # fmt: skip

    @validates_schema
    def check_choice(self, data: dict[str, object], **_: object) -> None:
        if ("ids" in data) == ("filter" in data):
            raise ValidationError("Either ids or filter is expected.")


class BulkDeleted(BulkAnswer):
    deleted_count = fields.Integer(required=True)
