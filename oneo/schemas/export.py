"""What an export can be asked for."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from oneo.schemas.base import OneOf


class ExportParameters(Schema):
    """As a list's, without what is about pages. Further parameters are conditions."""

    class Meta:
        unknown = INCLUDE

    format = fields.String(load_default=None)
    headers = fields.String(load_default=None, validate=OneOf(["slug", "name"]))
    ordering = fields.String(load_default="")
    search = fields.String(load_default="")
    fields_ = fields.String(load_default="", data_key="fields")
    filter = fields.String(load_default=None)
